"""JSON values: type guards, equality and size."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a parsed JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a parsed JSON value is an array."""
    return isinstance(value, list)


def json_equal(a: object, b: object) -> bool:
    """Return whether two values are equal in JSON, where 1 equals 1.0 and true does not equal 1."""
    return bool(a == b) and _have_equal_booleans(a, b)


def _have_equal_booleans(a: object, b: object) -> bool:
    """Return whether two values that are equal in Python have booleans in the same places."""
    if is_list(a) and is_list(b):
        return all(map(_have_equal_booleans, a, b))
    if is_object(a) and is_object(b):
        return all(_have_equal_booleans(value, b[key]) for key, value in a.items())
    return isinstance(a, bool) == isinstance(b, bool)


def count_values(value: object, limit: int) -> int:
    """Return the number of values in a JSON value, or a number above `limit` if there are more than that.

    The time is proportional to `limit`, also for a value that has the same part many times.
    """
    count = 0
    rest = [value]
    while rest and count + len(rest) <= limit:
        part = rest.pop()
        count += 1
        rest.extend(part.values() if is_object(part) else part if is_list(part) else ())
    return count + len(rest)
