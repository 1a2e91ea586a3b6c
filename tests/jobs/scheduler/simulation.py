"""A simulation of waits for jobs, with its own clock and every fault of the server."""

from __future__ import annotations

import random
import weakref
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass

import oxen_models as ox
from oxen_models import OxenError, Response
from oxen_models._runtime.scheduler import (
    JobScheduler,
    PollAction,
    TrackedJob,
    WaitOutcome,
    WaitResult,
    latest_end,
)

from jobs.scheduler.samples import NEVER, TIMEOUT, UNAUTHENTICATED, URL, FakeEvent, event, record

POLL_TIMEOUT, LIST_TIMEOUT = 10.0, 30.0
MIN_TIMEOUT = 0.1


@dataclass(frozen=True)
class Wait:
    """A wait for a job."""

    after: float
    timeout: float
    abandoned_after: float
    """Seconds after which the caller stops it, whatever it does then."""


@dataclass(frozen=True, eq=False)
class Job:
    """The life of a job, in seconds after it is sent."""

    media_type: str
    sent: float
    tracked: float
    is_new: bool
    """False for a job that another process enqueued."""
    ends: float
    status: str
    is_forgotten: bool
    """Whether the server returns 404 once the job has ended."""
    is_listed: bool
    """False for a job of another namespace."""
    events: tuple[tuple[float, bool], ...]
    """The delay of each event, and whether it is complete."""
    waits: tuple[Wait, ...]
    refreshes: tuple[float, ...]


RequestFault = tuple[OxenError | None, float]
"""The error of a request, and its duration in seconds."""


@dataclass(frozen=True)
class FaultPlan:
    """The jobs and the faults of a simulation."""

    jobs: tuple[Job, ...]
    stream: tuple[tuple[float, float], ...]
    """The seconds for which the event stream is closed, then open, in turn."""
    polls: tuple[RequestFault, ...]
    lists: tuple[RequestFault, ...]
    closed_at: float
    seed: int

    @property
    def max_delay(self) -> float:
        """Seconds after which all faults have occurred and every job that has ended is found."""
        return 250.0 + 130.0 * len(self.polls + self.lists)


Sleep = tuple[float, FakeEvent | None]
Steps = Generator[Sleep, None, None]


@dataclass(eq=False)
class Process:
    """A concurrent activity of a simulation."""

    steps: Steps
    until: float
    event: FakeEvent | None = None

    @property
    def is_woken(self) -> bool:
        return self.event is not None and self.event.is_set


@dataclass(eq=False)
class ObservedJob:
    """The observations of a job by the simulation."""

    is_polling: bool = False
    failed_polls: int = 0
    given_up: int = 0
    final_result: WaitResult | None = None


