"""Requests: values that can be compared, stored and sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import InvalidRequestError, Problem
from .fields import OMIT, Json
from .values import unsendable

RequestT = TypeVar("RequestT", bound="Request")

# Of other endpoints there is no result here.
_ENDPOINT = re.compile(r"/(images|videos|audio)(/[A-Za-z0-9_-]+)+")
_NUMBER = "num_generations"


class Object(BaseModel):
    """An object of a schema. A dict with its wire names is accepted in its place."""

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
    """A request to one model: an immutable value, to compare, store and send.

    Raises:
        pydantic.ValidationError: A value is not what the schema allows.
    """

    model_id: ClassVar[str]
    """The hub's name of the model."""
    endpoint: ClassVar[str]
    """Where it is sent, below /api/ai."""

    def body(self) -> dict[str, Any]:
        """The JSON object that is sent; what was left out is not in it."""
        # Its serializers would warn of an integer where a number is expected.
        return {"model": self.model_id, **self.model_dump(by_alias=True, warnings=False)}

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

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The schema that the class was generated from, in the hub's words: `oxen_models.schema(model_id)`.

        With any argument it is pydantic's own, of what the class checks: it has `response_format` and
        `target_namespace`, and neither descriptions nor defaults. So it is for a class that was not
        generated.
        """
        generated = next((each for each in cls.__mro__ if "model_id" in vars(each)), None)
        if not args and not kwargs and generated is not None:
            from .schemas import recorded

            with suppress(KeyError):
                return recorded(generated.__module__, cls.model_id)
        return super().model_json_schema(*args, **kwargs)


class ImageRequest(Request):
    """A request that results in images."""


class VideoRequest(Request):
    """A request that results in videos."""


class AudioRequest(Request):
    """A request that results in sounds."""


@dataclass(frozen=True, slots=True)
class UntypedRequest:
    """A request to a model that may not be in the package. `AnyModel.request` makes one that is checked
    against the model's schema; one that is made by hand is only checked to be JSON.

    Raises:
        InvalidRequestError: It cannot be sent, or its endpoint is not one of images, videos or sounds.
    """

    model_id: str
    """The hub's name of the model."""
    endpoint: str
    """Where it is sent, below /api/ai."""
    parameters: Mapping[str, Any]
    """JSON values by wire name."""

    def __post_init__(self) -> None:
        problems = tuple(_problems(self))
        if problems:
            raise InvalidRequestError(str(self.model_id), problems)
        # A copy: what is changed afterwards was not checked.
        object.__setattr__(self, "parameters", deepcopy(dict(self.parameters)))

    def body(self) -> dict[str, Any]:
        """The JSON object that is sent."""
        return {"model": self.model_id, **deepcopy(dict(self.parameters))}


def _problems(request: UntypedRequest) -> Iterator[Problem]:
    # Types are only promised, by whoever made it.
    given: dict[str, Any] = {name: getattr(request, name) for name in ("model_id", "endpoint", "parameters")}
    model_id, endpoint, parameters = given.values()
    if not isinstance(model_id, str) or not model_id.strip() or unsendable(model_id):
        yield Problem("model_id", _shown(model_id), "should be the hub's name of a model")
    if not isinstance(endpoint, str) or not _ENDPOINT.fullmatch(endpoint):
        yield Problem("endpoint", _shown(endpoint), "should be a path such as '/images/generate'")
    if not isinstance(parameters, Mapping):
        yield Problem("parameters", _shown(parameters), "should be JSON values by their names")
        return
    for name, value in cast("Mapping[Any, object]", parameters).items():
        try:
            reason = "is what model_id says" if name == "model" else unsendable({name: value})
        except RecursionError:
            reason = "should be nested less deeply"
        if reason is not None:
            yield Problem(f"parameters[{name!r:.80}]", _shown(value), reason)


def _shown(value: object) -> str:
    try:
        return f"{value!r:.120}"
    except RecursionError:
        return f"<{type(value).__name__}>"


RequestLike: TypeAlias = Request | UntypedRequest
"""What `run_many` takes."""


def class_of(request: RequestLike) -> type[Request] | None:
    """The generated class of a request; None for an `UntypedRequest`."""
    return type(request) if isinstance(request, Request) else None


def checked(build: partial[RequestT]) -> RequestT:
    """Build a request from the parameters of a call.

    Raises:
        InvalidRequestError: A value does not match the schema.
    """
    try:
        return build()
    except ValidationError as error:
        wrong = error
    from .explain import explained

    raise explained(cast("type[Request]", build.func), wrong)


def encoded(request: RequestLike, extra_body: Mapping[str, object] | None) -> bytes:
    """The JSON of a request, with `extra_body` in it.

    Raises:
        InvalidRequestError: `extra_body` is not JSON, or sets `num_generations`.
    """
    return _json(request, request.body(), extra_body)


def queued(
    request: RequestLike,
    num_generations: int,
    targets: Mapping[str, str],
    extra_body: Mapping[str, object] | None,
) -> bytes:
    """Return the JSON of a request to the queue.

    Args:
        request: The request.
        num_generations: The number of jobs to start.
        targets: Where the results are kept: `target_repo` and `target_directory`.
        extra_body: Additional JSON properties.

    Raises:
        InvalidRequestError: `num_generations` is not a positive integer, or is set elsewhere as well, or
            `extra_body` is not JSON.
    """
    body = request.body()
    is_number = isinstance(num_generations, int) and not isinstance(num_generations, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not is_number or num_generations < 1:
        raise _wrong(request, _NUMBER, num_generations, "should be a positive integer")
    # A parameter of the model to us, it would be the number of jobs to the queue.
    if _NUMBER in body:
        raise _untold(request, _NUMBER, body[_NUMBER])
    if num_generations != 1:
        body[_NUMBER] = num_generations
    return _json(request, {**body, **targets}, extra_body)


def _json(request: RequestLike, body: dict[str, Any], extra_body: Mapping[str, object] | None) -> bytes:
    try:
        more = dict(extra_body or {})
        if _NUMBER not in more:
            return json.dumps(
                body | more, ensure_ascii=False, separators=(",", ":"), allow_nan=False
            ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    else:
        raise _untold(request, f"extra_body[{_NUMBER!r}]", more[_NUMBER])
    raise _wrong(request, "extra_body", extra_body, f"should be JSON: {reason}")


def _untold(request: RequestLike, place: str, given: object) -> InvalidRequestError:
    """Return the error that a request starts more jobs than the call would return."""
    instead = "use oxen.submit(request, num_generations=...), which returns every job"
    return _wrong(request, place, given, "cannot be set here", instead)


def _wrong(
    request: RequestLike, place: str, given: object, expected: str, suggestion: str | None = None
) -> InvalidRequestError:
    return InvalidRequestError(request.model_id, (Problem(place, _shown(given), expected, suggestion),))
