# Derived by oxen-codegen from _runtime/_async/batch.py. Do not edit.
"""Batch runs: many requests concurrently, with a journal of the billable ones."""

from __future__ import annotations

import weakref
from _thread import start_new_thread
from bisect import insort
from collections import deque
from collections.abc import Iterable, Sized
from contextlib import ExitStack
from functools import partial
from operator import attrgetter
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self

from ..arguments import check_items
from ..batch_options import BatchOptions
from ..budget import Refusal
from ..cancellation import CancellationToken
from ..closing import RunEnd
from ..detached import is_thread_error
from ..errors import APIError, HubUnreachableError, JournalError, OxenError, RunStoppedError
from ..progress import Progress, describe_progress, progress_callback
from ..request import AnyRequest, validate_request
from ..retries import DEFAULT_BATCH_RETRIES, GATEWAY_STATUSES
from ..submissions import NotStartedError, Submissions
from .calls import Calls
from .concurrency import Callback, Event, Workers, call_back
from .gate import Gate
from .outcomes import Outcome, Finished, Item, OutcomeRequestT_co, OutcomeT_co
from .owner import Owner
from .poster import Poster
from .processor import Processor
from .reconcile import adopt_jobs
from .session import Session
from .threads import run_blocking
from .transport import Transport

if TYPE_CHECKING:
    from ..journal import Journal

MAX_CLOSE_WAIT = 1.0


