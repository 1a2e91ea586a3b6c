"""Every error of the package, under one root."""

from __future__ import annotations

from dataclasses import dataclass

from .responses import Response


class OxenError(Exception):
    """Base class of all errors of this package.

    Attributes:
        generation_id: The id of the job that the error concerns; None if it does not concern a job.
        response: The response that caused the error; None if there is none.
        request_id: The server's id of the request; None if it sent none.
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
        return None if self.response is None else self.response.request_id

    def __str__(self) -> str:
        job = f" (job {self.generation_id})" if self.generation_id else ""
        return f"{self._text()}{job}{f'; {self.hint}' if self.hint else ''}"

    def _text(self) -> str:
        return super().__str__()


class ConfigurationError(OxenError, ValueError):
    """An argument or a setting is not usable, such as a base URL or a time limit. Nothing was sent."""


class MissingAPIKeyError(ConfigurationError):
    """No API key: neither `api_key=` nor OXEN_API_KEY is set."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one parameter."""

    parameter: str
    """Its Python name, and the place in it: `input_image[0]`."""
    given: str
    """What was given, as Python writes it, shortened; empty for a parameter that is missing."""
    expected: str
    """What is allowed."""
    suggestion: str | None = None
    """What was probably meant."""

    def __str__(self) -> str:
        where = f"{self.parameter}={self.given}" if self.given else self.parameter
        text = f"{where}: {self.expected}"
        return f"{text}; {self.suggestion}" if self.suggestion else text


class InvalidRequestError(OxenError, ValueError):
    """A value is not what the model's schema allows. Nothing was sent.

    Attributes:
        model_id: The model that was called.
        problems: What is wrong, a parameter each.
    """

    def __init__(self, model_id: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(model_id, problems)
        self.model_id = model_id
        self.problems = problems

    def _text(self) -> str:
        return "\n".join(f"{self.model_id}: {problem}" for problem in self.problems)


class ModelRemovedError(OxenError):
    """The model has left the hub; nothing was sent.

    Attributes:
        model_id: The model.
        removed_on: The day, as YYYY-MM-DD.
        successor: The id of the model to use instead; None where none is known.
    """

    def __init__(self, model_id: str, removed_on: str, successor: str | None) -> None:
        super().__init__(model_id, removed_on, successor)
        self.model_id = model_id
        self.removed_on = removed_on
        self.successor = successor

    def _text(self) -> str:
        instead = f"; use {self.successor!r}" if self.successor else ""
        return f"{self.model_id!r} left the hub on {self.removed_on}{instead}; nothing was sent"


class HubUnreachableError(OxenError, ConnectionError):
    """There was no connection to the hub, or it broke. A paid request was not sent."""


class HubTimeoutError(OxenError, TimeoutError):
    """The hub did not answer in time."""


class OutcomeUnknownError(OxenError):
    """A paid request was sent and no answer came back: it may have been accepted.

    It is not sent again, because a second one could be a second bill.
    """


class OutcomeUnknownTimeout(OutcomeUnknownError, HubTimeoutError):
    """A paid request was sent and not answered in time: it may have been accepted."""


class UnexpectedResponseError(OxenError):
    """The hub answered with something that the API does not describe."""


class JournalError(OxenError):
    """A journal of `run_many` cannot be used: it is broken, in use, or belongs to other requests.

    Nothing was sent, and the journal is as it was.
    """


class MediaError(OxenError, OSError):
    """A result could not be downloaded or saved. What was there before is still there.

    Attributes:
        status: The HTTP status, where the download was refused; None otherwise.
    """

    def __init__(
        self,
        text: str,
        status: int | None = None,
        *,
        generation_id: str | None = None,
    ) -> None:
        super().__init__(text, generation_id=generation_id)
        self.status = status


class APIError(OxenError):
    """The hub refused a request or failed at it.

    Attributes:
        status: The HTTP status.
        type: The hub's own name for the kind of error; None where it gave none.
        detail: The most specific text of the answer.
        retry_after: Seconds the hub asks to wait; None where it did not.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        type: str | None = None,
        retry_after: float | None = None,
        *,
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

    def _text(self) -> str:
        marks = [f"HTTP {self.status}", *filter(None, [self.type])]
        if self.request_id:
            marks.append(f"request {self.request_id}")
        return f"{self.detail} ({', '.join(marks)})"


class BadRequestError(APIError):
    """400: the hub could not make sense of the request or of an input file."""


class AuthenticationError(APIError):
    """401: the hub does not know the key."""


class PermissionDeniedError(APIError):
    """403: the key may not do this."""


class NotFoundError(APIError):
    """404: the hub has no such model, job or page."""


class ConflictError(APIError):
    """409: the request does not fit the current state of a job or model."""


class UnprocessableError(APIError):
    """422: the hub rejects a parameter that the bindings accept."""


class RateLimitError(APIError):
    """429: too many requests, also after the retries."""


class ServerError(APIError):
    """5xx: the hub, or a proxy before it, failed. A paid request is not sent again."""


class JobError(OxenError):
    """A job has no result, or none yet.

    Attributes:
        generation_id: The job.
        status: Its last known status: queued, processing, succeeded, failed or cancelled.
        detail: The reason, in the words of the hub or of the client.
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
    """The hub ran the job and it failed; `detail` is the hub's own reason."""


class JobCancelled(JobError):
    """The job was cancelled."""


class JobNotFound(JobError):
    """The hub no longer knows a job that was there. Whether it was paid for is not known."""


class JobTimeout(JobError, TimeoutError):
    """The job did not end in time. It goes on, unless it was cancelled: `oxen.job(id)` takes it up again."""


def error_class(status: int) -> type[APIError]:
    """The class of error for an HTTP status."""
    known: dict[int, type[APIError]] = {
        400: BadRequestError,
        401: AuthenticationError,
        403: PermissionDeniedError,
        404: NotFoundError,
        409: ConflictError,
        422: UnprocessableError,
        429: RateLimitError,
    }
    return known.get(status, ServerError if status >= 500 else APIError)


for _class in list(vars().values()):
    if isinstance(_class, type) and issubclass(_class, OxenError):
        _class.__module__ = "oxen_models"  # where to import it from; tracebacks and pickles say so
