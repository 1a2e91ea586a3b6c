"""The gate of a batch run: requests pass it in order, unless a rate limit or an outage closes it."""

from __future__ import annotations

import logging
import time
from bisect import insort
from threading import Lock
from typing import Protocol

from ..cancellation import CancellationToken
from ..errors import OxenError
from ..pacing import GateAction, Pacer
from .concurrency import Event

MAX_WAIT = 60.0
_log = logging.getLogger("oxen_models")


class Probe(Protocol):
    """Sends a GET request, and raises an `OxenError` if the server cannot be reached."""

    async def __call__(self) -> object: ...


class AsyncGate:
    """Lets the requests of a run pass, and holds them back while the server accepts none.

    Args:
        probe: Sends a request that is not billed.
        token: Ends the waits when the run is closed.
        max_probes: The number of probes in a row that may fail before a request fails.
    """

    def __init__(self, probe: Probe, token: CancellationToken, max_probes: int) -> None:
        self._probe = probe
        self._token = token
        self._pacer = Pacer(max_probes)
        self._lock = Lock()
        self._waiting: list[tuple[int, int, Event]] = []
        self._entered = 0
        self._is_probing = False

    async def enter(self, index: int) -> int | None:
        """Wait until request `index` may be sent.

        Returns:
            The number to report its outcome with; None if the run was closed.

        Raises:
            OxenError: The server cannot be reached, and the run does not wait for it any longer.
        """
        event = Event()
        with self._lock:
            self._entered += 1
            waiter = (index, self._entered, event)  # the second number makes waiters of one index comparable
            insort(self._waiting, waiter)
        self._token.add(event)
        try:
            while not self._token.is_set:
                event.clear()
                action, epoch = self._next_action(waiter)
                if action is GateAction.SEND:
                    return epoch
                if action is GateAction.PROBE:
                    await self._send_probe()
                else:
                    await event.wait(action if isinstance(action, float) else MAX_WAIT)
            return None
        finally:
            self._token.discard(event)
            with self._lock:
                self._waiting.remove(waiter)
                self._wake_first()

    def report_accepted(self, epoch: int) -> None:
        """Report that a request was accepted, or rejected for a reason of its own."""
        with self._lock:
            self._pacer.on_accepted(epoch)
            self._wake_first()

    def report_not_sent(self) -> None:
        """Report that a request could not be sent, for a reason on this side."""
        with self._lock:
            self._pacer.on_not_sent()
            self._wake_first()

    def report_rate_limited(self, epoch: int, retry_after: float | None) -> None:
        """Report that a request was rejected because of the rate limit."""
        with self._lock:
            self._pacer.on_rate_limited(epoch, retry_after, time.monotonic())
            self._wake_first()
        _log.info("the run pauses: the server limits its rate")

    def report_outage(self, epoch: int, retry_after: float | None) -> None:
        """Report that a request failed because the server could not be reached."""
        with self._lock:
            self._pacer.on_outage(epoch, retry_after, time.monotonic())
            self._wake_first()
        _log.info("the run pauses: the server cannot be reached")

    def _next_action(self, waiter: tuple[int, int, Event]) -> tuple[GateAction | float | None, int]:
        with self._lock:
            if self._waiting[0] is not waiter or self._is_probing:
                return None, self._pacer.epoch
            action = self._pacer.next_action(time.monotonic())
            self._is_probing = action is GateAction.PROBE
            return action, self._pacer.epoch

    async def _send_probe(self) -> None:
        is_reachable = False
        action: GateAction | None = None
        error: OxenError | None = None
        try:
            await self._probe()
            is_reachable = True
        except OxenError as probe_error:
            error = probe_error
        finally:
            with self._lock:
                self._is_probing = False
                action = self._pacer.on_probed(is_reachable, time.monotonic())
                self._wake_first()
        if error is not None and action is GateAction.FAIL:
            raise error

    def _wake_first(self) -> None:
        if self._waiting:
            self._waiting[0][-1].set()