class Simulation:
    """Runs a plan and asserts the rules of polling at each step."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self.now = self.started = 1000.0
        self.scheduler = JobScheduler()
        self.observed = {job: ObservedJob() for job in plan.jobs}
        self.tracked: list[weakref.ref[TrackedJob]] = []
        self._random = random.Random(plan.seed)
        self._polls, self._lists = iter(plan.polls), iter(plan.lists)
        self._is_listing = self._is_closed = False
        self._paused_until = 0.0
        self._last_fault = 0.0
        self._processes: list[Process] = []
        self._start(self._open_and_close_stream())
        self._start(self._close_client())
        for number, job in enumerate(plan.jobs):
            self._start(self._run_job(job, str(number)))

    def run(self) -> None:
        steps: Counter[Process] = Counter()
        while self._processes:
            ready = [process for process in self._processes if process.until <= self.now or process.is_woken]
            if not ready:
                self.now = min(process.until for process in self._processes)
                assert self.now < NEVER, "a wait never ends"
                steps.clear()
                continue
            process = self._random.choice(ready)
            steps[process] += 1
            assert steps[process] < 100, "a wait loops without sleeping"
            try:
                seconds, process.event = next(process.steps)
            except StopIteration:
                self._processes.remove(process)
            else:
                process.until = self.now + seconds

    def _start(self, steps: Steps) -> Process:
        self._processes.append(Process(steps, self.now))
        return self._processes[-1]

    def _send(self, request: Steps) -> None:
        """Send a request at once. It continues if its waiter is abandoned."""
        process = self._start(request)
        seconds, process.event = next(request)
        process.until = self.now + seconds

    def _open_and_close_stream(self) -> Steps:
        for closed, opened in self.plan.stream:
            yield closed, None
            self.scheduler.on_connected()
            yield opened, None
            self.scheduler.on_disconnected(self.now)

    def _close_client(self) -> Steps:
        if self.plan.closed_at < NEVER:
            yield self.plan.closed_at, None
            self._is_closed = True
            self.scheduler.close()

    def _run_job(self, job: Job, id: str) -> Steps:
        yield job.sent, None
        epoch = self.scheduler.stream_epoch if self.scheduler.is_stream_open else 0
        for delay, is_complete in job.events:
            self._start(self._send_event(job, id, delay, is_complete))
        yield job.tracked, None
        tracked = self.scheduler.track(
            id, job.media_type, "queued", self.now, stream_epoch=epoch if job.is_new else None
        )
        self.tracked.append(weakref.ref(tracked))
        for wait in job.waits:
            waiter = self._start(self._wait(job, tracked, wait))
            self._start(self._abandon(waiter, wait))
        for seconds in job.refreshes:
            self._start(self._refresh(job, tracked, seconds))

    def _send_event(self, job: Job, id: str, delay: float, is_complete: bool) -> Steps:
        if job.ends < NEVER:
            yield job.ends, None
            epoch = self.scheduler.stream_epoch
            if self.scheduler.is_stream_open:
                yield delay, None
                if self.scheduler.is_stream_open and self.scheduler.stream_epoch == epoch:
                    url = URL if is_complete else None
                    self.scheduler.on_event(event(id, job.status, url), self.now)

    def _refresh(self, job: Job, tracked: TrackedJob, seconds: float) -> Steps:
        yield seconds, None
        response = self._respond(job)
        if response is not None:
            self._on_polled(job, tracked, response)

    def _abandon(self, waiter: Process, wait: Wait) -> Steps:
        if wait.abandoned_after < NEVER:
            yield wait.after + wait.abandoned_after, None
            if waiter in self._processes:
                waiter.steps.close()
                self._processes.remove(waiter)

    def _wait(self, job: Job, tracked: TrackedJob, wait: Wait) -> Steps:
        yield wait.after, None
        result = yield from self._wait_once(job, tracked, wait.timeout)
        if result.outcome is WaitOutcome.POLLS_FAILED:
            yield from self._wait_once(job, tracked, wait.timeout)

    def _wait_once(self, job: Job, tracked: TrackedJob, timeout: float) -> Generator[Sleep, None, WaitResult]:
        """Wait as the client does, without sockets."""
        began = self.now
        waiter, deadline = FakeEvent(), began + timeout
        if tracked.result is not None and not tracked.is_final:
            self.observed[job].failed_polls = 0
        self.scheduler.add_waiter(tracked, waiter, began)
        try:
            while True:
                waiter.is_set = False
                action = self.scheduler.next_action(tracked, deadline, self.now)
                if isinstance(action, WaitResult):
                    self._check(job, action, began, deadline)
                    return action
                if action is PollAction.POLL:
                    self._send(self._poll(job, tracked, deadline))
                elif action is PollAction.LIST:
                    self._send(self._list(deadline))
                else:
                    assert 0 < action <= latest_end(deadline) - self.now
                    yield action, waiter
        finally:
            self.scheduler.remove_waiter(tracked, waiter)

    def _check(self, job: Job, result: WaitResult, began: float, deadline: float) -> None:
        """Assert that a wait ended on time and correctly."""
        observed = self.observed[job]
        assert observed.final_result in (None, result)
        ended = self.started + job.sent + job.ends
        assert self.now <= latest_end(deadline) + 1e-6
        assert self.now <= max(began, self.started + self.plan.closed_at)
        match result.outcome:
            case WaitOutcome.FINISHED:
                assert result.response is not None
                assert self.now >= ended
                assert result.response.json["status"] == job.status
                assert job.status != "succeeded" or result.response.json["url"] == URL
                observed.final_result = result
            case WaitOutcome.NOT_FOUND:
                assert self.now >= ended
                assert job.is_forgotten
            case WaitOutcome.POLLS_FAILED:
                assert result.error is not None
                assert observed.given_up
            case WaitOutcome.TIMED_OUT:
                assert self.now >= deadline
                assert deadline < max(began, ended) + self.plan.max_delay
                # Without a fault, the poll at the deadline finds every job that has ended.
                assert ended > deadline - 1e-6 or max(self._last_fault, self._paused_until) >= deadline
            case WaitOutcome.CLOSED:
                assert self._is_closed

    def _respond(self, job: Job) -> Response | None:
        """Return the record of a job now; None for 404."""
        if self.now < self.started + job.sent + job.ends:
            return record("processing", media_type=job.media_type)
        return None if job.is_forgotten else record(job.status, media_type=job.media_type, url=URL)

    def _on_polled(self, job: Job, tracked: TrackedJob, response: Response) -> None:
        self.observed[job].failed_polls = 0
        self.scheduler.on_polled(tracked, response, self.now)

    def _poll(self, job: Job, tracked: TrackedJob, deadline: float) -> Steps:
        observed = self.observed[job]
        assert not observed.is_polling, "the job is polled twice at the same time"
        assert self.now >= self._paused_until, "a poll is sent before Retry-After has passed"
        observed.is_polling = True
        timeout = min(POLL_TIMEOUT, max(latest_end(deadline) - self.now, MIN_TIMEOUT))
        error, seconds = next(self._polls, (None, 0.1))
        self._note_fault(error, min(seconds, timeout))
        response = self._respond(job)
        try:
            yield min(seconds, timeout), None
            if seconds > timeout:
                self._on_poll_failed(job, tracked, TIMEOUT, deadline)
            elif error is not None:
                self._on_poll_failed(job, tracked, error, deadline)
            elif response is None:
                self.scheduler.on_not_found(tracked)
            else:
                self._on_polled(job, tracked, response)
        finally:
            observed.is_polling = False
            self.scheduler.poll_finished(tracked)

    def _on_poll_failed(self, job: Job, tracked: TrackedJob, error: OxenError, deadline: float) -> None:
        observed = self.observed[job]
        is_open = tracked.result is None
        self.scheduler.on_poll_failed(tracked, error, deadline, self.now)
        self._pause(error)
        # A timeout at the waiter's own deadline is not the server's fault.
        is_own_timeout = error is TIMEOUT and self.now >= deadline
        observed.failed_polls += not is_own_timeout and not isinstance(error, ox.RateLimitError)
        if is_open:
            is_given_up = observed.failed_polls >= 3 or error is UNAUTHENTICATED
            assert (tracked.result is not None) == is_given_up
            observed.given_up += is_given_up

    def _pause(self, error: OxenError | None) -> None:
        if isinstance(error, ox.RateLimitError):
            self._paused_until = max(self._paused_until, self.now + (error.retry_after or 0.0))

    def _note_fault(self, error: OxenError | None, seconds: float) -> None:
        """Note the end of a request that fails or is slow."""
        if error is not None or seconds > 1.0:
            self._last_fault = max(self._last_fault, self.now + seconds)

    def _list(self, deadline: float) -> Steps:
        assert not self._is_listing, "the queue is listed twice at the same time"
        assert self.now >= self._paused_until, "a list is requested before Retry-After has passed"
        self._is_listing = True
        timeout = min(LIST_TIMEOUT, max(latest_end(deadline) - self.now, MIN_TIMEOUT))
        planned_error, seconds = next(self._lists, (None, 0.1))
        self._note_fault(planned_error, min(seconds, timeout))
        error: OxenError | None = None
        jobs = self.scheduler.open_jobs()
        active = {
            str(number): "processing"
            for number, job in enumerate(self.plan.jobs)
            if job.is_listed and self.now < self.started + job.sent + job.ends
        }
        is_listed = False
        try:
            yield min(seconds, timeout), None
            error = TIMEOUT if seconds > timeout else planned_error
            self._pause(error)
            is_listed = error is None
        finally:
            self._is_listing = False
            if not is_listed:
                self.scheduler.on_list_failed(error, self.now)
            else:
                for tracked in jobs:
                    if tracked.id in active:
                        self.observed[self.plan.jobs[int(tracked.id)]].failed_polls = 0
                self.scheduler.on_listed(jobs, active, self.now)
