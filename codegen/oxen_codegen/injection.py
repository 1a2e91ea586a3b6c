"""Check that strings and numbers of the API appear only as literals in generated code.

A module is rendered a second time, with placeholders for all strings and numbers of the API. With literals
ignored, the syntax trees of both have to be equal.
"""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass, replace
from typing import Any

from .json_types import is_list, is_object
from .spec import (
    CatalogEntry,
    ClassType,
    EnumAlias,
    EnumType,
    FamilySpec,
    Limit,
    ModelSpec,
    NamedType,
    ObjectSpec,
    Parameter,
)

_TEXT = "placeholder"
# Fields with names that the generator chose, which stay as they are.
_GENERATED_NAMES: dict[type, frozenset[str]] = {
    CatalogEntry: frozenset({"family", "verb", "verbs", "tasks", "parameters", "module"}),
    FamilySpec: frozenset({"name"}),
    ModelSpec: frozenset({"module", "class_name", "family", "verbs", "result", "renamed"}),
    ObjectSpec: frozenset({"class_name"}),
    Parameter: frozenset({"name"}),
    Limit: frozenset({"name"}),
    NamedType: frozenset({"name"}),
    ClassType: frozenset({"class_name"}),
    EnumAlias: frozenset({"name"}),
    EnumType: frozenset({"base", "alias"}),
}


class Placeholders:
    """Placeholders in place of API text and numbers; an object that several files show is replaced once."""

    def __init__(self) -> None:
        # With the original, so that no other object gets its identity.
        self._replaced: dict[int, tuple[Any, Any]] = {}

    def replace(self, value: Any) -> Any:
        """Return `value` with every string and number of the API in it replaced."""
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, str):
            return _TEXT
        if isinstance(value, int | float):
            return 1
        if is_dataclass(value) and not isinstance(value, type):
            if id(value) not in self._replaced:
                self._replaced[id(value)] = value, self._replace_fields(value)
            return self._replaced[id(value)][1]
        if isinstance(value, tuple):
            return tuple(map(self.replace, value))  # pyright: ignore[reportUnknownArgumentType]
        if is_list(value):
            return [self.replace(item) for item in value]
        if is_object(value):
            return {f"{_TEXT}{number}": self.replace(item) for number, item in enumerate(value.values())}
        raise TypeError(f"no placeholder for {type(value)}")

    def _replace_fields(self, value: Any) -> Any:
        kept = _GENERATED_NAMES.get(value.__class__, frozenset())
        names = [field.name for field in fields(value) if field.name not in kept]
        return replace(value, **{name: self.replace(getattr(value, name)) for name in names})


def equal_except_literals(a: str, b: str) -> bool:
    """Return whether two modules are the same code apart from their literals."""
    return _equal_nodes(ast.parse(a), ast.parse(b))


def _equal_nodes(a: Any, b: Any) -> bool:
    pairs = [(a, b)]
    while pairs:
        a, b = pairs.pop()
        if is_list(a) and is_list(b):
            if len(a) != len(b):
                return False
            pairs.extend(zip(a, b, strict=True))
        elif not isinstance(a, ast.AST):
            if a != b:
                return False
        elif _is_literal(a):
            if not _is_literal(b):
                return False
        elif type(a) is not type(b):
            return False
        else:
            for name in a._fields:
                child_a, child_b = getattr(a, name, None), getattr(b, name, None)
                if child_a is not child_b:
                    pairs.append((child_a, child_b))
    return True


def _is_literal(node: Any) -> bool:
    """Return whether a node is a constant, or a number with a sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant)
