# Copied by oxen-codegen from templates/package/_runtime/scheduler.py. Do not edit.
"""Poll scheduling for jobs. Pure: no I/O, and the clock is passed in.

Events take precedence; polling continues at a lower rate as a fallback. A waiter calls `next_action`,
performs the action and reports its outcome. The caller holds a lock around every call.
"""

from __future__ import annotations

import math
import random
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from weakref import WeakValueDictionary

from .cancellation import Event
from .errors import (
    AuthenticationError,
    ConfigurationError,
    HubTimeoutError,
    OxenError,
    PermissionDeniedError,
    RateLimitError,
)
from .generations import FINAL_STATUSES, GenerationCompleted
from .responses import Headers, Response

MIN_WAIT_TIMEOUT = 0.001
"""Seconds to wait for a job when the deadline for several jobs has passed: its status is polled once."""
MAX_FAILED_POLLS = 3
POLL_INTERVALS = {"image": 3.0, "video": 15.0, "audio": 3.0}
EVENT_STREAM_FACTOR = 4
"""Poll intervals are multiplied by this while the event stream is open."""
JITTER = (0.8, 1.2)
WAIT_TIMEOUTS = {"image": 600.0, "video": 3600.0, "audio": 600.0}
FINAL_POLL_TIMEOUT = 2.0
"""Seconds after its deadline by which a wait ends. It polls at its deadline, because the event of a job
that has ended may have been lost.
"""
MIN_JOBS_FOR_LIST = 4
"""From this number of open jobs, one list of the queue is cheaper for the server than a poll for each."""
MAX_EARLY_EVENTS = 5000
"""Events of other clients of the same user arrive on the same stream; the newest are kept."""


class WaitOutcome(Enum):
    """The ways in which a wait ends."""

    FINISHED = "the job reached a final state"
    NOT_FOUND = "the server returned 404 for the job"
    POLLS_FAILED = "the job could not be polled"
    TIMED_OUT = "the deadline passed"
    CLOSED = "the client was closed"


class PollAction(Enum):
    """A request that the waiter must send now."""

    POLL = "get the job"
    LIST = "list the queue, for all jobs"


@dataclass(frozen=True, slots=True)
class WaitResult:
    """The end of a wait."""

    outcome: WaitOutcome
    response: Response | None = None
    """FINISHED: the record of the job; if an event reported it, a response without headers.
    NOT_FOUND: the 404.
    """
    error: OxenError | None = None
    """POLLS_FAILED: the last error. TIMED_OUT: the error of the last poll, if it failed."""


def default_wait_timeout(media_type: str | None) -> float:
    """Return the seconds to wait for a job if the caller does not set a timeout."""
    return WAIT_TIMEOUTS.get(media_type or "video", WAIT_TIMEOUTS["video"])


def latest_end(deadline: float) -> float:
    """Return the time by which a wait with this deadline ends."""
    return deadline + FINAL_POLL_TIMEOUT


