"""Request base classes: immutable, comparable, serializable values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import ConfigurationError, InvalidRequestError, Problem
from .fields import OMIT, Json
from .lazy import LazyModule
from .local_media import LocalMedia, LocalMediaError, MediaContext
from .values import json_error, map_scalars, shorten

if TYPE_CHECKING:
    from oxen_models._runtime.json_schema import estimates
else:
    estimates = LazyModule("oxen_models._runtime.json_schema.estimates")

RequestT = TypeVar("RequestT", bound="Request")
BuiltT = TypeVar("BuiltT", bound="Object")

# The endpoints whose results the package can read.
_ENDPOINT = re.compile(r"/(images|videos|audio)(/[A-Za-z0-9_-]+)+")


class Object(BaseModel):
    """An object of a schema. A dict with its wire names is accepted instead of it."""

    model_config = ConfigDict(
        strict=True,
        extra="allow",
        frozen=True,
        allow_inf_nan=False,
        str_min_length=0,  # makes pydantic validate strings, which rejects lone surrogates
        protected_namespaces=(),
    )
    _aliases: ClassVar[Mapping[str, str]] = {}
    """The wire names of the fields whose Python name is another one, by Python name."""

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        cls._aliases = {
            name: field.alias for name, field in cls.model_fields.items() if field.alias is not None
        }

    if not TYPE_CHECKING:  # type checkers compare it with the base class, where it may be None
        __pydantic_extra__: dict[str, Json] = Field(init=False)

        def __init__(self, /, **parameters: object) -> None:
            self.__pydantic_validator__.validate_python(self._by_wire_name(parameters), self_instance=self)

        # Otherwise, pydantic would call it for each dict, too.
        __init__.__pydantic_base_init__ = True

    @classmethod
    def _from_call(cls, parameters: Mapping[str, object], context: MediaContext) -> Self:
        """Return the object with the parameters of a call."""
        return cls.model_validate(cls._by_wire_name(dict(parameters)), context=context)

    @classmethod
    def _by_wire_name(cls, parameters: dict[str, object]) -> dict[str, object]:
        """Return keyword arguments, which have the names of Python, as a dict for an object, which has wire
        names only.
        """
        for name, alias in cls._aliases.items():
            if name in parameters and alias not in parameters:
                parameters[alias] = parameters.pop(name)
        return parameters

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        return ((name, value) for name, value in super().__repr_args__() if value is not OMIT)


class Request(Object, extra="forbid"):
    """A request to one model: an immutable value that can be compared, stored and sent.

    `oxen.run(request)` sends it, `oxen.submit(request)` submits it to the queue, and
    `oxen.run_many(requests)` does so with many of them.

    Raises:
        pydantic.ValidationError: A value does not match the schema.
    """

    model_id: ClassVar[str]
    """The id of the model."""
    billed_parameters: ClassVar[tuple[str, ...]] = ()
    """The names of the parameters that count results; all of them are billed, and the first is returned."""

    @property
    def endpoint(self) -> str:
        """The path of the blocking call, below /api/ai."""
        raise NotImplementedError

    def body(self) -> dict[str, Any]:
        """Return the JSON object that is sent. Omitted parameters are not in it.

        Raises:
            InvalidRequestError: A file cannot be read any more, or changed after the request was made.
        """
        return _convert_media(self, body_with_media(self))

    def estimate(self, num_generations: int = 1) -> estimates.Estimate | estimates.NoEstimate:
        """Return the estimated cost of the request, from the price that the package has of the model.

        A value that is not sent counts with its default, and one that the server chooses as a range. There is
        no estimate if the package has no price, or the cost depends on something else than the request.
        `extra_body` is not considered. Nothing is sent.

        Args:
            num_generations: The number of jobs that are submitted with this request.

        Raises:
            ConfigurationError: `num_generations` is not a positive integer.
        """
        return _estimate(self, _find_module(type(self)), num_generations)

    @classmethod
    def from_body(cls, body: Mapping[str, object]) -> Self:
        """Return the request that has the given `body()`.

        Raises:
            TypeError: It is not a mapping.
            ValueError: It is the body of another model.
            pydantic.ValidationError: A value does not match the schema.
        """
        _check_body(body)
        if body.get("model", cls.model_id) != cls.model_id:
            raise ValueError(f"model must be {cls.model_id!r}, got {body['model']!r}")
        parameters = {name: value for name, value in body.items() if name != "model"}
        return cls.model_validate(parameters, by_alias=True, by_name=False)

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the schema that the class was generated from, as `oxen_models.schema(model_id)` does.

        With any argument it is the schema of pydantic, which describes what the class validates. That schema
        includes `response_format` and `target_namespace`, but neither descriptions nor defaults. It is also
        returned for a class that was not generated.
        """
        module = _find_module(cls)
        if not args and not kwargs and module is not None:
            from .schemas import read_schema

            with suppress(KeyError):
                return read_schema(module, cls.model_id)
        return super().model_json_schema(*args, **kwargs)


