# Copied by oxen-codegen from codegen/oxen_codegen/merging.py. Do not edit.
"""Merge two schemas to one that accepts the values that both accept, where that has a simple form."""

from __future__ import annotations

from typing import Any

from .accepted_values import Node, is_number, make_key
from .json_types import count_values, is_list, is_object, json_equal

MAX_MERGED_VALUES = 100_000
"""The maximal number of schemas and values that are compared to merge the members of `allOf` in a schema."""

REFERENCES = frozenset("$dynamicRef $recursiveRef $ref extends".split())
# Keywords of one group depend on each other.
_OBJECT = frozenset("additionalProperties patternProperties properties".split())
_ARRAY = frozenset("additionalItems items prefixItems".split())
_GROUPS = (
    _OBJECT,
    _ARRAY,
    frozenset("else if then".split()),
    frozenset("contains maxContains minContains".split()),
)
_GROUPED = frozenset[str]().union(*_GROUPS)
_LOWER = frozenset("exclusiveMinimum minContains minItems minLength minProperties minimum".split())
_UPPER = frozenset("exclusiveMaximum maxContains maxItems maxLength maxProperties maximum".split())
# Keywords whose meaning depends on more than their own value, and that are never merged.
_UNMERGEABLE = frozenset("unevaluatedItems unevaluatedProperties".split())
# Keywords that restrict values; of two different ones, neither can be omitted.
_CONSTRAINTS = REFERENCES | frozenset(
    "anyOf dependencies dependentRequired dependentSchemas disallow divisibleBy multipleOf not oneOf pattern "
    "propertyNames uniqueItems".split()
)
# Keywords that may exclude null.
_ANY_TYPE = REFERENCES | frozenset("allOf anyOf disallow else if not oneOf then".split())
_RESTRICTING: frozenset[str] = _CONSTRAINTS | _GROUPED | _LOWER | _UPPER | _UNMERGEABLE | {
    "allOf", "const", "enum", "nullable", "required", "type"
}  # fmt: skip


class Merger:
    """Merges schemas, as long as it has compared at most MAX_MERGED_VALUES schemas and values."""

    def __init__(self) -> None:
        self._remaining = MAX_MERGED_VALUES

    def merge_members(self, schema: Node, members: list[Any]) -> Node:
        """Return a schema with the members of its `allOf` merged into it, if they can be merged."""
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        rest: list[Any] = []
        for member in members:
            both = self.merge(merged, member)
            if is_object(both):
                merged = both
            else:
                rest.append(member)
        return {**merged, "allOf": [*merged.get("allOf", ()), *rest]} if rest else merged

    def merge(self, a: Any, b: Any) -> Any:
        """Return the schema of the values that both schemas accept; None if there is no simple form.

        Annotations are those of `a`, and those of `b` that `a` does not have.
        """
        if a is False or b is False:
            return False
        if not is_object(a) or not is_object(b):
            return a if b is True else b if a is True else None
        if not any(map(is_constraint, a)) or not any(map(is_constraint, b)):
            return {**b, **a}
        try:
            self._count(*(schema.get(key) for schema in (a, b) for key in ("enum", "required")))
            a, b = _without_nullable(a), _without_nullable(b)
            merged = {**b, **a}
            for key in ("type", "required", *_LOWER, *_UPPER):
                if key in a and key in b:
                    merged[key] = _merge_values(key, a[key], b[key])
            if "enum" in a and "enum" in b:
                keys = {make_key(value) for value in b["enum"]}
                merged["enum"] = [value for value in a["enum"] if make_key(value) in keys]
            if "allOf" in a and "allOf" in b:
                merged["allOf"] = [*a["allOf"], *b["allOf"]]
            for group in _GROUPS:
                if group & a.keys() and group & b.keys():
                    for key in group:
                        merged.pop(key, None)
                    merged |= self._merge_group(group, a, b)
            for key in _CONSTRAINTS & a.keys() & b.keys():
                self._count(a[key])
                if not json_equal(a[key], b[key]):
                    return None
        except (_NotExactError, TypeError):  # a keyword has an invalid value
            return None
        return None if merged.keys() & _UNMERGEABLE else False if _is_empty(merged) else merged

    def _merge_group(self, group: frozenset[str], a: Node, b: Node) -> Node:
        """Return the keywords of a group that both schemas have keywords of."""
        parts = [{key: schema[key] for key in group if key in schema} for schema in (a, b)]
        self._count(parts[1])
        if json_equal(*parts):
            return parts[0]
        if group == _ARRAY and all(part.keys() == {"items"} for part in parts):
            return {"items": self._merge_inner(a["items"], b["items"])}
        if group != _OBJECT or any("patternProperties" in part for part in parts):
            raise _NotExactError
        properties: list[dict[str, Any]] = [part.get("properties", {}) for part in parts]
        others = [part.get("additionalProperties", True) for part in parts]
        if not all(map(is_object, properties)):
            raise _NotExactError
        names = dict.fromkeys(name for described in properties for name in described)
        pairs = list(zip(properties, others, strict=True))
        merged = {
            name: self._merge_inner(*(described.get(name, other) for described, other in pairs))
            for name in names
        }
        other = self._merge_inner(*others)
        if other is False:  # a property that has no value is one that is not described
            merged = {name: schema for name, schema in merged.items() if schema is not False}
        return {"properties": merged, **({} if other is True else {"additionalProperties": other})}

    def _merge_inner(self, a: Any, b: Any) -> Any:
        self._count()
        merged = self.merge(a, b)
        if merged is None:
            raise _NotExactError
        return merged

    def _count(self, *values: object) -> None:
        """Count values that are compared, and the comparison itself.

        Raises:
            _NotExactError: There are too many of them.
        """
        for value in (None, *values):
            self._remaining -= count_values(value, max(self._remaining, 0))
        if self._remaining < 0:
            raise _NotExactError


