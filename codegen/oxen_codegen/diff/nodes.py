"""Single schemas: their accepted types, number ranges and media, and a description in words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..accepted_values import Node
from ..json_types import is_list, is_object
from ..keywords import find_alternative

_JSON_TYPES: Mapping[type[Any], str] = {bool: "boolean", str: "string", int: "number", float: "number"}
_SPECIAL = re.compile(r'[.\[\]*"\s]')
_MEDIA = {"image": {"image"}, "video": {"video"}, "audio": {"audio"}, "file": {"image", "video", "audio"}}


dump_json = json.JSONEncoder(ensure_ascii=False).encode
"""Return the text of a JSON value; `json.dumps` would create an encoder for each."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema of a parameter, of a part of one, or of all parameters of a model."""

    node: Node
    """Normalized."""
    raw: Mapping[str, Any]
    """As received from the API."""

    def property(self, wire_name: str) -> Schema:
        """Return the schema of a property; one that is only required is an additional property."""
        described = self.raw.get("properties")
        is_described = is_object(described) and wire_name in described
        parent, key = (described, wire_name) if is_described else (self.raw, "additionalProperties")
        return Schema(self.node["properties"][wire_name], _subschema(parent, key))

    def alternative(self, name: str, node: Node) -> Schema:
        """Return the schema of the values of one type, of several that a schema accepts.

        Args:
            name: The type; integers are numbers.
            node: The normalized schema of these values.
        """
        return Schema(node, find_alternative(self.raw, name))

    def items(self) -> Schema:
        """Return the schema of the items of an array."""
        return Schema(self.node["items"], _subschema(self.raw, "items"))

    def additional_properties(self) -> Schema:
        """Return the schema of properties that are not declared."""
        return Schema(self.node["additionalProperties"], _subschema(self.raw, "additionalProperties"))


def _subschema(parent: object, key: str) -> Mapping[str, Any]:
    schema = parent.get(key) if is_object(parent) else None
    return schema if is_object(schema) else {}


def join_path(path: str, wire_name: str) -> str:
    """Return the path of a property of the object at `path`."""
    is_plain = wire_name and not _SPECIAL.search(wire_name)
    step = wire_name if is_plain else dump_json(wire_name)
    return f"{path}.{step}" if path else step


def describe_type(node: Node) -> str:
    """Return the accepted values in a few words, such as "integer (1 to 50)"."""
    if "anyOf" in node:
        return " or ".join(
            describe_values(member["enum"]) if "enum" in member else describe_type(member)
            for member in node["anyOf"]
        )
    if "enum" in node:
        return f"one of {describe_values(node['enum'])}"
    match node.get("type"):
        case None:
            keywords = ", ".join(node.get("unsupported", ()))
            return "any JSON value" + (f" (validated by the server only: {keywords})" if keywords else "")
        case "string":
            return _with_bounds(str(node.get("media", "string")), describe_length(node))
        case "array":
            return _with_bounds(f"array of {describe_type(node['items'])}", describe_count(node))
        case "object" if has_class(node):
            return f"object with {', '.join(node['properties']) or 'no properties'}"
        case name:
            return _with_bounds(str(name), describe_range(node))


def describe_values(values: Iterable[Any]) -> str:
    """Return JSON values separated by commas, such as "-1, 4 to 15"; consecutive integers form a range."""
    ranges: list[tuple[Any, Any]] = []
    for value in values:
        if ranges and type(value) is int and type(ranges[-1][1]) is int and value == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], value)
        else:
            ranges.append((value, value))
    texts: list[str] = []
    for first, last in ranges:
        if first is last:
            texts.append(dump_json(first))
        else:
            texts.append(f"{first}, {last}" if last == first + 1 else f"{first} to {last}")
    return ", ".join(texts)


def _with_bounds(name: str, bounds: str) -> str:
    return f"{name} ({bounds})" if bounds else name


def describe_range(node: Mapping[str, Any]) -> str:
    """Return the range of a number in words, such as "1 to 50"; "" if it has no bounds."""
    minimum, maximum = node.get("minimum"), node.get("maximum")
    bounds = [f"above {node['exclusiveMinimum']}"] if "exclusiveMinimum" in node else []
    if minimum is not None and maximum is not None:
        bounds.append(f"{minimum} to {maximum}")
    elif minimum is not None:
        bounds.append(f"at least {minimum}")
    elif maximum is not None:
        bounds.append(f"at most {maximum}")
    if "exclusiveMaximum" in node:
        bounds.append(f"below {node['exclusiveMaximum']}")
    return ", ".join(bounds)


