# Copied by oxen-codegen from templates/package/_runtime/_sync/concurrency.py. Do not edit.
"""Sync implementations of the primitives that differ between the two clients."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from time import sleep
from typing import Any, Generic, ParamSpec, TypeVar
from weakref import ref

P = ParamSpec("P")
T = TypeVar("T")

open_file = open


def run_blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function. The async implementation runs it in a thread."""
    return function(*args, **kwargs)


def iterate_blocking(items: Iterable[T]) -> Iterable[T]:
    """Return an iterable. The async implementation produces its items in a thread."""
    return items


class Process:
    """The identity of a process. A fork is another process."""


_process = Process()


def _reset_process() -> None:
    global _process
    _process = Process()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_process)


def current_loop_or_process() -> object:
    """Return the owner of new connections: the process, since a fork must not read from them."""
    return _process


def is_closed(owner: object) -> bool:
    """Return whether an owner of connections is the parent of this process."""
    return owner is not _process


class Event:
    """An event that can be waited for with a timeout."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Set the event."""
        self._event.set()

    def clear(self) -> None:
        """Clear the event."""
        self._event.clear()

    def wait(self, timeout: float) -> None:
        """Wait until the event is set, for at most `timeout` seconds."""
        self._event.wait(max(timeout, 0.0))


class Limiter:
    """Limits the number of blocks that run at the same time."""

    def __init__(self, limit: int) -> None:
        self._semaphore = threading.Semaphore(limit)

    @contextmanager
    def acquire(self, timeout: float) -> Generator[bool]:
        """Hold a slot during the block. The value is False if there was none within `timeout` seconds."""
        is_acquired = self._semaphore.acquire(timeout=max(timeout, 0.0))
        try:
            yield is_acquired
        finally:
            if is_acquired:
                self._semaphore.release()


class BackgroundTask:
    """A thread that runs beside the calls."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=function, name="oxen_models events", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Wait until it has ended, which it does soon after its connection is closed."""
        if self._thread is not threading.current_thread():
            self._thread.join(0.9)

    def abandon(self) -> None:
        """Do nothing: the thread ends because its connection is closed."""


class Sockets:
    """The open connections of a client. A thread that reads from one is woken only by shutting it down."""

    def __init__(self) -> None:
        self._owner = current_loop_or_process()
        self._is_closed = False
        self._streams: set[ref[Any]] = set()
        self.extensions: dict[str, Any] = {"trace": self._trace}
        """The httpx extensions to send each request with."""

    def close(self) -> None:
        """Shut down all connections, and each later one. Closing the pool does not wake a reader."""
        if self._owner is not current_loop_or_process():  # a fork shares the sockets of its parent
            return
        self._is_closed = True
        for stream in tuple(self._streams):
            _shut_down(stream())

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event in _NEW_CONNECTION_EVENTS:
            stream = info["return_value"]
            self._streams.add(ref(stream, self._streams.discard))
            if self._is_closed:
                _shut_down(stream)


def _shut_down(stream: Any) -> None:
    if stream is not None:
        with suppress(OSError):
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


# The names of httpcore's trace events for a new connection.
_NEW_CONNECTION_EVENTS = frozenset(
    {
        "connection.connect_tcp.complete",
        "connection.connect_unix_socket.complete",
        "connection.start_tls.complete",
    }
)


class Workers(Generic[T]):
    """Runs functions concurrently, each in a thread."""

    def __init__(self) -> None:
        self._results: SimpleQueue[T | BaseException] = SimpleQueue()
        self._threads: set[threading.Thread] = set()

    def start(self, function: Callable[[], T]) -> None:
        """Start a function."""
        # Not a daemon thread, so that a billable request is completed when the program ends.
        thread = threading.Thread(target=self._run, args=(function,), name="oxen_models request")
        self._threads.add(thread)
        thread.start()

    def next_result(self) -> T:
        """Wait for the next function that ends, and return its result or raise its error."""
        result = self._results.get()
        if isinstance(result, BaseException):
            raise result
        return result

    def join(self) -> None:
        """Wait until all functions have ended."""
        for thread in list(self._threads):
            thread.join()

    def _run(self, function: Callable[[], T]) -> None:
        result: T | BaseException
        try:
            result = function()
        except Exception as error:
            result = error
        self._threads.discard(threading.current_thread())
        self._results.put(result)


__all__ = [
    "BackgroundTask",
    "Event",
    "Limiter",
    "Process",
    "Sockets",
    "Workers",
    "current_loop_or_process",
    "is_closed",
    "iterate_blocking",
    "open_file",
    "run_blocking",
    "sleep",
]
