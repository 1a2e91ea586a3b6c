"""When to ask for a job, and how it ended: decisions only, with time given from outside.

Events come first and polls go on underneath. Whoever waits for a job asks `next` what to do, does
it, and says what came of it; a lock around every call is the caller's.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any, Protocol
from weakref import WeakValueDictionary

from .errors import (
    AuthenticationError,
    ConfigurationError,
    HubTimeoutError,
    OxenError,
    PermissionDeniedError,
    RateLimitError,
)
from .generations import ENDED, GenerationCompleted

MOST_FAILURES = 3
_SECONDS = {"image": 3.0, "video": 15.0}
_SLOWER_WITH_EVENTS = 4
_JITTER = (0.8, 1.2)
_PATIENCE = {"image": 600.0, "video": 3600.0}
# From so many jobs on, one list of the queue costs the hub less than a question for each.
_MANY = 4
# Events of other clients of the same user come over the same stream; the newest stay.
_MOST_EARLY = 5000


class Kind(Enum):
    """How a wait can end."""

    ENDED = "the hub said how the job ended"
    GONE = "the hub does not know the job any more"
    LOST = "the hub could not be asked"
    LATE = "the deadline passed"
    CLOSED = "the client was closed"


class Do(Enum):
    """What whoever waits has to do now."""

    ASK = "ask for this job"
    LIST = "list the queue, for all jobs"


@dataclass(frozen=True, slots=True)
class End:
    """How a wait ended."""

    kind: Kind
    answer: Mapping[str, Any] | None = None
    """ENDED: what the hub said of the job."""
    error: OxenError | None = None
    """LOST: the last failure."""


def patience(media: str | None) -> float:
    """Seconds to wait for a job where nobody says how long."""
    return _PATIENCE.get(media or "video", _PATIENCE["video"])


class Wake(Protocol):
    """Whoever waits sleeps on one of these."""

    def set(self) -> None: ...


class Stop:
    """Ends waits from outside, all that were told of it."""

    def __init__(self) -> None:
        self.is_set = False
        self._wakes: set[Wake] = set()

    def set(self) -> None:
        """End them."""
        self.is_set = True
        for wake in list(self._wakes):
            wake.set()

    def add(self, wake: Wake) -> None:
        """Somebody waits."""
        self._wakes.add(wake)

    def discard(self, wake: Wake) -> None:
        """Somebody no longer waits."""
        self._wakes.discard(wake)


class Watched:
    """What is known of one job. It is forgotten with the last job object that has it."""

    __slots__ = (
        "__weakref__",
        "asked",
        "due",
        "end",
        "failures",
        "id",
        "lacking",
        "media",
        "status",
        "wakes",
    )

    def __init__(self, id: str, media: str | None, status: str, due: float) -> None:
        self.id = id
        self.media = media
        self.status = status
        self.due = due
        self.end: End | None = None
        self.failures = 0
        self.asked = False
        self.lacking = False
        self.wakes: tuple[Wake, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing can change any more: what could not be asked for may be heard of all the same."""
        return self.end is not None and self.end.kind is Kind.ENDED


