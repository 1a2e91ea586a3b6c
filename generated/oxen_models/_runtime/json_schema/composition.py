# Copied by oxen-codegen from codegen/oxen_codegen/composition.py. Do not edit.
"""Replace local references by their targets, and merge `allOf`, where that accepts exactly the same values.

What cannot be replaced stays as it is: references to other documents or to themselves, and members of `allOf`
whose conjunction has no simple form. A few references can make a schema very large: expanded schemas share
the targets of references, and one with more than MAX_EXPANDED_VALUES values is not expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from .accepted_values import Node, is_number, make_key
from .json_types import count_values, is_list, is_object, json_equal

MAX_LEVELS = 48
"""The maximal number of nested schemas, counting each reference as a level."""
MAX_EXPANDED_VALUES = 100_000
"""The maximal number of JSON values in an expanded schema, more than a record can have."""
MAX_MERGED_VALUES = 100_000
"""The maximal number of schemas and values that are compared to merge the members of `allOf` in a schema."""

_SCHEMAS = frozenset("additionalProperties contains else if items not propertyNames then".split())
_LISTS = frozenset("allOf anyOf items oneOf prefixItems".split())
_MAPS = frozenset("dependentSchemas patternProperties properties".split())
_OLD_DRAFT = re.compile(r"json-schema\.org/draft-0[3-7]/")
_REFERENCES = frozenset("$dynamicRef $recursiveRef $ref extends".split())

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
_CONSTRAINTS = _REFERENCES | frozenset(
    "anyOf dependencies dependentRequired dependentSchemas disallow divisibleBy multipleOf not oneOf pattern "
    "propertyNames uniqueItems".split()
)
_RESTRICTING: frozenset[str] = _CONSTRAINTS | _GROUPED | _LOWER | _UPPER | _UNMERGEABLE | {
    "allOf", "const", "enum", "nullable", "required", "type"
}  # fmt: skip


def expand_schema(schema: Node) -> Node:
    """Return a schema without local references and `allOf`, as far as that is exact.

    A schema that would have more than MAX_EXPANDED_VALUES values is returned as it is.
    """
    expanded = _Expander(schema).expand(schema, 0)
    is_expanded = is_object(expanded) and count_values(expanded, MAX_EXPANDED_VALUES) <= MAX_EXPANDED_VALUES
    return expanded if is_expanded else schema


def describes_other_names(schema: Node) -> bool:
    """Return whether keywords other than `properties` describe properties of an expanded object schema."""
    properties = schema.get("properties")
    known = set(properties) if is_object(properties) else set[str]()
    if schema.get("additionalProperties") is False:
        return bool(schema.get("patternProperties"))
    return any(name is None or name not in known for name in _find_names(schema, is_root=True))


def _find_names(schema: object, *, is_root: bool = False) -> Iterator[str | None]:
    """Yield the names of properties in the branches of a schema; None for names that are not known."""
    if not is_object(schema):
        return
    if schema.get("patternProperties") or schema.keys() & _REFERENCES:
        yield None
    if not is_root:
        for key in ("properties", "required"):
            names = schema.get(key)
            yield from (
                (name for name in names if isinstance(name, str))
                if is_list(names) or is_object(names)
                else ()
            )
    for key in ("allOf", "anyOf", "oneOf"):
        branches = schema.get(key)
        for branch in branches if is_list(branches) else ():
            yield from _find_names(branch)
    constant = [schema["const"]] if "const" in schema else []
    choices = schema.get("enum")
    for value in (*constant, *(choices if is_list(choices) else ())):
        yield from value if is_object(value) else ()
    for key in ("else", "if", "not", "then"):
        yield from _find_names(schema.get(key))
    for key in ("dependencies", "dependentSchemas"):
        branches = schema.get(key)
        for branch in branches.values() if is_object(branches) else ():
            yield from _find_names(branch)


class _Expander:
    def __init__(self, root: Node) -> None:
        self._root = root
        self._ignores_siblings = bool(_OLD_DRAFT.search(str(root.get("$schema"))))
        self._targets: dict[str, Any] = {}
        self._active: set[str] = set()
        self._merger = _Merger()

    def expand(self, schema: Any, level: int) -> Any:
        """Return a schema with everything in it expanded."""
        # References in a schema with an id of its own are relative to that id.
        if not is_object(schema) or level > MAX_LEVELS or (level and ("$id" in schema or "id" in schema)):
            return schema
        expanded = {key: self._expand_keyword(key, value, level + 1) for key, value in schema.items()}
        if not schema.keys() & {"$ref", "allOf"}:
            return expanded
        # `nullable` adds null to what all other keywords accept together.
        nullable = {"nullable": expanded.pop("nullable")} if "nullable" in expanded else {}
        if "$ref" in schema:
            expanded = self._replace_reference(expanded, level)
        members = expanded.get("allOf")
        merged = self._merger.merge_members(expanded, members) if is_list(members) and members else expanded
        return {**merged, **nullable}

    def _expand_keyword(self, key: str, value: Any, level: int) -> Any:
        if key in _LISTS and is_list(value):
            return [self.expand(item, level) for item in value]
        if key in _MAPS and is_object(value):
            return {name: self.expand(item, level) for name, item in value.items()}
        return self.expand(value, level) if key in _SCHEMAS else value

    def _replace_reference(self, schema: Node, level: int) -> Node:
        target = self._find_target(schema["$ref"], level + 1)
        if target is None:
            return schema
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        if self._ignores_siblings and any(map(_is_constraint, rest)):
            return schema
        merged = self._merger.merge(rest, target)
        return merged if is_object(merged) else schema

    def _find_target(self, reference: object, level: int) -> Any:
        """Return the expanded target of a reference; None if it is elsewhere or part of itself."""
        if not isinstance(reference, str) or not reference.startswith("#/") or reference in self._active:
            return None
        if reference not in self._targets:
            target: Any = self._root
            for step in unquote(reference[2:]).split("/"):
                name = step.replace("~1", "/").replace("~0", "~")
                if target is not self._root and is_object(target) and ("$id" in target or "id" in target):
                    return None
                if is_list(target) and name.isdecimal() and int(name) < len(target):
                    target = target[int(name)]
                elif is_object(target) and name in target:
                    target = target[name]
                else:
                    return None
            self._active.add(reference)
            self._targets[reference] = self.expand(target, level)
            self._active.remove(reference)
        target = self._targets[reference]
        return target if is_object(target) or isinstance(target, bool) else None


class _Merger:
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
        if not any(map(_is_constraint, a)) or not any(map(_is_constraint, b)):
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
    if not isinstance(nullable, bool):
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


def _is_constraint(key: str) -> bool:
    return key in _RESTRICTING
