"""The parameter schemas of the page: normalized, as JSON Schema, with the annotations that a form shows.

    {"type", "media", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
     "items", "minItems", "maxItems", "properties", "required", "additionalProperties", "class", "enum",
     "anyOf", "nullable", "further", "title", "description", "default", "example", "x-hidden", "x-next-to",
     "unsupported"}

Most keywords are those of JSON Schema; "media", "example" and "unsupported" are those of `normalize`.
"nullable" replaces the second of two members of `anyOf`. "class" is the Python class of a nested object, and
"further" a default that the other keywords do not accept, and the server does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..accepted_values import Node, accepts
from ..json_types import is_object
from ..keywords import find_alternative

_NULL: Node = {"type": "null"}
_ANNOTATIONS = ("default", "example")


def build_schema(node: Node, schema: Mapping[str, Any], classes: Iterable[str] = ()) -> Node:
    """Return the schema of an object.

    Args:
        node: The normalized schema.
        schema: The expanded schema of the API, which has titles and the layout of the form.
        classes: The names of the classes of the objects in it, outer classes first; empty to leave them out.
    """
    names = iter(classes)
    described = schema.get("properties")
    extra = node["additionalProperties"]
    return {
        "type": "object",
        "properties": {
            name: _build_property(
                name,
                value,
                node["annotations"].get(name, {}),
                _as_schema(described.get(name) if is_object(described) else None),
                names,
            )
            for name, value in node["properties"].items()
        },
        "required": node["required"],
        **({} if extra == {} else {"additionalProperties": extra and _build_value(extra, {}, names)}),
        **({"unsupported": node["unsupported"]} if "unsupported" in node else {}),
    }


def _build_property(
    name: str, node: Node, annotations: Node, schema: Mapping[str, Any], classes: Iterator[str]
) -> Node:
    built = _build_value(node, schema, classes)
    title, description, neighbour = (schema.get(key) for key in ("title", "description", "x-next-to"))
    if isinstance(title, str) and title.strip() and title.strip() != _label(name):
        built["title"] = title.strip()
    if isinstance(description, str) and description.strip():
        built["description"] = description.strip()
    if isinstance(neighbour, str):
        built["x-next-to"] = neighbour
    if schema.get("x-hidden") is True:
        built["x-hidden"] = True
    if "default" in annotations and not accepts(node, annotations["default"], urls_only=True):
        built["further"] = annotations["default"]
    return built | {key: annotations[key] for key in _ANNOTATIONS if key in annotations}


def _label(name: str) -> str:
    """Return the label that the page gives a parameter without a title."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _build_value(node: Node, schema: Mapping[str, Any], classes: Iterator[str]) -> Node:
    """Return the schema of a value without annotations."""
    if node.get("type") == "object":
        has_class = node["properties"] or node["additionalProperties"] is False
        name = next(classes, None) if has_class else None
        return build_schema(node, schema, classes) | ({"class": name} if name else {})
    if "items" in node:
        return {**node, "items": _build_value(node["items"], _as_schema(schema.get("items")), classes)}
    members = node.get("anyOf", [])
    built = [
        _build_value(member, find_alternative(schema, member.get("type")), classes) for member in members
    ]
    if len(members) == 2 and members[1] == _NULL:
        return {**built[0], "nullable": True}
    return {"anyOf": built} if members else dict(node)


def _as_schema(value: object) -> Mapping[str, Any]:
    return value if is_object(value) else {}