class Waiting:
    """All jobs that a client knows of."""

    def __init__(self) -> None:
        self._jobs: WeakValueDictionary[str, Watched] = WeakValueDictionary()
        self._awaited: set[Watched] = set()
        self._early: OrderedDict[str, GenerationCompleted] = OrderedDict()
        self._closed = False
        self._listing = False
        self._list_wanted = False
        self._quiet_until = 0.0
        self.epoch = 0
        """Which connection of the event stream this is, counted from 1."""
        self.alive = False
        """Whether the event stream is open."""

    def watch(
        self, id: str, media: str | None, status: str, now: float, *, since: int | None = None
    ) -> Watched:
        """Know of a job.

        Args:
            id: The job.
            media: image or video; None where that is not known.
            status: Its status.
            now: The time.
            since: The connection of the event stream that was open before the job was enqueued; 0 for
                none; None for a job that was taken up later.
        """
        watched = self._jobs.get(id)
        if watched is None:
            watched = Watched(id, media, status, now)
            if since is not None:
                # Without a stream that was open all along, its event may have come and gone.
                watched.due += self._interval(media, slowly=self.alive and since == self.epoch)
            self._jobs[id] = watched
            if event := self._early.pop(id, None):
                self._apply(watched, event, now)
        watched.media = watched.media or media
        return watched

    @property
    def has_open_jobs(self) -> bool:
        """Whether an event could still tell something."""
        return any(watched.end is None for watched in list(self._jobs.values()))

    @property
    def _has_many_open_jobs(self) -> bool:
        # Not of the awaited alone: who waits for one job after the other would ask for each in its turn.
        if len(self._awaited) >= _MANY:
            return True
        open_jobs = (watched for watched in list(self._jobs.values()) if watched.end is None)
        return len(list(islice(open_jobs, _MANY))) == _MANY

    def begin(self, watched: Watched, wake: Wake, now: float) -> None:
        """Somebody waits for a job, and is to be woken by `wake`."""
        if watched.end is not None and not watched.is_over:
            watched.end, watched.failures, watched.due = None, 0, now
        watched.wakes = (*watched.wakes, wake)
        self._awaited.add(watched)

    def leave(self, watched: Watched, wake: Wake) -> None:
        """Somebody no longer waits."""
        watched.wakes = tuple(each for each in watched.wakes if each is not wake)
        if not watched.wakes:
            self._awaited.discard(watched)

    def next(self, watched: Watched, deadline: float, now: float) -> End | Do | float:
        """How the wait ended, what to do now, or for how many seconds to sleep unless woken."""
        if watched.end is not None:
            return watched.end
        if self._closed:
            return End(Kind.CLOSED)
        if now >= deadline:
            return End(Kind.LATE)
        if now < self._quiet_until:
            return min(self._quiet_until, deadline) - now
        if self._list_wanted and not self._listing:
            self._list_wanted, self._listing = False, True
            return Do.LIST
        if now < watched.due:
            return min(watched.due, deadline) - now
        by_list = not watched.lacking and self._has_many_open_jobs
        if watched.asked or (by_list and self._listing):
            return deadline - now  # somebody is at it, and wakes those who wait
        if by_list:
            self._listing = True
            return Do.LIST
        watched.asked = True
        return Do.ASK

    def polled(self, watched: Watched, answer: Mapping[str, Any], now: float) -> None:
        """The hub told of the job."""
        if not watched.is_over:
            watched.end = None
        media = answer.get("media_type")
        watched.media = watched.media or (media if isinstance(media, str) else None)
        self._seen(watched, str(answer.get("status")), now)
        if watched.status in ENDED:
            self._finish(watched, End(Kind.ENDED, answer=answer))
        self._wake(watched)

    def gone(self, watched: Watched) -> None:
        """The hub does not know the job."""
        self._finish(watched, End(Kind.GONE))

    def not_polled(self, watched: Watched, error: OxenError, deadline: float, now: float) -> None:
        """Asking for the job failed, for somebody who had time until `deadline`."""
        watched.due = now + self._interval(watched.media, slowly=self.alive)
        if isinstance(error, RateLimitError):
            self._turned_away(error, now)
        elif now < deadline or not isinstance(error, HubTimeoutError):  # else it was the asker's own haste
            watched.failures += 1
        hopeless = isinstance(error, AuthenticationError | PermissionDeniedError | ConfigurationError)
        if hopeless or watched.failures >= MOST_FAILURES:
            self._finish(watched, End(Kind.LOST, error=error))

    def asked(self, watched: Watched) -> None:
        """The question for the job is over, however it went."""
        watched.asked = False
        self._wake(watched)

    def open_jobs(self) -> list[Watched]:
        """The jobs that a list, asked for from now on, can judge."""
        return [watched for watched in list(self._jobs.values()) if watched.end is None]

    def listed(self, jobs: Collection[Watched], active: Mapping[str, str], now: float) -> None:
        """The queue was listed: which jobs are active, and their status."""
        for watched in jobs:
            status = active.get(watched.id)
            if status is not None and status not in ENDED:
                self._seen(watched, status, now)
            elif watched.end is None:
                # Over, or of another namespace: only a question of its own can tell.
                watched.due, watched.lacking = now, True
        self._listing = False
        self._wake_all()

    def not_listed(self, error: OxenError | None, now: float) -> None:
        """Listing the queue failed: each job is asked for by itself, unless that is too much already."""
        self._listing = False
        if isinstance(error, RateLimitError):
            self._turned_away(error, now)
        for watched in self._awaited:
            if watched.due <= now:
                if isinstance(error, RateLimitError):
                    watched.due = now + self._interval(watched.media, slowly=self.alive)
                else:
                    watched.lacking = True
        self._wake_all()

    def connected(self) -> None:
        """The event stream is open: what ended before may have been missed."""
        self.epoch += 1
        self.alive = True
        self._list_wanted = self.has_open_jobs
        self._wake_all()

    def cut(self, now: float) -> None:
        """The event stream ended: polls have to be quick again."""
        if not self.alive:
            return
        self.alive = False
        for watched in self.open_jobs():
            watched.due = min(watched.due, now + self._interval(watched.media, slowly=False))
        self._wake_all()

    def heard(self, event: GenerationCompleted, now: float) -> None:
        """The event stream told of a job, maybe of one that is not known yet."""
        watched = self._jobs.get(event.generation_id)
        if watched is not None:
            self._apply(watched, event, now)
            return
        self._early[event.generation_id] = event
        if len(self._early) > _MOST_EARLY:
            self._early.popitem(last=False)

    def close(self) -> None:
        """Every wait ends."""
        self._closed = True
        self._wake_all()

    def _turned_away(self, error: RateLimitError, now: float) -> None:
        # It is this client that asks too often, whichever job it asks for.
        self._quiet_until = max(self._quiet_until, now + (error.retry_after or 0.0))

    def _apply(self, watched: Watched, event: GenerationCompleted, now: float) -> None:
        if watched.is_over:
            return
        if event.status not in ENDED or (event.status == "succeeded" and not event.url):
            watched.due = now  # it says too little
            watched.lacking = True
            self._wake(watched)
            return
        watched.status = event.status
        answer = {
            "generation_id": event.generation_id,
            "status": event.status,
            "media_type": event.media_type,
            "model": event.model,
            "url": event.url,
            "error": event.error,
        }
        self._finish(watched, End(Kind.ENDED, answer=answer))

    def _seen(self, watched: Watched, status: str, now: float) -> None:
        if watched.end is None:
            watched.status = status
            watched.failures = 0
            watched.lacking = False
            watched.due = now + self._interval(watched.media, slowly=self.alive)

    def _finish(self, watched: Watched, end: End) -> None:
        if not watched.is_over:
            watched.end = end
        self._wake(watched)

    def _interval(self, media: str | None, *, slowly: bool) -> float:
        seconds = _SECONDS.get(media or "image", _SECONDS["image"])
        # Apart by chance, so that clients that began together do not ask together.
        return seconds * (_SLOWER_WITH_EVENTS if slowly else 1) * random.uniform(*_JITTER)

    def _wake_all(self) -> None:
        for watched in self._awaited:
            self._wake(watched)

    @staticmethod
    def _wake(watched: Watched) -> None:
        for wake in watched.wakes:
            wake.set()
