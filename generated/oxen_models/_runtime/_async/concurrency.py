# Copied by oxen-codegen from templates/package/_runtime/_async/concurrency.py. Do not edit.
"""Async implementations of the primitives that differ between the two clients.

The sync implementations in `_sync/concurrency.py` are written by hand, because they cannot be derived.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from concurrent.futures import Future
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from contextvars import copy_context
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeAlias, TypeVar, TypeVarTuple, Unpack

from ..connections import CallClosedError, CallNotStartedError, CallTimeoutError, ConnectionTrace
from ..detached import is_thread_error
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from anyio import AsyncFile

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

STOPPED = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)
"""The exceptions that end a background task."""
CLOSE_TIMEOUT = 0.5

Callback: TypeAlias = Callable[[Unpack[Ts]], Awaitable[object] | object]
"""A function of the caller, which may be a coroutine function."""

# anyio is imported lazily, because the sync client loads this module and does not need it.


async def open_file(file: Path, mode: Literal["wb"]) -> AsyncFile[bytes]:
    """Open a file whose operations do not block the event loop."""
    import anyio

    return await anyio.open_file(file, mode)


async def call_back(callback: Callback[*Ts], *args: *Ts) -> None:
    """Call a function of the caller, and await its result if that is awaitable."""
    result = callback(*args)
    if isawaitable(result):
        await result


async def run_blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that would block the event loop, such as file I/O, in a thread. Raises as
    `current_loop_or_process` does.

    If the operating system permits no further thread, it blocks the event loop instead of raising, because
    the response to a billable request may be in its arguments.
    """
    current_loop_or_process()
    return await _run_in_thread(partial(function, *args, **kwargs))


async def _run_in_thread(function: Callable[[], T]) -> T:
    once = _Once(partial(copy_context().run, function))
    try:
        finished = asyncio.get_running_loop().run_in_executor(None, once.run)
    except RuntimeError as error:
        if not is_thread_error(error):
            raise
        once.run()
        return await asyncio.wrap_future(once.outcome)
    await finished
    return once.outcome.result()


class _Once(Generic[T]):
    """A function that is run once: an executor keeps the function for which it could not start a thread, and
    another of its threads may run it.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._pending = [function]
        self.outcome: Future[T] = Future()

    def run(self) -> None:
        try:
            function = self._pending.pop()  # atomic
        except IndexError:
            return
        if not self.outcome.set_running_or_notify_cancel():
            return
        try:
            result = function()
        except BaseException as error:
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(result)


def iterate_blocking(items: Iterable[T]) -> AsyncIterable[T]:
    """Return an iterable whose items are produced in a thread. It can be iterated as often as `items`."""
    return _ThreadIterable(items)


class _ThreadIterable(Generic[T]):
    def __init__(self, items: Iterable[T]) -> None:
        self._items = items

    def __aiter__(self) -> AsyncIterator[T]:
        return _ThreadIterator(iter(self._items))


class _ThreadIterator(Generic[T]):  # a class, because an async generator would have to be closed
    def __init__(self, items: Iterator[T]) -> None:
        self._items = items

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        item: T | _End = await _run_in_thread(partial(next, self._items, _END))
        if isinstance(item, _End):
            raise StopAsyncIteration
        return item


class _End:
    """Sentinel used for the end of an iterator: a thread cannot raise StopIteration to a coroutine."""


_END = _End()


async def wait_for_callback(start: Callable[[Callable[[T | BaseException], object]], object]) -> T:
    """Call `start` with a callback, and return or raise the outcome that the callback is called with.

    The callback may be called in any thread. If the caller is cancelled, its call has no effect.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T | BaseException] = loop.create_future()

    def settle(outcome: T | BaseException) -> None:
        if not future.done():
            future.set_result(outcome)

    def deliver(outcome: T | BaseException) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, outcome)

    start(deliver)
    outcome = await future
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


