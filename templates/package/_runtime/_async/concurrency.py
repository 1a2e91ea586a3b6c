"""Async implementations of the primitives that differ between the two clients.

The sync implementations in `_sync/concurrency.py` are written by hand, because they cannot be derived.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from anyio import AsyncFile

P = ParamSpec("P")
T = TypeVar("T")

# anyio is imported lazily, because the sync client loads this module and does not need it.


async def sleep(seconds: float) -> None:
    """Sleep without blocking the event loop."""
    import anyio

    await anyio.sleep(seconds)


async def open_file(file: Path, mode: Literal["wb"]) -> AsyncFile[bytes]:
    """Open a file whose operations do not block the event loop."""
    import anyio

    return await anyio.open_file(file, mode)


async def run_blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that would block the event loop, such as file I/O, in a thread."""
    return await asyncio.to_thread(function, *args, **kwargs)


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
        item = await asyncio.to_thread(next, self._items, _END)
        if isinstance(item, _End):
            raise StopAsyncIteration
        return item


class _End:
    """Sentinel used for the end of an iterator: a thread cannot raise StopIteration to a coroutine."""


_END = _End()


class _NoLoop:
    """Sentinel used when no event loop is running."""


_no_loop = _NoLoop()


def current_loop_or_process() -> object:
    """Return the owner of new connections: the running event loop, since they work in no other."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return _no_loop


def is_closed(owner: object) -> bool:
    """Return whether an owner of connections is a closed event loop."""
    return isinstance(owner, asyncio.AbstractEventLoop) and owner.is_closed()


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
        self._task = self._loop.create_task(function())

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return self._task.done()

    async def stop(self) -> None:
        """Cancel it and wait until it has ended."""
        if self._loop is asyncio.get_running_loop():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=1)
        else:
            self.abandon()

    def abandon(self) -> None:
        """Cancel it without waiting."""
        with suppress(RuntimeError):  # the loop is closed, and the task with it
            self._loop.call_soon_threadsafe(self._task.cancel)


class Sockets:
    """The connections of a client. Closing the pool ends the reads from them."""

    def __init__(self) -> None:
        self._is_closed = False
        self.extensions: dict[str, Any] = {"trace": self._trace}
        """The httpx extensions to send each request with."""

    def close(self) -> None:
        """Close connections that are still being opened, which the closed pool does not know."""
        self._is_closed = True

    async def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if self._is_closed and event in _NEW_CONNECTION_EVENTS:
            await info["return_value"].aclose()


# The names of httpcore's trace events for a new connection.
_NEW_CONNECTION_EVENTS = frozenset(
    {
        "connection.connect_tcp.complete",
        "connection.connect_unix_socket.complete",
        "connection.start_tls.complete",
    }
)


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

    async def join(self) -> None:
        """Wait until all functions have ended."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, function: Callable[[], Awaitable[T]]) -> None:
        try:
            self._results.put_nowait(await function())
        except Exception as error:
            self._results.put_nowait(error)
