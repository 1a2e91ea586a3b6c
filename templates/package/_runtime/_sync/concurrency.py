"""Sync implementations of the primitives that differ between the two clients."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import copy_context
from queue import SimpleQueue
from typing import Generic, TypeAlias, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

STOPPED: tuple[type[BaseException], ...] = ()
"""The exceptions that end a background task: none, because a thread cannot be stopped from outside."""
CLOSE_TIMEOUT = 0.5

Callback: TypeAlias = Callable[[Unpack[Ts]], object]
"""A function of the caller."""


def call_back(callback: Callback[*Ts], *args: *Ts) -> None:
    """Call a function of the caller. The async implementation awaits its result."""
    callback(*args)


def wait_for_callback(start: Callable[[Callable[[T | BaseException], object]], object]) -> T:
    """Call `start` with a callback, and return or raise the outcome that the callback is called with."""
    outcomes: SimpleQueue[T | BaseException] = SimpleQueue()
    start(outcomes.put)
    outcome = outcomes.get()
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


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
        """Wait until it has ended, which it does soon after its calls are interrupted."""
        if self._thread is not threading.current_thread():
            self._thread.join(CLOSE_TIMEOUT)

    def abandon(self) -> None:
        """Do nothing: the thread ends because its calls are interrupted."""


class Workers(Generic[T]):
    """Runs functions concurrently, each in a thread."""

    def __init__(self) -> None:
        self._results: SimpleQueue[T | BaseException] = SimpleQueue()

    def start(self, function: Callable[[], T]) -> None:
        """Start a function."""
        thread = threading.Thread(
            target=copy_context().run, args=(self._run, function), name="oxen_models request", daemon=True
        )
        thread.start()

    def next_result(self) -> T | None:
        """Wait for the next function that ends, and return its result or raise its error. The async
        implementation returns None after `stop`.
        """
        result = self._results.get()
        if isinstance(result, BaseException):
            raise result
        return result

    def stop(self) -> None:
        """Do nothing: the functions end when the waits of the run end."""

    def _run(self, function: Callable[[], T]) -> None:
        result: T | BaseException
        try:
            result = function()
        except Exception as error:
            result = error
        self._results.put(result)
