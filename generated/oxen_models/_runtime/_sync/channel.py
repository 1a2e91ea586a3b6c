"""The one event stream of a client, and who waits for what comes over it."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Generator, Callable, Mapping
from contextlib import closing
from copy import copy
from dataclasses import dataclass
from threading import Lock
from typing import Any

from ..errors import APIError, HubUnreachableError, NotFoundError, OxenError
from ..generations import GenerationCompleted, generation, generations
from ..ids import job_path
from ..responses import Response
from ..retries import reconnect_delay
from ..waiting import Do, End, Kind, Stop, Waiting, Watched, patience
from .effects import Background, Limiter, Wake, here, is_over
from .wire import Wire

_OPEN_SECONDS = 5.0
_POLL_SECONDS = 10.0
_LIST_SECONDS = 30.0
_LOOK_SECONDS = 60.0
_LEAST_SECONDS = 0.1
_LASTING_SECONDS = 0.5
_MOST_ENQUEUING = 40
_MOST_ASKING = 20
_MOST_UNREAD = 10_000
_log = logging.getLogger("oxen_models")


@dataclass(slots=True, eq=False)
class _Listener:
    """Somebody who wants all events."""

    heard: deque[GenerationCompleted]
    wake: Wake


class Channel:
    """Reads events as long as jobs are under way, and asks the queue where they do not tell."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.waiting = Waiting()
        # A pool whose connections thousands wait for is slow to hand them out.
        self.enqueuing = Limiter(_MOST_ENQUEUING)
        self._asking = Limiter(_MOST_ASKING)
        self._lock = Lock()
        self._place = here()
        self._closed = False
        self._reader: Background | None = None
        self._settled = Wake()
        self._pause = Wake()
        self._attempted = 0.0
        self._failure: OxenError | None = None
        self._listeners: list[_Listener] = []

    def opened(self) -> int:
        """The number of the event stream, as soon as it is open; 0 if it is not within 5 seconds."""
        self._start()
        self._settled.wait(self._attempted + _OPEN_SECONDS - time.monotonic())
        with self._lock:
            if self.waiting.alive:
                return self.waiting.epoch
        _log.debug("the event stream is not open: jobs are polled for")
        return 0

    def watch(self, id: str, media: str | None, status: str, since: int | None) -> Watched:
        """Know of a job, as `Waiting.watch`."""
        with self._lock:
            return self.waiting.watch(id, media, status, time.monotonic(), since=since)

    def told(self, watched: Watched, answer: Mapping[str, Any]) -> None:
        """The hub told of a job, because somebody asked."""
        with self._lock:
            self.waiting.polled(watched, answer, time.monotonic())

    def ended(
        self,
        watched: Watched,
        timeout: float | None,
        on_status: Callable[[str], object] | None = None,
        stop: Stop | None = None,
    ) -> End:
        """Wait for the end of a job."""
        self._start()
        began = time.monotonic()
        wake = Wake()
        told = None
        with self._lock:
            self.waiting.begin(watched, wake, time.monotonic())
        if stop is not None:
            stop.add(wake)
        try:
            while True:
                wake.clear()
                if on_status is not None and watched.status != told:
                    told = watched.status
                    on_status(told)
                if stop is not None and stop.is_set:
                    return End(Kind.CLOSED)
                deadline = began + (patience(watched.media) if timeout is None else timeout)
                with self._lock:
                    step = self.waiting.next(watched, deadline, time.monotonic())
                if isinstance(step, End):
                    if on_status is not None and watched.status != told:
                        on_status(watched.status)
                    return step
                if step is Do.ASK:
                    self._ask(watched, deadline)
                elif step is Do.LIST:
                    self._list(deadline)
                else:
                    wake.wait(step)
        finally:
            if stop is not None:
                stop.discard(wake)
            with self._lock:
                self.waiting.leave(watched, wake)

    def events(self) -> Generator[GenerationCompleted]:
        """All that the stream tells from now on, until the client is closed.

        Raises:
            OxenError: The hub refuses the stream, or there never was one.
        """
        listener = _Listener(deque(maxlen=_MOST_UNREAD), Wake())
        self._listeners.append(listener)
        try:
            while not self._closed:
                if not self.opened() and self._failure is not None and self._is_hopeless(self._failure):
                    raise copy(self._failure)
                while listener.heard:
                    yield listener.heard.popleft()
                listener.wake.wait(_LOOK_SECONDS)
                listener.wake.clear()
        finally:
            self._listeners.remove(listener)

    def _is_hopeless(self, failure: OxenError) -> bool:
        return self.waiting.epoch == 0 or (isinstance(failure, APIError) and failure.status < 500)

    def close(self) -> None:
        """End the stream and every wait."""
        reader = self._ended()
        if reader is not None:
            reader.stop()

    def abandon(self) -> None:
        """End the stream and every wait, soon."""
        reader = self._ended()
        if reader is not None:
            reader.abandon()

    def _ended(self) -> Background | None:
        if is_over(self._place):  # in a fork, a thread that is not there may hold the lock
            return None
        with self._lock:
            self._closed = True
            self.waiting.close()
            self._pause.set()
            self._settled.set()
            for listener in self._listeners:
                listener.wake.set()
            reader = self._reader
        self.wire.sockets.cut()
        return reader

    def _ask(self, watched: Watched, deadline: float) -> None:
        try:
            answer = (self._answer(job_path(watched.id), _POLL_SECONDS, deadline)).json
            generation(answer)
            with self._lock:
                self.waiting.polled(watched, answer, time.monotonic())
        except NotFoundError:
            with self._lock:
                self.waiting.gone(watched)
        except OxenError as error:
            with self._lock:
                self.waiting.not_polled(watched, error, deadline, time.monotonic())
        finally:
            with self._lock:
                self.waiting.asked(watched)

    def _list(self, deadline: float) -> None:
        with self._lock:
            jobs = self.waiting.open_jobs()
        active: dict[str, str] | None = None
        failure: OxenError | None = None
        try:
            answer = (self._answer("/queue", _LIST_SECONDS, deadline)).json
            active = {each.generation_id: each.status for each in generations(answer)}
        except OxenError as error:
            failure = error
            _log.debug("the queue could not be listed: %s", error)
        finally:
            with self._lock:
                if active is None:
                    self.waiting.not_listed(failure, time.monotonic())
                else:
                    self.waiting.listed(jobs, active, time.monotonic())

    def _start(self) -> None:
        with self._lock:
            if not self._closed and (self._reader is None or self._reader.over):
                self._attempt()
                self._reader = Background(self._read)

    def _attempt(self) -> None:
        self._attempted = time.monotonic()
        self._settled.clear()

    def _open(self) -> None:
        with self._lock:
            if self._closed:
                raise HubUnreachableError("the client is closed")
            self.waiting.connected()
            self._settled.set()
        _log.debug("the event stream is open, number %d", self.waiting.epoch)

    def _answer(self, path: str, seconds: float, deadline: float) -> Response:
        with self._asking.entered(deadline - time.monotonic()):
            left = max(deadline - time.monotonic(), _LEAST_SECONDS)
            return self.wire.get(path, {}, min(seconds, left), retried=False)

    def _read(self) -> None:
        """Read events, over as many connections as it takes, until nobody needs them."""
        failures = 0
        while not self._closed:
            began, useful = time.monotonic(), False
            try:
                with closing(self.wire.events(self._open)) as events:
                    for event in events:
                        useful = True
                        with self._lock:
                            self.waiting.heard(event, time.monotonic())
                        for listener in list(self._listeners):
                            listener.heard.append(event)
                            listener.wake.set()
            except OxenError as error:
                _log.debug("the event stream ended: %s", error)
                self._failure = error
            finally:
                with self._lock:
                    self._settled.set()
                    self.waiting.cut(time.monotonic())
            with self._lock:
                if self._closed or not (self.waiting.has_open_jobs or self._listeners):
                    self._reader = None
                    return
            # What accepts and ends at once is not to be asked a hundred times a second.
            useful = useful or time.monotonic() - began > _LASTING_SECONDS
            failures = 0 if useful else failures + 1
            self._pause.wait(reconnect_delay(failures))
            with self._lock:
                self._attempt()
