"""Calls of models that are not in the package."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import ConfigurationError
from ..extras import describe_missing_extra
from ..request import AnyRequest
from .effects import Limiter, here, run_blocking
from .job import Job
from .models import Models
from .results import AudioResult, ImageResult, VideoResult
from .session import Session
from .stub import Stub

if TYPE_CHECKING:
    from ..dynamic import Described

_Result: TypeAlias = ImageResult | VideoResult


class AnyModel(Stub):
    """A model by its id alone. Nothing is checked statically: neither names nor values of parameters.

    On first use, the model's schema is fetched, once. From then on each call checks its parameters
    against it before anything is sent, as a typed call does; needs the extra `dynamic`. Parameters go by
    their wire names, and one that is named like an argument of the call itself goes into `extra_body`.
    Media are a path, a URL, bytes, an open file or a PIL image. Of a model that publishes no schema nothing
    is checked: parameters are sent as they are, with bytes, files and images as data: URIs, and a string is
    never opened.
    """

    def __init__(self, session: Session, id: str) -> None:
        super().__init__(session)
        self._id = id
        self._described: Described | None = None
        self._limiters: dict[object, Limiter] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._session, self._id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._id}, not checked statically>"

    @property
    def id(self) -> str:
        """The hub's name of the model."""
        return self._id

    @property
    def schema(self) -> dict[str, Any] | None:
        """The schema that parameters are checked against: the hub's, reduced to what the generator
        understands. None before first use, and for a model that publishes none.
        """
        return None if self._described is None else deepcopy(self._described.node)

    def load(self) -> None:
        """Fetch the schema now, unless that has been done. Every call does so itself.

        Raises:
            ConfigurationError: The extra `dynamic` is not installed.
            NotFoundError: There is no such model.
            OxenError: The hub refused, failed, could not be reached, or sent something that is not a schema.
        """
        self._loaded()

    def request(self, /, **parameters: object) -> AnyRequest:
        """A request as a value, for `run_many`.

        Raises:
            InvalidRequestError: A value is not what the schema allows.
            ConfigurationError: The model has no call here, or the extra `dynamic` is not installed.
            OxenError: The schema could not be fetched.
        """
        return self._request(None, parameters, None)

    def edit(
        self,
        /,
        *,
        extra_body: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **parameters: object,
    ) -> ImageResult:
        """Edit images.

        Args:
            extra_body: Parameters that the schema does not have, sent as they are.
            extra_headers: Headers to send in addition to the client's own.
            timeout: Seconds to wait for the answer; left out, the client's.
            parameters: The model's own, by their wire names.

        Raises:
            InvalidRequestError: A value is not what the schema allows; nothing was sent.
            ConfigurationError: The model has another call, the extra `dynamic` is not installed, or a header
                cannot be sent or is the client's own.
            OutcomeUnknownError: It was sent and not answered; it may have been accepted.
            OxenError: The hub refused, failed, or could not be reached.
        """
        request = self._request("edit", parameters, extra_body)
        return self._run(request, ImageResult, extra_body, extra_headers, timeout)

    def generate(
        self,
        /,
        *,
        extra_body: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **parameters: object,
    ) -> ImageResult | VideoResult:
        """Generate images or a video, whichever the model does. All else is as with `edit`."""
        request = self._request("generate", parameters, extra_body)
        return self._run(request, _result(request), extra_body, extra_headers, timeout)

    def speak(
        self,
        /,
        *,
        extra_body: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **parameters: object,
    ) -> AudioResult:
        """Generate sound. All else is as with `edit`."""
        request = self._request("speak", parameters, extra_body)
        return self._run(request, AudioResult, extra_body, extra_headers, timeout)

    def submit(
        self,
        /,
        *,
        target_repo: str | None = None,
        target_directory: str | None = None,
        extra_body: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        **parameters: object,
    ) -> Job[ImageResult | VideoResult]:
        """Put the request in the queue and return at once.

        Args:
            target_repo: Repository that the hub keeps the result in, as `namespace/name`.
            target_directory: Folder of that repository.
            extra_body: Parameters that the schema does not have, sent as they are.
            extra_headers: Headers to send in addition to the client's own.
            parameters: The model's own, by their wire names.

        What is raised is as with `edit`; a model of sounds has no queue.
        """
        request = self._request("submit", parameters, extra_body)
        kind = _result(request)
        [job, *_] = self._submit(request, kind, target_repo, target_directory, extra_body, extra_headers)
        return job

    def submit_many(
        self,
        /,
        *,
        num_generations: int,
        target_repo: str | None = None,
        target_directory: str | None = None,
        extra_body: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        **parameters: object,
    ) -> list[Job[ImageResult | VideoResult]]:
        """Put the request in the queue several times over, in one go: a job for each result.

        Args:
            num_generations: How many jobs: 1 to 4 by the hub's reference, up to 12 by its OpenAPI file.

        All else is as with `submit`.
        """
        request = self._request("submit", parameters, extra_body)
        return self._submit(
            request,
            _result(request),
            target_repo,
            target_directory,
            extra_body,
            extra_headers,
            num_generations,
        )

    def _request(
        self, verb: str | None, parameters: Mapping[str, object], extra_body: Mapping[str, object] | None
    ) -> AnyRequest:
        described = self._loaded()
        described.endpoint(verb)
        return run_blocking(described.request, parameters, set(extra_body or ()))

    def _loaded(self) -> Described:
        if self._described is None:
            # A limiter works in one event loop alone.
            limiter = self._limiters.setdefault(here(), Limiter(1))
            with limiter.entered(self._session.settings.patience("/models", None)):
                if self._described is None:
                    kind = _described_class()
                    self._described = kind(self._id, Models(self._session).get(self._id))
            self._limiters.clear()
        return self._described


def _described_class() -> type[Described]:
    try:
        from ..dynamic import Described
    except ImportError:
        pass
    else:
        return Described
    raise ConfigurationError(
        describe_missing_extra("a model that is not in the package", "jsonschema", "dynamic")
    )


def _result(request: AnyRequest) -> type[_Result]:
    return VideoResult if request.endpoint.startswith("/videos/") else ImageResult
