"""What whoever waits may hear, and what it sleeps on."""

from __future__ import annotations

import math

import oxen_models as ox
from oxen_models import OxenError
from oxen_models._runtime.generations import GenerationCompleted

NEVER = math.inf
URL = "https://example.com/hat.png"
BROKEN = ox.HubUnreachableError("no connection")
SLOW = ox.HubTimeoutError("no answer")
FAILED = ox.ServerError(500, "it broke")
REFUSED = ox.AuthenticationError(401, "who?")


def limited(seconds: float | None) -> OxenError:
    return ox.RateLimitError(429, "too many", retry_after=seconds)


def event(id: str, status: str = "succeeded", url: str | None = URL) -> GenerationCompleted:
    return GenerationCompleted(id, status, "image", "m", url, None)


class Wake:
    """What somebody who waits sleeps on."""

    def __init__(self) -> None:
        self.is_set = False

    def set(self) -> None:
        self.is_set = True
