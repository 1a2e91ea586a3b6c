"""What it means that no answer came back: decisions only."""

from __future__ import annotations

import httpx

from .errors import (
    APIError,
    HubTimeoutError,
    HubUnreachableError,
    OutcomeUnknownError,
    OutcomeUnknownTimeout,
    OxenError,
    UnexpectedResponseError,
)

_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)


def was_connected(error: httpx.HTTPError) -> bool:
    """Whether any of the request may have reached the hub."""
    return not isinstance(error, _NOTHING_SENT)


def explained(error: httpx.HTTPError, host: str, *, costs_money: bool) -> OxenError:
    """Our error for one of httpx's; the key hangs on theirs and must not on ours."""
    reason = str(error) or type(error).__name__
    timed_out = isinstance(error, httpx.TimeoutException)
    if not costs_money:
        unanswered = HubTimeoutError if timed_out else HubUnreachableError
        return unanswered(f"no answer from {host}: {reason}")
    if not was_connected(error):
        unsent = HubTimeoutError if timed_out else HubUnreachableError
        return unsent(f"no connection to {host}: {reason}; nothing was sent")
    unknown = OutcomeUnknownTimeout if timed_out else OutcomeUnknownError
    return unknown(
        f"no answer from {host}: {reason}; the request was sent and may have been accepted, "
        "so it is not sent again"
    )


def was_refused(error: OxenError) -> bool:
    """Whether a paid request was surely not accepted; a proxy that fails may have passed it on."""
    if isinstance(error, APIError):
        return error.status < 500 and error.status != 408
    return not isinstance(error, OutcomeUnknownError | UnexpectedResponseError)
