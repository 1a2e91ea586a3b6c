"""The proof that a model's module holds nothing of the hub but literals.

The module is rendered a second time with placeholders for all strings and numbers of the hub. With
literals blanked, the syntax trees of both have to be equal.
"""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass, replace
from typing import Any

from .json_types import is_list, is_object
from .shape import Binding, Bound, Choice, Entry, Family, Nested, Object, Parameter, Plain

_TEXT = "placeholder"
# Fields that hold names which this project made, and that stay what they are.
_NAMES: dict[type, frozenset[str]] = {
    Entry: frozenset({"family", "verb", "module"}),
    Family: frozenset({"name"}),
    Binding: frozenset({"module", "class_name", "family", "verb", "path", "result", "renamed"}),
    Object: frozenset({"class_name"}),
    Parameter: frozenset({"name"}),
    Bound: frozenset({"name"}),
    Plain: frozenset({"name"}),
    Nested: frozenset({"class_name"}),
    Choice: frozenset({"base"}),
}


def placeholders(value: Any) -> Any:
    """`value` with every string and number of the hub in it replaced."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = _NAMES.get(type(value), frozenset())
        return replace(
            value,
            **{
                each.name: placeholders(getattr(value, each.name))
                for each in fields(value)
                if each.name not in kept
            },
        )
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return _TEXT
    if isinstance(value, int | float):
        return 1
    if isinstance(value, tuple):
        return tuple(map(placeholders, value))  # pyright: ignore[reportUnknownArgumentType]
    if is_list(value):
        return [placeholders(item) for item in value]
    if is_object(value):
        return {f"{_TEXT}{number}": placeholders(item) for number, item in enumerate(value.values())}
    raise TypeError(f"no placeholder for {type(value)}")


def equal_but_for_literals(one: str, other: str) -> bool:
    """Whether two modules are the same code around their literals."""
    return _same(ast.parse(one), ast.parse(other))


def _same(one: Any, other: Any) -> bool:
    pairs = [(one, other)]
    while pairs:
        one, other = pairs.pop()
        if is_list(one) and is_list(other):
            if len(one) != len(other):
                return False
            pairs.extend(zip(one, other, strict=True))
        elif not isinstance(one, ast.AST):
            if one != other:
                return False
        elif _is_literal(one):
            if not _is_literal(other):
                return False
        elif type(one) is not type(other):
            return False
        else:
            for name in one._fields:
                ours, theirs = getattr(one, name, None), getattr(other, name, None)
                if ours is not theirs:
                    pairs.append((ours, theirs))
    return True


def _is_literal(node: Any) -> bool:
    """A constant, or a number with a sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant)
