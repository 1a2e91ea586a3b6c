"""Requests: values that can be compared, stored and sent."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, ParamSpec, Self, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import InvalidRequestError, Problem
from .fields import OMIT, Json

P = ParamSpec("P")
R = TypeVar("R")

_LONGEST_GIVEN = 120


class Object(BaseModel):
    """An object with the properties of a schema; a dict with their wire names is taken for one."""

    model_config = ConfigDict(
        strict=True,
        extra="allow",
        frozen=True,
        allow_inf_nan=False,
        str_min_length=0,  # has pydantic look at the text, and refuse one that no UTF-8 can hold
        validate_by_name=True,
        validate_by_alias=True,
        protected_namespaces=(),
    )
    if not TYPE_CHECKING:  # checkers hold it against the base class, where it may be None
        __pydantic_extra__: dict[str, Json] = Field(init=False)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        return ((name, value) for name, value in super().__repr_args__() if value is not OMIT)


class Request(Object, extra="forbid"):
    """A request to one model.

    Raises:
        pydantic.ValidationError: A value is not what the schema allows.
    """

    model_id: ClassVar[str]
    """The hub's name of the model."""
    endpoint: ClassVar[str]
    """Where it is sent, below /api/ai."""

    def body(self) -> dict[str, Any]:
        """The JSON object that is sent; what was left out is not in it."""
        return {"model": self.model_id, **self.model_dump(by_alias=True)}

    @classmethod
    def from_body(cls, body: Mapping[str, object]) -> Self:
        """The request whose `body()` this is.

        Raises:
            ValueError: It is the body of another model.
            pydantic.ValidationError: A value is not what the schema allows.
        """
        if body.get("model", cls.model_id) != cls.model_id:
            raise ValueError(f"a body for {cls.model_id!r} is expected, not for {body['model']!r}")
        parameters = {name: value for name, value in body.items() if name != "model"}
        return cls.model_validate(parameters, by_alias=True, by_name=False)


def checked(request: Callable[P, R], *args: P.args, **parameters: P.kwargs) -> R:
    """A request from the parameters of a call.

    Raises:
        InvalidRequestError: A value is not what the schema allows.
    """
    try:
        return request(*args, **parameters)
    except ValidationError as error:
        wrong = error
    raise _explained(cast("type[Request]", request), wrong)


def encoded(request: Request, extra_body: Mapping[str, object] | None) -> bytes:
    """What is sent of a request: its body and what is to go beside it, as JSON.

    Raises:
        InvalidRequestError: JSON cannot hold `extra_body`.
    """
    body = request.body()
    if extra_body:
        body |= extra_body
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    problem = Problem("extra_body", _shortened(extra_body), f"should be JSON: {reason}")
    raise InvalidRequestError(request.model_id, (problem,))


def _explained(request: type[Request], error: ValidationError) -> InvalidRequestError:
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
            given=_shortened(given),
            expected=expected,
            suggestion=_suggestion(name, given, each["type"], choices),
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


def _suggestion(name: str, given: object, kind: str, choices: list[object]) -> str | None:
    if kind == "list_type" and isinstance(given, str | bytes):
        return f"wrap it in a list: {name}=[{_shortened(given)}]"
    if isinstance(given, str):
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


def _shortened(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    text = repr(value)
    return text if len(text) <= _LONGEST_GIVEN else f"{text[: _LONGEST_GIVEN - 1]}…"
