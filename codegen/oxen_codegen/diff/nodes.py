"""Places in a schema, one at a time: what they take, in which types, and in words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..describe import hub_only_doc
from ..json_types import is_list, is_object
from ..normalize import Node

_MEDIA = {"image": {"image"}, "video": {"video"}, "audio": {"audio"}, "file": {"image", "video", "audio"}}


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a schema."""

    node: Node
    raw: Mapping[str, Any]
    """The same in the hub's own words."""

    def property(self, wire: str) -> Place:
        return Place(self.node["properties"][wire], _raw(self.raw.get("properties"), wire))

    def items(self) -> Place:
        return Place(self.node["items"], _raw(self.raw, "items"))

    def others(self) -> Place:
        """The properties that have no name of their own."""
        return Place(self.node["additionalProperties"], _raw(self.raw, "additionalProperties"))


def join(path: str, wire: str) -> str:
    """The path of a property below `path`."""
    plain = wire and not any(char in '.[]*"' or char.isspace() for char in wire)
    step = wire if plain else json.dumps(wire, ensure_ascii=False)
    return f"{path}.{step}" if path else step


def phrase(node: Node) -> str:
    """What a place takes, in a few words."""
    if "anyOf" in node:
        return " or ".join(map(phrase, node["anyOf"]))
    if "enum" in node:
        return f"one of {', '.join(json.dumps(value, ensure_ascii=False) for value in node['enum'])}"
    match node.get("type"):
        case None:
            doc = hub_only_doc(node["hub_only"]) if "hub_only" in node else ""
            return f"any JSON value, {doc[0].lower()}{doc[1:].rstrip('.')}" if doc else "any JSON value"
        case "string":
            return str(node.get("media", "string"))
        case "array":
            return f"array of {phrase(node['items'])}"
        case "object" if has_class(node):
            return f"object with {', '.join(node['properties']) or 'no properties'}"
        case other:
            return str(other)


def has_class(node: Node) -> bool:
    """Whether an object node becomes a class of its own."""
    return bool(node["properties"]) or node["additionalProperties"] is False


def classes(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """The nodes at or below `node` that become classes, with their paths."""
    if node.get("type") == "object" and has_class(node):
        yield path, node
    for inner, where in _inner(node, path):
        yield from classes(inner, where)


@dataclass(frozen=True, slots=True)
class Sorts:
    """What a node takes, by JSON type; integers are numbers."""

    typed: Mapping[str, Node]
    values: Mapping[str, list[Any]]
    """Of an enum."""

    @property
    def names(self) -> set[str]:
        return {*self.typed, *self.values}


def sorts(node: Node) -> Sorts | None:
    """None where any JSON value will do."""
    if "enum" in node:
        values: dict[str, list[Any]] = {}
        for value in node["enum"]:
            values.setdefault(_json_type(value), []).append(value)
        # These two types have no more values than can be listed.
        whole = {"null", *(["boolean"] if len(values.get("boolean", ())) == 2 else [])}
        typed = {name: {"type": name} for name in whole & values.keys()}
        return Sorts(typed, {name: each for name, each in values.items() if name not in whole})
    members = node.get("anyOf", [node])
    if any("type" not in member for member in members):
        return None
    return Sorts({_name(member): member for member in members}, {})


def _name(node: Node) -> str:
    return "number" if node["type"] == "integer" else str(node["type"])


def _json_type(value: object) -> str:
    names: dict[type[Any], str] = {bool: "boolean", str: "string", int: "number", float: "number"}
    if value is None:
        return "null"
    return "array" if is_list(value) else names.get(type(value), "object")


Interval = tuple[tuple[float, bool], tuple[float, bool]]
"""The lowest and the highest number, each with whether it is left out itself."""


def interval(node: Node, *, whole: bool) -> Interval:
    """The range of a number; with `whole`, of the integers in it."""
    low = max((node.get("minimum", -math.inf), False), (node.get("exclusiveMinimum", -math.inf), True))
    above, below = node.get("exclusiveMaximum", math.inf), node.get("maximum", math.inf)
    high = (above, True) if above <= below and above != math.inf else (below, False)
    if low[0] == -math.inf:
        low = (low[0], False)
    if whole:
        low, high = _whole(low, 1), _whole(high, -1)
    return low, high


def _whole(end: tuple[float, bool], inwards: int) -> tuple[float, bool]:
    """The first integer within the end of an interval."""
    number, left_out = end
    if math.isinf(number):
        return end
    inner = math.ceil(number) if inwards > 0 else math.floor(number)
    return (inner + inwards if left_out and inner == number else inner), False


def exceeds(one: Interval, other: Interval) -> bool:
    """Whether some number is in `one` and not in the other."""
    (low, low_out), (high, high_out) = one
    (other_low, other_low_out), (other_high, other_high_out) = other
    is_lower = (low, low_out) < (other_low, other_low_out)
    return is_lower or (high, not high_out) > (other_high, not other_high_out)


def files(node: Node) -> set[str]:
    """The media that a string may be read from a file of."""
    return _MEDIA.get(str(node.get("media")), set())


def takes_files(node: Node) -> bool:
    """Whether a file may be given for it, or for something in it."""
    return "media" in node or any(takes_files(inner) for inner, _ in _inner(node, ""))


def _inner(node: Node, path: str) -> Iterator[tuple[Node, str]]:
    yield from ((member, path) for member in node.get("anyOf", ()))
    yield from ((inner, join(path, wire)) for wire, inner in node.get("properties", {}).items())
    if "items" in node:
        yield node["items"], f"{path}[]"
    if node.get("additionalProperties"):
        yield node["additionalProperties"], f"{path}.*"


def _raw(parent: object, key: str) -> Mapping[str, Any]:
    inner = parent.get(key) if is_object(parent) else None
    return inner if is_object(inner) else {}
