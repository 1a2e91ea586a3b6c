"""The processes that connections and runs belong to."""

from __future__ import annotations

import os
from collections.abc import Callable


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


class Owner:
    """The process that a run belongs to."""

    def __init__(self) -> None:
        self._process = _process

    @property
    def is_closed(self) -> bool:
        """False. The async implementation returns whether the event loop is closed."""
        return False

    def check(self, name: str) -> None:
        """Raise a `RuntimeError` if this is a fork of the process.

        Args:
            name: What belongs to the process, for the error.
        """
        if self._process is not _process:
            raise RuntimeError(f"{name} began in another process and can be continued in that one only")

    def call(self, function: Callable[[], object]) -> None:
        """Call a function. The async implementation calls it in the event loop."""
        function()
