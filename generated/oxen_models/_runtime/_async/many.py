"""Many requests at once, with a journal of what was paid for."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Sized
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from os import PathLike, fsdecode
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..advice import advise
from ..errors import (
    ConfigurationError,
    JobCancelled,
    JobFailed,
    JobNotFound,
    JournalError,
    OutcomeUnknownError,
    OxenError,
)
from ..failures import was_refused
from ..progress import Progress, observed
from ..request import Request, RequestLike, UntypedRequest, class_of, queued
from ..responses import Headers, Response
from ..settings import checked_timeout
from ..waiting import Stop
from .effects import Workers, run_blocking
from .job import AsyncJob, enqueue
from .results import AsyncAnyResult, AsyncAudioResult, answer_of, result_of, result_type
from .sender import run_request
from .session import AsyncSession

if TYPE_CHECKING:
    from ..journal import Entry, Journal

# A request with its place, and the job that it has already.
_Item: TypeAlias = tuple[int, RequestLike, str | None]
# Turned away costs nothing, and of many requests some are always turned away.
_LEAST_RETRIES = 10
_UNKNOWN = (
    "an earlier run sent this request and was ended before it had the answer: it may have been accepted, "
    "so it is not sent again; resend_unknown=True does"
)


@dataclass(frozen=True, slots=True)
class AsyncOutcome:
    """The outcome of one of many requests: a result or an error."""

    index: int
    """Its place among the requests, from 0."""
    request: RequestLike
    result: AsyncAnyResult | None
    """None where there is an error."""
    error: OxenError | None
    """None where there is a result."""
    job_id: str | None
    """The job that ran it; None if it was never in the queue."""


def run(
    session: AsyncSession,
    requests: Iterable[RequestLike],
    max_in_flight: int,
    journal: str | PathLike[str] | None,
    resend_unknown: bool,
    timeout: float | None,
    progress: bool | Callable[[Progress], object],
) -> AsyncGenerator[AsyncOutcome]:
    """As `AsyncClient.run_many` says."""
    if not isinstance(max_in_flight, int) or isinstance(max_in_flight, bool) or max_in_flight < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"max_in_flight has to be a whole number from 1 on: {max_in_flight!r:.40}")
    if timeout is not None:
        checked_timeout(timeout)
    patient = session.with_settings(max_retries=max(session.settings.max_retries, _LEAST_RETRIES))
    return _AsyncRun(patient, requests, resend_unknown, timeout).outcomes(max_in_flight, journal, progress)


class _AsyncRun:
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
        self._stop = Stop()
        self._broken: Exception | None = None

    async def outcomes(
        self,
        max_in_flight: int,
        journal: str | PathLike[str] | None,
        progress: bool | Callable[[Progress], object],
    ) -> AsyncGenerator[AsyncOutcome]:
        workers: Workers[AsyncOutcome] = Workers()
        counts = {True: 0, False: 0}
        in_flight = 0
        with ExitStack() as stack:
            observe = stack.enter_context(observed(progress))
            backlog: deque[_Item] = deque()
            if journal is not None:
                from ..journal import Journal

                self._path = fsdecode(journal)
                self._journal = stack.enter_context(await run_blocking(Journal, journal))
                for index in range(len(self._journal)):
                    request, entry = await self._known(index, self._journal)
                    outcome = self._told_before(index, request, entry)
                    if outcome is None:
                        backlog.append((index, request, entry.job_id if entry else None))
                    else:
                        counts[outcome.error is None] += 1
                        yield outcome
            try:
                while True:
                    while in_flight < max_in_flight and (item := self._next(backlog)) is not None:
                        workers.start(partial(self._done, *item))
                        in_flight += 1
                    observe(Progress(counts[True], counts[False], in_flight, self._total))
                    if not in_flight:
                        break
                    outcome = await workers.finished()
                    in_flight -= 1
                    counts[outcome.error is None] += 1
                    yield outcome
            finally:
                # Waits end at once; what is being sent is sent to its end, or its job would be lost.
                self._stop.set()
                await workers.stop()
            if self._broken is not None:
                raise self._broken

    def _next(self, backlog: deque[_Item]) -> _Item | None:
        if backlog:
            return backlog.popleft()
        if self._broken is None:
            try:
                index, request = next(self._requests, (-1, None))
                if request is not None:
                    return index, _checked(index, request), None
            except Exception as error:  # of the caller's iterator: what is under way ends first
                self._broken = error
        return None

    async def _known(self, index: int, journal: Journal) -> tuple[RequestLike, Entry | None]:
        """The request at a place that the journal knows, and what it says of it."""
        _, request = next(self._requests, (-1, None))
        if request is None:
            raise JournalError(
                f"{self._path}: it is of at least {len(journal)} requests, and there are only {index}"
            )
        entry = await run_blocking(journal.__getitem__, index)
        if entry is not None and entry.digest != await run_blocking(_digest, _checked(index, request)):
            raise JournalError(
                f"{self._path}: it is of other requests: number {index} (from 0) is not what was sent; "
                "give the same requests in the same order, or another journal"
            )
        return request, entry

    def _told_before(self, index: int, request: RequestLike, entry: Entry | None) -> AsyncOutcome | None:
        """The outcome that the journal has; None for a request that has to be worked on."""
        if entry is None or entry.state in ("enqueued", "refused"):
            return None
        if entry.state == "sending":
            if self._resend_unknown:
                return None
            return AsyncOutcome(index, request, None, OutcomeUnknownError(_UNKNOWN), None)
        if entry.state == "succeeded":
            kind = result_type(request)
            response = Response(200, Headers({}), dict(entry.answer or {}))
            result = result_of(kind, response, self._session, entry.job_id)
            return AsyncOutcome(index, request, result, None, entry.job_id)
        kinds = {"failed": JobFailed, "cancelled": JobCancelled, "gone": JobNotFound}
        error = kinds[entry.state](entry.job_id or "", entry.state, entry.detail or "")
        advise(error, class_of(request))
        return AsyncOutcome(index, request, None, error, entry.job_id)

    async def _done(self, index: int, request: RequestLike, job_id: str | None) -> AsyncOutcome:
        kind = result_type(request)
        result: AsyncAnyResult | None = None
        try:
            if kind is AsyncAudioResult:
                result = await self._called(index, request)
            else:
                if job_id is None:
                    job = await self._enqueued(index, request, kind)
                    job_id = job.id
                else:
                    job = AsyncJob(
                        self._session, job_id, kind, "unknown", request=class_of(request), stop=self._stop
                    )
                result = await job.result(self._timeout)
            if self._journal is not None:
                await run_blocking(self._journal.succeeded, index, job_id, answer_of(result))
        except JournalError:
            raise  # what cannot be written down must not go on
        except OxenError as error:
            state = _STATES.get(type(error))
            if state is not None and job_id is not None and self._journal is not None:
                await run_blocking(self._journal.ended, index, state, job_id, error.args[-1])
            return AsyncOutcome(index, request, None, error, job_id)
        return AsyncOutcome(index, request, result, None, job_id)

    async def _enqueued(
        self, index: int, request: RequestLike, kind: type[AsyncAnyResult]
    ) -> AsyncJob[AsyncAnyResult]:
        await self._sending(index, request)
        try:
            body = queued(request, 1, self._session.settings.targets, None)
            [job, *_] = await enqueue(self._session, body, kind, None, None, class_of(request), self._stop)
        except OxenError as error:
            await self._not_sent(index, error)
            raise
        if self._journal is not None:
            await run_blocking(self._journal.enqueued, index, job.id)
        return job

    async def _called(self, index: int, request: RequestLike) -> AsyncAnyResult:
        await self._sending(index, request)
        try:
            return await run_request(self._session, request)
        except OxenError as error:
            await self._not_sent(index, error)
            raise

    async def _sending(self, index: int, request: RequestLike) -> None:
        if self._journal is not None:
            await run_blocking(self._journal.sending, index, request.body())

    async def _not_sent(self, index: int, error: OxenError) -> None:
        if self._journal is not None and was_refused(error):
            await run_blocking(self._journal.refused, index, str(error))


_STATES: dict[type[OxenError], Literal["failed", "cancelled", "gone"]] = {
    JobFailed: "failed",
    JobCancelled: "cancelled",
    JobNotFound: "gone",
}


def _checked(index: int, request: object) -> RequestLike:
    if isinstance(request, Request | UntypedRequest):
        return request
    raise TypeError(f"number {index} (from 0) is not a request but {type(request).__name__}: {request!r:.80}")


def _digest(request: RequestLike) -> str:
    from ..journal import digest_of

    return digest_of(request.body())
