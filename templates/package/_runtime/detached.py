"""Threads that end neither with their caller nor with the interpreter.

A billable request and the record of its outcome run in one, so that a cancelled caller, a closed event loop
or Ctrl-C cannot come between them. At the end of the process, the interpreter waits for these threads, and
pressing Ctrl-C again does not interrupt that wait.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

_threads: set[Thread] = set()


def is_thread_error(error: BaseException) -> bool:
    """Return whether the reason of an error is that the operating system permits no further thread."""
    return "can't start new thread" in str(error)


def start_detached(function: Callable[[], object]) -> None:
    """Run a function, which must not raise, in a thread that outlives the caller.

    Raises:
        RuntimeError: The operating system does not permit another thread.
    """

    def run() -> None:
        try:
            function()
        finally:
            _threads.discard(thread)

    thread = Thread(target=run, name="oxen_models submission", daemon=False)
    _threads.add(thread)
    try:
        thread.start()
    except BaseException:
        _threads.discard(thread)
        raise


def _join_all() -> None:
    # The interpreter joins these threads itself, before this; Ctrl-C interrupts that.
    for thread in list(_threads):
        while thread.is_alive():
            with suppress(KeyboardInterrupt):
                thread.join()


atexit.register(_join_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.clear)