class _NoLoop:
    """Sentinel used when no event loop is running."""


_no_loop = _NoLoop()


def current_loop_or_process() -> object:
    """Return the owner of new connections: the running event loop, since they work in no other.

    Raises:
        ConfigurationError: It is one of trio.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        pass
    if _is_in_trio():
        raise ConfigurationError(
            "AsyncOxen works with asyncio and not with trio: call Oxen in trio.to_thread.run_sync(); "
            "nothing was sent"
        )
    return _no_loop


def _is_in_trio() -> bool:
    trio = sys.modules.get("trio")
    if trio is None:
        return False
    try:
        trio.lowlevel.current_trio_token()
    except RuntimeError:
        return False
    return True


def is_closed(owner: object) -> bool:
    """Return whether an owner of connections is a closed event loop."""
    return isinstance(owner, asyncio.AbstractEventLoop) and owner.is_closed()


class Owner:
    """The event loop that a run belongs to. Raises as `current_loop_or_process` does."""

    def __init__(self) -> None:
        current_loop_or_process()
        self._loop = asyncio.get_running_loop()

    def call(self, function: Callable[[], object]) -> None:
        """Call a function in the event loop, from any thread. If the loop is closed, do nothing."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)


class Event:
    """An event that can be waited for with a timeout."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Set the event."""
        self._event.set()

    def clear(self) -> None:
        """Clear the event."""
        self._event.clear()

    async def wait(self, timeout: float) -> None:
        """Wait until the event is set, for at most `timeout` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(timeout, 0.0)):
                await self._event.wait()


class Limiter:
    """Limits the number of blocks that run at the same time."""

    def __init__(self, limit: int) -> None:
        self._semaphore = asyncio.Semaphore(limit)

    @asynccontextmanager
    async def acquire(self, timeout: float) -> AsyncGenerator[bool]:
        """Hold a slot during the block. The value is False if there was none within `timeout` seconds."""
        is_acquired = False
        with suppress(TimeoutError):
            async with asyncio.timeout(max(timeout, 0.0)):
                is_acquired = await self._semaphore.acquire()
        try:
            yield is_acquired
        finally:
            if is_acquired:
                self._semaphore.release()


class BackgroundTask:
    """A task that runs beside the calls."""

    def __init__(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run(function))

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return self._task.done()

    async def stop(self) -> None:
        """Cancel it and wait until it has ended."""
        if self._loop is asyncio.get_running_loop():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=CLOSE_TIMEOUT)
        else:
            self.abandon()

    def abandon(self) -> None:
        """Cancel it without waiting."""
        with suppress(RuntimeError):  # the loop is closed, and the task with it
            self._loop.call_soon_threadsafe(self._task.cancel)

    async def _run(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async with aclosing(self._end_with_loop()) as guard:
            await anext(guard)
            await function()

    async def _end_with_loop(self) -> AsyncGenerator[None]:
        """Cancel the task when the loop closes its generators, because not every runner cancels its tasks."""
        try:
            yield
        finally:
            if asyncio.current_task() is not self._task:
                self._task.cancel()
                await asyncio.wait([self._task])


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


class Workers(Generic[T]):
    """Runs functions concurrently, each in a task."""

    def __init__(self) -> None:
        self._results: asyncio.Queue[T | BaseException] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, function: Callable[[], Awaitable[T]]) -> None:
        """Start a function."""
        task = asyncio.ensure_future(self._run(function))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def next_result(self) -> T:
        """Wait for the next function that ends, and return its result or raise its error."""
        result = await self._results.get()
        if isinstance(result, BaseException):
            raise result
        return result

    def stop(self) -> None:
        """Cancel the functions that are running."""
        for task in self._tasks:
            task.cancel()

    async def _run(self, function: Callable[[], Awaitable[T]]) -> None:
        try:
            self._results.put_nowait(await function())
        except Exception as error:
            self._results.put_nowait(error)
