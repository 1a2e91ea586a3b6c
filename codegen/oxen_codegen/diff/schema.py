"""What changed between two parameter schemas, for who builds requests with the bindings.

Compared is the small form of `normalize`, which is what the bindings are made from, so that a diff
and the generated code cannot disagree. The hub's own words are looked at for documentation only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..endpoints import COMMON
from ..json_types import is_list, is_object, json_equal
from ..names import parameter_names
from ..normalize import Node, allows
from . import checks as hub_checks
from .changes import KINDS
from .nodes import (
    Place,
    Sorts,
    classes,
    exceeds,
    files,
    has_class,
    interval,
    join,
    phrase,
    sorts,
    takes_files,
)

Found = tuple[str | None, str, Any, Any]
"""Parameter, kind, old and new: a change that does not know its model yet."""

_TOLD = {"title": "title-changed", "description": "description-changed", "deprecated": "deprecation-changed"}
_FORMAT = ("format", "renderType", "contentMediaType", "contentEncoding")
_RANGE = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def root(node: Node, raw: object) -> Place:
    """A model's parameters, with those that every call has."""
    added = {wire: each for wire, each in COMMON.items() if wire not in node["properties"]}
    return Place({**node, "properties": {**node["properties"], **added}}, raw if is_object(raw) else {})


def changes(old: Place, new: Place) -> Iterator[Found]:
    """Every change between the parameters of one model."""
    checked, checks = hub_checks.of_all(old), hub_checks.of_all(new)
    if not json_equal(checked, checks):
        yield None, "hub-check-changed", checked, checks
    yield from _told(None, old, new)
    yield from _properties("", old, new)


def objects(path: str, old: Place, new: Place) -> Iterator[tuple[str, Place, Place]]:
    """The objects with properties that are at the same place in both."""
    was, now = sorts(old.node), sorts(new.node)
    if was is None or now is None:
        return
    for name in sorted(was.typed.keys() & now.typed.keys()):
        one, other = Place(was.typed[name], old.raw), Place(now.typed[name], new.raw)
        if name == "array":
            yield from objects(f"{path}[]", one.items(), other.items())
        if name == "object":
            yield path, one, other
            for wire in one.node["properties"].keys() & other.node["properties"].keys():
                yield from objects(join(path, wire), one.property(wire), other.property(wire))


def _properties(path: str, old: Place, new: Place) -> Iterator[Found]:
    was, now = old.node["properties"], new.node["properties"]
    for wire in was.keys() - now.keys():
        yield join(path, wire), "parameter-removed", phrase(was[wire]), None
    for wire in now.keys() - was.keys():
        required = wire in new.node["required"]
        kind = "required-parameter-added" if required else "parameter-added"
        yield join(path, wire), kind, None, phrase(now[wire])
        if old.node["additionalProperties"]:
            # What the schema said of any name, it said of this one, too.
            for found in _values(join(path, wire), old.others(), new.property(wire)):
                if KINDS[found[1]] == "breaking":
                    yield found
    old_names, new_names = parameter_names(was), parameter_names(now)
    for wire in was.keys() & now.keys():
        inner = join(path, wire)
        if old_names[wire] != new_names[wire]:
            yield inner, "python-name-changed", old_names[wire], new_names[wire]
        required, requires = wire in old.node["required"], wire in new.node["required"]
        if required != requires:
            yield inner, "became-required" if requires else "became-optional", required, requires
        yield from _defaults(inner, old.node["said"].get(wire, {}), new.node["said"].get(wire, {}))
        yield from _place(inner, old.property(wire), new.property(wire))


def _defaults(path: str, old: Node, new: Node) -> Iterator[Found]:
    if "default" not in old and "default" not in new:
        return
    if "default" not in old:
        yield path, "default-added", None, new["default"]
    elif "default" not in new:
        yield path, "default-removed", old["default"], None
    elif not json_equal(old["default"], new["default"]):
        yield path, "default-changed", old["default"], new["default"]


def _place(path: str, old: Place, new: Place) -> Iterator[Found]:
    yield from _told(path, old, new)
    found = list(_values(path, old, new))
    yield from found
    was, now = _said(old.raw, _FORMAT), _said(new.raw, _FORMAT)
    narrowed = any(where == path and kind == "media-narrowed" for where, kind, *_ in found)
    if was != now and not narrowed:
        yield path, "format-changed", was, now


def _told(path: str | None, old: Place, new: Place) -> Iterator[Found]:
    for keyword, kind in _TOLD.items():
        was, now = (_text(place.raw.get(keyword)) for place in (old, new))
        if was != now:
            yield path, kind, was, now


def _values(path: str, old: Place, new: Place) -> Iterator[Found]:
    """How the values that a caller may give differ."""
    was, now = sorts(old.node), sorts(new.node)
    if was is None and now is None:
        checked, checks = hub_checks.of_place(old), hub_checks.of_place(new)
        if not json_equal(checked, checks):
            yield path, "hub-check-changed", checked, checks
    elif was is None:
        yield path, "type-narrowed", phrase(old.node), phrase(new.node)
    elif now is None:
        yield path, "type-widened", phrase(old.node), phrase(new.node)
        # Neither a file nor an instance of a class is a JSON value.
        if takes_files(old.node):
            yield path, "media-narrowed", phrase(old.node), phrase(new.node)
        if any(classes(old.node)):
            yield path, "class-removed", phrase(old.node), phrase(new.node)
    elif "enum" in old.node and "enum" in new.node:
        one, other = old.node["enum"], new.node["enum"]
        lost, gained = _lacks(one, other), _lacks(other, one)
        yield from _moved(path, "enum", one, other, narrowed=lost, widened=gained)
    else:
        yield from _types(path, old, new, was, now)
        yield from _enums(path, old.node, new.node, was, now)
        for name in was.typed.keys() & now.typed.keys():
            of_type = _OF_TYPE[name]
            yield from of_type(path, Place(was.typed[name], old.raw), Place(now.typed[name], new.raw))


