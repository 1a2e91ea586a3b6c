"""Pauses after HTTP 429."""

from __future__ import annotations

from threading import Lock
from time import monotonic, sleep

from .diagnostics import ModelError

MIN_PAUSE = 1.0
"""Minimum seconds of a pause; each pause is at least as long as all before it."""
RATE_LIMIT_TIMEOUT = 120.0
"""Seconds from the first 429, without another response, in which the pauses must end."""


class RateLimitedError(Exception):
    """HTTP 429, with the seconds of the header `Retry-After`; 0 without one, or with a date."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class RateLimit:
    """Pauses the requests of all threads after HTTP 429, because the limit concerns the client."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._began: float | None = None
        """The time of the first 429 since the last other response."""
        self._ends = 0.0

    def wait(self) -> None:
        """Wait for the end of the pause."""
        sleep(max(self._ends - monotonic(), 0.0))

    def extend(self, seconds: float) -> None:
        """Pause for at least `seconds`.

        Raises:
            ModelError: The pauses would be longer than the timeout without another response.
        """
        with self._lock:
            now = monotonic()
            began = self._began = now if self._began is None else self._began
            ends = now + max(MIN_PAUSE, seconds, now - began)
            if ends - began > RATE_LIMIT_TIMEOUT:
                raise ModelError("the server limits the rate of requests (HTTP 429); try again later")
            self._ends = max(self._ends, ends)

    def end(self) -> None:
        """Handle a response other than 429."""
        self._began = None
