# Copied by oxen-codegen from templates/package/_runtime/pacing.py. Do not edit.
"""When a batch run may send its requests. Pure: no I/O, and the clock is passed in.

A rate limit or an outage concerns the run, not one request. After one, nothing is sent until the pause has
passed. Then one request is sent as a probe; after it was accepted, the others follow in growing numbers.
After an outage a GET request is the first probe, because it is not billed. The caller holds a lock around
every call.
"""

from __future__ import annotations

import math
from enum import Enum

from .retries import backoff

MAX_PAUSE = 3600.0
"""The maximum seconds of a pause. A request whose `Retry-After` is longer is not sent again."""
MAX_WINDOW = 64
"""The number of requests in transmission from which there is no limit after a pause."""


class GateAction(Enum):
    """The next step of the request that is first in line."""

    SEND = "send the request"
    PROBE = "send a GET request"
    FAIL = "raise the error of the outage"


class Pacer:
    """The state of a run: open, paused, or probing.

    Args:
        max_probes: The number of GET requests in a row that may fail before the run does not pause any more.
    """

    def __init__(self, max_probes: int) -> None:
        self._max_probes = max_probes
        self.epoch = 0
        """The number of pauses so far."""
        self._pause_end = 0.0
        self._failures = 0
        self._failed_probes = 0
        self._is_outage = False
        self._window = math.inf
        self._sending = 0

    def next_action(self, now: float) -> GateAction | float | None:
        """Return the next step of the first request, or the seconds until it; None to wait for others."""
        if self._pause_end > now:
            return self._pause_end - now
        if self._is_outage:
            return GateAction.PROBE
        if self._sending >= self._window:
            return None
        self._sending += 1
        return GateAction.SEND

    def on_accepted(self, epoch: int) -> None:
        """A request that was sent in `epoch` was accepted, or rejected for a reason of its own."""
        self._sending -= 1
        if epoch != self.epoch:  # it was sent before the pause
            return
        self._failures = 0
        self._window = self._window * 2 if self._window < MAX_WINDOW else math.inf

    def on_not_sent(self) -> None:
        """A request that was let through could not be sent, for a reason on this side."""
        self._sending -= 1

    def on_rate_limited(self, epoch: int, retry_after: float | None, now: float) -> None:
        """A request that was sent in `epoch` was rejected because of the rate limit."""
        self._sending -= 1
        self._pause(epoch, retry_after, now)

    def on_outage(self, epoch: int, retry_after: float | None, now: float) -> None:
        """A request that was sent in `epoch` failed because the server could not be reached."""
        self._sending -= 1
        self._is_outage = True
        self._pause(epoch, retry_after, now)

    def on_probed(self, is_reachable: bool, now: float) -> GateAction | None:
        """The GET request has ended. Return FAIL if too many have failed."""
        if is_reachable:
            self._is_outage = False
            self._failed_probes = 0
            return None
        self._failed_probes += 1
        if self._failed_probes > self._max_probes:
            return GateAction.FAIL
        self._pause(self.epoch, None, now)
        return None

    def _pause(self, epoch: int, retry_after: float | None, now: float) -> None:
        if epoch == self.epoch:
            self.epoch += 1
            self._failures += 1
            self._window = 1
            seconds = backoff(self._failures - 1) if retry_after is None else retry_after
        else:  # it was sent before the pause that another request began
            seconds = retry_after or 0.0
        self._pause_end = max(self._pause_end, now + min(seconds, MAX_PAUSE))
