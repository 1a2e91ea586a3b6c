# Derived by oxen-codegen from _runtime/_async/event_stream.py. Do not edit.
"""The event stream of a client: reading, reconnecting and distributing events."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from ..connections import CallError
from ..errors import APIError, HubUnreachableError, OxenError, UnexpectedResponseError
from ..generations import GenerationCompleted
from ..printable import escape_line
from ..retries import reconnect_delay
from .concurrency import STOPPED, BackgroundTask, Event
from .exchange import Exchange
from .owner import Owner
from .streams import stream_events

OPEN_TIMEOUT = 5.0
LISTENER_CHECK_INTERVAL = 60.0
MIN_CONNECTION_TIME = 0.5
"""Seconds after which a connection without events counts as successful."""
MAX_FAILURES = 8
"""Number of failed connections in a row, in about 2 minutes, after which `events()` raises."""
MAX_UNREAD_EVENTS = 10_000
_log = logging.getLogger("oxen_models")


class EventHandler(Protocol):
    """Receives the state of the stream and its events, and decides whether it is needed."""

    def needs_events(self) -> bool: ...
    def on_connected(self) -> None: ...
    def on_event(self, event: GenerationCompleted) -> None: ...
    def on_disconnected(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Listener:
    """An iteration over all events."""

    unread: deque[GenerationCompleted]
    event: Event


class EventStream:
    """Reads the events of a client over one connection while they are needed.

    Args:
        exchange: Opens the connections.
        handler: Receives the events.
    """

    def __init__(self, exchange: Exchange, handler: EventHandler) -> None:
        self._exchange = exchange
        self._handler = handler
        self._lock = Lock()
        self._reader: BackgroundTask | None = None
        self._listeners: list[_Listener] = []
        self._is_open = False
        self._is_closed = False
        self._was_open = False
        self._attempted_at = 0.0
        self._opened_at = 0.0
        self._attempt_finished = Event()
        self._failures = 0
        """The number of connections in a row that failed or ended at once."""
        self._error: OxenError | None = None
        self._has_warned = False

    def start(self) -> None:
        """Start reading, unless that has been done."""
        with self._lock:
            is_needed = not self._is_closed and self._exchange.calls.is_stream_allowed
            if is_needed and (self._reader is None or self._reader.is_done):
                self._begin_attempt()
                try:
                    self._reader = BackgroundTask(self._read)
                except RuntimeError as error:  # there can be no more threads
                    self._error = HubUnreachableError(f"the event stream cannot be read: {error}")
                    self._failures = MAX_FAILURES
                    self._attempt_finished.set()

    def wait_until_open(self) -> bool:
        """Start reading, and return whether the stream is open after at most 5 seconds."""
        self.start()
        self._attempt_finished.wait(self._attempted_at + OPEN_TIMEOUT - time.monotonic())
        return self._is_open

    def events(self) -> Generator[GenerationCompleted]:
        """Yield all events from now on, until the client is closed.

        Raises:
            OxenError: The server rejected the stream, the first connection failed, or the stream could not be
                opened again after an interruption, in 8 attempts.
            RuntimeError: The iteration began in another event loop or process.
        """
        owner = Owner()
        listener = _Listener(deque(maxlen=MAX_UNREAD_EVENTS), Event())
        self._listeners.append(listener)
        try:
            while not self._is_closed:
                is_open = self.wait_until_open()
                while listener.unread:
                    yield listener.unread.popleft()
                    owner.check("the iteration over events")
                if self._is_closed:  # not an error of the stream, although closing interrupts its connection
                    return
                error = self._error
                if not is_open and error is not None and self._is_permanent(error):
                    raise error
                listener.event.wait(LISTENER_CHECK_INTERVAL)
                listener.event.clear()
        finally:
            self._listeners.remove(listener)

    def close(self) -> BackgroundTask | None:
        """End the iterations and the reader, which is returned if it is running."""
        with self._lock:
            self._is_closed = True
            self._attempt_finished.set()
            for listener in self._listeners:
                listener.event.set()
            return self._reader

    def abandon(self) -> None:
        """End the reader. Takes no locks, so that a finalizer can call it."""
        self._is_closed = True
        if (reader := self._reader) is not None:
            reader.abandon()

    def _is_permanent(self, error: OxenError) -> bool:
        if not self._was_open or not self._exchange.calls.is_stream_allowed:
            return True
        if isinstance(error, APIError) and error.status < 500:
            return True
        return self._failures >= MAX_FAILURES

    def _begin_attempt(self) -> None:
        self._attempted_at = time.monotonic()
        self._attempt_finished.clear()

    def _on_open(self) -> None:
        with self._lock:
            if self._is_closed:
                raise HubUnreachableError("the client is closed")
            self._is_open = self._was_open = True
            self._opened_at = time.monotonic()
            self._handler.on_connected()
            self._attempt_finished.set()
        _log.debug("the event stream is open")

    def _read(self) -> None:
        """Read events over as many connections as necessary, until none are needed."""
        while not self._is_closed:
            has_events = False
            error: OxenError | None = None
            try:
                with closing(stream_events(self._exchange, self._on_open)) as events:
                    for event in events:
                        has_events = True
                        self._handler.on_event(event)
                        for listener in list(self._listeners):
                            listener.unread.append(event)
                            listener.event.set()
            except OxenError as cause:
                error = cause
            except STOPPED:
                raise
            except BaseException as cause:  # of a hook or a transport of the caller, or of a mock
                error = self._map_unexpected_error(cause)
            finally:
                with self._lock:
                    was_open, self._is_open = self._is_open, False
                    self._handler.on_disconnected()
            seconds = time.monotonic() - self._opened_at if was_open else 0.0
            # A stream with an invalid event is not useful, however long it takes to receive it.
            is_valid = not isinstance(error, UnexpectedResponseError)
            is_useful = has_events or (is_valid and seconds > MIN_CONNECTION_TIME)
            if self._end_attempt(error, is_useful=is_useful):
                return
            with suppress(CallError):  # the client was closed
                self._exchange.calls.sleep(reconnect_delay(self._failures))
            with self._lock:
                self._begin_attempt()

    def _end_attempt(self, error: OxenError | None, *, is_useful: bool) -> bool:
        """Report the end of a connection, and return whether no other is needed."""
        calls = self._exchange.calls
        if not calls.is_stream_allowed:
            error = HubUnreachableError(
                "the connection pool of the http_client has no connection for the event stream"
            )
        if error is not None:
            _log.debug("the event stream ended: %s", error)
        with self._lock:
            # Back off if the server accepts the stream and closes it immediately.
            self._failures = 0 if is_useful else self._failures + 1
            self._error = error or self._error
            is_needed = bool(self._listeners) or self._handler.needs_events()
            is_last = self._is_closed or not calls.is_stream_allowed or not is_needed
            if is_last:
                self._reader = None
            self._attempt_finished.set()
            for listener in self._listeners:
                listener.event.set()
        return is_last

    def _map_unexpected_error(self, cause: BaseException) -> OxenError:
        text = self._exchange.settings.redact(f"{type(cause).__name__}: {cause}")
        if not self._has_warned:
            self._has_warned = True
            _log.warning("the event stream failed, so jobs are polled: %s", escape_line(text))
        return HubUnreachableError(f"the event stream failed: {text}")
