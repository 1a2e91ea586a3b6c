"""The parameter schemas of the page: normalized, as JSON Schema, with the annotations that a form shows.

    {"type", "media", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
     "items", "minItems", "maxItems", "properties", "required", "additionalProperties", "enum", "anyOf",
     "nullable", "title", "description", "default", "example", "x-hidden", "x-next-to", "unsupported"}

Keywords have their meaning in JSON Schema, except "media", "example" and "unsupported", which are those of
`normalize`. "nullable" replaces the second of two members of `anyOf`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..accepted_values import Node
from ..json_types import is_object

_NULL: Node = {"type": "null"}
_ANNOTATIONS = ("default", "example")


def build_schema(node: Node, schema: Mapping[str, Any]) -> Node:
    """Return the schema of an object.

    Args:
        node: The normalized schema.
        schema: The schema as the API returns it, which has titles and the layout of the form.
    """
    described = schema.get("properties")
    built: Node = {
        "type": "object",
        "properties": {
            name: _build_property(value, node["annotations"].get(name, {}), described, name)
            for name, value in node["properties"].items()
        },
        "required": node["required"],
    }
    extra = node["additionalProperties"]
    if extra != {}:
        built["additionalProperties"] = extra and _build_value(extra, {})
    return _add_unsupported(built, node)


def _build_property(node: Node, annotations: Node, described: object, name: str) -> Node:
    raw = described.get(name) if is_object(described) else None
    schema: Mapping[str, Any] = raw if is_object(raw) else {}
    built = _build_value(node, schema)
    title, description, neighbour = (schema.get(key) for key in ("title", "description", "x-next-to"))
    if isinstance(title, str) and title.strip() and title.strip() != _label(name):
        built["title"] = title.strip()
    if isinstance(description, str) and description.strip():
        built["description"] = description.strip()
    if isinstance(neighbour, str):
        built["x-next-to"] = neighbour
    if schema.get("x-hidden") is True:
        built["x-hidden"] = True
    return built | {key: annotations[key] for key in _ANNOTATIONS if key in annotations}


def _label(name: str) -> str:
    """Return the label that the page gives a parameter without a title."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _build_value(node: Node, schema: Mapping[str, Any]) -> Node:
    """Return the schema of a value without annotations."""
    if node.get("type") == "object":
        return build_schema(node, schema)
    if "items" in node:
        items = schema.get("items")
        return {**node, "items": _build_value(node["items"], items if is_object(items) else {})}
    members = node.get("anyOf", [])
    if len(members) == 2 and members[1] == _NULL:
        return {**_build_value(members[0], schema), "nullable": True}
    if members:
        return {"anyOf": [_build_value(member, schema) for member in members]}
    return dict(node)


def _add_unsupported(built: Node, node: Node) -> Node:
    return {**built, "unsupported": node["unsupported"]} if "unsupported" in node else built
