# Copied by oxen-codegen from templates/package/_runtime/_async/batch.py. Do not edit.
"""Batch runs: many requests concurrently, with a journal of the billable ones."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Sized
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from os import PathLike, fsdecode
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..billing import warn_if_billed_without_result
from ..bodies import encode_queue_body
from ..context import CallContext
from ..errors import (
    APIError,
    ConfigurationError,
    JobCancelled,
    JobError,
    JobFailed,
    JobNotFound,
    JournalError,
    OutcomeUnknownError,
    OxenError,
    UnexpectedResponseError,
)
from ..generations import create_job_failed
from ..progress import Progress, progress_callback
from ..request import Request, RequestLike, UntypedRequest, typed_class
from ..responses import Headers, Response
from ..scheduler import CancellationToken
from ..settings import validate_timeout
from .concurrency import Workers, run_blocking
from .job import AsyncJob, enqueue
from .results import AsyncAnyResult, parse_result, result_to_json, result_type
from .session import AsyncSession

if TYPE_CHECKING:
    from ..journal import Entry, Journal

# A request with its index, and the id of its job if it was submitted by an earlier run.
_Item: TypeAlias = tuple[int, RequestLike, str | None]
# Rate limiting is expected in a batch, so allow more retries.
MIN_RETRIES = 10
_OUTCOME_UNKNOWN = (
    "an earlier run sent this request and ended before it received the response: the request may have been "
    "accepted, so it is not sent again; pass resend_unknown=True to send it"
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


def run(
    session: AsyncSession,
    requests: Iterable[RequestLike],
    max_in_flight: int,
    journal: str | PathLike[str] | None,
    resend_unknown: bool,
    timeout: float | None,
    progress: bool | Callable[[Progress], object],
) -> AsyncGenerator[AsyncOutcome]:
    """Run a batch. The arguments are those of `AsyncClient.run_many`."""
    if not isinstance(max_in_flight, int) or isinstance(max_in_flight, bool) or max_in_flight < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"max_in_flight must be a positive integer, got {max_in_flight!r:.40}")
    if timeout is not None:
        validate_timeout(timeout)
    session.settings.require_key()
    session = session.with_settings(max_retries=max(session.settings.max_retries, MIN_RETRIES))
    return _AsyncBatch(session, requests, resend_unknown, timeout).run(max_in_flight, journal, progress)


class _AsyncBatch:
    def __init__(
        self,
        session: AsyncSession,
        requests: Iterable[RequestLike],
        resend_unknown: bool,
        timeout: float | None,
    ) -> None:
        self._session = session
        self._total = len(requests) if isinstance(requests, Sized) else None
        self._requests = enumerate(requests)
        self._resend_unknown = resend_unknown
        self._timeout = timeout
        self._path = ""
        self._journal: Journal | None = None
        self._token = CancellationToken()
        self._input_error: Exception | None = None

    async def run(
        self,
        max_in_flight: int,
        journal: str | PathLike[str] | None,
        progress: bool | Callable[[Progress], object],
    ) -> AsyncGenerator[AsyncOutcome]:
        """Yield the outcomes of the requests as they are ready."""
        workers: Workers[AsyncOutcome] = Workers()
        succeeded = failed = in_flight = 0
        with ExitStack() as stack:
            report = stack.enter_context(progress_callback(progress))
            backlog: deque[_Item] = deque()
            if journal is not None:
                from ..journal import Journal

                self._path = fsdecode(journal)
                self._journal = stack.enter_context(await run_blocking(Journal, journal))
                for index in range(len(self._journal)):
                    request, entry = await self._load_entry(index, self._journal)
                    outcome = self._replay(index, request, entry)
                    if outcome is None:
                        backlog.append((index, request, entry.job_id if entry else None))
                        continue
                    succeeded += outcome.error is None
                    failed += outcome.error is not None
                    yield outcome
            try:
                while True:
                    while in_flight < max_in_flight and (item := self._next_item(backlog)) is not None:
                        workers.start(partial(self._run_one, *item))
                        in_flight += 1
                    report(Progress(succeeded, failed, in_flight, self._total))
                    if not in_flight:
                        break
                    outcome = await workers.next_result()
                    in_flight -= 1
                    succeeded += outcome.error is None
                    failed += outcome.error is not None
                    yield outcome
            finally:
                # Stop waiting for jobs, but let in-flight submissions finish so that no job id is lost.
                self._token.set()
                await workers.join()
            if self._input_error is not None:
                raise self._input_error

    def _next_item(self, backlog: deque[_Item]) -> _Item | None:
        if backlog:
            return backlog.popleft()
        if self._input_error is None:
            try:
                index, request = next(self._requests, (-1, None))
                if request is not None:
                    return index, _validate_request(index, request), None
            except Exception as error:  # raised once the requests in flight have ended
                self._input_error = error
        return None

    async def _load_entry(self, index: int, journal: Journal) -> tuple[RequestLike, Entry | None]:
        """Return the next request and its entry in the journal.

        Raises:
            JournalError: The entry is one of another request.
        """
        _, request = next(self._requests, (-1, None))
        if request is None:
            raise JournalError(
                f"{self._path}: journal does not match the requests: "
                f"it contains at least {len(journal)}, got {index}"
            )
        entry = await run_blocking(journal.__getitem__, index)
        if entry is not None:
            digest = await run_blocking(_request_digest, _validate_request(index, request))
            if entry.digest != digest:
                raise JournalError(
                    f"{self._path}: journal does not match the requests: request {index} differs; "
                    "pass the same requests in the same order, or another journal"
                )
        return request, entry

    def _replay(self, index: int, request: RequestLike, entry: Entry | None) -> AsyncOutcome | None:
        """Return the outcome in the journal; None if the request has none yet."""
        if entry is None or entry.state in ("enqueued", "refused"):
            return None
        if entry.state == "sending":
            if self._resend_unknown:
                return None
            return AsyncOutcome(index, request, None, OutcomeUnknownError(_OUTCOME_UNKNOWN), None)
        if entry.state == "succeeded":
            response = Response(200, Headers({}), dict(entry.answer or {}))
            result = parse_result(result_type(request), response, self._session, entry.job_id)
            return AsyncOutcome(index, request, result, None, entry.job_id)
        job_id, detail = entry.job_id or "", entry.detail or ""
        error: JobError
        if entry.state == "failed":
            error = create_job_failed(job_id, {"error_message": detail}, _submission(request))
        else:
            error_class = JobCancelled if entry.state == "cancelled" else JobNotFound
            error = error_class(job_id, entry.state, detail)
        return AsyncOutcome(index, request, None, error, entry.job_id)

    async def _run_one(self, index: int, request: RequestLike, job_id: str | None) -> AsyncOutcome:
        type_ = result_type(request)
        result: AsyncAnyResult | None = None
        try:
            if job_id is None:
                job = await self._enqueue(index, request, type_)
                job_id = job.id
            else:
                job = AsyncJob(
                    self._session,
                    job_id,
                    type_,
                    "unknown",
                    submission=_submission(request),
                    token=self._token,
                )
            result = await job.result(self._timeout)
            if self._journal is not None:
                await run_blocking(self._journal.succeeded, index, job_id, result_to_json(result))
        except JournalError:
            raise  # without a journal, the batch must not continue
        except OxenError as error:
            state = _final_state(error)
            if self._journal is not None and state is not None and isinstance(error, JobError):
                await run_blocking(self._journal.ended, index, state, error.generation_id, error.detail)
            return AsyncOutcome(index, request, None, error, job_id)
        return AsyncOutcome(index, request, result, None, job_id)

    async def _enqueue(
        self, index: int, request: RequestLike, type_: type[AsyncAnyResult]
    ) -> AsyncJob[AsyncAnyResult]:
        await self._record_sending(index, request)
        try:
            body = encode_queue_body(request, 1, self._session.settings.targets, None)
            warn_if_billed_without_result(request)
            context = _submission(request)
            [job, *_] = await enqueue(self._session, body, type_, None, None, context, self._token)
        except OxenError as error:
            await self._record_rejection(index, error)
            raise
        if self._journal is not None:
            await run_blocking(self._journal.enqueued, index, job.id)
        return job

    async def _record_sending(self, index: int, request: RequestLike) -> None:
        if self._journal is not None:
            await run_blocking(self._journal.sending, index, request.body())

    async def _record_rejection(self, index: int, error: OxenError) -> None:
        if self._journal is not None and _was_rejected(error):
            await run_blocking(self._journal.refused, index, str(error))


def _final_state(error: OxenError) -> Literal["failed", "cancelled", "gone"] | None:
    """Return the final state of a job for the journal; None for an error that does not end a job."""
    if isinstance(error, JobFailed):
        return "failed"
    if isinstance(error, JobCancelled):
        return "cancelled"
    return "gone" if isinstance(error, JobNotFound) else None


def _submission(request: RequestLike) -> CallContext:
    return CallContext(request_class=typed_class(request), is_submission=True)


def _was_rejected(error: OxenError) -> bool:
    """Return whether a billable request was certainly not accepted. A failing proxy may have forwarded it."""
    if isinstance(error, APIError):
        return error.status < 500 and error.status != 408
    return not isinstance(error, OutcomeUnknownError | UnexpectedResponseError)


def _validate_request(index: int, request: object) -> RequestLike:
    if isinstance(request, Request | UntypedRequest):
        return request
    raise TypeError(f"requests[{index}] must be a request, got {type(request).__name__}: {request!r:.80}")


def _request_digest(request: RequestLike) -> str:
    from ..journal import digest_of

    return digest_of(request.body())
