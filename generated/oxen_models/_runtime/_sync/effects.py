"""Sleeping, files and what goes on beside a call, for the synchronous client."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from time import sleep
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar
from weakref import ref

from ..errors import HubTimeoutError

P = ParamSpec("P")
T = TypeVar("T")

Method = Callable[Concatenate[Any, P], T]

open_file = open


def run_blocking(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run it here: the asynchronous twin runs it in a thread."""
    return work(*args, **kwargs)


class Process:
    """A process; a fork is another one."""


_process = Process()


def _forked() -> None:
    global _process
    _process = Process()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def here() -> object:
    """What connections belong to: a process that was forked off must not read from them."""
    return _process


def is_over(place: object) -> bool:
    """Whether nothing can work there any more."""
    return place is not _process


class Wake:
    """An event to sleep on, until it is set or some time has passed."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Wake the sleeper; if there is none, the next sleep ends at once."""
        self._event.set()

    def clear(self) -> None:
        """Have the next sleep last."""
        self._event.clear()

    def wait(self, seconds: float) -> None:
        """Sleep."""
        self._event.wait(max(seconds, 0.0))


class Limiter:
    """Limits how many work at a time."""

    def __init__(self, most: int) -> None:
        self._semaphore = threading.Semaphore(most)

    @contextmanager
    def entered(self, seconds: float) -> Generator[None]:
        """Run the block once there is room for it.

        Raises:
            HubTimeoutError: It took too long.
        """
        if not self._semaphore.acquire(timeout=max(seconds, 0.0)):
            raise HubTimeoutError("too many requests are waiting to be sent; nothing was sent")
        try:
            yield
        finally:
            self._semaphore.release()


class Background:
    """Work that goes on beside the calls: a thread."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=work, name="oxen_models events", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Wait until it is over, which it is soon after its connection is cut."""
        if self._thread is not threading.current_thread():
            self._thread.join(0.9)

    def abandon(self) -> None:
        """Nothing to do: its connection is cut."""


class Sockets:
    """The open connections of a client. Only its end wakes a thread that reads from one."""

    def __init__(self) -> None:
        self._place = here()
        self._is_cut = False
        self._streams: set[ref[Any]] = set()
        self.extensions: dict[str, Any] = {"trace": self._trace}
        """What to send each request with."""

    def cut(self) -> None:
        """End them all, and every later one. Closing the pool is not enough: it wakes no reader."""
        if self._place is not here():  # a fork has the same sockets, and must not end them
            return
        self._is_cut = True
        for stream in tuple(self._streams):
            _end(stream())

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event in _CONNECTED:
            stream = info["return_value"]
            self._streams.add(ref(stream, self._streams.discard))
            if self._is_cut:
                _end(stream)


def _end(stream: Any) -> None:
    if stream is not None:
        with suppress(OSError):
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


# What httpcore calls the moments in which there is a new connection.
_CONNECTED = frozenset(
    {
        "connection.connect_tcp.complete",
        "connection.connect_unix_socket.complete",
        "connection.start_tls.complete",
    }
)


class Workers(Generic[T]):
    """Works on several things at once: a thread each."""

    def __init__(self) -> None:
        self._done: SimpleQueue[T | BaseException] = SimpleQueue()
        self._threads: set[threading.Thread] = set()

    def start(self, work: Callable[[], T]) -> None:
        """Start one more."""
        # No daemon: what is paid for is brought to its end, also when the program is at its own.
        thread = threading.Thread(target=self._work, args=(work,), name="oxen_models request")
        self._threads.add(thread)
        thread.start()

    def finished(self) -> T:
        """The result of the next one that is done."""
        done = self._done.get()
        if isinstance(done, BaseException):
            raise done
        return done

    def stop(self) -> None:
        """Wait until all have ended."""
        for thread in list(self._threads):
            thread.join()

    def _work(self, work: Callable[[], T]) -> None:
        done: T | BaseException
        try:
            done = work()
        except Exception as error:
            done = error
        self._threads.discard(threading.current_thread())
        self._done.put(done)


__all__ = [
    "Background",
    "Limiter",
    "Method",
    "Process",
    "Sockets",
    "Wake",
    "Workers",
    "here",
    "is_over",
    "open_file",
    "run_blocking",
    "sleep",
]
