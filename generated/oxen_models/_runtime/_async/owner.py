# Copied by oxen-codegen from templates/package/_runtime/_async/owner.py. Do not edit.
"""The event loops that connections and runs belong to."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress

from ..errors import ConfigurationError


class _NoLoop:
    """Sentinel used when no event loop is running."""


_no_loop = _NoLoop()


def current_loop_or_process() -> object:
    """Return the owner of new connections: the running event loop, since they work in no other.

    Raises:
        ConfigurationError: It is one of trio.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        pass
    if _is_in_trio():
        raise ConfigurationError(
            "AsyncOxen works with asyncio and not with trio: call Oxen in trio.to_thread.run_sync(); "
            "nothing was sent"
        )
    return _no_loop


def _is_in_trio() -> bool:
    trio = sys.modules.get("trio")
    if trio is None:
        return False
    try:
        trio.lowlevel.current_trio_token()
    except RuntimeError:
        return False
    return True


def is_closed(owner: object) -> bool:
    """Return whether an owner of connections is a closed event loop."""
    return isinstance(owner, asyncio.AbstractEventLoop) and owner.is_closed()


class Owner:
    """The event loop that a run belongs to. Raises as `current_loop_or_process` does."""

    def __init__(self) -> None:
        current_loop_or_process()
        self._loop = asyncio.get_running_loop()

    @property
    def is_closed(self) -> bool:
        """Whether the event loop is closed."""
        return self._loop.is_closed()

    def check(self, name: str) -> None:
        """Raise a `RuntimeError` if another event loop is running.

        Args:
            name: What belongs to the event loop, for the error.
        """
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(f"{name} began in another event loop and can be continued in that one only")

    def call(self, function: Callable[[], object]) -> None:
        """Call a function in the event loop, from any thread. If the loop is closed, do nothing."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)
