"""A world with a clock of its own, where jobs are waited for and all goes wrong that can."""

from __future__ import annotations

import random
import weakref
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import oxen_models as ox
from oxen_models import OxenError
from oxen_models._runtime.waiting import Do, End, Kind, Waiting, Watched

from jobs.waiting.news import NEVER, REFUSED, SLOW, URL, Wake, event

POLL, LIST = 10.0, 30.0
"""Seconds after which a question, or a list, is not waited for any longer."""


@dataclass(frozen=True)
class Wait:
    """Somebody who waits for a job."""

    after: float
    timeout: float
    leaves: float
    """After so many seconds, whatever it does then."""


@dataclass(frozen=True, eq=False)
class Job:
    """What happens to a job, in seconds from when it is sent."""

    media: str
    sent: float
    known: float
    is_new: bool
    """False for one that is taken up, of which nobody knows since when it is there."""
    ends: float
    status: str
    is_forgotten: bool
    """Once it is over."""
    is_listed: bool
    """False for one of another namespace."""
    events: tuple[tuple[float, bool], ...]
    """How late each comes, and whether it says enough."""
    waits: tuple[Wait, ...]
    refreshes: tuple[float, ...]


Trouble = tuple[OxenError | None, float]
"""What comes of a request, and after how many seconds."""


@dataclass(frozen=True)
class Plan:
    """What happens in a world."""

    jobs: tuple[Job, ...]
    stream: tuple[tuple[float, float], ...]
    """For how long it is down, and then up, and so on."""
    polls: tuple[Trouble, ...]
    lists: tuple[Trouble, ...]
    closes: float
    seed: int

    @property
    def enough(self) -> float:
        """Seconds in which everything can have gone wrong, and a job that is over be found all the same."""
        return 250.0 + 130.0 * len(self.polls + self.lists)


Sleep = tuple[float, Wake | None]
Steps = Generator[Sleep, None, None]


@dataclass(eq=False)
class Process:
    """Something that goes on in a world, step by step."""

    steps: Steps
    until: float
    wake: Wake | None = None


@dataclass(eq=False)
class Told:
    """What the world has seen of a job."""

    is_asked_for: bool = False
    failures: int = 0
    lost: int = 0
    end: End | None = None
    """What a wait was told that cannot change any more."""


