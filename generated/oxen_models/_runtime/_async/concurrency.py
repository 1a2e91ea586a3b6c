# Copied by oxen-codegen from templates/package/_runtime/_async/concurrency.py. Do not edit.
"""Async implementations of the primitives that differ between the two clients.

The sync implementations of this module and of `calls`, `owner`, `poster` and `threads` are written by hand,
because they cannot be derived.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager, suppress
from inspect import isawaitable
from typing import Any, Generic, TypeAlias, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

STOPPED = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)
"""The exceptions that end a background task."""
CLOSE_TIMEOUT = 0.5

Callback: TypeAlias = Callable[[Unpack[Ts]], Awaitable[object] | object]
"""A function of the caller, which may be a coroutine function."""


async def call_back(callback: Callback[*Ts], *args: *Ts) -> None:
    """Call a function of the caller, and await its result if that is awaitable."""
    result = callback(*args)
    if isawaitable(result):
        await result


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


class Workers(Generic[T]):
    """Runs functions concurrently, each in a task."""

    def __init__(self) -> None:
        self._results: asyncio.Queue[T | BaseException | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, function: Callable[[], Awaitable[T]]) -> None:
        """Start a function."""
        task = asyncio.ensure_future(self._run(function))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def next_result(self) -> T | None:
        """Wait for the next function that ends, and return its result or raise its error.

        None after `stop`, because the functions that it cancels have no result.
        """
        result = await self._results.get()
        if isinstance(result, BaseException):
            raise result
        return result

    def stop(self) -> None:
        """Cancel the functions that are running."""
        for task in self._tasks:
            task.cancel()
        self._results.put_nowait(None)

    async def _run(self, function: Callable[[], Awaitable[T]]) -> None:
        try:
            self._results.put_nowait(await function())
        except Exception as error:
            self._results.put_nowait(error)
