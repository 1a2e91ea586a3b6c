"""Values that come from JSON, and values that go into it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from oxen_models._runtime.json_schema.json_types import is_object


def text(answer: Mapping[str, Any], key: str) -> str | None:
    """A text that is not empty; None for anything else."""
    value = answer.get(key)
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """A whole number that is not negative; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def unsendable(value: object) -> str | None:
    """Why JSON cannot hold a value; None where it can.

    Raises:
        RecursionError: It is nested too deeply to tell.
    """
    if isinstance(value, list | tuple):
        return next(filter(None, map(unsendable, cast("list[object]", value))), None)
    if is_object(value):
        odd = next((key for key in cast("dict[object, object]", value) if not isinstance(key, str)), None)
        if odd is not None:
            return f"should be JSON, which has no key {odd!r:.80}"
        return next(filter(None, map(unsendable, (*value, *value.values()))), None)
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return "should be text that UTF-8 can hold"
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return "should be a finite number"
    if value is None or isinstance(value, int | float):
        return None
    return f"should be JSON, not {type(value).__name__}"
