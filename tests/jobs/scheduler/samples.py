"""Errors, events and responses that the scheduler receives."""

from __future__ import annotations

import json
import math
from typing import Any

import oxen_models as ox
from oxen_models import OxenError, Response
from oxen_models._runtime.generations import GenerationCompleted, parse_event

NEVER = math.inf
URL = "https://example.com/hat.png"
UNREACHABLE = ox.HubUnreachableError("no connection")
TIMEOUT = ox.HubTimeoutError("no response")
SERVER_ERROR = ox.ServerError(500, "it broke")
UNAUTHENTICATED = ox.AuthenticationError(401, "invalid key")
FORBIDDEN = ox.PermissionDeniedError(403, "not permitted")


def rate_limited(retry_after: float | None) -> OxenError:
    return ox.RateLimitError(429, "too many", retry_after=retry_after)


def event(id: str, status: str = "succeeded", url: str | None = URL) -> GenerationCompleted:
    body = {"generation_id": id, "status": status, "media_type": "image", "model": "m", "url": url}
    completed = parse_event("media_generation_completed", json.dumps(body))
    assert completed is not None
    return completed


def record(status: str, **values: Any) -> Response:
    """Return a response with the record of a job."""
    return Response(200, {}, {"status": status, **values})


class FakeEvent:
    """An event for a waiter that does not sleep."""

    def __init__(self) -> None:
        self.is_set = False

    def set(self) -> None:
        self.is_set = True