class World:
    """Runs a plan, and sees that nothing happens that must not."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.now = self.began = 1000.0
        self.waiting = Waiting()
        self.told = {job: Told() for job in plan.jobs}
        self.forgotten: list[weakref.ref[Watched]] = []
        self._random = random.Random(plan.seed)
        self._polls, self._lists = iter(plan.polls), iter(plan.lists)
        self._listing = self._closed = False
        self._quiet_until = 0.0
        self._processes: list[Process] = []
        self._begin(self._stream())
        self._begin(self._close())
        for number, job in enumerate(plan.jobs):
            self._begin(self._job(job, str(number)))

    def run(self) -> None:
        steps: Counter[Process] = Counter()
        while self._processes:
            ready = [each for each in self._processes if each.until <= self.now or _is_woken(each)]
            if not ready:
                self.now = min(each.until for each in self._processes)
                assert self.now < NEVER, "somebody waits for nothing"
                steps.clear()
                continue
            process = self._random.choice(ready)
            steps[process] += 1
            assert steps[process] < 100, "it runs in circles"
            try:
                seconds, process.wake = next(process.steps)
            except StopIteration:
                self._processes.remove(process)
            else:
                process.until = self.now + seconds

    def _begin(self, steps: Steps) -> Process:
        self._processes.append(Process(steps, self.now))
        return self._processes[-1]

    def _stream(self) -> Steps:
        for down, up in self.plan.stream:
            yield down, None
            self.waiting.connected()
            yield up, None
            self.waiting.cut(self.now)

    def _close(self) -> Steps:
        if self.plan.closes < NEVER:
            yield self.plan.closes, None
            self._closed = True
            self.waiting.close()

    def _job(self, job: Job, id: str) -> Steps:
        yield job.sent, None
        since = self.waiting.epoch if self.waiting.alive else 0
        for late, is_enough in job.events:
            self._begin(self._event(job, id, late, is_enough))
        yield job.known, None
        watched = self.waiting.watch(id, job.media, "queued", self.now, since=since if job.is_new else None)
        self.forgotten.append(weakref.ref(watched))
        for wait in job.waits:
            waiter = self._begin(self._wait(job, watched, wait))
            self._begin(self._leave(waiter, wait))
        for seconds in job.refreshes:
            self._begin(self._refresh(job, watched, seconds))

    def _event(self, job: Job, id: str, late: float, is_enough: bool) -> Steps:
        if job.ends < NEVER:
            yield job.ends, None
            epoch = self.waiting.epoch
            if self.waiting.alive:
                yield late, None
                if self.waiting.alive and self.waiting.epoch == epoch:
                    self.waiting.heard(event(id, job.status, URL if is_enough else None), self.now)

    def _refresh(self, job: Job, watched: Watched, seconds: float) -> Steps:
        yield seconds, None
        answer = self._answer(job)
        if answer is not None:
            self._polled(job, watched, answer)

    def _leave(self, waiter: Process, wait: Wait) -> Steps:
        if wait.leaves < NEVER:
            yield wait.after + wait.leaves, None
            if waiter in self._processes:
                waiter.steps.close()
                self._processes.remove(waiter)

    def _wait(self, job: Job, watched: Watched, wait: Wait) -> Steps:
        yield wait.after, None
        end = yield from self._ended(job, watched, wait.timeout)
        if end.kind is Kind.LOST:
            yield from self._ended(job, watched, wait.timeout)

    def _ended(self, job: Job, watched: Watched, timeout: float) -> Generator[Sleep, None, End]:
        """As the client has it, but for the sockets."""
        began = free = self.now
        wake, told, deadline = Wake(), self.told[job], began + timeout
        if watched.end is not None and not watched.is_over:
            told.failures = 0
        self.waiting.begin(watched, wake, began)
        try:
            while True:
                wake.is_set = False
                step = self.waiting.next(watched, deadline, self.now)
                if isinstance(step, End):
                    self._judge(job, step, began, free, deadline)
                    return step
                if step is Do.ASK:
                    yield from self._ask(job, watched, deadline)
                    free = self.now
                elif step is Do.LIST:
                    yield from self._list(deadline)
                    free = self.now
                else:
                    assert 0 < step <= deadline - self.now
                    yield step, wake
        finally:
            self.waiting.leave(watched, wake)

    def _judge(self, job: Job, end: End, began: float, free: float, deadline: float) -> None:
        """See that a wait, which asked for nothing any more from `free` on, ended when and as it had to."""
        told = self.told[job]
        assert told.end in (None, end)
        over = self.began + job.sent + job.ends
        assert self.now <= max(free, deadline) + 1e-6
        assert free <= deadline + 0.1 + 1e-6
        assert self.now <= max(free, self.began + self.plan.closes)
        match end.kind:
            case Kind.ENDED:
                assert end.answer is not None
                assert self.now >= over
                assert end.answer["status"] == job.status
                assert job.status != "succeeded" or end.answer["url"] == URL
                told.end = end
            case Kind.GONE:
                assert self.now >= over
                assert job.is_forgotten
            case Kind.LOST:
                assert end.error is not None
                assert told.lost
            case Kind.LATE:
                assert self.now >= deadline
                assert deadline < max(began, over) + self.plan.enough
            case Kind.CLOSED:
                assert self._closed

    def _answer(self, job: Job) -> dict[str, Any] | None:
        """What the hub says of a job now; None where it does not know it any more."""
        if self.now < self.began + job.sent + job.ends:
            return {"status": "processing", "media_type": job.media}
        return None if job.is_forgotten else {"status": job.status, "media_type": job.media, "url": URL}

    def _polled(self, job: Job, watched: Watched, answer: dict[str, Any]) -> None:
        self.told[job].failures = 0
        self.waiting.polled(watched, answer, self.now)

    def _ask(self, job: Job, watched: Watched, deadline: float) -> Steps:
        told = self.told[job]
        assert not told.is_asked_for, "somebody is at it already"
        assert self.now >= self._quiet_until, "the hub wants to be left alone"
        told.is_asked_for = True
        limit = min(POLL, max(deadline - self.now, 0.1))
        error, seconds = next(self._polls, (None, 0.1))
        answer = self._answer(job)
        try:
            yield min(seconds, limit), None
            if seconds > limit:
                self._not_polled(job, watched, SLOW, deadline)
            elif error is not None:
                self._not_polled(job, watched, error, deadline)
            elif answer is None:
                self.waiting.gone(watched)
            else:
                self._polled(job, watched, answer)
        finally:
            told.is_asked_for = False
            self.waiting.asked(watched)

    def _not_polled(self, job: Job, watched: Watched, error: OxenError, deadline: float) -> None:
        told = self.told[job]
        is_open = watched.end is None
        self.waiting.not_polled(watched, error, deadline, self.now)
        self._turned_away(error)
        # A limit of the asker's own says nothing about the hub.
        is_hasty = error is SLOW and self.now >= deadline
        told.failures += not is_hasty and not isinstance(error, ox.RateLimitError)
        if is_open:
            given_up = told.failures >= 3 or error is REFUSED
            assert (watched.end is not None) == given_up
            told.lost += given_up

    def _turned_away(self, error: OxenError | None) -> None:
        if isinstance(error, ox.RateLimitError):
            self._quiet_until = max(self._quiet_until, self.now + (error.retry_after or 0.0))

    def _list(self, deadline: float) -> Steps:
        assert not self._listing, "somebody is at it already"
        assert self.now >= self._quiet_until, "the hub wants to be left alone"
        self._listing = True
        limit = min(LIST, max(deadline - self.now, 0.1))
        trouble, seconds = next(self._lists, (None, 0.1))
        error: OxenError | None = None
        jobs = self.waiting.open_jobs()
        active = {str(number): "processing" for number, job in enumerate(self.plan.jobs)
                  if job.is_listed and self.now < self.began + job.sent + job.ends}  # fmt: skip
        listed = False
        try:
            yield min(seconds, limit), None
            error = SLOW if seconds > limit else trouble
            self._turned_away(error)
            listed = error is None
        finally:
            self._listing = False
            if not listed:
                self.waiting.not_listed(error, self.now)
            else:
                for watched in jobs:
                    if watched.id in active:
                        self.told[self.plan.jobs[int(watched.id)]].failures = 0
                self.waiting.listed(jobs, active, self.now)


def _is_woken(process: Process) -> bool:
    return process.wake is not None and process.wake.is_set
