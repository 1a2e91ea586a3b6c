"""Constraints that the server validates and the bindings do not, in a form that can be compared."""

from __future__ import annotations

import json
from typing import Any

from ..accepted_values import Node
from ..json_types import is_list, is_object
from ..normalize import normalize
from .nodes import Schema

_SUBSCHEMA_MAPS = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
_DATA = ("const", "enum", "required", "type")


def unsupported_constraints(schema: Schema) -> Any:
    """Return the constraints of a schema for which the bindings accept any JSON value."""
    return _without_annotations(schema.raw) or schema.node.get("unsupported", [])


def unsupported_root_constraints(schema: Schema) -> Node:
    """Return the constraints on all parameters together, such as `anyOf`."""
    return {key: _normalize_value(key, schema.raw[key]) for key in schema.node.get("unsupported", ())}


def _without_annotations(schema: Any) -> Any:
    if not is_object(schema):
        return schema
    return {key: _normalize_value(key, value) for key, value in schema.items() if _is_constraint(key, value)}


def _normalize_value(key: str, value: Any) -> Any:
    """Remove annotations from the value of a keyword, and sort lists whose order has no meaning."""
    if key in _SUBSCHEMA_MAPS and is_object(value):
        return {name: _without_annotations(subschema) for name, subschema in value.items()}
    if is_list(value):
        items = value if key in _DATA else [_without_annotations(item) for item in value]
        return items if key == "prefixItems" else sorted(items, key=_sort_key)
    return value if key in _DATA else _without_annotations(value)


def _is_constraint(key: str, value: object) -> bool:
    """Return whether a keyword restricts values; `normalize` decides which ones do."""
    parameter: Node = normalize({"properties": {"p": {key: value}}})["properties"]["p"]
    return parameter != {}


def _sort_key(value: object) -> str:
    return json.dumps(value, sort_keys=True)
