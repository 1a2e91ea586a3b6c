"""Sleeping, files and what goes on beside a call, for the asynchronous client.

Its twin in `_sync` is written by hand: nothing here can be derived.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, TypeVar

from ..errors import HubTimeoutError

if TYPE_CHECKING:
    from pathlib import Path

    from anyio import AsyncFile

P = ParamSpec("P")
T = TypeVar("T")

Method = Callable[Concatenate[Any, P], Awaitable[T]]

# anyio is imported on use: the synchronous client, which loads this module too, never needs it.


async def sleep(seconds: float) -> None:
    """Wait, and let others work."""
    import anyio

    await anyio.sleep(seconds)


async def open_file(file: Path, mode: Literal["wb"]) -> AsyncFile[bytes]:
    """A file whose operations do not block the event loop."""
    import anyio

    return await anyio.open_file(file, mode)


async def run_blocking(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what would block the event loop, such as reading and writing files, in a thread."""
    return await asyncio.to_thread(work, *args, **kwargs)


class _Elsewhere:
    """In place of an event loop where asyncio runs none."""


_elsewhere = _Elsewhere()


def here() -> object:
    """The event loop, or what is in its place: connections work in one alone."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return _elsewhere


def is_over(place: object) -> bool:
    """Whether that event loop is closed."""
    return isinstance(place, asyncio.AbstractEventLoop) and place.is_closed()


class Wake:
    """An event to sleep on, until it is set or some time has passed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the sleeper; if there is none, the next sleep ends at once."""
        self._event.set()

    def clear(self) -> None:
        """Have the next sleep last."""
        self._event.clear()

    async def wait(self, seconds: float) -> None:
        """Sleep."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._event.wait()


class Limiter:
    """Limits how many work at a time."""

    def __init__(self, most: int) -> None:
        self._semaphore = asyncio.Semaphore(most)

    @asynccontextmanager
    async def entered(self, seconds: float) -> AsyncGenerator[None]:
        """Run the block once there is room for it.

        Raises:
            HubTimeoutError: It took too long.
        """
        let_in = False
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.0)):
                let_in = await self._semaphore.acquire()
        if not let_in:
            raise HubTimeoutError("too many requests are waiting to be sent; nothing was sent")
        try:
            yield
        finally:
            self._semaphore.release()


class Background:
    """Work that goes on beside the calls: a task."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(work())

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._task.done()

    async def stop(self) -> None:
        """End it; returns when it is over."""
        if self._loop is asyncio.get_running_loop():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=1)
        else:
            self.abandon()

    def abandon(self) -> None:
        """End it soon; for those who cannot wait."""
        with suppress(RuntimeError):  # the loop is closed, and the task with it
            self._loop.call_soon_threadsafe(self._task.cancel)


class Sockets:
    """The connections of a client. Closing the pool ends what waits on them."""

    def __init__(self) -> None:
        self._is_cut = False
        self.extensions: dict[str, Any] = {"trace": self._trace}
        """What to send each request with."""

    def cut(self) -> None:
        """End connections that are still being opened: the closed pool does not know of them."""
        self._is_cut = True

    async def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if self._is_cut and event in CONNECTED:
            await info["return_value"].aclose()


# What httpcore calls the moments in which there is a new connection.
CONNECTED = frozenset(
    {
        "connection.connect_tcp.complete",
        "connection.connect_unix_socket.complete",
        "connection.start_tls.complete",
    }
)


class Workers(Generic[T]):
    """Works on several things at once: a task each."""

    def __init__(self) -> None:
        self._done: asyncio.Queue[T | BaseException] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Callable[[], Awaitable[T]]) -> None:
        """Start one more."""
        task = asyncio.ensure_future(self._work(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finished(self) -> T:
        """The result of the next one that is done."""
        done = await self._done.get()
        if isinstance(done, BaseException):
            raise done
        return done

    async def stop(self) -> None:
        """Wait until all have ended."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _work(self, work: Callable[[], Awaitable[T]]) -> None:
        try:
            self._done.put_nowait(await work())
        except Exception as error:
            self._done.put_nowait(error)
