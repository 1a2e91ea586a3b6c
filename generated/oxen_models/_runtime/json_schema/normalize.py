"""From whatever the hub sent to our own small form of JSON Schema.

The small form is built up, never filtered down: a node of it holds only what this module put there.

    {}                                                       any JSON value
    {"type": "string", "minLength", "maxLength", "media"}    "media" is image, video, audio or file
    {"type": "integer" | "number", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    {"type": "boolean"}, {"type": "null"}
    {"type": "array", "items": node, "minItems", "maxItems"}
    {"type": "object", "properties": {wire: node}, "required": [wire], "additionalProperties": node | false,
     "said": {wire: {"description", "default"}}}             the properties in the order to show them
    {"enum": [value, ...]}                                   values that the other keywords let through
    {"anyOf": [node, ...]}                                   nodes of different types

Every node may carry "hub_only": what the schema asks for and the bindings leave to the hub, because
checking it would be guessing. Such a place takes any JSON value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, TypeGuard

from .diagnostics import ModelError
from .json_types import is_list, is_object, json_equal
from .media_kinds import RENDER_TYPES, MediaEvidence, collect_evidence, find_named_kind

Node = dict[str, Any]

# What restricts values, and is left to the hub. Every other keyword that no type below has is an
# annotation, as in JSON Schema itself: of the vendor's, or of a draft to come.
_HUB_ONLY = frozenset(
    "$ref $dynamicRef $recursiveRef additionalItems allOf anyOf contains dependencies dependentRequired "
    "dependentSchemas disallow divisibleBy else extends if maxContains maxProperties minContains "
    "minProperties multipleOf not oneOf pattern patternProperties prefixItems propertyNames then "
    "unevaluatedItems unevaluatedProperties uniqueItems".split()
)
_DEEPEST = 16
# Far more than any model has, and what a module can hold without taking minutes or gigabytes.
_MOST_PARTS = 4_000
_MOST_CHOICES = 10_000


def normalize(schema: object, inputs: Collection[str] = ()) -> Node:
    """Return the small form of a model's parameter schema: an object node.

    Args:
        schema: The schema as the hub sent it.
        inputs: The media that the model's capabilities name as inputs.

    Raises:
        ModelError: The schema does not describe an object of parameters.
    """
    if not is_object(schema):
        raise ModelError(f"the parameter schema must be a JSON object, got {_kind(schema)}")
    if schema.get("type", "object") not in ("object", ["object"]):
        raise ModelError(f"the parameter schema must have the type 'object', got {schema['type']!r}", "/type")
    properties = schema.get("properties", {})
    if not is_object(properties):
        raise ModelError(f"must be an object, got {_kind(properties)}", "/properties")
    if not _are_names(schema.get("required", [])):
        raise ModelError(f"must be a list of parameter names, got {_kind(schema['required'])}", "/required")
    node = _object(schema, 0, collect_evidence(properties, inputs))
    if len(list(islice(_parts(node), _MOST_PARTS + 1))) > _MOST_PARTS:
        raise ModelError(f"the parameter schema has more than {_MOST_PARTS} nodes")
    if sum(len(part.get("enum", ())) for part in _parts(node)) > _MOST_CHOICES:
        raise ModelError(f"the parameter schema has more than {_MOST_CHOICES} enum values")
    # The body has the model's id there, whatever the schema says of it.
    node["properties"].pop("model", None)
    # Parameters that the schema does not know are refused: that is what finds a typo.
    node["additionalProperties"] = False
    if hub_only := sorted(schema.keys() & {*_HUB_ONLY, "enum", "const"}):
        node["hub_only"] = hub_only
    return node


def accept_defaults(node: Node) -> Node:
    """Return the node with each default as an accepted value, because the hub accepts it outside the range."""
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
            wire: _accept_default(accept_defaults(value), node["said"].get(wire, {}))
            for wire, value in node["properties"].items()
        },
        "additionalProperties": accept_defaults(extra) if extra else extra,
    }


def _accept_default(node: Node, said: Node) -> Node:
    if "default" not in said or allows(node, said["default"]):
        return node
    default = _whole(said["default"])
    if "enum" in node:
        return {**node, "enum": _Choices([*node["enum"], default])}
    return {"anyOf": [*node.get("anyOf", [node]), {"enum": _Choices([default])}]}


def allows(node: Node, value: object) -> bool:
    """Whether `value` fits `node`, as JSON Schema has it."""
    if "anyOf" in node:
        return any(allows(member, value) for member in node["anyOf"])
    if "enum" in node:
        choices = node["enum"]
        return _key(value) in (choices if isinstance(choices, _Choices) else _Choices(choices)).keys
    if "type" not in node:
        return True
    return _TYPES[node["type"]].admits(value) and _within(node, value)


def _key(value: object) -> str:
    """A text that equal values share. Not a hash: the hub could choose numbers that collide."""
    return json.dumps(_canonical(value), sort_keys=True)


class _Choices(list[Any]):
    """The values of an enum: a list, which does not look through all of them for each value."""

    @cached_property
    def keys(self) -> frozenset[str]:
        return frozenset(map(_key, self))


def _canonical(value: object) -> object:
    if is_list(value):
        return [_canonical(item) for item in value]
    if is_object(value):
        return {key: _canonical(item) for key, item in value.items()}
    return _whole(value)


def _parts(node: Node) -> Iterator[Node]:
    """The nodes of a node, itself included."""
    yield node
    inner = (*node.get("anyOf", ()), *node.get("properties", {}).values())
    for part in (*inner, node.get("items"), node.get("additionalProperties")):
        if is_object(part):
            yield from _parts(part)


def media(node: Node) -> Iterator[str]:
    """The media that a parameter takes, itself or in its list."""
    if "media" in node:
        yield node["media"]
    for inner in (*node.get("anyOf", ()), *([node["items"]] if "items" in node else [])):
        yield from media(inner)


def requires_image(node: Node) -> bool:
    """Whether no request can do without an image."""
    required = (node["properties"][wire] for wire in node["required"] if wire in node["properties"])
    return any("image" in media(each) for each in required)


def _node(schema: object, depth: int, kind: str = "file") -> Node:
    if schema is True:
        return {}
    if not is_object(schema) or depth > _DEEPEST:
        return {"hub_only": ["nesting" if is_object(schema) else "false schema"]}
    unchecked = _unchecked(schema)
    if unchecked:
        return {"hub_only": unchecked}
    types = _types(schema)
    node = _union([_typed(name, schema, depth, kind) for name in types])
    if "enum" in schema or "const" in schema:
        nullable = [None] if schema.get("nullable") is True else []
        choices = [schema["const"]] if "const" in schema else schema["enum"]
        if "const" in schema and "enum" in schema:
            choices = [
                choice for choice in choices if any(json_equal(choice, other) for other in schema["enum"])
            ]
        fitting = [choice for choice in [*choices, *nullable] if allows(node, choice)]
        if not fitting:
            return {"hub_only": ["enum"]}
        distinct: Node = {}
        for choice in fitting:
            distinct.setdefault(_key(choice), _whole(choice))
        return {"enum": _Choices(distinct.values())}
    return node


def _types(schema: Node) -> list[str]:
    """The types a schema names, [] for any; a number takes in the integers."""
    said = schema.get("type", [])
    types = list(dict.fromkeys([said] if isinstance(said, str) else said))
    if types and schema.get("nullable") is True and "null" not in types:
        types.append("null")
    return [name for name in types if not (name == "integer" and "number" in types)]


def _typed(name: str, schema: Node, depth: int, kind: str) -> Node:
    """`schema` as it concerns values of one type."""
    if name == "object":
        if schema.get("additionalProperties") is False and not _lists_all_required(schema):
            return {"hub_only": ["required"]}  # nothing could meet it
        return _object(schema, depth)
    bounds = {key: _whole(schema[key]) for key in _TYPES[name].keywords if key in schema and key != "items"}
    node: Node = {"type": name, **(_whole_bounds(bounds) if name == "integer" else bounds)}
    if name == "array":
        node["items"] = _node(_with_media_of(schema), depth + 1, kind)
    if name == "string" and (media := _medium(schema, kind)):
        node["media"] = media
    return node


def _lists_all_required(schema: Node) -> bool:
    return all(wire in schema.get("properties", {}) for wire in schema.get("required", []))


def _object(schema: Node, depth: int, evidence: MediaEvidence | None = None) -> Node:
    extra = schema.get("additionalProperties", True)
    required = set(schema.get("required", []))
    described = schema.get("properties", {})
    # A required property that is not described is any other property. All of them share one node: to
    # make one for each would take forever where every level of a schema does so.
    other = _node(extra is False or extra, depth + 1)
    schemas = {**dict.fromkeys(required, extra is False or extra), **described}
    wires = sorted(
        schemas,
        key=lambda wire: (wire not in required, _is_hidden(schemas[wire]), _place(schemas[wire]), wire),
    )
    return {
        "type": "object",
        "properties": {
            wire: _property(wire, described[wire], depth + 1, evidence) if wire in described else other
            for wire in wires
        },
        "required": [wire for wire in wires if wire in required],
        "additionalProperties": False if extra is False else other,
        "said": {wire: _said(schemas[wire]) for wire in wires},
    }


def _property(wire: str, schema: object, depth: int, evidence: MediaEvidence | None) -> Node:
    if not is_object(schema):
        return _node(schema, depth)
    named = find_named_kind(wire, schema) or "file"
    return _node(schema, depth, named if evidence is None else evidence.find_kind(wire, schema))


def _place(schema: object) -> float:
    """Where a form shows the property; JSON objects have no order of their own."""
    place = schema.get("x-order") if is_object(schema) else None
    return place if _is_bound(place) else math.inf


def _is_hidden(schema: object) -> bool:
    return is_object(schema) and schema.get("x-hidden") is True


def _said(schema: object) -> Node:
    """The documentation of a property."""
    if not is_object(schema):
        return {}
    said: Node = {"default": schema["default"]} if "default" in schema else {}
    texts = (schema.get("description"), schema.get("title"))
    description = next((text.strip() for text in texts if isinstance(text, str) and text.strip()), None)
    return {**said, "description": description} if description else said


def _union(members: list[Node]) -> Node:
    if len(members) == 1:
        return members[0]
    return {"anyOf": members} if members else {}


def _unchecked(schema: Node) -> list[str]:
    """Keywords that the bindings do not enforce, or whose value is not what JSON Schema has there."""
    try:
        types = set(_types(schema))
    except TypeError:
        return ["type"]
    if types - _TYPES.keys() or schema.get("type") == []:
        return ["type"]
    unchecked = {key for key, value in schema.items() if not _understood(key, value, types)}
    if "number" in types:
        # A bound that no float can hold would be another one.
        unchecked |= {key for key in _RANGE if _is_bound(schema.get(key)) and abs(schema[key]) > 2**53}
    return sorted(unchecked)


def _understood(key: str, value: object, types: set[str]) -> bool:
    if key in _VALUES:
        return _WELL_FORMED[key](value)
    # A keyword of one type says nothing about values of another. Where no type is named it would
    # speak of some of the values only, which no Python type can say.
    speaks_of = {name for name in _TYPES if key in _TYPES[name].keywords}
    if not speaks_of:
        return key not in _HUB_ONLY
    return bool(types) and (types.isdisjoint(speaks_of) or _WELL_FORMED[key](value))


def _medium(schema: Node, kind: str) -> str | None:
    if medium := RENDER_TYPES.get(str(schema.get("renderType"))):
        return medium
    return kind if schema.get("format") == "uri" else None


def _with_media_of(array: Node) -> object:
    """The items of an array that says itself what media it holds."""
    items = array.get("items", True)
    if is_object(items) and "renderType" not in items and str(array.get("renderType")) in RENDER_TYPES:
        return {**items, "renderType": array["renderType"]}
    return items


def _within(node: Node, value: object) -> bool:
    """Bounds only: what can follow an enum or a default of a scalar, a list or a plain object."""
    if isinstance(value, str):
        return bool(node.get("minLength", 0) <= len(value) <= node.get("maxLength", math.inf))
    if is_list(value):
        fits = node.get("minItems", 0) <= len(value) <= node.get("maxItems", math.inf)
        return fits and all(allows(node["items"], item) for item in value)
    if is_object(value):
        extra = node["additionalProperties"]
        return all(wire in value for wire in node["required"]) and all(
            (wire in node["properties"] or extra is not False)
            and allows(node["properties"].get(wire, extra), item)
            for wire, item in value.items()
        )
    if not _is_number(value):
        return True
    least, most = node.get("minimum", -math.inf), node.get("maximum", math.inf)
    above, below = node.get("exclusiveMinimum", -math.inf), node.get("exclusiveMaximum", math.inf)
    return bool(least <= value <= most and above < value < below)


def _whole(value: Any) -> Any:
    """5.0 as 5: JSON does not tell them apart, and people write the latter."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _whole_bounds(bounds: Mapping[str, int | float]) -> Node:
    """Bounds of integers as integers: above 0.5 is 1 and up."""
    whole: Node = {}
    for key, bound in bounds.items():
        if isinstance(bound, int):
            whole[key] = bound
        elif key in ("minimum", "exclusiveMinimum"):
            whole["minimum"] = max(math.ceil(bound), whole.get("minimum", math.ceil(bound)))
        else:
            whole["maximum"] = min(math.floor(bound), whole.get("maximum", math.floor(bound)))
    return whole