class ImageRequest(Request):
    """A request that results in images."""

    image_parameters: ClassVar[tuple[str, ...]] = ()
    """The names of the parameters that accept images."""

    @property
    def endpoint(self) -> str:
        """The path of the blocking call, below /api/ai: `/images/edit` if the request contains an image."""
        images = (getattr(self, name) for name in self.image_parameters)
        has_image = any(image is not OMIT and image for image in images)
        return "/images/edit" if has_image else "/images/generate"


class VideoRequest(Request):
    """A request that results in videos."""

    @property
    def endpoint(self) -> str:
        """The path of the blocking call, below /api/ai."""
        return "/videos/generate"


class AudioRequest(Request):
    """A request that results in sounds."""

    @property
    def endpoint(self) -> str:
        """The path of the blocking call, below /api/ai."""
        return "/audio/generate"


class ChatRequestBase(Object, extra="forbid"):
    """The base class of `ChatRequest`: an immutable value that can be compared, stored and sent."""

    model: str
    """The id of the model."""

    @property
    def model_id(self) -> str:
        """The id of the model."""
        return self.model

    @property
    def endpoint(self) -> str:
        """The path of the call, below /api/ai."""
        return "/chat/completions"

    def body(self) -> dict[str, Any]:
        """Return the JSON object that is sent. Omitted parameters are not in it.

        Raises:
            InvalidRequestError: A file cannot be read any more, or changed after the request was made.
        """
        return _convert_media(self, body_with_media(self))

    def estimate(self, num_generations: int = 1) -> estimates.Estimate | estimates.NoEstimate:
        """Return why the cost cannot be estimated: the number of tokens is not known before the call."""
        return _estimate(self, None, num_generations)

    @classmethod
    def from_body(cls, body: Mapping[str, object]) -> Self:
        """Return the request that has the given `body()`.

        Raises:
            TypeError: It is not a mapping.
            pydantic.ValidationError: A value does not match the documentation of the API.
        """
        _check_body(body)
        return cls.model_validate(body, by_alias=True, by_name=False)


@dataclass(frozen=True, slots=True)
class UntypedRequest:
    """A request to a model that may not be in the package.

    `oxen.model(id).request(...)` returns one whose parameters were validated with the schema of the model. If
    it is constructed directly, only the form of its values is validated.

    Raises:
        InvalidRequestError: The id or the endpoint is not usable, or a parameter is not JSON.
    """

    model_id: str
    """The id of the model."""
    endpoint: str
    """The path that the request is sent to, below /api/ai."""
    parameters: Mapping[str, Any]
    """JSON values by wire name. A large file is a `LocalMedia` in place of a data: URI."""

    def __post_init__(self) -> None:
        problems = tuple(_list_problems(self))
        if problems:
            raise InvalidRequestError(str(self.model_id), problems)
        # A copy, because later changes of the original would not be validated.
        object.__setattr__(self, "parameters", deepcopy(dict(self.parameters)))

    def body(self) -> dict[str, Any]:
        """Return the JSON object that is sent.

        Raises:
            InvalidRequestError: A file cannot be read any more, or changed after the request was made.
        """
        return _convert_media(self, body_with_media(self))

    def estimate(self, num_generations: int = 1) -> estimates.Estimate | estimates.NoEstimate:
        """Return the estimated cost of the request if the package has the model. See `Request.estimate`."""
        return _estimate(self, None, num_generations)


RequestLike: TypeAlias = Request | UntypedRequest
"""A request that `run`, `submit` and `run_many` accept."""
ChatRequestT = TypeVar("ChatRequestT", bound=ChatRequestBase)
AnyRequest: TypeAlias = RequestLike | ChatRequestBase
"""A request of any kind."""


def validate_request(request: object, name: str = "request") -> AnyRequest:
    """Return a value that is a request.

    Raises:
        TypeError: It is another value, such as the class of a request.
    """
    if isinstance(request, Request | UntypedRequest | ChatRequestBase):
        return request
    raise TypeError(
        f"{name} must be a <Model>Request, UntypedRequest or ChatRequest, "
        f"got {type(request).__name__}: {request!r:.80}"
    )


def typed_class(request: AnyRequest) -> type[Request] | None:
    """Return the generated class of a model's request; None for any other request."""
    return type(request) if isinstance(request, Request) else None


def body_with_media(request: AnyRequest) -> dict[str, Any]:
    """Return the body of a request with `LocalMedia` in place of their data: URIs."""
    if isinstance(request, UntypedRequest):
        return {"model": request.model_id, **deepcopy(dict(request.parameters))}
    return {"model": request.model_id, **_dump(request)}


