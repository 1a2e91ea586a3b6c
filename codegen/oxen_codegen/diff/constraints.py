"""Compare what two schemas accept, apart from the contents of lists and objects."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ..accepted_values import RANGE, Node, accepts
from .nodes import Schema, TypeSet, describe_type, exceeds, has_class, number_interval

ParameterChange = tuple[str | None, str, Any, Any]
"""The path of the parameter, the kind of change, and the old and new value."""


def compare_types(
    path: str, old: Node, new: Node, old_types: TypeSet, new_types: TypeSet
) -> Iterator[ParameterChange]:
    """Yield types that are no longer accepted, or newly accepted."""
    removed, added = old_types.names - new_types.names, new_types.names - old_types.names
    match old_types.nodes.get("number", {}).get("type"), new_types.nodes.get("number", {}).get("type"):
        case "integer", "number":
            added.add("number")
        case "number", "integer":
            removed.add("number")
        case _:
            pass
    if "object" in old_types.nodes.keys() & new_types.nodes.keys():
        had_class, gets_class = (has_class(types.nodes["object"]) for types in (old_types, new_types))
        if gets_class and not had_class:
            removed.add("object")  # an arbitrary object is no longer accepted
        if had_class and not gets_class:
            yield path, "class-removed", *describe_types(old, new)
    if removed and added:
        kind = "type-changed"
        if not (old_types.names & new_types.names) - {"null"}:
            kind = "became-array" if "array" in added else "became-scalar" if "array" in removed else kind
        yield path, kind, *describe_types(old, new)
    elif removed:
        yield path, "type-narrowed", *describe_types(old, new)
    elif added:
        yield path, "type-widened", *describe_types(old, new)


def compare_single_values(
    path: str, old: Node, new: Node, old_types: TypeSet, new_types: TypeSet
) -> Iterator[ParameterChange]:
    """Yield a change of the values that are accepted in addition to a type, or instead of it."""
    names = old_types.names & new_types.names
    restricted = (name for name in names if name in old_types.nodes and name not in new_types.nodes)
    released = (name for name in names if name in new_types.nodes and name not in old_types.nodes)
    old_values, new_values = (
        [value for name in names for value in types.enums.get(name, ())] for types in (old_types, new_types)
    )
    yield from compare_enums(
        path, old, new, old_values, new_values, is_narrowed=any(restricted), is_widened=any(released)
    )


def compare_enums(
    path: str,
    old: Node,
    new: Node,
    old_values: list[Any],
    new_values: list[Any],
    *,
    is_narrowed: bool = False,
    is_widened: bool = False,
) -> Iterator[ParameterChange]:
    """Yield a change of enum values; `is_narrowed` and `is_widened` state whether other values changed."""
    yield from _report_restriction(
        path,
        "enum",
        old.get("enum") or describe_type(old),
        new.get("enum") or describe_type(new),
        is_narrowed=is_narrowed or not all(accepts(new, value, urls_only=True) for value in old_values),
        is_widened=is_widened or not all(accepts(old, value, urls_only=True) for value in new_values),
    )


def compare_numbers(path: str, old: Schema, new: Schema) -> Iterator[ParameterChange]:
    """Yield a change of the range of a number."""
    # If only one of them accepts fractions, the type has changed; compare the integers in their ranges.
    integers = "integer" in (old.node["type"], new.node["type"])
    a, b = number_interval(old.node, integers=integers), number_interval(new.node, integers=integers)
    old_range, new_range = (
        {key: schema.node[key] for key in RANGE if key in schema.node} for schema in (old, new)
    )
    yield from _report_restriction(
        path, "range", old_range, new_range, is_narrowed=exceeds(a, b), is_widened=exceeds(b, a)
    )


def compare_media(
    path: str, old: Node, new: Node, old_types: TypeSet, new_types: TypeSet
) -> Iterator[ParameterChange]:
    """Yield a string that becomes a medium: a call then takes a string that is not a URL as a path."""
    accepted_text = "string" in old_types.names and "media" not in old_types.nodes.get("string", {})
    if accepted_text and "media" in new_types.nodes.get("string", {}):
        yield path, "became-media", *describe_types(old, new)


def describe_types(old: Node, new: Node) -> tuple[str, str]:
    """Return the old and new type in words."""
    return describe_type(old), describe_type(new)


def compare_sizes(
    path: str, size: str, old: Node, new: Node, minimum: str, maximum: str
) -> Iterator[ParameterChange]:
    """Yield a change of the length of a string, or of the number of items in a list.

    Args:
        path: The path of the parameter.
        size: The name of the size: length or count.
        old: The old schema.
        new: The new schema.
        minimum: The keyword of the minimum.
        maximum: The keyword of the maximum.
    """

    def accepts_more(a: Node, b: Node) -> bool:
        is_lower = a.get(minimum, 0) < b.get(minimum, 0)
        return bool(is_lower or a.get(maximum, math.inf) > b.get(maximum, math.inf))

    a, b = ({key: node[key] for key in (minimum, maximum) if key in node} for node in (old, new))
    yield from _report_restriction(
        path, size, a, b, is_narrowed=accepts_more(a, b), is_widened=accepts_more(b, a)
    )


def _report_restriction(
    path: str, constraint: str, old: Any, new: Any, *, is_narrowed: bool, is_widened: bool
) -> Iterator[ParameterChange]:
    """Yield one change at most; a constraint that is both narrowed and widened is narrowed."""
    if is_narrowed or is_widened:
        yield path, f"{constraint}-narrowed" if is_narrowed else f"{constraint}-widened", old, new
