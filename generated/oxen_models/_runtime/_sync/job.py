# Derived by oxen-codegen from _runtime/_async/job.py. Do not edit.
"""Jobs in the queue: status, waiting, results and cancellation."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, Generic, TypeVar

from ..arguments import check_flag, check_function
from ..bodies import Body
from ..cancellation import CancellationToken
from ..context import NO_CONTEXT, CallContext
from ..errors import (
    HubTimeoutError,
    HubUnreachableError,
    JobCancelled,
    JobNotFound,
    JobTimeout,
    NotFoundError,
    OxenError,
)
from ..generations import Generation, create_job_failed, find_jobs, parse_generation
from ..parsing import model_name
from ..printable import escape_line
from ..responses import Response
from ..scheduler import FINAL_POLL_TIMEOUT, TrackedJob, WaitOutcome
from ..settings import validate_timeout
from ..telemetry import count_cost, observe
from ..urls import generation_path, job_path
from .concurrency import Callback, call_back
from .results import Result, job_result_type, media_type, parse_result
from .session import Session

R = TypeVar("R", bound=Result[Any])
R_co = TypeVar("R_co", bound=Result[Any], covariant=True)


class Job(Generic[R_co]):
    """A job in the queue. It continues whether it is waited for or not. Jobs with equal ids are equal.

    Source: GET /queue/{generation_id}. A job can be pickled; the pickle does not contain the API key.
    """

    def __init__(
        self,
        session: Session,
        id: str,
        result_type: type[R_co] | None,
        status: str = "queued",
        *,
        stream_epoch: int | None = None,
        generation: Generation | None = None,
        submission: CallContext = NO_CONTEXT,
        token: CancellationToken | None = None,
    ) -> None:
        self._session = session
        self._id = id
        self._result_type = result_type
        self._submission = submission
        self._token = token
        self._media_type = None if generation is None else generation.media_type
        if result_type is not None:
            self._media_type = media_type(result_type)
        self._generation = generation
        self._status = status
        self._context = CallContext(id)
        self._record: Response | None = None
        """The record or the event of the job after a wait for its end."""
        self._is_failure_read = False
        self._tracked: TrackedJob | None = None
        self._is_cost_counted = False
        if stream_epoch is not None:
            with suppress(OxenError):  # the server has accepted the job; its first wait raises the error
                tracker = session.tracker(self._context)
                self._tracked = tracker.track(id, self._media_type, status, stream_epoch)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._session, self._id, self._result_type, self.status, self.model)

    def __eq__(self, other: object) -> bool:
        return self._id == other._id if isinstance(other, Job) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._id)

    def __repr__(self) -> str:
        return escape_line(f"<{type(self).__name__} {self._id} {self.status}>")

    @property
    def id(self) -> str:
        """The `generation_id` of the job: `oxen.job(id)` returns the job in any process."""
        return self._id

    @property
    def model(self) -> str | None:
        """The id of the model; None for the job of `oxen.job(id)` before the first refresh or wait."""
        if self._generation is not None and self._generation.model is not None:
            return self._generation.model
        known = self._submission.model_id
        return known if known is not None or self._record is None else model_name(self._record.json)

    @property
    def status(self) -> str:
        """The last known status: a `JobStatus`, or a status that the API does not document; "unknown" for
        the job of `oxen.job(id)` before the first refresh. Sends no request.
        """
        return self._status if self._tracked is None else self._tracked.status

    @property
    def generation(self) -> Generation | None:
        """The record of the job when it was last refreshed or listed; None before that."""
        return self._generation

    def refresh(self) -> Generation:
        """Request the record of the job, update `status` and return the record.

        Raises:
            JobNotFound: There is no such job.
            OxenError: The server returned an error or could not be reached.
        """
        try:
            response = self._session.get(job_path(self._id), context=self._context)
        except NotFoundError as error:
            raise self._not_found(error) from None
        self._generation = parse_generation(response, self._id)
        self._session.tracker(self._context).on_polled(self._track(), response)
        return self._generation

    def cost(self) -> Decimal | None:
        """Request the cost of the job in dollars; None if the server reports none, as for a job that has not
        ended or was not billed. Source: GET /generations/{id}.

        Raises:
            JobNotFound: The history has no such job.
            OxenError: The server returned an error or could not be reached.
        """
        generation = read_history(self._session, self._id)
        if generation.cost is not None and not self._is_cost_counted:
            self._is_cost_counted = True
            count_cost(generation.model, generation.cost)
        return generation.cost

    def wait(
        self,
        timeout: float | None = None,
        *,
        on_status: Callback[str] | None = None,
        cancel_on_timeout: bool = False,
    ) -> str:
        """Wait until the job ends, and return its status: succeeded, failed or cancelled.

        Args:
            timeout: Seconds to wait. Defaults to 10 minutes for an image or a sound, and 60 for a video. The
                wait ends up to 2 seconds later, because the job is polled once more when they have passed.
            on_status: Called with each new status, including the first and the last.
            cancel_on_timeout: Cancel the job if it does not finish before the timeout.

        Raises:
            JobTimeout: It did not finish before the timeout. It continues, unless it was cancelled.
            JobNotFound: It no longer exists on the server.
            OxenError: Three polls in a row failed, or the client was closed.
        """
        response = self._wait(timeout, on_status, cancel_on_timeout)
        return str(response.json.get("status"))

    def result(
        self,
        timeout: float | None = None,
        *,
        on_status: Callback[str] | None = None,
        cancel_on_timeout: bool = False,
    ) -> R_co:
        """Wait until the job ends, and return its result, which has the type of the blocking call's.

        Later calls return the same result or raise the same error, and send no request.

        Args:
            timeout: Seconds to wait. Defaults to 10 minutes for an image or a sound, and 60 for a video. The
                wait ends up to 2 seconds later, because the job is polled once more when they have passed.
            on_status: Called with each new status, including the first and the last.
            cancel_on_timeout: Cancel the job if it does not finish before the timeout.

        Raises:
            JobFailed: It failed, for the reason that the server gives.
            JobCancelled: It was cancelled.
            JobTimeout: It did not finish before the timeout. It continues, unless it was cancelled.
            JobNotFound: It no longer exists on the server.
            OxenError: Three polls in a row failed, or the client was closed.
        """
        response = self._wait(timeout, on_status, cancel_on_timeout)
        return self._create_result(self._read_failure(response))

    def cancel(self) -> None:
        """Cancel the job. This has no effect on a job that has ended; `status` is its final status.

        Raises:
            JobNotFound: There is no such job.
            OxenError: The server returned an error or could not be reached.
        """
        try:
            self._session.delete(job_path(self._id), self._context)
        except NotFoundError as error:
            raise self._not_found(error) from None
        with suppress(OxenError):  # it was cancelled, even if its record cannot be requested now
            self.refresh()

    def _create_result(self, response: Response) -> R_co:
        status = str(response.json.get("status"))
        if status == "failed":
            raise create_job_failed(self._id, response.json, self._submission, response)
        if status == "cancelled":
            raise JobCancelled(self._id, status, "the job was cancelled", response=response)
        result_type: Any = self._result_type or job_result_type(response.json)
        result: R_co = parse_result(result_type, response, self._session, self._id)
        return result

    def _wait(
        self,
        timeout: float | None,
        on_status: Callback[str] | None,
        cancel_on_timeout: bool,
    ) -> Response:
        """Wait until the job ends, and return its record."""
        check_flag("cancel_on_timeout", cancel_on_timeout)
        if on_status is not None:
            check_function("on_status", on_status)
        if timeout is not None:
            validate_timeout(timeout)
        if self._record is not None:
            if on_status is not None:
                call_back(on_status, self.status)
            return self._record
        with observe("oxen.wait", self.model, self._id) as call:
            response = self._wait_for_end(timeout, on_status, cancel_on_timeout)
            call.record(self.status)
        self._record = response
        return response

    def _wait_for_end(
        self,
        timeout: float | None,
        on_status: Callback[str] | None,
        cancel_on_timeout: bool,
    ) -> Response:
        try:
            tracker, job = self._session.tracker(self._context), self._track()
        except HubUnreachableError:
            if not self._submission.is_submission:
                raise
            raise self._closed_error() from None  # "nothing was sent" would be read as of the request
        result = tracker.wait(job, timeout, on_status, self._token)
        match result.outcome:
            case WaitOutcome.FINISHED:
                assert result.response is not None
                return result.response
            case WaitOutcome.NOT_FOUND:
                detail = "the job no longer exists on the server"
                raise JobNotFound(self._id, self.status, detail, response=result.response)
            case WaitOutcome.TIMED_OUT:
                if cancel_on_timeout:
                    ending = self._cancel_late()
                elif result.error is not None:
                    ending = f"whether it continues is unknown: {result.error.args[0]}"
                else:
                    ending = "it continues"
                raise JobTimeout(
                    self._id, self.status, f"the job did not finish before the timeout; {ending}"
                )
            case WaitOutcome.CLOSED:
                raise self._closed_error()
            case WaitOutcome.POLLS_FAILED:
                assert result.error is not None
                raise result.error

    def _read_failure(self, response: Response) -> Response:
        """Return the record of a job if `response` is the event of its failure: the event has the text of the
        error only, and the class of the error depends on the code of the provider, too.
        """
        is_event = not response.headers
        if not is_event or self._is_failure_read or response.json.get("status") != "failed":
            return response
        self._is_failure_read = True
        with suppress(OxenError):  # an error with the text only is better than one of this request
            record = self._session.get(
                job_path(self._id), context=self._context, timeout=FINAL_POLL_TIMEOUT, retry=False
            )
            if parse_generation(record, self._id).status == "failed":
                self._record = record
        return self._record or response

    def _cancel_late(self) -> str:
        """Cancel the job after a timeout, and return the outcome for the message."""
        try:
            self.cancel()
        except OxenError as error:
            return f"it could not be cancelled: {error}"
        return "it was cancelled" if self.status == "cancelled" else f"its status is {self.status}"

    def _track(self) -> TrackedJob:
        tracker = self._session.tracker(self._context)
        self._tracked = tracker.track(self._id, self._media_type, self.status, None)
        return self._tracked

    def _closed_error(self) -> HubUnreachableError:
        return HubUnreachableError("the client was closed; the job continues", generation_id=self._id)

    def _not_found(self, error: NotFoundError) -> JobNotFound:
        detail = f"the job does not exist on the server: {error.detail}"
        return JobNotFound(self._id, self.status, detail, response=error.response)


def _restore(
    session: Session, id: str, result_type: type[R] | None, status: str, model: str | None
) -> Job[R]:
    """Return an unpickled job."""
    return Job(session, id, result_type, status, submission=CallContext(model_id=model))


def read_history(session: Session, id: str, timeout: float | None = None) -> Generation:
    """Return the record of a job in the history, which has its cost. Source: GET /generations/{id}.

    Args:
        session: The session of the client.
        id: The id of the job.
        timeout: Seconds to wait for it, retries included; None for the client's timeout.

    Raises:
        JobNotFound: The history has no such job.
        OxenError: The server returned an error or could not be reached.
    """
    try:
        response = session.get(generation_path(id), context=CallContext(id), timeout=timeout)
    except NotFoundError as error:
        detail = f"the job does not exist in the history: {error.detail}"
        raise JobNotFound(id, "unknown", detail, response=error.response) from None
    return parse_generation(response, id)


def enqueue(
    session: Session,
    body: Body | bytes,
    result_type: type[R],
    timeout: float | None,
    extra_headers: Mapping[str, str] | None,
    context: CallContext,
    token: CancellationToken | None = None,
) -> list[Job[R]]:
    """Submit a request to the queue and return its jobs. The event stream is opened before.

    Args:
        session: The session of the client.
        body: The body of the request.
        result_type: The type of the jobs' results.
        timeout: Seconds to wait for the response; None for the client's timeout.
        extra_headers: Headers to send in addition to the client's own.
        context: The context of the submission.
        token: Ends every wait for the jobs when it is set.

    Raises:
        OutcomeUnknownError: The request was sent, and no job was returned.
        OxenError: The server returned an error or could not be reached.
    """
    tracker = session.tracker()
    stream_epoch = tracker.wait_for_stream()
    limit = session.settings.request_timeout("/queue", timeout)
    with tracker.submission_limiter.acquire(limit) as is_acquired:
        if not is_acquired:
            raise HubTimeoutError("too many requests are waiting to be sent; nothing was sent")
        response = session.post("/queue", body, timeout, extra_headers, context)
    return [
        Job(
            session,
            id,
            result_type,
            status,
            stream_epoch=stream_epoch,
            submission=context,
            token=token,
        )
        for id, status in find_jobs(response.json)
    ]
