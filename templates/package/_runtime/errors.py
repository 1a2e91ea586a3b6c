"""All errors of the package, derived from one base class."""

from __future__ import annotations

from dataclasses import dataclass

from .printable import escape_controls
from .responses import Response


class OxenError(Exception):
    """Base class of all errors of this package.

    Attributes:
        generation_id: The id of the job that the error concerns; None if it does not concern a job.
        response: The response that caused the error; None if there is none.
        hint: Another possible cause and how to check it; None in most cases.
    """

    def __init__(
        self,
        *args: object,
        generation_id: str | None = None,
        response: Response | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(*args)
        self.generation_id = generation_id
        self.response = response
        self.hint = hint

    @property
    def request_id(self) -> str | None:
        """The server's id of the request; None if the server did not send one."""
        return None if self.response is None else self.response.request_id

    def __str__(self) -> str:
        job = f" (job {self.generation_id})" if self.generation_id else ""
        return escape_controls(f"{self._text()}{job}{f'; {self.hint}' if self.hint else ''}")

    def _text(self) -> str:
        return super().__str__()


class ConfigurationError(OxenError, ValueError):
    """An argument or a setting, such as a base URL or a timeout, is invalid. Nothing was sent."""


class MissingAPIKeyError(ConfigurationError):
    """No valid API key was passed as `api_key=` or set in OXEN_API_KEY. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An invalid parameter."""

    parameter: str
    """Its Python name, and the place in it: `input_image[0]`, `camera['zoom']`."""
    given: str
    """The `repr` of the value, truncated; empty for a missing parameter."""
    expected: str
    """The accepted values."""
    suggestion: str | None = None
    """The value that was probably intended."""
    expects_list: bool = False
    """Whether a list is expected, and the value has another type."""

    def __str__(self) -> str:
        location = f"{self.parameter}={self.given}" if self.given else self.parameter
        text = f"{location}: {self.expected}"
        return f"{text}; {self.suggestion}" if self.suggestion else text


class InvalidRequestError(OxenError, ValueError):
    """A value does not match the model's schema, or a file is not the same as when the request was made.

    Nothing was accepted by the server.

    Attributes:
        model_id: The model that was called.
        problems: The invalid parameters.
    """

    def __init__(self, model_id: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(model_id, problems)
        self.model_id = model_id
        self.problems = problems

    def _text(self) -> str:
        return "\n".join(f"{self.model_id}: {problem}" for problem in self.problems)


class ModelRemovedError(OxenError):
    """The model was removed from the API. Nothing was sent.

    Attributes:
        model_id: The model.
        removed_on: The day, as YYYY-MM-DD.
        successor: The id of the model to use instead; None if none is known.
    """

    def __init__(self, model_id: str, removed_on: str, successor: str | None) -> None:
        super().__init__(model_id, removed_on, successor)
        self.model_id = model_id
        self.removed_on = removed_on
        self.successor = successor

    def _text(self) -> str:
        successor = f"; use {self.successor!r}" if self.successor else ""
        return f"{self.model_id!r} was removed on {self.removed_on}{successor}; nothing was sent"


class HubUnreachableError(OxenError, ConnectionError):
    """The connection failed, or the client is closed. A billable request was not sent."""


class HubTimeoutError(OxenError, TimeoutError):
    """The server did not respond before the timeout."""


class OutcomeUnknownError(OxenError):
    """A billable request was sent and its outcome is unknown: it may have been accepted.

    It is not retried, because a second request could be billed again.
    """


class OutcomeUnknownTimeout(OutcomeUnknownError, HubTimeoutError):
    """A billable request was sent and no response was received before the timeout."""


class UnexpectedResponseError(OxenError):
    """The response is not one that the API documents."""


class UploadError(OxenError):
    """A file could not be uploaded; the reason is its cause. The request that it belongs to was not sent."""


class JournalError(OxenError):
    """A journal of `run_many` is damaged, in use, belongs to other requests, or cannot be written.

    Attributes:
        generation_id: The job whose id or end could not be recorded; None if the error does not concern an
            accepted job.
    """


class RunStoppedError(OxenError):
    """A run of `run_many` was stopped, because as many requests in a row failed as were allowed."""


class BudgetExceededError(RunStoppedError):
    """A run of `run_many` was stopped before a request that could exceed its budget."""


class UnpricedRequestError(OxenError):
    """A request of a run with a budget was not sent, because its cost cannot be estimated."""


class MediaError(OxenError, OSError):
    """A result could not be downloaded or saved. An existing file at the path is unchanged.

    Attributes:
        status: The HTTP status if the server rejected the download; None otherwise.
    """

    def __init__(self, text: str, status: int | None = None, *, generation_id: str | None = None) -> None:
        super().__init__(text, generation_id=generation_id)
        self.status = status


@dataclass(frozen=True, slots=True)
class ErrorSource:
    """The parts of a server's error that describe its source."""

    provider: str | None = None
    """The model's provider, if it failed or rejected the request."""
    provider_code: str | None = None
    """The provider's own code for the error."""
    reason: str | None = None
    """The server's name for the cause, such as bad_input."""
    retryable: bool | None = None
    """Whether the same request may succeed later."""


NO_SOURCE = ErrorSource()


class InsufficientCreditsError(OxenError):
    """The account has no credits left. Raised as `InsufficientCreditsAPIError` if the server rejects a
    request, and as `InsufficientCreditsJobFailed` if a job failed.
    """


class ContentRejectedError(OxenError):
    """A content filter rejected an input or a result. Raised as `ContentRejectedAPIError` if the server
    rejects a request, and as `ContentRejectedJobFailed` if a job failed.

    Known types, codes and texts of filters are recognized; an error with other ones has its general class.
    """


class APIError(OxenError):
    """The server returned an error.

    Attributes:
        status: The HTTP status. For an error in a response with status 200, the status in its body if it
            has one.
        detail: The most specific text of the response.
        type: The server's name for the kind of error; None if the response does not contain one.
        retry_after: Seconds after which the server accepts a retry; None if the response does not have it.
        provider: The model's provider, if it rejected the request; None otherwise.
        provider_code: The provider's own code for the error; None if the response does not contain one.
        reason: The server's name for the cause, such as bad_input; None if the response does not contain one.
        retryable: Whether the same request may succeed later; None if the response does not have it.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        type: str | None = None,
        retry_after: float | None = None,
        *,
        source: ErrorSource = NO_SOURCE,
        generation_id: str | None = None,
        response: Response | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(
            status, detail, type, retry_after, generation_id=generation_id, response=response, hint=hint
        )
        self.status = status
        self.detail = detail
        self.type = type
        self.retry_after = retry_after
        self.provider = source.provider
        self.provider_code = source.provider_code
        self.reason = source.reason
        self.retryable = source.retryable

    def _text(self) -> str:
        marks = [f"HTTP {self.status}", *filter(None, [self.type])]
        if self.request_id:
            marks.append(f"request {self.request_id}")
        return f"{self.detail} ({', '.join(marks)})"


class BadRequestError(APIError):
    """400: the server could not parse the request or an input file."""


class AuthenticationError(APIError):
    """401: the API key is not valid."""


class PermissionDeniedError(APIError):
    """403: the API key does not permit the request."""


class NotFoundError(APIError):
    """404: there is no such model, job or page."""


class ConflictError(APIError):
    """409: the request conflicts with the current state of a job or model."""


class PayloadTooLargeError(APIError):
    """413: the request is too large, for example because of the files in it."""


class UnprocessableError(APIError):
    """422: the server rejected a parameter that the bindings accept."""


class UpgradeRequiredError(APIError):
    """426: the server requires a newer client."""


class RateLimitError(APIError):
    """429: the request was rate-limited, as were its retries."""


class ServerError(APIError):
    """5xx: the server, or a proxy in front of it, failed. A billable request is not retried."""


class InsufficientCreditsAPIError(InsufficientCreditsError, APIError):
    """402: the server rejected the request, because the account has no credits left."""


class ContentRejectedAPIError(ContentRejectedError, APIError):
    """4xx: a content filter rejected the request."""


class JobError(OxenError):
    """A job has no result, or none yet.

    Attributes:
        generation_id: The id of the job.
        status: Its last known status: queued, processing, succeeded, failed or cancelled.
        detail: The reason, as given by the server or the client.
    """

    generation_id: str  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(
        self,
        generation_id: str,
        status: str,
        detail: str,
        *,
        response: Response | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(
            generation_id, status, detail, generation_id=generation_id, response=response, hint=hint
        )
        self.status = status
        self.detail = detail

    def _text(self) -> str:
        return self.detail


class JobFailed(JobError):
    """The job failed; `detail` is the server's reason.

    Attributes:
        provider: The model's provider, if the job failed there; None otherwise.
        provider_code: The provider's own code for the error; None if the record does not contain one.
        reason: The server's name for the cause, such as bad_input; None if the record does not contain one.
        retryable: Whether the same request may succeed later; None if the record does not have it.
    """

    def __init__(
        self,
        generation_id: str,
        status: str,
        detail: str,
        *,
        source: ErrorSource = NO_SOURCE,
        response: Response | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(generation_id, status, detail, response=response, hint=hint)
        self.provider = source.provider
        self.provider_code = source.provider_code
        self.reason = source.reason
        self.retryable = source.retryable


class InsufficientCreditsJobFailed(InsufficientCreditsError, JobFailed):
    """The job failed, because the account has no credits left."""


class ContentRejectedJobFailed(ContentRejectedError, JobFailed):
    """The job failed, because a content filter rejected an input or the result."""


class JobCancelled(JobError):
    """The job was cancelled."""


class JobNotFound(JobError):
    """The job no longer exists on the server (404). It may have been billed."""


class JobTimeout(JobError, TimeoutError):
    """The job did not finish before the timeout. It continues, unless it was cancelled, or the server could
    not be reached, in which case that is unknown. `oxen.job(id)` returns it in any process.
    """


def error_class(status: int) -> type[APIError]:
    """Return the class of error for an HTTP status."""
    classes: dict[int, type[APIError]] = {
        400: BadRequestError,
        401: AuthenticationError,
        402: InsufficientCreditsAPIError,
        403: PermissionDeniedError,
        404: NotFoundError,
        409: ConflictError,
        413: PayloadTooLargeError,
        422: UnprocessableError,
        426: UpgradeRequiredError,
        429: RateLimitError,
    }
    return classes.get(status, ServerError if status >= 500 else APIError)


for _class in list(vars().values()):
    if isinstance(_class, type) and issubclass(_class, OxenError):
        _class.__module__ = "oxen_models"  # the public module, shown in tracebacks and used by pickles
