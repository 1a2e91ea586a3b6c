"""Sending of the requests of a batch run, at the pace of its gate."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial

from ..detached import is_thread_error
from ..errors import (
    APIError,
    HubTimeoutError,
    HubUnreachableError,
    OutcomeUnknownError,
    OxenError,
    RateLimitError,
    UnexpectedResponseError,
    UploadError,
)
from ..pacing import MAX_PAUSE
from ..request import AnyRequest
from ..responses import Response
from ..retries import DEFAULT_BATCH_RETRIES, GATEWAY_STATUSES
from ..submissions import QUEUE_PATH, NotStartedError, RunEndedError, Submission, Submissions
from ..telemetry import count_retry
from .concurrency import wait_for_callback
from .gate import AsyncGate
from .outcomes import without_frames
from .session import AsyncSession
from .uploads import upload_media

# Errors of a request that was or could have been sent. All others are raised before.
_SUBMISSION_ERRORS = (APIError, HubUnreachableError, HubTimeoutError, OutcomeUnknownError, UploadError)


@dataclass(frozen=True, slots=True)
class Sent:
    """A submission that was accepted."""

    response: Response
    started: float
    """The time at which it was sent."""
    stream_epoch: int
    """The number of the event stream that was open before."""


class AsyncDispatcher:
    """Sends requests when the gate lets them pass.

    Args:
        session: The session of the client.
        gate: Lets submissions pass.
        submissions: Sends the submissions and records them.
        timeout: Seconds to wait for each response of an upload; None for the client's timeout.
    """

    def __init__(
        self, session: AsyncSession, gate: AsyncGate, submissions: Submissions, timeout: float | None
    ) -> None:
        self._session = session
        self._gate = gate
        self._submissions = submissions
        self._timeout = timeout
        self._max_retries = session.settings.retries(DEFAULT_BATCH_RETRIES)

    async def send(self, index: int, request: AnyRequest, submission: Submission) -> Sent:
        """Send a submission when the gate lets it pass, with the retries that are safe. Its large files are
        uploaded before.
        """
        retries = 0
        last_error: OxenError | None = None
        while True:
            tracker = self._session.tracker()
            try:
                epoch = await self._gate.enter(index)
            except OxenError as error:
                raise last_error or HubUnreachableError(f"{error}; nothing was sent") from None
            if epoch is None:
                raise RunEndedError
            try:
                body = await upload_media(self._session, request, submission.body, self._timeout)
                started = time.monotonic()
                is_queued = submission.path == QUEUE_PATH
                stream_epoch = await tracker.wait_for_stream() if is_queued else 0
                response = await wait_for_callback(
                    partial(self._submissions.start, replace(submission, body=body))
                )
            except _SUBMISSION_ERRORS as error:
                # A server may return the text of a thread error after it accepted a request.
                cause = _find_cause(error)
                if isinstance(cause, HubUnreachableError) and is_thread_error(cause):
                    self._gate.report_not_sent()
                    raise NotStartedError(str(error)) from None
                self._report_failure(epoch, cause)
                if not _may_be_retried(cause) or retries == self._max_retries:
                    raise
                retries += 1
                count_retry(request.model_id, type(cause).__name__)
                last_error = without_frames(error)
            except BaseException:
                self._gate.report_not_sent()
                raise
            else:
                self._gate.report_accepted(epoch)
                return Sent(response, started, stream_epoch)

    def _report_failure(self, epoch: int, error: OxenError) -> None:
        retry_after = error.retry_after if isinstance(error, APIError) else None
        if isinstance(error, RateLimitError):
            self._gate.report_rate_limited(epoch, retry_after)
        elif isinstance(error, APIError) and error.status not in GATEWAY_STATUSES:
            self._gate.report_accepted(epoch)  # a rejection that concerns this request only
        elif isinstance(error, OutcomeUnknownError | UnexpectedResponseError) and error.response is not None:
            self._gate.report_accepted(epoch)
        else:
            self._gate.report_outage(epoch, retry_after)


def _find_cause(error: OxenError) -> OxenError:
    """Return the error of the server or the connection that `error` is due to."""
    cause = error.__cause__
    return cause if isinstance(error, UploadError) and isinstance(cause, OxenError) else error


def _may_be_retried(error: OxenError) -> bool:
    if isinstance(error, RateLimitError):
        return (error.retry_after or 0.0) <= MAX_PAUSE
    is_transport_error = isinstance(error, HubUnreachableError | HubTimeoutError)
    return is_transport_error and not isinstance(error, OutcomeUnknownError)