class BatchRun(Generic[OutcomeT_co, OutcomeRequestT_co]):
    """A run of many requests: an iterator over their outcomes, and a context manager that ends the run.

    A run that is left early, in any way, sends no further requests. Requests that were being sent are
    recorded in the journal when their response arrives; jobs continue on the server.
    """

    def __init__(self, session: Session, requests: Iterable[AnyRequest], options: BatchOptions) -> None:
        self._engine = _Engine(session, requests, options)
        # The engine does not refer to this object, so that the run ends when the caller drops it.
        weakref.finalize(self, self._engine.abandon)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome[OutcomeT_co, OutcomeRequestT_co]:
        outcome = self._engine.next_outcome()
        if outcome is None:
            raise StopIteration
        return outcome

    def close(self) -> None:
        """End the run, and wait until the outcome of each request that was being sent is recorded."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Engine:
    """Sends the requests of a run, waits for their jobs, and keeps the journal."""

    def __init__(self, session: Session, requests: Iterable[AnyRequest], options: BatchOptions) -> None:
        self._session = session
        self._options = options
        check_items("requests", requests)
        self._total = len(requests) if isinstance(requests, Sized) else None
        self._requests = enumerate(requests)
        self._has_requests = True
        self._unstarted: deque[Item] = deque()
        self._limit = options.max_in_flight
        self._budget = options.create_budget()
        self._is_over_budget = False
        self._waits = CancellationToken()
        self._sending = CancellationToken()
        retries = session.settings.retries(DEFAULT_BATCH_RETRIES)
        self._gate = Gate(self._probe, self._sending, retries)
        self._stack = ExitStack()
        self._owner: Owner | None = None
        self._report: Callback[Progress] = _ignore
        self._journal: Journal | None = None
        self._submissions: Submissions | None = None
        self._processor: Processor | None = None
        self._workers: Workers[Finished] = Workers()
        self._in_flight = self._succeeded = self._failed = self._consecutive_failures = 0
        self._error: Exception | None = None
        self._unrecorded_jobs: list[str] = []
        self._journal_path = options.journal_path
        self._end = RunEnd(self._journal_path)
        self._finished = Event()
        self._iteration = Lock()

    def next_outcome(self) -> Outcome[Any, Any] | None:
        """Return the next outcome; None after the last one. Errors are those of `run_many`.

        A cancelled call ends the run, because its caller may not iterate any further.

        Raises:
            RuntimeError: Another task or thread waits for an outcome, or the run began in another event loop
                or process.
        """
        self._check_owner()
        if not self._iteration.acquire(blocking=False):
            raise RuntimeError("the run is iterated over by another task or thread; iterate over it in one")
        try:
            return self._next_outcome()
        finally:
            self._iteration.release()

    def _check_owner(self) -> None:
        """Raise if the run cannot be continued here. It ends if it cannot be continued anywhere."""
        if self._owner is None or self._end.has_begun:
            return
        if self._owner.is_closed:
            self.abandon()
        self._owner.check("the run")

    def _next_outcome(self) -> Outcome[Any, Any] | None:
        if self._end.has_begun:
            return None
        try:
            if self._owner is None:
                self._open()
            outcome = self._wait_for_outcome()
        except BaseException as error:
            self.abandon()
            if isinstance(error, RuntimeError) and is_thread_error(error):
                raise OxenError(f"the run cannot start: {error}") from None
            raise
        if outcome is not None:
            return outcome
        self.close()
        if self._unrecorded_jobs:
            raise self._unrecorded_error()
        if self._error is not None:
            raise self._error
        return None

    def _wait_for_outcome(self) -> Outcome[Any, Any] | None:
        while True:
            self._start_workers()
            call_back(self._report, Progress(self._succeeded, self._failed, self._in_flight, self._total))
            if not self._in_flight:
                return None
            finished = self._workers.next_result()
            if finished is None:  # another task has closed the run
                return None
            self._in_flight -= 1
            outcome = self._take(finished)
            if outcome is not None:
                return outcome

    def close(self) -> None:
        """End the run, and wait until the outcome of each request that was being sent is recorded."""
        self.abandon()
        while not self._end.has_finished:
            self._finished.wait(MAX_CLOSE_WAIT)

    def abandon(self) -> None:
        """End the run without waiting. A finalizer calls this, so it takes no lock."""
        if self._end.has_begun:
            return
        self._end.begin()
        if self._owner is None:  # nothing was started, and no event would wake `aclose`
            self._close()
            return
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

    def _open(self) -> None:
        self._owner = Owner()
        self._report = self._stack.enter_context(progress_callback(self._options.progress, describe_progress))
        if self._journal_path is not None:
            from ..journal import Journal

            run_blocking(self._end.wait_for_others)
            self._journal = run_blocking(Journal, self._journal_path)
            self._stack.callback(self._journal.close)
            if self._options.fill_journal is not None:
                run_blocking(self._options.fill_journal, self._journal)
        self._submissions = Submissions(self._create_poster(), self._journal)
        self._processor = Processor(
            self._session,
            self._options,
            self._gate,
            self._waits,
            self._submissions,
            self._journal,
            self._budget,
        )
        if self._options.reconcile and self._journal is not None:
            adopt_jobs(self._session, self._journal)
        if self._budget is not None and self._journal is not None:
            run_blocking(self._budget.count_journal, self._journal.requests())

    def _create_poster(self) -> Poster:
        own_http = self._session.create_http_client() if self._session.http_client is None else None
        http = self._session.http_client or own_http
        assert http is not None
        return Poster(Transport(http, Calls(), self._session.settings), own_http)

    def _start_workers(self) -> None:
        assert self._processor is not None
        while (
            not self._is_over_budget
            and self._in_flight < self._limit
            and (item := self._next_item()) is not None
        ):
            try:
                self._workers.start(partial(self._processor.process, item))
            except RuntimeError as error:
                if not is_thread_error(error):
                    raise
                self._defer(item, error)
            else:
                self._in_flight += 1

    def _next_item(self) -> Item | None:
        if self._unstarted:
            return self._unstarted.popleft()
        if self._has_requests:
            try:
                if self._options.reads_in_thread:
                    item = run_blocking(next, self._requests, None)
                else:
                    item = next(self._requests, None)
                if item is not None:
                    index, request = item
                    return Item(index, validate_request(request, f"requests[{index}]"))
            except Exception as error:  # raised once the requests in flight have ended
                self._error = error
            self._has_requests = False
        return None

    def _defer(self, item: Item, error: Exception) -> None:
        """Run fewer requests at once, because a thread could not be started for one."""
        self._return(item)
        self._limit = self._in_flight
        if not self._in_flight:
            self._stop(OxenError(f"the request was not sent: {error}"))

    def _wait_for_budget(self, item: Item, refusal: Refusal) -> None:
        """Send no further requests until the cost of one in flight is known; end the run if there is none."""
        item.refusal = refusal
        self._return(item)
        assert self._budget is not None
        self._is_over_budget = refusal.version == self._budget.version
        if self._is_over_budget and not self._in_flight:
            first = next(item.refusal for item in self._unstarted if item.refusal is not None)
            self._stop(first.error)

    def _return(self, item: Item) -> None:
        """Keep a request that was not sent, before later ones of the run."""
        insort(self._unstarted, item, key=attrgetter("index"))

    def _stop(self, error: Exception) -> None:
        """Send no further requests, and raise `error` once those in flight have ended."""
        self._error = self._error or error
        self._has_requests = False
        self._unstarted.clear()
        self._sending.set()

    def _take(self, finished: Finished) -> Outcome[Any, Any] | None:
        """Count a request that has ended, and return its outcome if it has one."""
        error, outcome = finished.error, finished.outcome
        if finished.refusal is not None:
            self._wait_for_budget(finished.item, finished.refusal)
            return None
        self._is_over_budget = False
        if isinstance(error, NotStartedError):
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

    def _probe(self) -> None:
        """Send a request that is not billed. Raise an `OxenError` if the server cannot be reached."""
        try:
            self._session.tracker()
        except HubUnreachableError as error:  # the client is closed
            self._stop(error)
            return
        try:
            self._session.get("/queue", retry=False)
        except APIError as error:
            if error.status in GATEWAY_STATUSES:
                raise


def _ignore(_: object) -> None:
    """Report nothing."""
