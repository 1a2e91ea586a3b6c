# Copied by oxen-codegen from templates/package/_runtime/cancellation.py. Do not edit.
"""A token that ends waits."""

from __future__ import annotations

from typing import Protocol


class Event(Protocol):
    """An event that a waiter sleeps on."""

    def set(self) -> None: ...


class CancellationToken:
    """Ends all waits that it was passed to."""

    def __init__(self) -> None:
        self.is_set = False
        self._waiters: set[Event] = set()

    def set(self) -> None:
        """End the waits."""
        self.is_set = True
        for waiter in list(self._waiters):
            waiter.set()

    def add(self, waiter: Event) -> None:
        """Add a waiter."""
        self._waiters.add(waiter)

    def discard(self, waiter: Event) -> None:
        """Remove a waiter."""
        self._waiters.discard(waiter)
