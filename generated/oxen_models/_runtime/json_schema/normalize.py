# Copied by oxen-codegen from codegen/oxen_codegen/normalize.py. Do not edit.
"""Normalize a parameter schema to a small, validated subset of JSON Schema.

The subset is built from an allowlist: a node has only what this module puts into it.

    {}                                                       any JSON value
    {"type": "string", "minLength", "maxLength", "media"}    "media" is image, video, audio or file
    {"type": "integer" | "number", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    {"type": "boolean"}, {"type": "null"}
    {"type": "array", "items": node, "minItems", "maxItems"}
    {"type": "object", "properties": {wire name: node}, "required": [wire name],
     "additionalProperties": node | false,
     "annotations": {wire name: {"description", "default", "example", "references", "hidden"}}}
                                                             properties are in the order of the documentation
    {"enum": [value, ...]}                                   values that the other keywords accept
    {"anyOf": [node, ...]}                                   nodes of different types, and further values

Any node can have "unsupported": the keywords that only the server validates, because their meaning is not
certain. Such a node accepts any JSON value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice, product

from .accepted_values import TYPES, EnumValues, Node, accepts, make_key, simplify_number
from .composition import describes_other_names, expand_schema
from .diagnostics import ModelError
from .json_types import is_list, is_object, json_equal
from .keywords import UNSUPPORTED, are_names, find_unsupported_keywords, is_bound, list_types
from .media_kinds import RENDER_TYPES, MediaEvidence, collect_evidence, read_references
from .merging import is_constraint

MAX_DEPTH = 16
# Far more than any model has, and few enough that a module needs neither minutes nor gigabytes.
MAX_NODES = 4_000
MAX_ENUM_VALUES = 10_000
_NO_EVIDENCE = MediaEvidence({}, "file")
_BOUNDS = (
    *product(("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
)


def normalize(schema: object, inputs: Collection[str] = ()) -> Node:
    """Return a model's parameter schema as an object node.

    Args:
        schema: The schema as the server sent it.
        inputs: The input media in the model's capabilities.

    Raises:
        ModelError: The schema is not that of an object, or it is too large.
    """
    if not is_object(schema):
        raise ModelError(f"the parameter schema must be a JSON object, got {_describe(schema)}")
    expanded = expand_schema(schema)
    node = _normalize_root(expanded, inputs)
    if (problem := _find_excess(node)) and not json_equal(expanded, schema):
        node = _normalize_root(schema, inputs)  # a few references can make a schema very large
        problem = _find_excess(node)
    if problem:
        raise ModelError(problem)
    return node


def _normalize_root(schema: Node, inputs: Collection[str]) -> Node:
    schema = _without_nulls(schema)
    types = schema.get("type", "object")
    if "object" not in (types if is_list(types) else [types]):
        raise ModelError(f"the parameter schema must have the type 'object', got {schema['type']!r}", "/type")
    properties = schema.get("properties", {})
    if not is_object(properties):
        raise ModelError(f"must be an object, got {_describe(properties)}", "/properties")
    if not are_names(schema.get("required", [])):
        raise ModelError(f"must be a list of names, got {_describe(schema['required'])}", "/required")
    node = _object(schema, 0, collect_evidence(properties, inputs))
    # The body has the id of the model under this name.
    node["properties"].pop("model", None)
    node["required"] = [name for name in node["required"] if name != "model"]
    # Unknown parameters are rejected, so that misspelt names are found, unless the schema describes
    # parameters in a way that is not interpreted.
    node["additionalProperties"] = {} if describes_other_names(schema) else False
    if unsupported := sorted(schema.keys() & {*UNSUPPORTED, "enum", "const"}):
        node["unsupported"] = unsupported
    return node


def _find_excess(node: Node) -> str | None:
    """Return the problem of a schema that is too large."""
    parts = list(islice(_walk(node), MAX_NODES + 1))
    if len(parts) > MAX_NODES:
        return f"the parameter schema has more than {MAX_NODES} nodes"
    if sum(len(part.get("enum", ())) for part in parts) > MAX_ENUM_VALUES:
        return f"the parameter schema has more than {MAX_ENUM_VALUES} enum values"
    return None


def _walk(node: Node) -> Iterator[Node]:
    """Yield a node and all nodes in it."""
    yield node
    inner = (*node.get("anyOf", ()), *node.get("properties", {}).values())
    for part in (*inner, node.get("items"), node.get("additionalProperties")):
        if is_object(part):
            yield from _walk(part)


def find_media(node: Node) -> Iterator[str]:
    """Yield the kinds of media that a parameter accepts, as a value or in a list."""
    if "media" in node:
        yield node["media"]
    for inner in (*node.get("anyOf", ()), *([node["items"]] if "items" in node else [])):
        yield from find_media(inner)


def find_listed_media(node: Node) -> Iterator[str]:
    """Yield the kinds of media that a parameter accepts in a list."""
    for member in (node, *node.get("anyOf", ())):
        if "items" in member:
            yield from find_media(member)


def _node(schema: object, depth: int, find_kind: Callable[[], str] = lambda: "file") -> Node:
    if schema is True:
        return {}
    if not is_object(schema) or depth > MAX_DEPTH:
        return {"unsupported": ["nesting" if is_object(schema) else "false schema"]}
    schema = _without_nulls(schema)
    if (union := _find_union(schema, depth, find_kind)) is not None:
        return union
    if unsupported := find_unsupported_keywords(schema):
        return {"unsupported": unsupported}
    types = list_types(schema)
    members = [_typed(name, schema, depth, find_kind) for name in types]
    if types and not any(members):
        return {"unsupported": ["required"]}  # no value is valid
    if keywords := {key for member in filter(None, members) for key in _find_contradictions(member)}:
        return {"unsupported": sorted(keywords)}
    node = _union([member for member in members if member is not None]) if types else {}
    if "enum" in schema or "const" in schema:
        nullable = [None] if schema.get("nullable") is True else []
        values = [schema["const"]] if "const" in schema else schema["enum"]
        if "const" in schema and "enum" in schema:
            values = [value for value in values if any(json_equal(value, other) for other in schema["enum"])]
        accepted = [value for value in [*values, *nullable] if accepts(node, value)]
        if not accepted:
            return {"unsupported": ["enum"]}
        distinct: Node = {}
        for value in accepted:
            distinct.setdefault(make_key(value), simplify_number(value))
        return {"enum": EnumValues(distinct.values())}
    return node


def _find_union(schema: Node, depth: int, find_kind: Callable[[], str]) -> Node | None:
    """Return the node of an `anyOf` or `oneOf` whose members differ in their types or are single values.

    None for other schemas, and if other keywords restrict values as well.
    """
    key = "oneOf" if "oneOf" in schema else "anyOf"
    members = schema.get(key)
    if not is_list(members) or any(map(is_constraint, schema.keys() - {key, "nullable"})):
        return None
    nullable: list[Node] = [{"type": "null"}] if schema.get("nullable") is True else []
    nodes = [*(_node(member, depth + 1, find_kind) for member in members), *nullable]
    parts = [part for node in nodes for part in node.get("anyOf", [node])]
    if not parts or not all(part.keys() & {"type", "enum"} for part in parts):
        return None
    values = [value for part in parts for value in part.get("enum", ())]
    typed: dict[str, Node] = {}
    for part in (part for part in parts if "enum" not in part):
        name = "number" if part["type"] == "integer" else part["type"]
        wider = part if name not in typed else _choose_wider(typed[name], part)
        if wider is None or (key == "oneOf" and name in typed):
            return None
        typed[name] = wider
    distinct = {make_key(value): value for value in values}
    if key == "oneOf" and (
        len(distinct) < len(values)
        or any(accepts(node, value) for node in typed.values() for value in values)
    ):
        return None
    null: list[Node] = [{"type": "null"}] if typed.pop("null", None) or None in values else []
    further = [
        value
        for value in distinct.values()
        if value is not None and not any(accepts(node, value, urls_only=True) for node in typed.values())
    ]
    if further and not typed:
        return {"enum": EnumValues([*further, *([None] if null else [])])}
    return _union([*typed.values(), *([{"enum": EnumValues(further)}] if further else []), *null])


def _choose_wider(a: Node, b: Node) -> Node | None:
    """Return the node that accepts the values of two nodes of one type; None if there is no simple one."""
    number: Node = {"type": "number"}
    if a["type"] != b["type"] and (a | number == b | number or number in (a, b)):
        return a | number if a | number == b | number else number
    for node in (a, b):
        if a == b or (a["type"] == b["type"] and _is_unrestricted(node)):
            return node
    return None


def _without_nulls(schema: Node) -> Node:
    """Return a schema without keywords that are null, which no keyword but these two can be."""
    return {key: value for key, value in schema.items() if value is not None or key in ("const", "default")}


def _typed(name: str, schema: Node, depth: int, find_kind: Callable[[], str]) -> Node | None:
    """Return the node of a schema for values of one type; None if no value of that type is valid."""
    if name == "object":
        if schema.get("additionalProperties") is False and not _lists_all_required(schema):
            return None
        return _object(schema, depth)
    bounds = {
        key: simplify_number(schema[key]) for key in TYPES[name].keywords if key in schema and key != "items"
    }
    node: Node = {"type": name, **(_integral_bounds(bounds) if name == "integer" else bounds)}
    if name == "array":
        node["items"] = _node(_items_with_media(schema), depth + 1, find_kind)
    if name == "string" and (media := _media(schema, find_kind)):
        node["media"] = media
    return node


def _find_contradictions(node: Node) -> Iterator[str]:
    """Yield the keywords of bounds between which there is no value."""
    step = int(node["type"] == "integer")
    for low, high in _BOUNDS:
        if low in node and high in node:
            is_above, is_below = (key.startswith("exclusive") for key in (low, high))
            lowest, highest = node[low] + step * is_above, node[high] - step * is_below
            if lowest > highest or (lowest == highest and not step and (is_above or is_below)):
                yield from (low, high)


def _lists_all_required(schema: Node) -> bool:
    return all(name in schema.get("properties", {}) for name in schema.get("required", []))


def _object(schema: Node, depth: int, evidence: MediaEvidence | None = None) -> Node:
    extra = schema.get("additionalProperties", True)
    required = set(schema.get("required", []))
    described = schema.get("properties", {})
    # A required property without a schema of its own is an additional property. All of them share one node,
    # because the number of nodes would be exponential if each level of a schema had such properties.
    other = _node(extra is False or extra, depth + 1)
    schemas = {**dict.fromkeys(required, extra is False or extra), **described}
    names = sorted(
        schemas,
        key=lambda name: (name not in required, _is_hidden(schemas[name]), _order(schemas[name]), name),
    )
    return {
        "type": "object",
        "properties": {
            name: _property(name, described[name], depth + 1, evidence) if name in described else other
            for name in names
        },
        "required": [name for name in names if name in required],
        "additionalProperties": False if extra is False else other,
        "annotations": {name: _annotations(described.get(name)) for name in names},
    }


def _property(wire_name: str, schema: object, depth: int, evidence: MediaEvidence | None) -> Node:
    if not is_object(schema):
        return _node(schema, depth)
    # Called for media only, because most parameters have none.
    find_kind = (evidence or _NO_EVIDENCE).find_kind
    return _node(schema, depth, lambda: find_kind(wire_name, schema))


def _order(schema: object) -> float:
    """Return the position of a property in a form; JSON objects are unordered."""
    order = schema.get("x-order") if is_object(schema) else None
    return order if is_bound(order) else math.inf


def _is_hidden(schema: object) -> bool:
    return is_object(schema) and schema.get("x-hidden") is True


def _annotations(schema: object) -> Node:
    """Return the texts and examples of a property, the media that it can cite, and if forms hide it."""
    if not is_object(schema):
        return {}
    annotations: Node = {"default": simplify_number(schema["default"])} if "default" in schema else {}
    if schema.get("x-workbench-default") is not None:
        annotations["example"] = schema["x-workbench-default"]
    if references := read_references(schema):
        annotations["references"] = references
    if _is_hidden(schema):
        annotations["hidden"] = True
    title, description = (_text(schema.get(key)) for key in ("title", "description"))
    if text := description or _to_sentence_case(title):
        annotations["description"] = text
    return annotations


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _to_sentence_case(title: str) -> str:
    """Return a title with capitals at its beginning only, and in acronyms."""
    first, *rest = title.split() or [""]
    return " ".join([first, *(word.lower() if word.istitle() else word for word in rest)])


def _union(members: list[Node]) -> Node:
    if len(members) == 1:
        return members[0]
    if all(map(_is_unrestricted, members)) and len(members) == len(TYPES) - 1:  # "number" includes "integer"
        return {}
    return {"anyOf": members}


def _is_unrestricted(node: Node) -> bool:
    """Return whether a node accepts every value of its type."""
    if node.get("type") == "object":
        return not node["properties"] and node["additionalProperties"] == {}
    return node.keys() <= {"type", "items"} and node.get("items", {}) == {}


def _media(schema: Node, find_kind: Callable[[], str]) -> str | None:
    if medium := RENDER_TYPES.get(str(schema.get("renderType"))):
        return medium
    return find_kind() if schema.get("format") == "uri" else None


def _items_with_media(array: Node) -> object:
    """Return the schema of the items, with the `renderType` of the array."""
    items = array.get("items", True)
    if is_object(items) and "renderType" not in items and str(array.get("renderType")) in RENDER_TYPES:
        return {**items, "renderType": array["renderType"]}
    return items


def _integral_bounds(bounds: Mapping[str, int | float]) -> Node:
    """Return bounds of integers as integers: a minimum of 0.5 is one of 1."""
    integral: Node = {}
    for key, bound in bounds.items():
        if isinstance(bound, int):
            integral[key] = bound
        elif key in ("minimum", "exclusiveMinimum"):
            integral["minimum"] = max(math.ceil(bound), integral.get("minimum", math.ceil(bound)))
        else:
            integral["maximum"] = min(math.floor(bound), integral.get("maximum", math.floor(bound)))
    return integral


def _describe(value: object) -> str:
    if is_object(value):
        return "an object"
    return "a list" if is_list(value) else f"{value!r:.40}"
