# Copied by oxen-codegen from templates/package/_runtime/_async/batch.py. Do not edit.
"""Batch runs: many requests concurrently, with a journal of the billable ones."""

from __future__ import annotations

import time
import weakref
from _thread import start_new_thread
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sized
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from ..batch_options import BatchOptions
from ..billing import warn_if_billed_without_result
from ..bodies import digest_body, encode_queue_body
from ..closing import RunEnd
from ..context import CallContext
from ..detached import is_thread_error
from ..errors import (
    APIError,
    ConfigurationError,
    HubTimeoutError,
    HubUnreachableError,
    InvalidRequestError,
    JobCancelled,
    JobError,
    JobFailed,
    JobNotFound,
    JournalError,
    OutcomeUnknownError,
    OxenError,
    RateLimitError,
    RunStoppedError,
)
from ..generations import create_job_failed, parse_dollars
from ..pacing import MAX_PAUSE
from ..progress import Progress, progress_callback
from ..request import Request, RequestLike, UntypedRequest, typed_class
from ..responses import Headers, Response
from ..retries import DEFAULT_BATCH_RETRIES
from ..scheduler import CancellationToken
from ..submissions import Deliver, RunEndedError, Submission, Submissions
from .concurrency import Event, Owner, Workers, run_blocking, wait_for_callback
from .gate import AsyncGate
from .job import AsyncJob
from .poster import AsyncPoster
from .reconcile import adopt_jobs
from .results import AsyncAnyResult, parse_result, result_to_json, result_type
from .session import AsyncSession

if TYPE_CHECKING:
    from ..journal import Entry, Journal

ExceptionT = TypeVar("ExceptionT", bound=BaseException)
MIN_WAIT_TIMEOUT = 0.001
MAX_CLOSE_WAIT = 1.0
# A proxy reports with one of these statuses that it cannot reach the server.
_GATEWAY_STATUSES = frozenset({502, 503, 504, *range(520, 531)})
# Errors of a request that was or could have been sent. All others are raised before.
_SUBMISSION_ERRORS = (APIError, HubUnreachableError, HubTimeoutError, OutcomeUnknownError)
_OUTCOME_UNKNOWN = (
    "an earlier run sent this request and its outcome is unknown: the request may have been accepted, so it "
    "is not sent again; pass reconcile=True to look for its job, or resend_unknown=True to send it again"
)


@dataclass(frozen=True, slots=True)
class AsyncOutcome:
    """The outcome of one request of a batch: a result or an error."""

    index: int
    """The index of the request, counted from 0."""
    request: RequestLike
    result: AsyncAnyResult | None
    """None if there is an error."""
    error: OxenError | None
    """None if there is a result."""
    job_id: str | None
    """The job of the request; None if it was not accepted by the queue."""


class AsyncBatchRun:
    """A run of many requests: an iterator over their outcomes, and a context manager that ends the run.

    A run that is left early, in any way, sends no further requests. Requests that were being sent are
    recorded in the journal when their response arrives; jobs continue on the server.
    """

    def __init__(self, session: AsyncSession, requests: Iterable[RequestLike], options: BatchOptions) -> None:
        self._engine = _AsyncEngine(session, requests, options)
        # The engine does not refer to this object, so that the run ends when the caller drops it.
        weakref.finalize(self, self._engine.abandon)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AsyncOutcome:
        outcome = await self._engine.next_outcome()
        if outcome is None:
            raise StopAsyncIteration
        return outcome

    async def aclose(self) -> None:
        """End the run, and wait until the outcome of each request that was being sent is recorded."""
        await self._engine.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


@dataclass(slots=True)
class _Item:
    """A request of a run."""

    index: int
    request: RequestLike
    key: str | None = None
    """The key in the journal; None until it is known."""


@dataclass(frozen=True, slots=True)
class _Finished:
    """The end of the processing of a request: an outcome, an error, or neither if the run has ended."""

    item: _Item
    outcome: AsyncOutcome | None = None
    is_replayed: bool = False
    error: Exception | None = None


