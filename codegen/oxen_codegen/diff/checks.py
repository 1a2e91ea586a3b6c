"""What the hub checks and the bindings do not, in its own words, to see whether that changed."""

from __future__ import annotations

import json
from typing import Any

from ..json_types import is_list, is_object
from ..normalize import Node, normalize
from .nodes import Place

_MAPS = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
_DATA = ("const", "enum", "required", "type")


def of_all(place: Place) -> Node:
    """What the hub asks of all parameters together, and the bindings do not check."""
    return {key: _bare_value(key, place.raw[key]) for key in place.node.get("hub_only", ())}


def of_place(place: Place) -> Any:
    """What the hub asks of a place that takes any JSON value."""
    return _bare(place.raw) or place.node.get("hub_only", [])


def _bare(schema: Any) -> Any:
    """A schema without annotations and order."""
    if not is_object(schema):
        return schema
    return {key: _bare_value(key, value) for key, value in schema.items() if _is_checked(key, value)}


def _bare_value(key: str, value: Any) -> Any:
    if key in _MAPS and is_object(value):
        return {name: _bare(inner) for name, inner in value.items()}
    if is_list(value):
        items = value if key in _DATA else [_bare(item) for item in value]
        return items if key == "prefixItems" else sorted(items, key=_canonical)
    return value if key in _DATA else _bare(value)


def _is_checked(key: str, value: object) -> bool:
    """Whether `normalize` sees more than an annotation in it, which it alone knows."""
    it: Node = normalize({"properties": {"it": {key: value}}})["properties"]["it"]
    return it != {}


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)
