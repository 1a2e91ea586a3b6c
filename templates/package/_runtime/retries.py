"""What is sent again, and when: decisions only.

A request that costs money is sent again only if the hub surely did not take it: there was no
connection, or it said 429. Reading costs nothing and is repeated after any failure that may pass.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from datetime import UTC

DEFAULT_RETRIES = 2
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 60.0
_LONGEST_PAUSE = 30.0
_SECONDS = re.compile(r"-?\d{1,15}(\.\d*)?")
_PASSING = frozenset({429, 500, 502, 503, 504})


def delay_after_status(
    status: int, headers: Mapping[str, str], retries: int, *, costs_money: bool
) -> float | None:
    """Seconds to wait before the request is sent again, after so many retries; None where it is not."""
    if status != 429 if costs_money else status not in _PASSING:
        return None
    asked = retry_after(headers)
    if asked is not None and asked > _LONGEST_DELAY:
        return None
    return _delay(retries, asked)


def delay_after_failure(retries: int, *, may_have_cost: bool) -> float | None:
    """Seconds to wait after no answer came back; None where the request is not sent again."""
    return None if may_have_cost else _delay(retries, None)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the hub asks to wait, given as such or as a date; None where it does not."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if _SECONDS.fullmatch(value):
        return max(0.0, float(value))
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(value)
        # A date without a zone is in UTC.
        return max(0.0, date.replace(tzinfo=date.tzinfo or UTC).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def reconnect_delay(failures: int) -> float:
    """Seconds to wait before the event stream is opened again, after so many failures in a row."""
    return (
        0.0 if failures == 0 else min(_FIRST_DELAY * 2**failures, _LONGEST_PAUSE) * random.uniform(0.5, 1.0)
    )


def _delay(retries: int, asked: float | None) -> float:
    # Apart by chance, so that clients that were turned away together do not come back together.
    backoff = min(_FIRST_DELAY * 2**retries, _LONGEST_DELAY) * random.uniform(0.5, 1.0)
    return backoff if asked is None else asked
