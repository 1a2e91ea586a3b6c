# Copied by oxen-codegen from codegen/oxen_codegen/json_types.py. Do not edit.
"""JSON values: type guards and equality."""

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
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if is_list(a) and is_list(b):
        return len(a) == len(b) and all(map(json_equal, a, b))
    if is_object(a) and is_object(b):
        return a.keys() == b.keys() and all(json_equal(a[key], b[key]) for key in a)
    return bool(a == b)