def _kind(value: object) -> str:
    if is_object(value):
        return "an object"
    return "a list" if is_list(value) else f"{value!r:.40}"


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_bound(value: Any) -> TypeGuard[int | float]:
    """A number that a C double or integer can hold, as what compares with it has to."""
    return _is_number(value) and abs(value) < 2**63


def _is_size(value: Any) -> bool:
    return _is_bound(value) and isinstance(_whole(value), int) and value >= 0


def _are_names(value: object) -> bool:
    return is_list(value) and all(isinstance(name, str) for name in value)


class _Type:
    """What belongs to one type of JSON Schema."""

    def __init__(self, admits: Callable[[object], bool], *keywords: str) -> None:
        self.admits = admits
        self.keywords = keywords


_RANGE = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_TYPES: Mapping[str, _Type] = {
    "string": _Type(lambda value: isinstance(value, str), "minLength", "maxLength"),
    "integer": _Type(lambda value: _is_number(value) and isinstance(_whole(value), int), *_RANGE),
    "number": _Type(_is_number, *_RANGE),
    "boolean": _Type(lambda value: isinstance(value, bool)),
    "null": _Type(lambda value: value is None),
    "array": _Type(lambda value: isinstance(value, list), "minItems", "maxItems", "items"),
    "object": _Type(is_object, "properties", "required", "additionalProperties"),
}
_VALUES = frozenset({"type", "enum", "const", "nullable"})
_WELL_FORMED: Mapping[str, Callable[[object], bool]] = {
    "type": lambda value: True,  # looked at by _unchecked itself
    "enum": lambda value: is_list(value) and bool(value),
    "const": lambda value: True,
    "nullable": lambda value: isinstance(value, bool),
    "items": lambda value: is_object(value) or value is True,
    "properties": is_object,
    "required": _are_names,
    "additionalProperties": lambda value: is_object(value) or isinstance(value, bool),
    **dict.fromkeys(_RANGE, _is_bound),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _is_size),
}
