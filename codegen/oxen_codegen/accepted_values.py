"""The values that a normalized schema accepts, by the rules of JSON Schema."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeGuard

from .json_types import is_list, is_object
from .media_urls import is_media_url

Node = dict[str, Any]
"""A normalized schema; `normalize` describes its keys."""


def accepts(node: Node, value: object, *, urls_only: bool = False) -> bool:
    """Return whether a node accepts a value, by the rules of JSON Schema.

    Args:
        node: The node.
        value: The value.
        urls_only: Whether a text for a medium must be a URL as well, which the bindings require.
    """
    if "anyOf" in node:
        return any(accepts(member, value, urls_only=urls_only) for member in node["anyOf"])
    if "enum" in node:
        values = node["enum"]
        return make_key(value) in (values if isinstance(values, EnumValues) else EnumValues(values)).keys
    if "type" not in node:
        return True
    return TYPES[node["type"]].accepts(value) and _is_within_bounds(node, value, urls_only)


def accept_defaults(node: Node) -> Node:
    """Return the node with each default as an accepted value, because the server accepts it in any case."""
    if "anyOf" in node:
        return {**node, "anyOf": [accept_defaults(member) for member in node["anyOf"]]}
    if "items" in node:
        return {**node, "items": accept_defaults(node["items"])}
    if "properties" not in node:
        return node
    extra = node["additionalProperties"]
    return {
        **node,
        "properties": {
            name: _accept_default(accept_defaults(value), node["annotations"].get(name, {}))
            for name, value in node["properties"].items()
        },
        "additionalProperties": accept_defaults(extra) if extra else extra,
    }


def _accept_default(node: Node, annotations: Node) -> Node:
    if "default" not in annotations or accepts(node, annotations["default"], urls_only=True):
        return node
    default = simplify_number(annotations["default"])
    if "enum" in node:
        return {**node, "enum": EnumValues([*node["enum"], default])}
    return {"anyOf": [*node.get("anyOf", [node]), {"enum": EnumValues([default])}]}


def _is_within_bounds(node: Node, value: object, urls_only: bool) -> bool:
    """Return whether a value of the node's type is within its bounds."""
    if isinstance(value, str):
        if urls_only and "media" in node and not is_media_url(value):
            return False
        return bool(node.get("minLength", 0) <= len(value) <= node.get("maxLength", math.inf))
    if is_list(value):
        fits = node.get("minItems", 0) <= len(value) <= node.get("maxItems", math.inf)
        return fits and all(accepts(node["items"], item, urls_only=urls_only) for item in value)
    if is_object(value):
        extra = node["additionalProperties"]
        return all(name in value for name in node["required"]) and all(
            (name in node["properties"] or extra is not False)
            and accepts(node["properties"].get(name, extra), item, urls_only=urls_only)
            for name, item in value.items()
        )
    if not is_number(value):
        return True
    minimum, maximum = node.get("minimum", -math.inf), node.get("maximum", math.inf)
    above, below = node.get("exclusiveMinimum", -math.inf), node.get("exclusiveMaximum", math.inf)
    return bool(minimum <= value <= maximum and above < value < below)


class EnumValues(list[Any]):
    """The values of an enum, in which a value is found in constant time."""

    @cached_property
    def keys(self) -> frozenset[str]:
        return frozenset(map(make_key, self))


def make_key(value: object) -> str:
    """Return the same text for equal values; not a hash, because the server could choose equal hashes."""
    return _encode_key(_canonical(value))


_encode_key = json.JSONEncoder(sort_keys=True).encode
"""Return a value as JSON; `json.dumps` would create an encoder for each value."""


def _canonical(value: object) -> object:
    if is_list(value):
        return [_canonical(item) for item in value]
    if is_object(value):
        return {key: _canonical(item) for key, item in value.items()}
    return simplify_number(value)


def simplify_number(value: Any) -> Any:
    """Return 5 for 5.0, because both are the same number in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Type:
    """A type of JSON Schema, with the keywords that restrict its values."""

    def __init__(self, accepts: Callable[[object], bool], *keywords: str) -> None:
        self.accepts = accepts
        self.keywords = keywords


RANGE = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
TYPES: Mapping[str, _Type] = {
    "string": _Type(lambda value: isinstance(value, str), "minLength", "maxLength"),
    "integer": _Type(lambda value: is_number(value) and isinstance(simplify_number(value), int), *RANGE),
    "number": _Type(is_number, *RANGE),
    "boolean": _Type(lambda value: isinstance(value, bool)),
    "null": _Type(lambda value: value is None),
    "array": _Type(lambda value: isinstance(value, list), "minItems", "maxItems", "items"),
    "object": _Type(is_object, "properties", "required", "additionalProperties"),
}
