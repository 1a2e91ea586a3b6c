"""Requests in steps that each have a deadline, and that closing the client ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from ..connections import CallClosedError, CallNotStartedError, CallTimeoutError, ConnectionTrace
from .concurrency import CLOSE_TIMEOUT

T = TypeVar("T")


class Calls:
    """The calls of a client that wait for the network. Closing ends them all."""

    def __init__(self) -> None:
        self.is_closed = False
        self.stream: Call | None = None
        """The call that reads the event stream, while it is open."""
        self.is_stream_allowed = True
        """False after the connection pool had no connection for a request beside the event stream."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: set[Call] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> Call:
        """Return a new call."""
        return Call(self)

    @property
    def is_connected(self) -> bool:
        """Whether a call other than the event stream has a connection."""
        return any(call.is_connecting for call in self._running if call is not self.stream)

    async def sleep(self, seconds: float) -> None:
        """Sleep for some seconds.

        Raises:
            CallError: The client is closed, or was closed in the meantime.
        """
        with suppress(CallTimeoutError):
            await Call(self).run(asyncio.Event().wait, seconds)

    def start(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a function in a task, without waiting for it."""
        task = asyncio.ensure_future(function())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def interrupt(self) -> None:
        """End all calls, and refuse later ones. Takes no locks, so that a finalizer can call it."""
        self.is_closed = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed, and the calls with it
                self._loop.call_soon_threadsafe(self._interrupt_calls)

    async def aclose(self) -> None:
        """End all calls and wait until they have ended, for at most half a second."""
        self.interrupt()
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            deadline = loop.time() + CLOSE_TIMEOUT
            while (self._running or self._tasks) and loop.time() < deadline:
                await asyncio.sleep(0.001)

    @contextmanager
    def register(self, call: Call) -> Generator[None]:
        """Let `interrupt` end a call during the block."""
        if self.is_closed:
            raise CallNotStartedError("the client is closed")
        self._loop = asyncio.get_running_loop()
        self._running.add(call)
        try:
            yield
        finally:
            self._running.discard(call)

    def _interrupt_calls(self) -> None:
        for call in tuple(self._running):
            call.interrupt()


class Call(ConnectionTrace):
    """One request, sent and received in steps that each have a deadline."""

    def __init__(self, calls: Calls) -> None:
        super().__init__()
        self._calls = calls
        self._scope: asyncio.Timeout | None = None
        self._was_closed = False
        self.response: Any = None
        """The response that a step received. It is closed with the call."""

    @property
    def extensions(self) -> dict[str, Any]:
        """The httpx extensions to send the request with."""
        return {"trace": self._trace}

    async def run(self, function: Callable[[], Awaitable[T]], timeout: float) -> T:
        """Return the result of a function.

        After a `CallTimeoutError` or `CallClosedError`, the connection is closed and the call has ended.

        Raises:
            CallTimeoutError: It did not return within `timeout` seconds.
            CallClosedError: The client was closed, or the call was interrupted.
            CallNotStartedError: The client is closed.
        """
        scope = asyncio.timeout(max(timeout, 0.0))
        try:
            with self._calls.register(self):
                async with scope:
                    self._scope = scope
                    return await function()
        except TimeoutError:
            if not scope.expired():
                raise
            await self._close_interrupted()
            if self._was_closed:
                raise CallClosedError("the client was closed") from None
            raise CallTimeoutError("timed out") from None
        except asyncio.CancelledError as error:
            await self._close_interrupted()
            cancellation = asyncio.CancelledError(*error.args)
        finally:
            self._scope = None
        # Another one, because the traceback of the first shows the request to error trackers.
        raise cancellation

    def interrupt(self) -> None:
        """Let the running step raise `CallClosedError`."""
        if self._scope is not None:
            with suppress(RuntimeError):  # it has expired already
                self._scope.reschedule(0)
                self._was_closed = True

    async def aclose(self) -> None:
        """Close the response."""
        if self.response is not None and not self.is_interrupted:
            await self.response.aclose()
            self.response = None

    async def _close_interrupted(self) -> None:
        """Close the connection. httpcore does not if it was being opened through a proxy or with TLS."""
        self.is_interrupted = True
        with suppress(Exception):
            if self.response is not None:
                await self.response.aclose()
            for stream in reversed(self.streams):
                await stream.aclose()

    async def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        self.observe(event, info)
