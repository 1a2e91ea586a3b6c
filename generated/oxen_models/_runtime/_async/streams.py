# Copied by oxen-codegen from templates/package/_runtime/_async/streams.py. Do not edit.
"""Responses that are event streams."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import httpx

from ..connections import CallTimeoutError, StreamCutError, UsedConnectionError
from ..context import NO_CONTEXT, CallContext
from ..decompression import ContentError
from ..errors import OxenError, UnexpectedResponseError
from ..event_decoder import EventDecoder
from ..generations import GenerationCompleted, parse_event
from ..parsing import parse_response
from ..transport_errors import map_transport_error
from .contents import MAX_RESPONSE_SIZE, iterate_content
from .exchange import CONNECT_TIMEOUT, AsyncExchange, closed_error
from .threads import run_blocking
from .transport import DEADLINE_MARGIN, AsyncTransport

if TYPE_CHECKING:
    from ..bodies import Body  # imported lazily, because it imports pydantic

EVENT_TIMEOUT = 45.0


async def stream_post(
    transport: AsyncTransport,
    path: str,
    body: Body | bytes,
    timeout: float | None,
    extra_headers: Mapping[str, str] | None = None,
    context: CallContext = NO_CONTEXT,
) -> AsyncGenerator[str]:
    """Send a billable request, at most once, and yield the data of each event of its response.

    A response that is no event stream is yielded as a single event. Closing the generator closes the
    connection.

    Args:
        path: The path below `/api/ai`.
        body: The JSON body.
        timeout: Seconds to wait for the response, and for each further part of it; None for the client's
            timeout.
        extra_headers: Headers to send in addition to the client's own.
        context: The subject of the call.

    Raises:
        StreamCutError: The event stream was interrupted, or is too large.
        OxenError: As in `post`, before the event stream has begun.
    """
    if not isinstance(body, bytes):
        body = await run_blocking(body.prepare)
    seconds = transport.settings.request_timeout(path, timeout)
    received = await transport.send_request(
        "POST",
        transport.settings.url(path),
        seconds,
        context,
        body=body,
        extra_headers=extra_headers,
        is_billable=True,
        is_stream=True,
    )
    if received.call is None:
        response = await transport.parse(received, context, is_billable=True)
        yield json.dumps(response.json)
        return
    call = received.call
    reason: str | None = None
    try:
        decoder = EventDecoder()
        size = 0
        chunks = iterate_content(call.response)
        while chunk := await call.run(partial(anext, chunks, b""), seconds + DEADLINE_MARGIN):
            size += len(chunk)
            if size > MAX_RESPONSE_SIZE:
                raise ContentError(f"it is larger than {MAX_RESPONSE_SIZE:,} bytes")
            for _, data in decoder.decode(chunk):
                yield transport.settings.redact(data)
    except Exception as cause:
        if not transport.is_expected(cause, call):
            raise
        if isinstance(cause, httpx.TimeoutException | CallTimeoutError):
            reason = f"nothing was received for {seconds:g} s"
        else:
            reason = transport.settings.redact(str(cause)) or type(cause).__name__
    finally:
        await call.aclose()
    if reason is not None:
        # Raised outside the `except` block: see `AsyncTransport.send_request`.
        raise StreamCutError(reason)


async def stream_events(
    transport: AsyncExchange, on_open: Callable[[], None]
) -> AsyncGenerator[GenerationCompleted]:
    """Open the event stream and yield its events until it ends.

    Args:
        on_open: Called once the stream is open, after which no event is missed.

    Raises:
        OxenError: The server rejected or closed the stream, or it was silent for too long.
    """
    if transport.http.is_closed:
        raise closed_error(NO_CONTEXT)
    error: OxenError | None = None
    auth = transport.authorize(NO_CONTEXT)
    call = transport.calls.begin()
    headers = {
        **transport.headers(),
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "cache-control": "no-store",
    }
    url = transport.settings.url("/events", base_path="/api")
    timeout = httpx.Timeout(CONNECT_TIMEOUT, read=EVENT_TIMEOUT)
    try:
        while True:
            request = partial(transport.send, call, "GET", url, headers, timeout, auth=auth)
            try:
                response = await call.run(request, CONNECT_TIMEOUT)
                break
            except UsedConnectionError:  # the connection was closed, and the next one may be a new one
                await call.aclose()
                call = transport.calls.begin()
        content_type = response.headers.get("content-type", "")
        if response.status_code != 200 or not content_type.lower().startswith("text/event-stream"):
            received = await call.run(partial(transport.receive, response), CONNECT_TIMEOUT)
            del response  # its headers may repeat the API key, and tracebacks may show it
            raise UnexpectedResponseError(
                f"expected an event stream, got {content_type or 'no content type'}",
                response=parse_response(received.status, received.headers, received.content),
            )
        on_open()
        transport.calls.stream = call
        decoder = EventDecoder()
        chunks = iterate_content(response)
        while chunk := await call.run(partial(anext, chunks, b""), EVENT_TIMEOUT):
            for name, data in decoder.decode(chunk):
                completed = parse_event(name, transport.settings.redact(data))
                if completed is not None:
                    yield completed
    except Exception as cause:
        if not transport.is_expected(cause, call):
            raise
        error = map_transport_error(cause, transport.settings, NO_CONTEXT, is_idempotent=True, is_sent=True)
    finally:
        transport.calls.stream = None
        await call.aclose()
    if error is not None:
        # Raised outside the `except` block: see `AsyncTransport.send_request`.
        raise error
