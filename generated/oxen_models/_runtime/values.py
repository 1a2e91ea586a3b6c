# Copied by oxen-codegen from templates/package/_runtime/values.py. Do not edit.
"""Read values from JSON objects, and check values that are sent as JSON."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from oxen_models._runtime.json_schema.json_types import is_object

MAX_VALUE_LENGTH = 120
MAX_INTEGER_BITS = 14_000
"""Maximum size of an integer that Python converts to text, by default at most 4,300 digits."""


def text(body: Mapping[str, Any], key: str) -> str | None:
    """Return a non-empty string of a JSON object; None for any other value."""
    value = body.get(key)
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """Return a non-negative integer; None for any other value."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def map_scalars(value: object, change: Callable[[object, str], object], name: str = "") -> Any:
    """Return a copy of a JSON value with each value that is not a list or an object changed.

    Args:
        value: The value. A tuple becomes a list.
        change: Called with a value and its name, such as `input_image[0]`. Returns the changed value.
        name: The name of the value; empty for an object of parameters.

    Raises:
        RecursionError: The value is nested too deeply.
    """
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        return [map_scalars(item, change, f"{name}[{index}]") for index, item in enumerate(items)]
    if is_object(value):
        return {
            key: map_scalars(item, change, f"{name}[{key!r}]" if name else str(key))
            for key, item in value.items()
        }
    return change(value, name)


def json_error(value: object) -> str | None:
    """Return why a value cannot be sent as JSON; None if it can.

    Raises:
        RecursionError: The value is nested too deeply.
    """
    if isinstance(value, list | tuple):
        return next(filter(None, map(json_error, cast("list[object]", value))), None)
    if is_object(value):
        keys = cast("dict[object, object]", value)
        wrong = next((key for key in keys if not isinstance(key, str)), None)
        if wrong is not None:
            return f"must have strings as keys, got the key {wrong!r:.80}"
        return next(filter(None, map(json_error, (*value, *value.values()))), None)
    if isinstance(value, str):
        try:
            if not value.isascii():
                value.encode()
        except UnicodeEncodeError:
            return "must be valid Unicode (no lone surrogates)"
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        return "must be an integer of fewer digits"
    if value is None or isinstance(value, int | float):
        return None
    return f"must be a JSON value, got {type(value).__name__}"


def shorten(value: Any) -> str:
    """Return a short representation of a value for an error."""
    if issubclass(type(value), bytes | bytearray | memoryview | array):
        return f"<{memoryview(value).nbytes} bytes>"
    if isinstance(value, str):
        value = value[:MAX_VALUE_LENGTH]  # because the `repr` of a long text takes long
    try:
        text = repr(value)
    except Exception:  # nested too deeply, an integer of too many digits, or an error of the class itself
        return f"<{type(value).__name__}>"
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[: MAX_VALUE_LENGTH - 1]}…"
