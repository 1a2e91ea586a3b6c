# Copied by oxen-codegen from templates/package/_runtime/transport_errors.py. Do not edit.
"""Map httpx transport errors to this package's exceptions."""

from __future__ import annotations

import httpx

from .context import CallContext
from .errors import (
    HubTimeoutError,
    HubUnreachableError,
    OutcomeUnknownError,
    OutcomeUnknownTimeout,
    OxenError,
)

_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)


def may_have_been_sent(error: httpx.HTTPError) -> bool:
    """Return whether any part of the request may have reached the server."""
    return not isinstance(error, _NOT_SENT)


def map_transport_error(
    error: httpx.HTTPError, base_url: str, context: CallContext, *, is_idempotent: bool
) -> OxenError:
    """Convert an httpx error without keeping a reference to it, since it holds the API key."""
    reason = str(error) or type(error).__name__
    is_timeout = isinstance(error, httpx.TimeoutException)
    if is_idempotent or not may_have_been_sent(error):
        if is_idempotent:
            text = f"no response from {base_url}: {reason}"
        else:
            text = f"no connection to {base_url}: {reason}; nothing was sent"
        error_class = HubTimeoutError if is_timeout else HubUnreachableError
        return error_class(text, generation_id=context.generation_id)
    unknown_class = OutcomeUnknownTimeout if is_timeout else OutcomeUnknownError
    return unknown_class(
        f"no response from {base_url}: {reason}; the request was sent and may have been accepted, "
        "so it is not sent again",
        generation_id=context.generation_id,
    )
