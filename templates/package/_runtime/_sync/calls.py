"""Requests in steps that each have a deadline, and that closing the client ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from time import monotonic
from typing import Any, Generic, TypeAlias, TypeVar
from weakref import finalize

from ..connections import CallClosedError, CallNotStartedError, CallTimeoutError, ConnectionTrace
from .concurrency import CLOSE_TIMEOUT
from .owner import current_loop_or_process

T = TypeVar("T")

MAX_IDLE_WORKERS = 8


class Calls:
    """The calls of a client that wait for the network. Closing ends them all.

    Each step of a call runs in a thread of its own, and its caller waits for it with a deadline: neither a
    slow name server, proxy or TLS handshake nor a server that sends byte by byte can exceed it.
    """

    def __init__(self) -> None:
        self.is_closed = False
        self.stream: Call | None = None
        """The call that reads the event stream, while it is open."""
        self.is_stream_allowed = True
        """False after the connection pool had no connection for a request beside the event stream."""
        self._owner = current_loop_or_process()
        self._running: set[Call] = set()
        self._workers = self._create_workers()

    def begin(self) -> Call:
        """Return a new call."""
        return Call(self)

    @property
    def is_connected(self) -> bool:
        """Whether a call other than the event stream has a connection."""
        return any(call.is_connecting for call in tuple(self._running) if call is not self.stream)

    def sleep(self, seconds: float) -> None:
        """Sleep for some seconds.

        Raises:
            CallError: The client is closed, or was closed in the meantime.
        """
        with suppress(CallTimeoutError):
            Call(self).wait(_Step(_do_nothing), seconds)

    def start(self, function: Callable[[], None]) -> None:
        """Run a function in a thread, without waiting for it.

        Raises:
            CallNotStartedError: There can be no more threads.
        """
        self.start_step(_Step(function), Call(self))

    def interrupt(self) -> None:
        """End all calls, and refuse later ones. Takes no locks, so that a finalizer can call it."""
        if self._owner is not current_loop_or_process():  # a fork shares the sockets of its parent
            return
        self.is_closed = True
        for call in tuple(self._running):
            call.interrupt()
        self._workers.close()

    def close(self) -> None:
        """End all calls and wait until their threads have ended, for at most half a second."""
        self.interrupt()
        self._workers.join(CLOSE_TIMEOUT)

    def start_step(self, step: _Step[Any], call: Call) -> None:
        """Run a step in a thread."""
        if self._workers.owner is not current_loop_or_process():
            self._workers = self._create_workers()  # the threads do not exist in a fork
        self._workers.start(step, call)

    @contextmanager
    def register(self, call: Call) -> Generator[None]:
        """Let `interrupt` end a call during the block."""
        self._running.add(call)
        try:
            if self.is_closed:
                raise CallNotStartedError("the client is closed")
            yield
        finally:
            self._running.discard(call)

    def _create_workers(self) -> _Workers:
        workers = _Workers()
        finalize(self, workers.close).atexit = False
        return workers


class Call(ConnectionTrace):
    """One request, sent and received in steps that each have a deadline."""

    def __init__(self, calls: Calls) -> None:
        super().__init__()
        self._calls = calls
        self._step: _Step[Any] | None = None
        self.response: Any = None
        """The response that a step received. It is closed with the call."""

    @property
    def extensions(self) -> dict[str, Any]:
        """The httpx extensions to send the request with."""
        return {"trace": self.observe}

    def run(self, function: Callable[[], T], timeout: float) -> T:
        """Return the result of a function that runs in a thread.

        After a `CallTimeoutError` or `CallClosedError`, the connection is shut down and the call has ended.

        Raises:
            CallTimeoutError: It did not return within `timeout` seconds.
            CallClosedError: The client was closed, or the call was interrupted.
            CallNotStartedError: The client is closed, or there can be no more threads.
        """
        step = _Step(function)
        return self.wait(step, timeout, partial(self._calls.start_step, step, self))

    def wait(self, step: _Step[T], timeout: float, start: Callable[[], None] | None = None) -> T:
        """Start a step and return its result. The errors are those of `run`."""
        self._step = step
        try:
            with self._calls.register(self):
                if start is not None:
                    start()
                return step.wait(timeout)
        except CallNotStartedError:
            self.close_interrupted()  # no worker does, although the call may be interrupted at this moment
            raise
        except BaseException:
            if not step.has_ended:
                self.shut_down()
            raise
        finally:
            self._step = None

    def interrupt(self) -> None:
        """Let the running step raise `CallClosedError`. Takes no locks."""
        if (step := self._step) is not None and step.interrupt():
            self.shut_down()

    def close(self) -> None:
        """Close the response. After an interruption, the thread that reads from it does so."""
        if self.response is not None and not self.is_interrupted:
            self.response.close()
            self.response = None

    def close_interrupted(self) -> None:
        """Close the connection in the thread that used it."""
        if self.response is not None:
            with suppress(Exception):
                self.response.close()
        for stream in reversed(self.streams):
            with suppress(Exception):
                stream.close()


class _Step(Generic[T]):
    """A function that a worker runs while its caller waits."""

    def __init__(self, function: Callable[[], T]) -> None:
        self.has_ended = False
        """Whether the function has returned or raised, and the caller was waiting for it."""
        self._function = function
        self._context = copy_context()
        self._claims = [None]
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self, timeout: float) -> T:
        """Return the result of the function. The errors are those of `Call.run`."""
        try:
            is_late = not self._lock.acquire(timeout=min(max(timeout, 0.0), threading.TIMEOUT_MAX))
        except BaseException:  # a signal handler raised it, such as KeyboardInterrupt
            self._claim()
            raise
        if is_late:
            if self._claim():
                raise CallTimeoutError("timed out")
            self._lock.acquire()  # it ends at this moment
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # its traceback refers to this step
        return self._results.pop()

    def interrupt(self) -> bool:
        """Let the caller raise `CallClosedError`, and return whether it waits."""
        if not self._claim():
            return False
        self._error = CallClosedError("the client was closed")
        self._lock.release()
        return True

    def execute(self) -> None:
        """Run the function."""
        try:
            self._results.append(self._context.run(self._function))
        except BaseException as error:
            if self._claims:
                self._error = error

    def end(self) -> bool:
        """Let the caller continue, and return whether it waits."""
        if not self._claim():
            return False
        self.has_ended = True
        self._lock.release()
        return True

    def _claim(self) -> bool:
        """Return whether this is the first of the events that end the step: it decides the outcome."""
        try:
            self._claims.pop()
        except IndexError:
            return False
        return True


_Work: TypeAlias = "tuple[_Step[Any], Call]"


class _Workers:
    """Daemon threads that run steps. They are reused, because starting one takes longer."""

    def __init__(self) -> None:
        self.owner = current_loop_or_process()
        self._is_closed = False
        self._idle: list[SimpleQueue[_Work | None]] = []
        self._threads: set[threading.Thread] = set()

    def start(self, step: _Step[Any], call: Call) -> None:
        """Run a step of a call.

        Raises:
            CallNotStartedError: There can be no more threads.
        """
        try:
            steps = self._idle.pop()
        except IndexError:
            steps = self._create()
        steps.put((step, call))

    def close(self) -> None:
        """Let the threads end. Takes no locks."""
        self._is_closed = True
        while True:
            try:
                self._idle.pop().put(None)
            except IndexError:
                return

    def join(self, timeout: float) -> None:
        """Wait until the threads have ended, for at most `timeout` seconds."""
        deadline = monotonic() + timeout
        for thread in tuple(self._threads):
            # A thread that is about to be started cannot be joined; its step finds the closed client.
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(max(deadline - monotonic(), 0.0))

    def _create(self) -> SimpleQueue[_Work | None]:
        steps: SimpleQueue[_Work | None] = SimpleQueue()
        thread = threading.Thread(target=self._work, args=(steps,), name="oxen_models call", daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError as error:
            self._threads.discard(thread)
            raise CallNotStartedError(str(error)) from None
        return steps

    def _work(self, steps: SimpleQueue[_Work | None]) -> None:
        while (work := steps.get()) is not None:
            step, call = work
            step.execute()
            is_reusable = len(self._idle) < MAX_IDLE_WORKERS and not self._is_closed
            if is_reusable:
                self._idle.append(steps)  # before the caller continues, so that its next step finds it
            if not step.end():
                call.close_interrupted()
            del step, call, work
            if not is_reusable:
                break
            if self._is_closed:
                self.close()
        self._threads.discard(threading.current_thread())


def _do_nothing() -> None:
    pass
