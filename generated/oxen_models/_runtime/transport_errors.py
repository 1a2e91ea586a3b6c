# Copied by oxen-codegen from templates/package/_runtime/transport_errors.py. Do not edit.
"""Map transport errors to this package's exceptions."""

from __future__ import annotations

import httpx

from .connections import CallNotStartedError, CallTimeoutError
from .context import CallContext
from .decompression import ContentError
from .errors import (
    HubTimeoutError,
    HubUnreachableError,
    OutcomeUnknownError,
    OutcomeUnknownTimeout,
    OxenError,
    UnexpectedResponseError,
)
from .settings import Settings

_NOT_SENT = (
    CallNotStartedError,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
    httpx.InvalidURL,
    UnicodeError,  # of an invalid host name
)


def may_have_been_sent(error: Exception) -> bool:
    """Return whether any part of the request may have reached the server, by the error alone."""
    return not isinstance(error, _NOT_SENT)


def map_transport_error(
    error: Exception, settings: Settings, context: CallContext, *, is_idempotent: bool, is_sent: bool
) -> OxenError:
    """Convert an error without keeping a reference to it, since it holds the API key.

    Args:
        error: The error of httpx or of this package's transport.
        settings: The settings of the client.
        context: The subject of the call.
        is_idempotent: Whether the request can be repeated without being billed again.
        is_sent: Whether any part of the request may have reached the server.
    """
    base_url = settings.base_url
    reason = settings.redact(str(error)) or type(error).__name__
    is_timeout = isinstance(error, httpx.TimeoutException | CallTimeoutError)
    if isinstance(error, ContentError):
        text = f"the response of {base_url} is not usable: {reason}"
        if is_idempotent:
            return UnexpectedResponseError(text, generation_id=context.generation_id)
        text = f"{text}; the request may have been accepted, so it is not sent again"
        return OutcomeUnknownError(text, generation_id=context.generation_id)
    if is_idempotent or not is_sent:
        if isinstance(error, httpx.ProxyError):
            text = f"the proxy refused the connection to {base_url}: {reason}; nothing was sent"
        elif is_idempotent:
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
