"""The keywords of JSON Schema that the bindings validate, and the values of these that are valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeGuard

from .accepted_values import RANGE, TYPES, Node, is_number, simplify_number
from .json_types import is_list, is_object

# Keywords that restrict values and that only the server validates. Any other keyword that is not in TYPES is
# an annotation, as in JSON Schema itself: one of the vendor, or of a later draft.
UNSUPPORTED = frozenset(
    "$ref $dynamicRef $recursiveRef additionalItems allOf anyOf contains dependencies dependentRequired "
    "dependentSchemas disallow divisibleBy else extends if maxContains maxProperties minContains "
    "minProperties multipleOf not oneOf pattern patternProperties prefixItems propertyNames then "
    "unevaluatedItems unevaluatedProperties uniqueItems".split()
)


def find_unsupported_keywords(schema: Node) -> list[str]:
    """Return the keywords that the bindings do not validate, or whose value is invalid."""
    try:
        types = set(list_types(schema))
    except TypeError:
        return ["type"]
    if types - TYPES.keys() or schema.get("type") == []:
        return ["type"]
    return sorted(key for key, value in schema.items() if not _is_supported(key, value, types))


def _is_supported(key: str, value: object, types: set[str]) -> bool:
    if key in _TYPE_INDEPENDENT:
        return _IS_VALID[key](value)
    # A keyword of one type does not restrict values of other types. Without a type in the schema, it
    # restricts some of the values only, which no Python type can express.
    restricted = _RESTRICTED_TYPES.get(key)
    if restricted is None:
        return key not in UNSUPPORTED
    return bool(types) and (types.isdisjoint(restricted) or _IS_VALID[key](value))


def list_types(schema: Node) -> list[str]:
    """Return the types of a schema, [] for any type; "number" includes "integer"."""
    declared = schema.get("type", [])
    types = list(dict.fromkeys([declared] if isinstance(declared, str) else declared))
    if types and schema.get("nullable") is True and "null" not in types:
        types.append("null")
    return [name for name in types if not (name == "integer" and "number" in types)]


def find_alternative(schema: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    """Return the only alternative of a schema with a type, except enums; otherwise the schema itself.

    Args:
        schema: The schema, whose alternatives can have alternatives. It may be invalid.
        name: The type; integers are numbers.
    """
    names = ("integer", "number") if name == "number" else (name,)
    found: list[Mapping[str, Any]] = []
    for alternative in _list_alternatives(schema):
        declared = alternative.get("type")
        types: list[Any] = declared if is_list(declared) else [declared]
        if "enum" not in alternative and any(type_ in names for type_ in types):
            found.append(alternative)
    return found[0] if len(found) == 1 else schema


def _list_alternatives(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the members of `anyOf` and `oneOf` that have no alternatives themselves."""
    for key in ("anyOf", "oneOf"):
        members = schema.get(key)
        for member in filter(is_object, members if is_list(members) else ()):
            yield from _list_alternatives(member) if member.keys() & {"anyOf", "oneOf"} else [member]


def is_bound(value: Any) -> TypeGuard[int | float]:
    """Return whether a value is a number in the range of a C double and a C integer."""
    return is_number(value) and abs(value) < 2**63


def _is_size(value: Any) -> bool:
    return is_bound(value) and isinstance(simplify_number(value), int) and value >= 0


def are_names(value: object) -> bool:
    """Return whether a value is a list of names."""
    return is_list(value) and all(isinstance(name, str) for name in value)


_RESTRICTED_TYPES: Mapping[str, frozenset[str]] = {
    key: frozenset(name for name in TYPES if key in TYPES[name].keywords)
    for type_ in TYPES.values()
    for key in type_.keywords
}
"""The types whose values a keyword restricts."""
_TYPE_INDEPENDENT = frozenset({"type", "enum", "const", "nullable"})
_IS_VALID: Mapping[str, Callable[[object], bool]] = {
    "type": lambda value: True,  # checked by find_unsupported_keywords
    "enum": lambda value: is_list(value) and bool(value),
    "const": lambda value: True,
    "nullable": lambda value: isinstance(value, bool),
    "items": lambda value: is_object(value) or value is True,
    "properties": is_object,
    "required": are_names,
    "additionalProperties": lambda value: is_object(value) or isinstance(value, bool),
    **dict.fromkeys(RANGE, is_bound),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _is_size),
}