class _AsyncEngine:
    """Sends the requests of a run, waits for their jobs, and keeps the journal."""

    def __init__(self, session: AsyncSession, requests: Iterable[RequestLike], options: BatchOptions) -> None:
        self._session = session
        self._options = options
        self._total = len(requests) if isinstance(requests, Sized) else None
        self._requests = enumerate(requests)
        self._has_requests = True
        self._unstarted: deque[_Item] = deque()
        self._limit = options.max_in_flight
        self._occurrences: Counter[str] = Counter()
        self._occurrences_lock = Lock()
        self._waits = CancellationToken()
        self._sending = CancellationToken()
        self._max_retries = session.settings.retries(DEFAULT_BATCH_RETRIES)
        self._gate = AsyncGate(self._probe, self._sending, self._max_retries)
        self._stack = ExitStack()
        self._owner: Owner | None = None
        self._report: Callable[[Progress], object] = _ignore
        self._journal: Journal | None = None
        self._submissions: Submissions | None = None
        self._workers: Workers[_Finished] = Workers()
        self._in_flight = self._succeeded = self._failed = self._consecutive_failures = 0
        self._error: Exception | None = None
        self._unrecorded_jobs: list[str] = []
        self._end = RunEnd(options.journal)
        self._finished = Event()

    async def next_outcome(self) -> AsyncOutcome | None:
        """Return the next outcome; None after the last one. Errors are those of `run_many`.

        A cancelled call ends the run, because its caller may not iterate any further.
        """
        if self._end.has_begun:
            return None
        try:
            if self._owner is None:
                await self._open()
            outcome = await self._wait_for_outcome()
        except BaseException as error:
            self.abandon()
            if is_thread_error(error):
                raise OxenError(f"the run cannot start: {error}") from None
            raise
        if outcome is not None:
            return outcome
        await self.aclose()
        if self._unrecorded_jobs:
            raise self._unrecorded_error()
        if self._error is not None:
            raise self._error
        return None

    async def _wait_for_outcome(self) -> AsyncOutcome | None:
        while True:
            self._start_workers()
            self._report(Progress(self._succeeded, self._failed, self._in_flight, self._total))
            if not self._in_flight:
                return None
            finished = await self._workers.next_result()
            self._in_flight -= 1
            outcome = self._take(finished)
            if outcome is not None:
                return outcome

    async def aclose(self) -> None:
        """End the run, and wait until the outcome of each request that was being sent is recorded."""
        self.abandon()
        while not self._end.has_finished:
            await self._finished.wait(MAX_CLOSE_WAIT)

    def abandon(self) -> None:
        """End the run without waiting. A finalizer calls this, so it takes no lock."""
        if self._end.has_begun:
            return
        self._end.begin()
        try:
            start_new_thread(self._close, ())
        except RuntimeError:  # the operating system does not permit another thread
            self._close()

    def _close(self) -> None:
        if self._owner is not None:
            self._owner.call(self._end_waits)
        if self._submissions is not None:
            self._submissions.close(self._finish)
        else:
            self._finish()

    def _finish(self) -> None:
        self._stack.close()
        self._end.finish()
        if self._owner is not None:
            self._owner.call(self._finished.set)

    def _end_waits(self) -> None:
        self._sending.set()
        self._waits.set()
        self._workers.stop()

    async def _open(self) -> None:
        self._owner = Owner()
        self._report = self._stack.enter_context(progress_callback(self._options.progress))
        if self._options.journal is not None:
            from ..journal import Journal

            await run_blocking(self._end.wait_for_others)
            self._journal = await run_blocking(Journal, self._options.journal)
        self._submissions = Submissions(AsyncPoster(self._session), self._journal)
        if self._options.reconcile and self._journal is not None:
            await adopt_jobs(self._session, self._journal)

    def _start_workers(self) -> None:
        while self._in_flight < self._limit and (item := self._next_item()) is not None:
            try:
                self._workers.start(partial(self._process, item))
            except RuntimeError as error:
                if not is_thread_error(error):
                    raise
                self._defer(item, error)
            else:
                self._in_flight += 1

    def _next_item(self) -> _Item | None:
        if self._unstarted:
            return self._unstarted.popleft()
        if self._has_requests:
            try:
                index, request = next(self._requests, (-1, None))
                if request is not None:
                    return _Item(index, _validate_request(index, request))
            except Exception as error:  # raised once the requests in flight have ended
                self._error = error
            self._has_requests = False
        return None

    def _defer(self, item: _Item, error: Exception) -> None:
        """Run fewer requests at once, because a thread could not be started for one."""
        self._unstarted.append(item)
        self._limit = self._in_flight
        if not self._in_flight:
            self._stop(OxenError(f"the request was not sent: {error}"))

    def _stop(self, error: Exception) -> None:
        """Send no further requests, and raise `error` once those in flight have ended."""
        self._error = self._error or error
        self._has_requests = False
        self._unstarted.clear()
        self._sending.set()

    def _take(self, finished: _Finished) -> AsyncOutcome | None:
        """Count a request that has ended, and return its outcome if it has one."""
        error, outcome = finished.error, finished.outcome
        if error is not None and is_thread_error(error):
            self._defer(finished.item, error)
        elif error is not None:
            if isinstance(error, JournalError) and error.generation_id is not None:
                self._unrecorded_jobs.append(error.generation_id)
            self._stop(error)
            self._waits.set()
        if outcome is None:
            return None
        self._succeeded += outcome.error is None
        self._failed += outcome.error is not None
        if not finished.is_replayed:
            self._consecutive_failures = 0 if outcome.error is None else self._consecutive_failures + 1
            if self._consecutive_failures == self._options.max_consecutive_failures:
                count = self._consecutive_failures
                self._stop(
                    RunStoppedError(f"{count} requests in a row failed; the last error: {outcome.error}")
                )
        return outcome

    def _unrecorded_error(self) -> JournalError:
        first, *others = self._unrecorded_jobs
        jobs = f"; the jobs {', '.join(others)} could not be recorded either" if others else ""
        # The text of a journal's error without its job, which is added again.
        text = self._error.args[0] if isinstance(self._error, JournalError) else self._error
        return JournalError(f"{text}{jobs}", generation_id=first)

    async def _process(self, item: _Item) -> _Finished:
        """Process one request, to its outcome or to the end of the run. Raises nothing."""
        index, request = item.index, item.request
        try:
            submission = await run_blocking(self._prepare, item)
            entry = await self._find_entry(submission)
            replayed = None if entry is None else self._replay(index, request, entry)
            if replayed is not None:
                return _Finished(item, replayed, is_replayed=True)
            job_id = entry.job_id if entry is not None and entry.state == "accepted" else None
            return _Finished(item, await self._run_one(index, request, submission, job_id))
        except RunEndedError:
            return _Finished(item)
        except InvalidRequestError as error:  # a file was removed or changed after the request was made
            return _Finished(item, AsyncOutcome(index, request, None, _without_frames(error), None))
        except Exception as error:
            return _Finished(item, error=_without_frames(error))

    async def _run_one(
        self, index: int, request: RequestLike, submission: Submission, job_id: str | None
    ) -> AsyncOutcome:
        result: AsyncAnyResult | None = None
        try:
            if job_id is None:
                warn_if_billed_without_result(request)
                job, started = await self._submit(index, request, submission)
                job_id = job.id
            else:
                job, started = self._create_job(request, job_id, "unknown"), time.monotonic()
            result = await job.result(self._remaining_timeout(started))
            await self._record_result(submission, result)
        except JournalError:
            raise
        except OxenError as error:
            if self._waits.is_set:
                raise RunEndedError from None
            await self._record_failure(submission, error)
            return AsyncOutcome(index, request, None, _without_frames(error), job_id)
        return AsyncOutcome(index, request, result, None, job_id)

    def _prepare(self, item: _Item) -> Submission:
        """Return the submission of a request. This reads its files."""
        request = item.request
        body = encode_queue_body(request, 1, self._session.settings.targets, None)
        timeout = self._session.settings.request_timeout("/queue", None)
        if self._options.timeout is not None:
            timeout = min(timeout, self._options.timeout)
        context = CallContext(request_class=typed_class(request), is_submission=True)
        if self._options.journal is None:
            return Submission("", "", request.model_id, body, {}, timeout, context)
        from ..journal import request_digest

        digested_body = digest_body(request)
        digest = request_digest(digested_body)
        if item.key is None:
            item.key = self._create_key(request, digest)
        return Submission(item.key, digest, request.model_id, body, digested_body, timeout, context)

    def _create_key(self, request: RequestLike, digest: str) -> str:
        """Return the key of a request, which differs from those of all other requests of the run.

        Raises:
            ConfigurationError: The caller's `key` returned the same value for another request.
        """
        key = digest if self._options.key is None else self._options.key(request)
        with self._occurrences_lock:
            self._occurrences[key] += 1
            occurrence = self._occurrences[key]
        if self._options.key is None:
            return f"{digest}:{occurrence}"
        if occurrence > 1:
            raise ConfigurationError(f"key must return another value for each request, got {key!r:.80} again")
        return key

    async def _find_entry(self, submission: Submission) -> Entry | None:
        """Return the entry of a request in the journal.

        Raises:
            JournalError: It is an entry of another request.
        """
        if self._journal is None:
            return None
        entry = await run_blocking(self._journal.find, submission.key)
        if entry is not None and entry.digest != submission.digest:
            raise JournalError(
                f"the journal has another request with the key {submission.key!r:.80}: return another key, "
                "or pass another journal"
            )
        return entry

    def _replay(self, index: int, request: RequestLike, entry: Entry) -> AsyncOutcome | None:
        """Return the outcome in the journal; None if the request has none yet."""
        if entry.state in ("accepted", "rejected"):
            return None
        if entry.state in ("sending", "unknown"):
            if self._options.resend_unknown:
                return None
            return AsyncOutcome(index, request, None, OutcomeUnknownError(_OUTCOME_UNKNOWN), None)
        if entry.state == "succeeded":
            response = Response(200, Headers({}), dict(entry.response or {}))
            result = parse_result(result_type(request), response, self._session, entry.job_id)
            return AsyncOutcome(index, request, result, None, entry.job_id)
        job_id, detail = entry.job_id or "", entry.detail or ""
        error: JobError
        if entry.state == "failed":
            record = {"error_message": detail, **(entry.response or {})}
            error = create_job_failed(job_id, record, CallContext(request_class=typed_class(request)))
        else:
            error_class = JobCancelled if entry.state == "cancelled" else JobNotFound
            error = error_class(job_id, entry.state, detail)
        return AsyncOutcome(index, request, None, error, entry.job_id)

    async def _submit(
        self, index: int, request: RequestLike, submission: Submission
    ) -> tuple[AsyncJob[AsyncAnyResult], float]:
        """Submit a request when the gate lets it pass. Return its job and the time at which it was sent."""
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
            started = time.monotonic()
            try:
                stream_epoch = await tracker.wait_for_stream()
                job_id, status = await wait_for_callback(partial(self._start_submission, submission))
            except _SUBMISSION_ERRORS as error:
                if is_thread_error(error):
                    self._gate.report_not_sent()
                    raise RuntimeError(str(error)) from None
                self._report_failure(epoch, error)
                if not _may_be_retried(error) or retries == self._max_retries:
                    raise
                retries += 1
                last_error = _without_frames(error)
            except BaseException:
                self._gate.report_not_sent()
                raise
            else:
                self._gate.report_accepted(epoch)
                return self._create_job(request, job_id, status, stream_epoch), started

    def _start_submission(self, submission: Submission, deliver: Deliver) -> None:
        assert self._submissions is not None
        self._submissions.start(submission, deliver)

    def _report_failure(self, epoch: int, error: OxenError) -> None:
        retry_after = error.retry_after if isinstance(error, APIError) else None
        if isinstance(error, RateLimitError):
            self._gate.report_rate_limited(epoch, retry_after)
        elif isinstance(error, APIError) and error.status not in _GATEWAY_STATUSES:
            self._gate.report_accepted(epoch)  # a rejection that concerns this request only
        elif isinstance(error, OutcomeUnknownError) and error.response is not None:
            self._gate.report_accepted(epoch)
        else:
            self._gate.report_outage(epoch, retry_after)

    async def _probe(self) -> None:
        """Send a request that is not billed. Raise an `OxenError` if the server cannot be reached."""
        try:
            self._session.tracker()
        except HubUnreachableError as error:  # the client is closed
            self._stop(error)
            return
        try:
            await self._session.get("/queue", retry=False)
        except APIError as error:
            if error.status in _GATEWAY_STATUSES:
                raise

    def _create_job(
        self, request: RequestLike, job_id: str, status: str, stream_epoch: int | None = None
    ) -> AsyncJob[AsyncAnyResult]:
        return AsyncJob(
            self._session,
            job_id,
            result_type(request),
            status,
            stream_epoch=stream_epoch,
            submission=CallContext(request_class=typed_class(request), is_submission=True),
            token=self._waits,
        )

    def _remaining_timeout(self, started: float) -> float | None:
        if self._options.timeout is None:
            return None
        return max(started + self._options.timeout - time.monotonic(), MIN_WAIT_TIMEOUT)

    async def _record_result(self, submission: Submission, result: AsyncAnyResult) -> None:
        if self._journal is not None:
            cost = parse_dollars(result.response.json.get("cost"))
            await run_blocking(self._journal.succeeded, submission.key, result_to_json(result), cost)

    async def _record_failure(self, submission: Submission, error: OxenError) -> None:
        state = _final_state(error)
        if self._journal is not None and state is not None and isinstance(error, JobError):
            record = None if error.response is None else error.response.json
            await run_blocking(self._journal.ended, submission.key, state, error.detail, record)


def _may_be_retried(error: OxenError) -> bool:
    if isinstance(error, RateLimitError):
        return (error.retry_after or 0.0) <= MAX_PAUSE
    is_transport_error = isinstance(error, HubUnreachableError | HubTimeoutError)
    return is_transport_error and not isinstance(error, OutcomeUnknownError)


def _final_state(error: OxenError) -> Literal["failed", "cancelled", "gone"] | None:
    """Return the final state of a job for the journal; None for an error that does not end a job."""
    if isinstance(error, JobFailed):
        return "failed"
    if isinstance(error, JobCancelled):
        return "cancelled"
    return "gone" if isinstance(error, JobNotFound) else None


def _validate_request(index: int, request: object) -> RequestLike:
    if isinstance(request, Request | UntypedRequest):
        return request
    raise TypeError(f"requests[{index}] must be a request, got {type(request).__name__}: {request!r:.80}")


def _without_frames(error: ExceptionT) -> ExceptionT:
    """Return an error without its traceback, whose frames keep the bodies of requests in memory."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def _ignore(_: object) -> None:
    """Report nothing."""
