# Copied by oxen-codegen from codegen/oxen_codegen/composition.py. Do not edit.
"""Replace local references by their targets, and merge `allOf`, where that accepts exactly the same values.

An `anyOf` or `oneOf` of one schema, or of one schema and null, is replaced by that schema. What cannot be
replaced stays as it is: references to other documents or to themselves, and members of `allOf` whose
conjunction has no simple form. A few references can make a schema very large: expanded schemas share
the targets of references, and one with more than MAX_EXPANDED_VALUES values is not expanded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from .accepted_values import Node
from .json_types import count_values, is_list, is_object
from .merging import REFERENCES, Merger, is_constraint

MAX_LEVELS = 48
"""The maximal number of nested schemas, counting each reference as a level."""
MAX_EXPANDED_VALUES = 100_000
"""The maximal number of JSON values in an expanded schema, more than a record can have."""

_REPLACED = frozenset("$ref allOf anyOf oneOf".split())
_SCHEMAS = frozenset("additionalProperties contains else if items not propertyNames then".split())
_LISTS = frozenset("allOf anyOf items oneOf prefixItems".split())
_MAPS = frozenset("dependentSchemas patternProperties properties".split())
_NULL: Mapping[str, tuple[Any, ...]] = {"type": ("null", ["null"]), "const": (None,), "enum": ([None],)}
"""The values of the keywords with which a schema accepts null only."""
_OLD_DRAFT = re.compile(r"json-schema\.org/draft-0[3-7]/")


def expand_schema(schema: Node) -> Node:
    """Return a schema without local references, `allOf` and alternatives to null, as far as that is exact.

    A schema that would have more than MAX_EXPANDED_VALUES values is returned as it is.
    """
    text = json.dumps(schema)  # searched, because most schemas have none and a copy takes much longer
    if not any(f'"{key}"' in text for key in _REPLACED):
        return schema
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
    if schema.get("patternProperties") or schema.keys() & REFERENCES:
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
        self._merger = Merger()

    def expand(self, schema: Any, level: int) -> Any:
        """Return a schema with everything in it expanded."""
        # References in a schema with an id of its own are relative to that id.
        if not is_object(schema) or level > MAX_LEVELS or (level and ("$id" in schema or "id" in schema)):
            return schema
        expanded = {key: self._expand_keyword(key, value, level + 1) for key, value in schema.items()}
        if not schema.keys() & _REPLACED:
            return expanded
        # `nullable` adds null to what all other keywords accept together.
        nullable = expanded.pop("nullable", False)
        for key in ("anyOf", "oneOf"):
            if is_list(members := expanded.get(key)):
                expanded = self._replace_alternatives(expanded, key, members)
        if "$ref" in schema:
            expanded = self._replace_reference(expanded, level)
        members = expanded.get("allOf")
        merged = self._merger.merge_members(expanded, members) if is_list(members) and members else expanded
        return merged if nullable is False else {**merged, "nullable": nullable}

    def _expand_keyword(self, key: str, value: Any, level: int) -> Any:
        if key in _LISTS and is_list(value):
            return [self.expand(item, level) for item in value]
        if key in _MAPS and is_object(value):
            return {name: self.expand(item, level) for name, item in value.items()}
        return self.expand(value, level) if key in _SCHEMAS else value

    def _replace_alternatives(self, schema: Node, key: str, members: list[Any]) -> Node:
        """Return a schema whose `anyOf` or `oneOf` has one member, apart from null, merged into it."""
        others = [member for member in members if not _is_null(member)]
        if len(others) != 1 or not is_object(other := others[0]):
            return schema
        if len(members) > 1:
            if key == "oneOf" and (len(members) > 2 or not _rejects_null(other)):
                return schema
            other = {**other, "nullable": True}
        merged = self._merger.merge({name: schema[name] for name in schema if name != key}, other)
        return merged if is_object(merged) else schema

    def _replace_reference(self, schema: Node, level: int) -> Node:
        target = self._find_target(schema["$ref"], level + 1)
        if target is None:
            return schema
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        if self._ignores_siblings and any(map(is_constraint, rest)):
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


def _is_null(schema: object) -> bool:
    """Return whether a schema accepts null only."""
    if not is_object(schema):
        return False
    constraints = {key: value for key, value in schema.items() if is_constraint(key)}
    return bool(constraints) and all(value in _NULL.get(key, ()) for key, value in constraints.items())


def _rejects_null(schema: Node) -> bool:
    """Return whether the type or the values of a schema exclude null."""
    types, values = schema.get("type"), [schema["const"]] if "const" in schema else schema.get("enum")
    if schema.get("nullable", False) is not False:
        return False
    has_types = isinstance(types, str) or (is_list(types) and "null" not in types)
    return (has_types and types != "null") or (is_list(values) and None not in values)