def describe_length(node: Mapping[str, Any]) -> str:
    """Return the length of a string in words, such as "at most 500 characters"; "" if it has no bounds."""
    return _describe_size(node.get("minLength"), node.get("maxLength"), "character")


def describe_count(node: Mapping[str, Any]) -> str:
    """Return the number of items of an array in words, such as "1 to 14 items"; "" if it has no bounds."""
    return _describe_size(node.get("minItems"), node.get("maxItems"), "item")


def _describe_size(minimum: int | None, maximum: int | None, unit: str) -> str:
    size = describe_range({"minimum": minimum or None, "maximum": maximum})
    limit = maximum if maximum is not None else minimum
    return size and f"{size} {unit}{'' if limit == 1 else 's'}"


def has_class(node: Node) -> bool:
    """Return whether the bindings have a class for an object node."""
    return bool(node["properties"]) or node["additionalProperties"] is False


def find_classes(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Yield the path and the node of each object in `node` for which the bindings have a class."""
    if node.get("type") == "object" and has_class(node):
        yield path, node
    for child, child_path in _children(node, path):
        yield from find_classes(child, child_path)


def accepts_media(node: Node) -> bool:
    """Return whether the parameter, or a part of it, may be an image, video or audio file."""
    return "media" in node or any(accepts_media(child) for child, _ in _children(node, ""))


def media_kinds(node: Node) -> set[str]:
    """Return the kinds of media that a string node accepts."""
    return _MEDIA.get(str(node.get("media")), set())


def _children(node: Node, path: str) -> Iterator[tuple[Node, str]]:
    yield from ((member, path) for member in node.get("anyOf", ()))
    yield from ((child, join_path(path, name)) for name, child in node.get("properties", {}).items())
    if "items" in node:
        yield node["items"], f"{path}[]"
    if node.get("additionalProperties"):
        yield node["additionalProperties"], f"{path}.*"


@dataclass(frozen=True, slots=True)
class TypeSet:
    """The JSON types that a node accepts; integers are numbers."""

    nodes: Mapping[str, Node]
    """A node for each type that is not restricted to single values."""
    enums: Mapping[str, list[Any]]
    """Single values by type, in addition to those of the nodes."""

    @property
    def names(self) -> set[str]:
        return {*self.nodes, *self.enums}


def accepted_types(node: Node) -> TypeSet | None:
    """Return the JSON types that a node accepts; None if it accepts any JSON value."""
    nodes: dict[str, Node] = {}
    enums: dict[str, list[Any]] = {}
    for member in node.get("anyOf", [node]):
        for value in member.get("enum", ()):
            enums.setdefault(_json_type(value), []).append(value)
        if "enum" not in member:
            if "type" not in member:
                return None
            nodes["number" if member["type"] == "integer" else member["type"]] = member
    # An enum with all values of a type is the same as the type.
    for name, size in (("null", 1), ("boolean", 2)):
        if len(enums.get(name, ())) == size:
            nodes[name] = {"type": name}
            del enums[name]
    return TypeSet(nodes, enums)


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    return "array" if is_list(value) else _JSON_TYPES.get(type(value), "object")


Interval = tuple[tuple[float, bool], tuple[float, bool]]
"""The lower and upper end of a number range, each with whether it is exclusive."""


def number_interval(node: Node, *, integers: bool) -> Interval:
    """Return the range of a number node; with `integers`, of the integers within it."""
    low = max((node.get("minimum", -math.inf), False), (node.get("exclusiveMinimum", -math.inf), True))
    above, below = node.get("exclusiveMaximum", math.inf), node.get("maximum", math.inf)
    high = (above, True) if above <= below and above != math.inf else (below, False)
    if low[0] == -math.inf:
        low = (low[0], False)
    if integers:
        low, high = _integer_end(low, 1), _integer_end(high, -1)
    return low, high


def _integer_end(end: tuple[float, bool], step: int) -> tuple[float, bool]:
    """Return the outermost integer of an interval; `step` leads from the end into the interval."""
    number, is_exclusive = end
    if math.isinf(number):
        return end
    integer = math.ceil(number) if step > 0 else math.floor(number)
    return (integer + step if is_exclusive and integer == number else integer), False


def exceeds(a: Interval, b: Interval) -> bool:
    """Return whether a number is in `a` and not in `b`."""
    (a_low, a_low_exclusive), (a_high, a_high_exclusive) = a
    (b_low, b_low_exclusive), (b_high, b_high_exclusive) = b
    is_lower = (a_low, a_low_exclusive) < (b_low, b_low_exclusive)
    return is_lower or (a_high, not a_high_exclusive) > (b_high, not b_high_exclusive)