def _types(path: str, old: Place, new: Place, was: Sorts, now: Sorts) -> Iterator[Found]:
    """Types that came or went, and the two that are parts of others."""
    gone, come = was.names - now.names, now.names - was.names
    one, other = was.typed.get("number", {}), now.typed.get("number", {})
    match one.get("type"), other.get("type"):
        case "integer", "number":
            come.add("number")
        case "number", "integer":
            gone.add("number")
        case _:
            pass
    if "object" in was.typed.keys() & now.typed.keys():
        if has_class(now.typed["object"]) and not has_class(was.typed["object"]):
            gone.add("object")  # of any shape
        if has_class(was.typed["object"]) and not has_class(now.typed["object"]):
            yield path, "class-removed", phrase(old.node), phrase(new.node)
    if gone and come:
        kind = "type-changed"
        if not (was.names & now.names) - {"null"}:
            kind = "became-array" if "array" in come else "became-scalar" if "array" in gone else kind
        yield path, kind, phrase(old.node), phrase(new.node)
    elif gone:
        yield path, "type-narrowed", phrase(old.node), phrase(new.node)
    elif come:
        yield path, "type-widened", phrase(old.node), phrase(new.node)


def _enums(path: str, old: Node, new: Node, was: Sorts, now: Sorts) -> Iterator[Found]:
    """An enum where any value of its type did before, or the other way round."""
    listed = _listed(new) or phrase(new)
    if now.values.keys() & was.typed.keys():
        yield path, "enum-narrowed", phrase(old), listed
    for name in was.values.keys() & now.typed.keys():
        lost = [value for value in was.values[name] if not allows(now.typed[name], value)]
        yield path, "enum-narrowed" if lost else "enum-widened", _listed(old), listed


def _listed(node: Node) -> list[Any] | None:
    return node.get("enum")


def _of_numbers(path: str, old: Place, new: Place) -> Iterator[Found]:
    # Where one of the two takes integers only, the type has changed; the range is then that of integers.
    whole = "integer" in (old.node["type"], new.node["type"])
    was, now = interval(old.node, whole=whole), interval(new.node, whole=whole)
    yield from _moved(
        path,
        "range",
        {key: old.node[key] for key in _RANGE if key in old.node},
        {key: new.node[key] for key in _RANGE if key in new.node},
        narrowed=exceeds(was, now),
        widened=exceeds(now, was),
    )


def _of_strings(path: str, old: Place, new: Place) -> Iterator[Found]:
    yield from _sizes(path, "length", old.node, new.node, "minLength", "maxLength")
    if files(old.node) - files(new.node):
        yield path, "media-narrowed", phrase(old.node), phrase(new.node)


def _of_arrays(path: str, old: Place, new: Place) -> Iterator[Found]:
    yield from _sizes(path, "count", old.node, new.node, "minItems", "maxItems")
    yield from _place(f"{path}[]", old.items(), new.items())


def _of_objects(path: str, old: Place, new: Place) -> Iterator[Found]:
    yield from _properties(path, old, new)
    others, other = old.node["additionalProperties"], new.node["additionalProperties"]
    if others is not False and other is not False:
        yield from _values(f"{path}.*", old.others(), new.others())
    elif others is not False:
        yield path, "other-properties-refused", phrase(others), None
    elif other is not False:
        yield path, "other-properties-allowed", None, phrase(other)


def _of_one_value(path: str, old: Place, new: Place) -> Iterator[Found]:
    return iter(())


_OF_TYPE: Mapping[str, Callable[[str, Place, Place], Iterator[Found]]] = {
    "string": _of_strings,
    "number": _of_numbers,
    "boolean": _of_one_value,
    "null": _of_one_value,
    "array": _of_arrays,
    "object": _of_objects,
}


def _sizes(path: str, what: str, old: Node, new: Node, least: str, most: str) -> Iterator[Found]:
    def exceeds(one: Node, other: Node) -> bool:
        is_lower = one.get(least, 0) < other.get(least, 0)
        return bool(is_lower or one.get(most, math.inf) > other.get(most, math.inf))

    was, now = ({key: node[key] for key in (least, most) if key in node} for node in (old, new))
    yield from _moved(path, what, was, now, narrowed=exceeds(was, now), widened=exceeds(now, was))


def _moved(path: str, what: str, old: Any, new: Any, *, narrowed: bool, widened: bool) -> Iterator[Found]:
    """One change, by the graver direction where it moved in both."""
    if narrowed or widened:
        yield path, f"{what}-narrowed" if narrowed else f"{what}-widened", old, new


def _lacks(some: list[Any], others: list[Any]) -> bool:
    """Whether an enum has a value that another lacks."""
    known = {(isinstance(value, bool), value) for value in others if not _is_container(value)}
    return any(
        not allows({"enum": others}, value)
        if _is_container(value)
        else (isinstance(value, bool), value) not in known
        for value in some
    )


def _is_container(value: object) -> bool:
    return is_list(value) or is_object(value)


def _said(raw: Mapping[str, Any], keys: Iterable[str]) -> Node:
    return {key: raw[key] for key in keys if raw.get(key) is not None}


def _text(value: object) -> object:
    """A text as a docstring has it: white space means nothing, and no text is None."""
    if isinstance(value, str):
        return " ".join(value.split()) or None
    return value or None