class _NotExactError(Exception):
    """Two schemas cannot be merged."""


def _without_nullable(schema: Node) -> Node:
    """Return a schema with a list of types in place of `nullable`, and an enum in place of a constant."""
    schema = dict(schema)
    nullable = schema.pop("nullable", False)
    if not isinstance(nullable, bool) or (nullable and schema.keys() & _ANY_TYPE):
        raise _NotExactError
    if "const" in schema:
        constant = schema.pop("const")
        keys = {make_key(value) for value in schema.get("enum", [constant])}
        schema["enum"] = [constant] if make_key(constant) in keys else []
    if "enum" in schema and (not is_list(schema["enum"])):
        raise _NotExactError
    if nullable and "type" in schema:
        types = schema["type"] if is_list(schema["type"]) else [schema["type"]]
        schema["type"] = [*types, *([] if "null" in types else ["null"])]
    if nullable and "enum" in schema:
        schema["enum"] = [*schema["enum"], *([] if None in schema["enum"] else [None])]
    return schema


def _merge_values(key: str, a: Any, b: Any) -> Any:
    if key == "type":
        return _merge_types(*(value if is_list(value) else [value] for value in (a, b)))
    if key == "required":
        if not is_list(a) or not is_list(b):
            raise _NotExactError
        return [*a, *(name for name in b if name not in a)]
    if not is_number(a) or not is_number(b):  # before draft 6, an exclusive bound was a boolean
        raise _NotExactError
    return max(a, b) if key in _LOWER else min(a, b)


def _merge_types(a: list[Any], b: list[Any]) -> list[Any]:
    wide_a, wide_b = ({*types, *(["integer"] if "number" in types else [])} for types in (a, b))
    both = [name for name in dict.fromkeys([*a, *b]) if name in wide_a and name in wide_b]
    return [name for name in both if not (name == "integer" and "number" in both)]


def _is_empty(schema: Node) -> bool:
    """Return whether a merged schema accepts no value."""
    return schema.get("type") == [] or schema.get("enum") == []


def is_constraint(key: str) -> bool:
    """Return whether a keyword restricts values."""
    return key in _RESTRICTING
