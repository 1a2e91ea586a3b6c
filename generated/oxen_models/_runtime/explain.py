"""Errors of a request: what is wrong, what is allowed, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from os import PathLike
from typing import Any, Literal, cast, get_args, get_origin

from pydantic import ValidationError

from .errors import InvalidRequestError, Problem
from .request import Request

_LONGEST_GIVEN = 120


def explained(request: type[Request], error: ValidationError) -> InvalidRequestError:
    """The errors of pydantic, in terms of the parameters of a call."""
    problems: dict[str, Problem] = {}
    by_wire = {field.alias or name: name for name, field in request.model_fields.items()}
    for each in error.errors(include_url=False):
        wire = str(each["loc"][0]) if each["loc"] else ""
        name = by_wire.get(wire, wire)
        field = request.model_fields.get(name)
        # A union complains once per member; the first complaint per place tells enough.
        places = "".join(f"[{place}]" for place in each["loc"][1:] if isinstance(place, int))
        given = cast(object, each["input"])
        expected = each["msg"].replace("Input should be", "should be").removeprefix("Value error, ")
        choices = list(each.get("ctx", {}).get("choices") or _choices(field and field.annotation))
        problem = Problem(
            parameter=f"{name}{places}",
            given=shortened(given),
            expected=expected,
            suggestion=suggestion(name, given, each["type"], choices),
        )
        known = problems.get(problem.parameter)
        if known is not None and known.expected != expected:
            problem = Problem(
                known.parameter,
                known.given,
                f"{known.expected}, or {expected}",
                known.suggestion or problem.suggestion,
            )
        problems[problem.parameter] = problem
    return InvalidRequestError(request.model_id, tuple(problems.values()))


def suggestion(name: str, given: Any, kind: str, choices: list[object]) -> str | None:
    """What was probably meant.

    Args:
        name: The parameter.
        given: Its value.
        kind: The mistake, as pydantic names it.
        choices: The allowed values, where they are known.
    """
    if kind == "list_type" and (isinstance(given, str | bytes | PathLike) or hasattr(given, "read")):
        return f"wrap it in a list: {name}=[{shortened(given)}]"
    if isinstance(given, str) and len(given) <= _LONGEST_GIVEN:
        texts = [choice for choice in choices if isinstance(choice, str)]
        close = difflib.get_close_matches(given.lower(), [text.lower() for text in texts])
        # Of those that are close, the one that begins alike: '16:9' for '16:10', not '1:1'.
        close.sort(key=lambda text: _common_start(text, given.lower()), reverse=True)
        nearest = next((text for text in texts if close and text.lower() == close[0]), None)
        return f"did you mean {nearest!r}?" if nearest is not None else None
    if isinstance(given, int | float) and not isinstance(given, bool):
        numbers = [choice for choice in choices if isinstance(choice, int | float)]
        return f"the nearest is {min(numbers, key=lambda number: abs(number - given))}" if numbers else None
    return None


def _common_start(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (ours, theirs) in pairs if ours != theirs), min(len(one), len(other)))


def _choices(annotation: object) -> Iterator[object]:
    """The values of every `Literal` in an annotation."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for argument in get_args(annotation):
            yield from _choices(argument)


def shortened(value: Any) -> str:
    """The `repr` of a value, shortened."""
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    text = repr(value)
    return text if len(text) <= _LONGEST_GIVEN else f"{text[: _LONGEST_GIVEN - 1]}…"
