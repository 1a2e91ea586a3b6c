"""Functions that would block the event loop, such as file I/O, in threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Generic, Literal, ParamSpec, TypeVar

from ..detached import is_thread_error
from .owner import current_loop_or_process

if TYPE_CHECKING:
    from pathlib import Path

    from anyio import AsyncFile


P = ParamSpec("P")
T = TypeVar("T")

MAY_BLOCK = False
"""Whether a call may block the thread that it is made in, as by file I/O."""


async def open_file(file: Path, mode: Literal["wb"]) -> AsyncFile[bytes]:
    """Open a file whose operations do not block the event loop."""
    import anyio  # lazily, because the sync client loads this module and does not need it

    return await anyio.open_file(file, mode)


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
