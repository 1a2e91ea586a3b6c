# Copied by oxen-codegen from templates/package/_runtime/_async/event_stream.py. Do not edit.
"""The event stream of a client: reading, reconnecting and distributing events."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from ..errors import APIError, HubUnreachableError, OxenError
from ..generations import GenerationCompleted
from ..retries import reconnect_delay
from .concurrency import BackgroundTask, Event
from .transport import AsyncTransport

OPEN_TIMEOUT = 5.0
LISTENER_CHECK_INTERVAL = 60.0
MIN_CONNECTION_TIME = 0.5
"""Seconds after which a connection without events counts as successful."""
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


class AsyncEventStream:
    """Reads the events of a client over one connection while they are needed.

    Args:
        transport: Opens the connections.
        handler: Receives the events.
    """

    def __init__(self, transport: AsyncTransport, handler: EventHandler) -> None:
        self._transport = transport
        self._handler = handler
        self._lock = Lock()
        self._reader: BackgroundTask | None = None
        self._listeners: list[_Listener] = []
        self._is_open = False
        self._is_closed = False
        self._was_open = False
        self._attempted_at = 0.0
        self._attempt_finished = Event()
        self._delay_interrupted = Event()
        self._error: OxenError | None = None

    def start(self) -> None:
        """Start reading, unless that has been done."""
        with self._lock:
            if not self._is_closed and (self._reader is None or self._reader.is_done):
                self._begin_attempt()
                self._reader = BackgroundTask(self._read)

    async def wait_until_open(self) -> bool:
        """Start reading, and return whether the stream is open after at most 5 seconds."""
        self.start()
        await self._attempt_finished.wait(self._attempted_at + OPEN_TIMEOUT - time.monotonic())
        return self._is_open

    async def events(self) -> AsyncGenerator[GenerationCompleted]:
        """Yield all events from now on, until the client is closed.

        Raises:
            OxenError: The server rejected the stream, or the first connection failed.
        """
        listener = _Listener(deque(maxlen=MAX_UNREAD_EVENTS), Event())
        self._listeners.append(listener)
        try:
            while not self._is_closed:
                is_open = await self.wait_until_open()
                if self._is_closed:  # not an error of the stream, although closing interrupts its connection
                    return
                error = self._error
                if not is_open and error is not None and self._is_permanent(error):
                    raise error
                while listener.unread:
                    yield listener.unread.popleft()
                await listener.event.wait(LISTENER_CHECK_INTERVAL)
                listener.event.clear()
        finally:
            self._listeners.remove(listener)

    def close(self) -> BackgroundTask | None:
        """End the iterations and the reader, which is returned if it is running."""
        with self._lock:
            self._is_closed = True
            self._delay_interrupted.set()
            self._attempt_finished.set()
            for listener in self._listeners:
                listener.event.set()
            reader = self._reader
        self._transport.sockets.close()
        return reader

    def _is_permanent(self, error: OxenError) -> bool:
        return not self._was_open or (isinstance(error, APIError) and error.status < 500)

    def _begin_attempt(self) -> None:
        self._attempted_at = time.monotonic()
        self._attempt_finished.clear()

    def _on_open(self) -> None:
        with self._lock:
            if self._is_closed:
                raise HubUnreachableError("the client is closed")
            self._is_open = self._was_open = True
            self._handler.on_connected()
            self._attempt_finished.set()
        _log.debug("the event stream is open")

    async def _read(self) -> None:
        """Read events over as many connections as necessary, until none are needed."""
        failures = 0
        while not self._is_closed:
            started, is_useful = time.monotonic(), False
            try:
                async with aclosing(self._transport.stream_events(self._on_open)) as events:
                    async for event in events:
                        is_useful = True
                        self._handler.on_event(event)
                        for listener in list(self._listeners):
                            listener.unread.append(event)
                            listener.event.set()
            except OxenError as error:
                _log.debug("the event stream ended: %s", error)
                self._error = error
            finally:
                with self._lock:
                    self._is_open = False
                    self._handler.on_disconnected()
                    self._attempt_finished.set()
            with self._lock:
                if self._is_closed or not (self._listeners or self._handler.needs_events()):
                    self._reader = None
                    return
            # Back off if the server accepts the stream and closes it immediately.
            is_useful = is_useful or time.monotonic() - started > MIN_CONNECTION_TIME
            failures = 0 if is_useful else failures + 1
            await self._delay_interrupted.wait(reconnect_delay(failures))
            with self._lock:
                self._begin_attempt()
