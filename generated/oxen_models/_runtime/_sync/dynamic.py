# Derived by oxen-codegen from _runtime/_async/dynamic.py. Do not edit.
"""Calls of models that are known by their id only."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from ..errors import ConfigurationError, HubTimeoutError
from ..extras import describe_missing_extra
from ..printable import escape_line
from ..request import UntypedRequest
from ..values import shorten
from .concurrency import Limiter
from .job import Job
from .models import Models
from .owner import current_loop_or_process
from .results import AnyResult, AudioResult, ImageResult, VideoResult
from .sender import run_request, submit_request
from .session import Session, SessionBound
from .threads import run_blocking

if TYPE_CHECKING:
    from ..dynamic import DynamicSchema

_NOTHING: Mapping[str, object] = MappingProxyType({})


class AnyModel(SessionBound):
    """A model that is known by its id only. Names and values of parameters are not checked statically.

    The schema of the model is the recorded one if the package has the model, and is otherwise fetched once,
    on first use. Every call validates its parameters with it before anything is sent, as a typed call does;
    this requires the extra `dynamic`. Parameters are passed by wire name, as keywords or, where that is not
    possible, in a mapping. Media are a path, a URL, bytes, an open file or a PIL image. If the model has no
    schema, parameters are sent without validation: bytes, files and images as data: URIs, and strings
    unchanged, because a string may be a path or not.
    """

    def __init__(self, session: Session, id: str) -> None:
        super().__init__(session)
        self._id = id
        self._dynamic_schema: DynamicSchema | None = None
        self._fetched: DynamicSchema | None = None
        self._limiters: dict[object, Limiter] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._session, self._id)

    def __repr__(self) -> str:
        return escape_line(f"<{type(self).__name__} {self._id}, not checked statically>")

    @property
    def id(self) -> str:
        """The id of the model."""
        return self._id

    @property
    def schema(self) -> dict[str, Any] | None:
        """The schema that parameters are validated with: that of the package or else of the API, reduced to
        the keywords that the generator supports. None before the first use, and for a model without a schema.
        """
        return None if self._dynamic_schema is None else deepcopy(self._dynamic_schema.node)

    def load(self) -> None:
        """Fetch the schema that the server has now, also in place of a recorded one.

        Raises:
            ConfigurationError: The extra `dynamic` is not installed.
            NotFoundError: No model has this id.
            OxenError: The request was rejected or failed, or the schema that the server sent is invalid.
        """
        self._fetch()

    def request(self, values: Mapping[str, object] = _NOTHING, /, **parameters: object) -> UntypedRequest:
        """Return a request as a value, for `run`, `submit` and `run_many`.

        Args:
            values: Parameters by wire name, for names that are not Python identifiers, such as `cfg-scale`.
            parameters: The other parameters.

        Raises:
            InvalidRequestError: A value does not match the schema.
            ConfigurationError: The model has no call here, or the extra `dynamic` is not installed.
            OxenError: The schema could not be fetched.
            TypeError: A parameter is given twice, or `values` is not a mapping.
        """
        return self._request(None, _merge(values, parameters), None)

    def edit(
        self,
        values: Mapping[str, object] = _NOTHING,
        /,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, object] | None = None,
        **parameters: object,
    ) -> ImageResult:
        """Edit images.

        Args:
            values: Parameters by wire name, for names that are not Python identifiers, such as `cfg-scale`,
                and for names of the options below.
            timeout: Seconds to wait for the response. Defaults to the timeout of the client.
            extra_headers: Headers to send in addition to those of the client.
            extra_body: Additional JSON properties to include in the request body, without validation.
            parameters: The other parameters of the model, by wire name.

        Raises:
            InvalidRequestError: A value does not match the schema. Nothing was sent.
            ConfigurationError: The model has another call, the extra `dynamic` is not installed, or an option
                is not usable. Nothing was sent.
            OutcomeUnknownError: No response was received. The request may have been accepted and billed.
            OxenError: The server rejected the request, failed, or could not be reached.
            TypeError: A parameter is given twice, or `values` is not a mapping.
        """
        request = self._request("edit", _merge(values, parameters), extra_body)
        result = run_request(
            self._session, request, timeout=timeout, extra_headers=extra_headers, extra_body=extra_body
        )
        return cast(ImageResult, result)

    def generate(
        self,
        values: Mapping[str, object] = _NOTHING,
        /,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, object] | None = None,
        **parameters: object,
    ) -> ImageResult | VideoResult:
        """Generate images or a video, by the kind of model. Arguments and errors are those of `edit`."""
        request = self._request("generate", _merge(values, parameters), extra_body)
        result = run_request(
            self._session, request, timeout=timeout, extra_headers=extra_headers, extra_body=extra_body
        )
        return cast(ImageResult | VideoResult, result)

    def speak(
        self,
        values: Mapping[str, object] = _NOTHING,
        /,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, object] | None = None,
        **parameters: object,
    ) -> AudioResult:
        """Generate sound. Arguments and errors are those of `edit`."""
        request = self._request("speak", _merge(values, parameters), extra_body)
        result = run_request(
            self._session, request, timeout=timeout, extra_headers=extra_headers, extra_body=extra_body
        )
        return cast(AudioResult, result)

    def submit(
        self,
        values: Mapping[str, object] = _NOTHING,
        /,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, object] | None = None,
        **parameters: object,
    ) -> Job[AnyResult]:
        """Submit the request to the queue and return its job. Arguments and errors are those of `edit`."""
        request = self._request("submit", _merge(values, parameters), extra_body)
        [job, *_] = submit_request(
            self._session, request, timeout=timeout, extra_headers=extra_headers, extra_body=extra_body
        )
        return job

    def _request(
        self, verb: str | None, parameters: Mapping[str, object], extra_body: Mapping[str, object] | None
    ) -> UntypedRequest:
        if verb is not None:  # the request is sent afterwards
            self._session.settings.require_key()
        schema = self._load()
        schema.find_operation(verb)
        extra = _NOTHING if extra_body is None else extra_body
        return run_blocking(schema.build_request, parameters, extra, verb)

    def _load(self) -> DynamicSchema:
        if self._dynamic_schema is None:
            self._dynamic_schema = run_blocking(_read_recorded, self._id)
        return self._dynamic_schema or self._fetch()

    def _fetch(self) -> DynamicSchema:
        if self._fetched is None:
            # A limiter cannot be shared between event loops.
            limiter = self._limiters.setdefault(current_loop_or_process(), Limiter(1))
            timeout = self._session.settings.request_timeout("/models", None)
            with limiter.acquire(timeout) as is_acquired:
                if not is_acquired:
                    raise HubTimeoutError("the schema was not fetched before the timeout; nothing was sent")
                if self._fetched is None:
                    dynamic_schema = _import_dynamic_schema()
                    model = Models(self._session).get(self._id)
                    self._fetched = dynamic_schema(self._id, model)
            self._limiters.clear()
        self._dynamic_schema = self._fetched
        return self._fetched


def _read_recorded(id: str) -> DynamicSchema | None:
    """Return the schema in the package; None for a model that it does not have or that was removed."""
    from ..schemas import read_model

    model = read_model(__name__, id)
    if model is None or model.request_schema is None or model.record.get("removed"):
        return None
    return _import_dynamic_schema()(id, model)


def _import_dynamic_schema() -> type[DynamicSchema]:
    try:
        from ..dynamic import DynamicSchema
    except ImportError:
        pass
    else:
        return DynamicSchema
    raise ConfigurationError(describe_missing_extra("oxen.model()", "jsonschema", "dynamic"))


def _merge(values: Mapping[str, object], parameters: Mapping[str, object]) -> Mapping[str, object]:
    if not isinstance(values, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"the argument without a name must be a mapping of parameters, got {shorten(values)}; "
            "pass parameters by name, such as prompt=..."
        )
    for name in parameters:
        if name in values:
            raise TypeError(f"got multiple values for parameter {name!r}")
    return {**values, **parameters}
