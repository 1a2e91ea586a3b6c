"""JSON values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeGuard, cast


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a parsed JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a parsed JSON value is an array."""
    return isinstance(value, list)


def text(answer: Mapping[str, Any], key: str) -> str | None:
    """A text that is not empty; None for anything else."""
    value = answer.get(key)
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """A whole number that is not negative; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def same(one: object, other: object) -> bool:
    """Equality as JSON has it: 1 is 1.0, and True is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if is_list(one) and is_list(other):
        return len(one) == len(other) and all(map(same, one, other))
    if is_object(one) and is_object(other):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


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