def _dump(value: Any) -> Any:
    """Return the JSON of a validated value, with `LocalMedia` in it; pydantic serializes 255 levels only."""
    if isinstance(value, Object):
        values, aliases = vars(value), value._aliases  # pyright: ignore[reportPrivateUsage]
        fields = {
            aliases.get(name, name): item if isinstance(item := values[name], str) else _dump(item)
            for name in type(value).model_fields
            if values[name] is not OMIT
        }
        return {**fields, **_dump(value.model_extra or {})}
    if isinstance(value, list):
        return list(map(_dump, cast("list[object]", value)))
    if isinstance(value, dict):
        return {key: _dump(item) for key, item in cast("dict[str, object]", value).items()}
    return value


def media_error(
    request: AnyRequest, name: str, medium: object, error: LocalMediaError
) -> InvalidRequestError:
    """Return the error of a request with a file that cannot be sent."""
    return InvalidRequestError(request.model_id, (Problem(name, repr(medium), str(error)),))


def build_request(build: partial[RequestT], *, may_block: bool = True) -> RequestT:
    """Return the request that `build` constructs from the parameters of a call.

    Args:
        build: The class of the request with the parameters. A string for a medium is a URL or a path.
        may_block: Whether files are read.

    Raises:
        InvalidRequestError: A value does not match the schema.
        BlockingMediaError: A file must be read, and `may_block` is false.
    """
    request_class = cast("type[Request]", build.func)

    def convert(error: ValidationError) -> InvalidRequestError:
        from .validation_errors import from_pydantic  # imported lazily, because most requests are valid

        return from_pydantic(request_class.model_id, request_class, build.keywords, error)

    return run_build(build, request_class.model_id, convert, may_block=may_block)


def run_build(
    build: partial[BuiltT],
    model_id: str,
    convert: Callable[[ValidationError], InvalidRequestError],
    *,
    may_block: bool,
) -> BuiltT:
    """Return the request that `build` constructs.

    Args:
        build: The class of the request with the parameters of a call.
        model_id: The id of the model.
        convert: Converts an error of pydantic.
        may_block: Whether files are read.

    Raises:
        InvalidRequestError: A value is not valid, or is nested too deeply.
        BlockingMediaError: A file must be read, and `may_block` is false.
    """
    request_class = cast("type[BuiltT]", build.func)
    try:
        return request_class._from_call(build.keywords, MediaContext(may_block))  # pyright: ignore[reportPrivateUsage]
    except ValidationError as cause:
        error = convert(cause)
    except RecursionError:
        error = InvalidRequestError(model_id, (Problem("a parameter", "", "must be nested less deeply"),))
    raise error


def _check_body(body: object) -> None:
    if not isinstance(body, Mapping):
        raise TypeError(f"body must be a mapping, got {type(body).__name__}: {shorten(body)}")


def _find_module(request_class: type[Request]) -> str | None:
    """Return the module that a class, or the base class of it, was generated in; None for any other class."""
    return next((base.__module__ for base in request_class.__mro__ if "model_id" in vars(base)), None)


def _estimate(
    request: AnyRequest, module: str | None, num_generations: int
) -> estimates.Estimate | estimates.NoEstimate:
    from .pricing import estimate_body

    if isinstance(num_generations, bool) or not isinstance(num_generations, int) or num_generations < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"num_generations must be a positive integer, got {num_generations!r:.40}")
    return estimate_body(module or __name__, body_with_media(request), num_generations)


def _convert_media(request: AnyRequest, body: dict[str, Any]) -> dict[str, Any]:
    def convert(value: object, name: str) -> object:
        try:
            return value.to_uri() if isinstance(value, LocalMedia) else value
        except LocalMediaError as error:
            raise media_error(request, name, value, error) from None

    converted: dict[str, Any] = map_scalars(body, convert)
    return converted


def _list_problems(request: UntypedRequest) -> Iterator[Problem]:
    # The declared types do not hold for every caller.
    values: dict[str, Any] = {name: getattr(request, name) for name in ("model_id", "endpoint", "parameters")}
    model_id, endpoint, parameters = values.values()
    if not isinstance(model_id, str) or not model_id.strip() or json_error(model_id):
        yield Problem("model_id", shorten(model_id), "must be the id of a model")
    if not isinstance(endpoint, str) or not _ENDPOINT.fullmatch(endpoint):
        yield Problem("endpoint", shorten(endpoint), "must be a path such as '/images/generate'")
    if not isinstance(parameters, Mapping):
        yield Problem("parameters", shorten(parameters), "must be a mapping of names to JSON values")
        return
    for name, value in cast("Mapping[Any, object]", parameters).items():
        try:
            parameter = map_scalars({name: value}, omit_media)
            reason = "is set by model_id" if name == "model" else json_error(parameter)
        except RecursionError:
            reason = "must be nested less deeply"
        if reason is not None:
            yield Problem(f"parameters[{name!r:.80}]", shorten(value), reason)


def omit_media(value: object, name: str) -> object:
    """Return a value, or an empty string in place of `LocalMedia`, which is not JSON."""
    return "" if isinstance(value, LocalMedia) else value
