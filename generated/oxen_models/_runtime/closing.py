# Copied by oxen-codegen from templates/package/_runtime/closing.py. Do not edit.
"""Runs that have ended and whose last submissions are still being recorded in their journals."""

from __future__ import annotations

import os
from threading import Event

_closing: set[RunEnd] = set()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_closing.clear)  # the threads that end these runs are not in a fork


class RunEnd:
    """The end of a run.

    Args:
        journal: The path of its journal; None without one.
    """

    def __init__(self, journal: str | None) -> None:
        self._path = None if journal is None else os.path.realpath(journal)
        self._finished = Event()
        self.has_begun = False

    def begin(self) -> None:
        """Begin to end the run. Takes no lock."""
        self.has_begun = True
        _closing.add(self)

    def finish(self) -> None:
        """Report that everything is recorded and the journal is closed."""
        self._finished.set()
        _closing.discard(self)

    @property
    def has_finished(self) -> bool:
        """Whether everything is recorded and the journal is closed."""
        return self._finished.is_set()

    def wait_for_others(self) -> None:
        """Wait for the runs of this process that have the same journal and are ending."""
        for other in list(_closing):
            if other._path == self._path:
                other._finished.wait()