class TrackedJob:
    """The known state of one job. It is dropped with the last job object that refers to it."""

    __slots__ = (
        "__weakref__",
        "checked_at",
        "failed_polls",
        "id",
        "is_polling",
        "last_error",
        "media_type",
        "missing_from_list",
        "next_poll_at",
        "result",
        "status",
        "waiters",
    )

    def __init__(self, id: str, media_type: str | None, status: str, next_poll_at: float) -> None:
        self.id = id
        self.media_type = media_type
        self.status = status
        self.next_poll_at = next_poll_at
        self.result: WaitResult | None = None
        self.checked_at = -math.inf
        self.failed_polls = 0
        self.is_polling = False
        self.last_error: OxenError | None = None
        """The error of the last poll; None if it succeeded."""
        self.missing_from_list = False
        self.waiters: tuple[Event, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether the job has reached a final state. A job whose polls failed may still be completed by
        an event.
        """
        return self.result is not None and self.result.outcome is WaitOutcome.FINISHED


class JobScheduler:
    """Decides for all jobs of a client when to poll, and how each wait ends."""

    def __init__(self) -> None:
        self._jobs: WeakValueDictionary[str, TrackedJob] = WeakValueDictionary()
        self._awaited: set[TrackedJob] = set()
        self._early_events: OrderedDict[str, GenerationCompleted] = OrderedDict()
        self._is_closed = False
        self._is_listing = False
        self._listed_at = -math.inf
        self._must_list = False
        self._paused_until = 0.0
        self.stream_epoch = 0
        """The number of the current connection of the event stream, counted from 1."""
        self.is_stream_open = False

    def track(
        self, id: str, media_type: str | None, status: str, now: float, *, stream_epoch: int | None = None
    ) -> TrackedJob:
        """Return the state of a job, which is created on the first call.

        Args:
            id: The job.
            media_type: image, video or audio; None if it is not known.
            status: The status of the job.
            now: The time.
            stream_epoch: The connection of the event stream that was open before the job was enqueued;
                0 if there was none; None for a job that another call or process enqueued.
        """
        job = self._jobs.get(id)
        if job is None:
            job = TrackedJob(id, media_type, status, now)
            if stream_epoch is not None:
                # If the stream was not open all the time, the event may have been missed: poll soon.
                is_covered = self.is_stream_open and stream_epoch == self.stream_epoch
                job.next_poll_at += self._poll_interval(media_type, has_events=is_covered)
            self._jobs[id] = job
            if event := self._early_events.pop(id, None):
                self._apply_event(job, event, now)
        job.media_type = job.media_type or media_type
        return job

    @property
    def has_open_jobs(self) -> bool:
        """Whether an event could end a wait."""
        return any(job.result is None for job in list(self._jobs.values()))

    @property
    def _has_many_open_jobs(self) -> bool:
        # Counting only awaited jobs would poll each job in turn for a caller that waits for one at a time.
        if len(self._awaited) >= MIN_JOBS_FOR_LIST:
            return True
        open_jobs = (job for job in list(self._jobs.values()) if job.result is None)
        return len(list(islice(open_jobs, MIN_JOBS_FOR_LIST))) == MIN_JOBS_FOR_LIST

    def add_waiter(self, job: TrackedJob, waiter: Event, now: float) -> None:
        """Begin a wait. `waiter` is set when the next action may have changed."""
        if job.result is not None and not job.is_final:
            job.result, job.failed_polls, job.next_poll_at = None, 0, now
        job.waiters = (*job.waiters, waiter)
        self._awaited.add(job)

    def remove_waiter(self, job: TrackedJob, waiter: Event) -> None:
        """End a wait."""
        job.waiters = tuple(other for other in job.waiters if other is not waiter)
        if not job.waiters:
            self._awaited.discard(job)

    def next_action(self, job: TrackedJob, deadline: float, now: float) -> WaitResult | PollAction | float:
        """Return the result of the wait, the request to send now, or the seconds to sleep unless woken."""
        if job.result is not None:
            return job.result
        if self._is_closed:
            return WaitResult(WaitOutcome.CLOSED)
        is_late = now >= deadline
        if is_late and (self._is_checked(job, deadline) or now >= latest_end(deadline)):
            return WaitResult(WaitOutcome.TIMED_OUT, error=job.last_error)
        if now < self._paused_until:
            if is_late:
                return WaitResult(WaitOutcome.TIMED_OUT, error=job.last_error)
            return min(self._paused_until, deadline) - now
        if self._must_list and not self._is_listing:
            self._must_list = False
            return self._begin_list(now)
        if not is_late and now < job.next_poll_at:
            return min(job.next_poll_at, deadline) - now
        by_list = not job.missing_from_list and self._has_many_open_jobs
        if is_late and self._listed_at >= deadline and not self._is_listing:
            by_list = False  # the list failed, or began before the job was tracked
        if job.is_polling or (by_list and self._is_listing):
            # Another waiter has sent the request, and wakes this one.
            return latest_end(deadline) - now
        if by_list:
            return self._begin_list(now)
        job.is_polling, job.checked_at = True, now
        return PollAction.POLL

    def on_polled(self, job: TrackedJob, response: Response, now: float) -> None:
        """Update the job from its record."""
        if not job.is_final:
            job.result = None
        job.last_error = None
        media_type = response.json.get("media_type")
        job.media_type = job.media_type or (media_type if isinstance(media_type, str) else None)
        self._update_status(job, str(response.json.get("status")), now)
        if job.status in FINAL_STATUSES:
            self._finish(job, WaitResult(WaitOutcome.FINISHED, response))
        self._wake(job)

    def on_not_found(self, job: TrackedJob, response: Response | None = None) -> None:
        """End the waits for a job for which the server returned 404."""
        self._finish(job, WaitResult(WaitOutcome.NOT_FOUND, response))

    def on_poll_failed(self, job: TrackedJob, error: OxenError, deadline: float, now: float) -> None:
        """Count a failed poll of a waiter whose deadline is `deadline`."""
        job.last_error = error
        job.next_poll_at = now + self._poll_interval(job.media_type, has_events=self.is_stream_open)
        if isinstance(error, RateLimitError):
            self._pause(error, now)
        elif now < deadline or not isinstance(error, HubTimeoutError):
            # A timeout after the waiter's own deadline is not the server's fault.
            job.failed_polls += 1
        is_permanent = isinstance(error, AuthenticationError | PermissionDeniedError | ConfigurationError)
        if is_permanent or job.failed_polls >= MAX_FAILED_POLLS:
            self._finish(job, WaitResult(WaitOutcome.POLLS_FAILED, error=error))

    def poll_finished(self, job: TrackedJob) -> None:
        """Allow the next poll of the job, whatever the outcome of this one."""
        job.is_polling = False
        self._wake(job)

    def open_jobs(self) -> list[TrackedJob]:
        """Return the jobs that a list, requested from now on, can judge."""
        return [job for job in list(self._jobs.values()) if job.result is None]

    def on_listed(self, jobs: Collection[TrackedJob], active: Mapping[str, str], now: float) -> None:
        """Update `jobs` from a list of the queue: the status of each active job by its id."""
        for job in jobs:
            status = active.get(job.id)
            if status is not None and status not in FINAL_STATUSES:
                self._update_status(job, status, now)
                job.last_error = None
                job.checked_at = max(job.checked_at, self._listed_at)
            elif job.result is None:
                # It has ended or belongs to another namespace: only its own record has the state.
                job.next_poll_at, job.missing_from_list = now, True
        self._is_listing = False
        self._wake_all()

    def on_list_failed(self, error: OxenError | None, now: float) -> None:
        """Poll each job instead, unless the list was rate-limited."""
        self._is_listing = False
        if isinstance(error, RateLimitError):
            self._pause(error, now)
        for job in self._awaited:
            if isinstance(error, RateLimitError):
                job.checked_at = max(job.checked_at, self._listed_at)
            if job.next_poll_at <= now:
                if isinstance(error, RateLimitError):
                    interval = self._poll_interval(job.media_type, has_events=self.is_stream_open)
                    job.next_poll_at = now + interval
                else:
                    job.missing_from_list = True
        self._wake_all()

    def on_connected(self) -> None:
        """Schedule a list of the queue, because earlier events may have been missed."""
        self.stream_epoch += 1
        self.is_stream_open = True
        self._must_list = self.has_open_jobs
        self._wake_all()

    def on_disconnected(self, now: float) -> None:
        """Poll at the full rate again, because no events arrive."""
        if not self.is_stream_open:
            return
        self.is_stream_open = False
        for job in self.open_jobs():
            interval = self._poll_interval(job.media_type, has_events=False)
            job.next_poll_at = min(job.next_poll_at, now + interval)
        self._wake_all()

    def on_event(self, event: GenerationCompleted, now: float) -> None:
        """Update the job of an event, or keep the event for a job that is not tracked yet."""
        job = self._jobs.get(event.generation_id)
        if job is not None:
            self._apply_event(job, event, now)
            return
        self._early_events[event.generation_id] = event
        if len(self._early_events) > MAX_EARLY_EVENTS:
            self._early_events.popitem(last=False)

    def close(self) -> None:
        """End every wait."""
        self._is_closed = True
        self._wake_all()

    def _begin_list(self, now: float) -> PollAction:
        self._is_listing, self._listed_at = True, now
        return PollAction.LIST

    @staticmethod
    def _is_checked(job: TrackedJob, deadline: float) -> bool:
        """Return whether a request that was sent at the deadline or later, and has ended, covered the job."""
        return job.checked_at >= deadline and not job.is_polling

    def _pause(self, error: RateLimitError, now: float) -> None:
        # The rate limit applies to the client, not to one job.
        self._paused_until = max(self._paused_until, now + (error.retry_after or 0.0))

    def _apply_event(self, job: TrackedJob, event: GenerationCompleted, now: float) -> None:
        if job.is_final:
            return
        if event.status not in FINAL_STATUSES or (event.status == "succeeded" and not event.media):
            job.next_poll_at = now  # the event is incomplete
            job.missing_from_list = True
            self._wake(job)
            return
        job.status = event.status
        response = Response(200, Headers({}), dict(event.record))
        self._finish(job, WaitResult(WaitOutcome.FINISHED, response))

    def _update_status(self, job: TrackedJob, status: str, now: float) -> None:
        if job.result is None:
            job.status = status
            job.failed_polls = 0
            job.missing_from_list = False
            job.next_poll_at = now + self._poll_interval(job.media_type, has_events=self.is_stream_open)

    def _finish(self, job: TrackedJob, result: WaitResult) -> None:
        if not job.is_final:
            job.result = result
        self._wake(job)

    def _poll_interval(self, media_type: str | None, *, has_events: bool) -> float:
        seconds = POLL_INTERVALS.get(media_type or "image", POLL_INTERVALS["image"])
        # Add jitter so that clients started together do not poll in lockstep.
        return seconds * (EVENT_STREAM_FACTOR if has_events else 1) * random.uniform(*JITTER)

    def _wake_all(self) -> None:
        for job in self._awaited:
            self._wake(job)

    @staticmethod
    def _wake(job: TrackedJob) -> None:
        for waiter in job.waiters:
            waiter.set()
