"""Submissions of a batch run: each is sent and recorded in the journal in one step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from .bodies import Body
from .chat_results import parse_completion
from .context import CallContext
from .detached import start_detached
from .errors import APIError, OutcomeUnknownError, OxenError, UnexpectedResponseError
from .generations import find_jobs
from .responses import Response

if TYPE_CHECKING:
    from .journal import Journal


Deliver: TypeAlias = Callable[[Response | BaseException], object]
"""Receives the response to a submission, or its error."""

QUEUE_PATH = "/queue"


class Poster(Protocol):
    """Sends submissions."""

    def post(self, path: str, body: Body | bytes, timeout: float, context: CallContext) -> Response: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Submission:
    """A request that is submitted to the queue, or a chat request, which is a blocking call."""

    path: str
    """The path below `/api/ai`."""
    key: str
    """The key in the journal."""
    digest: str
    """The digest of the body."""
    model: str
    body: Body | bytes
    digested_body: dict[str, Any]
    """The body as it is recorded, without media."""
    timeout: float
    """Seconds to wait for the response."""
    context: CallContext


class RunEndedError(Exception):
    """The run ended before the request was sent, or while its job was waited for."""


class NotStartedError(Exception):
    """No thread could be started for a submission, so nothing was sent."""


class Submissions:
    """Sends submissions in threads that outlive their callers, and records their outcomes.

    Args:
        poster: Sends them.
        journal: Records them; None without a journal.
    """

    def __init__(self, poster: Poster, journal: Journal | None) -> None:
        self._poster = poster
        self._journal = journal
        self._active = 0
        self._on_closed: Callable[[], object] | None = None
        self._lock = Lock()

    def start(self, submission: Submission, deliver: Deliver) -> None:
        """Send a submission in a thread, and pass its response or its error to `deliver`.

        Raises:
            RunEndedError: `close` was called; nothing was sent.
            NotStartedError: A thread cannot be started.
        """
        with self._lock:
            if self._on_closed is not None:
                raise RunEndedError
            self._active += 1
        try:
            start_detached(lambda: self._run(submission, deliver))
        except RuntimeError as error:
            self._end_one()
            raise NotStartedError(str(error)) from None

    def close(self, on_closed: Callable[[], object]) -> None:
        """Start no more submissions. Close the connections once those in transmission have ended, and call
        `on_closed` then.
        """
        with self._lock:
            self._on_closed = on_closed
            is_idle = not self._active
        if is_idle:
            self._finish(on_closed)

    def _run(self, submission: Submission, deliver: Deliver) -> None:
        outcome: Response | BaseException
        try:
            outcome = self._submit(submission)
        except BaseException as error:
            outcome = error
        self._end_one()
        deliver(outcome)

    def _end_one(self) -> None:
        with self._lock:
            self._active -= 1
            on_closed = None if self._active else self._on_closed
        if on_closed is not None:
            self._finish(on_closed)

    def _finish(self, on_closed: Callable[[], object]) -> None:
        with ExitStack() as stack:
            stack.callback(on_closed)
            stack.callback(self._poster.close)

    def _submit(self, submission: Submission) -> Response:
        key, journal = submission.key, self._journal
        if journal is not None:
            journal.sending(key, submission.digest, submission.model, submission.digested_body)
        try:
            response = self._poster.post(
                submission.path, submission.body, submission.timeout, submission.context
            )
            completion = None if submission.path == QUEUE_PATH else parse_completion(response)
        except OxenError as error:
            if journal is not None:
                record = journal.rejected if was_rejected(error) else journal.unknown
                record(key, str(error))
            raise
        if journal is not None and completion is not None:
            journal.succeeded(key, response.json, completion.cost)
        elif journal is not None:
            [(job_id, _), *_] = find_jobs(response.json)
            journal.accepted(key, job_id)
        return response


def was_rejected(error: OxenError) -> bool:
    """Return whether a billable request was certainly not accepted. A failing proxy may have forwarded it."""
    if isinstance(error, APIError):
        return error.status < 500 and error.status != 408
    return not isinstance(error, OutcomeUnknownError | UnexpectedResponseError)
