# Copied by oxen-codegen from templates/package/_runtime/retries.py. Do not edit.
"""Retry policy. Pure functions.

Billable requests are retried only when the server cannot have accepted them: on connection failure or 429.
Idempotent requests are retried after every transient failure.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping

from .responses import parse_date

DEFAULT_RETRIES = 2
DEFAULT_BATCH_RETRIES = 10
INITIAL_DELAY = 0.5
MAX_DELAY = 60.0
MAX_EXPONENT = 30
MAX_RECONNECT_DELAY = 30.0
_SECONDS = re.compile(r"-?\d{1,15}(\.\d*)?")
GATEWAY_STATUSES = frozenset({502, 503, 504, *range(520, 531)})
"""The statuses with which a proxy in front of the API reports that it cannot reach the server."""
_TRANSIENT_STATUSES = GATEWAY_STATUSES | {408, 425, 429, 500, 507}


def delay_after_status(
    status: int, headers: Mapping[str, str], retries: int, *, is_idempotent: bool
) -> float | None:
    """Return the seconds to wait before a retry; None if the request must not be retried.

    Args:
        status: The HTTP status of the response.
        headers: The headers of the response.
        retries: The number of retries so far.
        is_idempotent: Whether the request can be repeated without being billed again.
    """
    if status not in _TRANSIENT_STATUSES if is_idempotent else status != 429:
        return None
    requested = retry_after(headers)
    if requested is not None and requested > MAX_DELAY:
        return None
    return backoff(retries) if requested is None else requested


def delay_after_failure(retries: int, *, may_be_billed: bool) -> float | None:
    """Return the seconds to wait before a retry after a transport error; None if there must be none."""
    return None if may_be_billed else backoff(retries)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds in a `Retry-After` header, which may be a number or a date; None without one."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if _SECONDS.fullmatch(value):
        return max(0.0, float(value))
    date = parse_date(value)
    return None if date is None else max(0.0, date.timestamp() - time.time())


def reconnect_delay(failures: int) -> float:
    """Return the seconds to wait before reopening the event stream, after `failures` failures in a row."""
    if failures == 0:
        return 0.0
    return min(INITIAL_DELAY * 2.0**failures, MAX_RECONNECT_DELAY) * random.uniform(0.5, 1.0)


def backoff(retries: int) -> float:
    """Return the seconds to wait after a number of earlier retries if the server does not name them."""
    # Jitter, so that clients that were rate-limited together do not retry together.
    return min(INITIAL_DELAY * 2.0 ** min(retries, MAX_EXPONENT), MAX_DELAY) * random.uniform(0.5, 1.0)
