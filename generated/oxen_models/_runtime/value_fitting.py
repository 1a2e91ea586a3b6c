# Copied by oxen-codegen from templates/package/_runtime/value_fitting.py. Do not edit.
"""One value of a parameter in the range of a model. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import floor, isfinite
from typing import Any

from oxen_models._runtime.json_schema.accepted_values import simplify_number
from oxen_models._runtime.json_schema.json_types import json_equal

from .aliases import AUTOMATIC, SAME_FORMATS, AliasKind
from .fields import is_sequence, to_number

_SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?s?")


class UnsuitableValueError(Exception):
    """The model does not accept the value."""


def fit_value(kind: AliasKind, node: Mapping[str, Any], value: Any) -> Any:
    """Return a value as a model accepts it.

    Raises:
        UnsuitableValueError: The model accepts no such value.
    """
    value = to_number(value)
    if json_equal(value, node.get("default")):
        return value
    choices: list[Any] = node.get("enum", [])
    for choice in choices:
        if json_equal(choice, value):
            return choice
    if kind == "seconds":
        return _fit_seconds(node, value)
    if choices:
        return _choose(kind, choices, value)
    types = _list_types(node)
    if types & {"integer", "number"} and isinstance(value, int | float) and not isinstance(value, bool):
        return _limit(node, value, types, is_exact=kind == "exact")
    matches = {
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "array": is_sequence(value),
        "object": isinstance(value, Mapping),
    }
    if not types or any(matches.get(name, False) for name in types):
        return value
    raise UnsuitableValueError(f"the model expects {' or '.join(sorted(types))}")


def _choose(kind: AliasKind, choices: Sequence[Any], value: Any) -> Any:
    if isinstance(value, str):
        names = (value.lower(), SAME_FORMATS.get(value.lower()) if kind == "format" else None)
        for choice in choices:
            if isinstance(choice, str) and choice.lower() in names:
                return choice
    numbers = [
        choice for choice in choices if isinstance(choice, int | float) and not isinstance(choice, bool)
    ]
    if kind == "number" and numbers and isinstance(value, int | float) and not isinstance(value, bool):
        return min(numbers, key=lambda choice: abs(choice - value))
    raise UnsuitableValueError(f"the model accepts {', '.join(map(repr, choices))}")


def _limit(node: Mapping[str, Any], value: float, types: frozenset[str], *, is_exact: bool) -> int | float:
    if not isfinite(value if isinstance(value, float) else 0):
        raise UnsuitableValueError("it is not a finite number")
    limits = {name: simplify_number(node[name]) for name in ("minimum", "maximum") if name in node}
    limited: float = min(max(value, limits.get("minimum", value)), limits.get("maximum", value))
    if is_exact and limited != value:
        text = ", ".join(f"{name} {limit}" for name, limit in limits.items())
        raise UnsuitableValueError(f"the model accepts numbers with {text}")
    # An integer may be too large for a float.
    is_whole = "number" in types or isinstance(limited, int)
    rounded = limited if is_whole else floor(limited + 0.5)
    if is_exact and rounded != value:
        raise UnsuitableValueError("the model accepts integers")
    return rounded


def _fit_seconds(node: Mapping[str, Any], value: Any) -> Any:
    choices: list[Any] = node.get("enum", [])
    if value == -1 or (isinstance(value, str) and value in AUTOMATIC):
        for automatic in (-1, *sorted(AUTOMATIC)):
            if any(json_equal(automatic, choice) for choice in (*choices, node.get("default"))):
                return automatic
        raise UnsuitableValueError("the model does not choose the duration itself")
    is_small = isinstance(value, str | float) or (isinstance(value, int) and value.bit_length() < 64)
    match = _SECONDS.fullmatch(str(value)) if is_small else None
    if match is None or isinstance(value, bool):
        raise UnsuitableValueError("it is not a number of seconds")
    seconds = float(match[1])
    lengths = {choice: float(found[1]) for choice in choices if (found := _SECONDS.fullmatch(str(choice)))}
    if lengths:
        return min(lengths, key=lambda choice: abs(lengths[choice] - seconds))
    types = _list_types(node)
    number = int(seconds) if seconds.is_integer() else seconds
    limited = _limit(node, number, types, is_exact=False)
    return value if "string" in types and value == str(limited) else limited


def _list_types(node: Mapping[str, Any]) -> frozenset[str]:
    types = node.get("type", ())
    return frozenset((types,) if isinstance(types, str) else types)
