"""Convert validation errors of pydantic to `InvalidRequestError`, with suggestions."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from heapq import nlargest
from itertools import pairwise
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

from .errors import InvalidRequestError, Problem
from .fields import is_sequence, map_wire_names
from .values import MAX_VALUE_LENGTH, shorten

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LEAVE_OUT = "leave the parameter out, or pass OMIT"
"""The remedy for None as an optional parameter."""
MAX_LISTED_CHOICES = 50
EXAMPLES = 3
MAX_COMPARED_CHOICES = 100
"""Maximum number of allowed values that a wrong one is compared with, since comparing takes long."""
# Kinds of errors about one of several values, as pydantic, `EnumValues` and jsonschema name them.
_CHOICE_ERRORS = frozenset({"literal_error", "one_of", "enum"})


def from_pydantic(
    model_id: str, request: type[BaseModel], values: Mapping[str, object], error: ValidationError
) -> InvalidRequestError:
    """Return an error of pydantic as one about the parameters of a call.

    Args:
        model_id: The model that was called.
        request: The class that rejected the values.
        values: The values, by Python name or by wire name.
        error: The error.
    """
    problems: dict[tuple[int | str, ...], Problem] = {}
    names = map_wire_names(request)
    # An unknown parameter can have the Python name of another one.
    given = {**values, **{names[name]: value for name, value in values.items() if name in names}}
    for detail in error.errors(include_url=False):
        wire_name = str(detail["loc"][0]) if detail["loc"] else ""
        name = names.get(wire_name, wire_name)
        field = request.model_fields.get(name)
        is_missing = detail["type"] == "missing"
        path = tuple(_find_path(given.get(name), detail["loc"][1:], is_missing=is_missing))
        place = "".join(f"[{step!r}]" for step in path)
        if len(place) > MAX_VALUE_LENGTH:
            place = f"{place[:MAX_VALUE_LENGTH]}…"
        value = cast(object, detail["input"])
        choices = list(detail.get("ctx", {}).get("choices") or _list_choices(field and field.annotation))
        expected = describe(detail, choices)
        suggestion = suggest(name, value, detail["type"], choices)
        if value is None and field is not None and not field.is_required() and len(detail["loc"]) == 1:
            suggestion = LEAVE_OUT
        problem = Problem(
            parameter=f"{name}{place}",
            given="" if is_missing else shorten(value),
            expected=expected,
            suggestion=suggestion,
            expects_list=detail["type"] == "list_type",
        )
        # A union reports one error for each of its members.
        known = problems.get((wire_name, *path))
        if known is not None and known.expected != expected:
            # The nearest of one member's numbers may be further away than a range of another member.
            suggestion = None if isinstance(value, int | float) else known.suggestion or problem.suggestion
            problem = replace(
                known,
                expected=f"{known.expected}, or {expected}",
                suggestion=suggestion,
                expects_list=known.expects_list or problem.expects_list,
            )
        problems[wire_name, *path] = problem
    return InvalidRequestError(model_id, tuple(problems.values()))


def _find_path(value: Any, steps: Sequence[int | str], *, is_missing: bool) -> Iterator[int | str]:
    """Yield the keys and positions in the location of an error, without the members of unions in it."""
    for number, step in enumerate(steps, 1):
        if isinstance(step, int):
            yield step
            items = cast(object, value)
            value = items[step] if is_sequence(items) and step < len(items) else None
        elif isinstance(value, Mapping) and step in value:
            yield step
            value = cast(Any, value[step])
        elif is_missing and number == len(steps):
            yield step


def suggest(name: str, value: Any, kind: str, choices: list[object]) -> str | None:
    """Return a suggestion for a value that was rejected; None if there is none.

    Args:
        name: The parameter.
        value: The value.
        kind: The kind of error, in the words of pydantic or jsonschema.
        choices: The allowed values if they are known.
    """
    if kind == "list_type" and (isinstance(value, str | bytes | PathLike) or hasattr(value, "read")):
        return f"wrap it in a list: {name}=[{shorten(value)}]"
    if isinstance(value, str) and len(value) <= MAX_VALUE_LENGTH:
        return _suggest_text(value, [choice for choice in choices if isinstance(choice, str)])
    if isinstance(value, int | float) and not isinstance(value, bool) and kind in _CHOICE_ERRORS:
        numbers = [choice for choice in choices if isinstance(choice, int | float)]
        if not numbers or not math.isfinite(value if isinstance(value, float) else 0):
            return None
        # Fractions, because not every integer can be converted to a float.
        nearest = min(numbers, key=lambda number: abs(Fraction(number) - Fraction(value)))
        return f"the nearest is {shorten(nearest)}"
    return None


def describe_choices(choices: Sequence[object]) -> str:
    """Return the allowed values, or the first ones if there are many."""
    if len(choices) > MAX_LISTED_CHOICES:
        values = [choice for choice in choices if choice is not None]
        none = ", or None" if len(values) < len(choices) else ""
        return f"one of {len(values):,} values, such as {', '.join(map(shorten, values[:EXAMPLES]))}{none}"
    *most, last = map(shorten, choices)
    return f"{', '.join(most)}{' or ' if most else ''}{last}"


def describe(detail: ErrorDetails, choices: Sequence[object] = ()) -> str:
    """Return what is expected instead of a value, such as 'must be a valid list'."""
    if detail["type"].startswith("recursion"):
        return "must be nested less deeply"
    if detail["type"] == "missing":
        return "is required"
    if detail["type"] == "extra_forbidden":
        is_parameter = len(detail["loc"]) == 1
        return "is not a parameter of the model" if is_parameter else "is not a property of the object"
    if detail["type"] in _CHOICE_ERRORS and len(choices) > MAX_LISTED_CHOICES:
        return f"must be {describe_choices(choices)}"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    # "Value should have at most 3 items after validation, not 5"
    message = re.sub(r"^(Value|List|Dictionary|String|Data) (?=should\b)", "", message)
    message = re.sub(r" after validation, not (?=\d+$)", ", got ", message)
    if not is_sequence(detail["input"]):  # a text for a medium, whose unit pydantic does not know
        message = re.sub(r" item(s?)(?=, got )", r" character\1", message)
    return re.sub(r"\bshould\b", "must", message)


def _suggest_text(value: str, choices: list[str]) -> str | None:
    if len(choices) > MAX_COMPARED_CHOICES:
        pairs = _letter_pairs(value)
        choices = nlargest(
            MAX_COMPARED_CHOICES, choices, key=lambda choice: len(pairs & _letter_pairs(choice))
        )
    matches = difflib.get_close_matches(value.lower(), [choice.lower() for choice in choices])
    # Prefer the longest common start: '16:9' for '16:10', although '1:1' is as similar.
    matches.sort(key=lambda match: _common_length(match, value.lower()), reverse=True)
    nearest = next((choice for choice in choices if matches and choice.lower() == matches[0]), None)
    return None if nearest is None else f"did you mean {nearest!r}?"


def _letter_pairs(text: str) -> set[tuple[str, str]]:
    return set(pairwise(text.lower()))


def _common_length(a: str, b: str) -> int:
    pairs = enumerate(zip(a, b, strict=False))
    return next((index for index, (char_a, char_b) in pairs if char_a != char_b), min(len(a), len(b)))


def _list_choices(annotation: object) -> Iterator[object]:
    """Yield the values of every `Literal` in an annotation."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for argument in get_args(annotation):
            yield from _list_choices(argument)
