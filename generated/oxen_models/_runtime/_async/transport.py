# Copied by oxen-codegen from templates/package/_runtime/_async/transport.py. Do not edit.
"""HTTP transport: authentication, retries and response parsing."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

import httpx

from ..bodies import Body
from ..context import NO_CONTEXT, CallContext
from ..errors import HubUnreachableError, OxenError, UnexpectedResponseError
from ..generations import GenerationCompleted, parse_event
from ..headers import validate_headers
from ..parsing import names_job, parse_response
from ..responses import Headers, Response
from ..retries import delay_after_failure, delay_after_status
from ..settings import Settings
from ..transport_errors import map_transport_error, may_have_been_sent
from ..version import __version__
from .concurrency import Sockets, iterate_blocking, run_blocking, sleep

CONNECT_TIMEOUT = 10.0
EVENT_TIMEOUT = 45.0
# Cached because parsing takes longer than everything else that a call adds to httpx.
_parse_url = lru_cache(maxsize=32)(httpx.URL)
# Must not contain "oxen": the API treats such user agents as its own CLI and returns 426.
USER_AGENT = f"models-python/{__version__}"
_log = logging.getLogger("oxen_models")


@dataclass(frozen=True, slots=True)
class AsyncTransport:
    """Sends requests over a connection pool with the client's settings."""

    http: httpx.AsyncClient
    sockets: Sockets
    settings: Settings

    async def post(
        self,
        path: str,
        body: Body | bytes,
        timeout: float | None,
        extra_headers: Mapping[str, str] | None = None,
        context: CallContext = NO_CONTEXT,
    ) -> Response:
        """Send a billable request, at most once.

        Raises:
            APIError: The server returned an error.
            InvalidRequestError: A file in the body cannot be read any more, or has changed.
            OutcomeUnknownError: The request was sent, and no response was received.
            OxenError: The connection failed, or the response could not be parsed.
        """
        if isinstance(body, Body):
            body = await run_blocking(body.prepare)
        seconds = self.settings.request_timeout(path, timeout)
        url = self.settings.url(path)
        return await self._request("POST", url, seconds, context, body=body, extra_headers=extra_headers)

    async def get(
        self,
        path: str,
        query: Mapping[str, str],
        timeout: float,
        context: CallContext = NO_CONTEXT,
        *,
        base_path: str = "/api/ai",
        retry: bool = True,
        needs_key: bool = True,
    ) -> Response:
        """Send a GET request.

        Args:
            path: The path below `base_path`.
            query: The parameters of the query.
            timeout: Seconds to wait for the response.
            context: The subject of the call.
            base_path: The first part of the path.
            retry: Whether to retry after a transient failure.
            needs_key: Whether the API key is required. A configured key is always sent.

        Raises:
            OxenError: The server returned an error or could not be reached.
        """
        if query:
            path = f"{path}?{urlencode(query)}"
        url = self.settings.url(path, base_path)
        return await self._request("GET", url, timeout, context, retry=retry, needs_key=needs_key)

    async def delete(self, path: str, timeout: float, context: CallContext = NO_CONTEXT) -> Response:
        """Send a DELETE request, which is idempotent.

        Raises:
            OxenError: The server returned an error or could not be reached.
        """
        return await self._request("DELETE", self.settings.url(path), timeout, context)

    async def _request(
        self,
        method: str,
        url: str,
        timeout: float,
        context: CallContext,
        *,
        body: Body | bytes | None = None,
        extra_headers: Mapping[str, str] | None = None,
        retry: bool = True,
        needs_key: bool = True,
    ) -> Response:
        is_idempotent = method != "POST"
        if self.http.is_closed:
            raise _closed_error(context)
        extra_headers = validate_headers("extra_headers", extra_headers)
        headers = {**self.headers(context, needs_key=needs_key), **extra_headers}
        if body is not None:
            headers["content-type"] = "application/json"
        if isinstance(body, Body):
            headers["content-length"] = str(body.length)
        path = url.removeprefix(self.settings.url(""))
        started = time.monotonic()
        deadline = started + timeout
        retries = 0
        while True:
            error: OxenError | None = None
            received: tuple[httpx.Response, bytes] | None = None
            delay: float | None = None
            left = max(deadline - time.monotonic(), 0.001)
            try:
                async with self.http.stream(
                    method,
                    _parse_url(url),
                    content=iterate_blocking(body) if isinstance(body, Body) else body,
                    headers=headers,
                    timeout=httpx.Timeout(left, connect=min(left, CONNECT_TIMEOUT)),
                    follow_redirects=False,
                    extensions=self.sockets.extensions,
                ) as response:
                    received = response, await _read_content(response, deadline)
            except httpx.HTTPError as cause:
                error = map_transport_error(
                    cause, self.settings.base_url, context, is_idempotent=is_idempotent
                )
                may_be_billed = not is_idempotent and may_have_been_sent(cause)
                delay = delay_after_failure(retries, may_be_billed=may_be_billed)
                _log.debug("%s %s: %s", method, path, type(cause).__name__)
            except (httpx.InvalidURL, UnicodeError) as cause:  # an invalid host name
                error = HubUnreachableError(f"{cause}; nothing was sent", generation_id=context.generation_id)
            except RuntimeError:
                if not self.http.is_closed:
                    raise
                error = _closed_error(context)
            else:
                status = response.status_code
                _log.debug("%s %s: HTTP %d, %.3f s", method, path, status, time.monotonic() - started)
                delay = delay_after_status(status, response.headers, retries, is_idempotent=is_idempotent)
                if context.is_submission and names_job(received[1]):
                    delay = None
            if not retry or retries >= self.settings.max_retries:
                delay = None
            if delay is None or time.monotonic() + delay > deadline:
                # Raised outside the `except` block: `__context__` would reference the httpx request,
                # whose headers contain the API key.
                if error is not None:
                    raise error
                assert received is not None
                return self._parse(
                    *received, context, is_billable=not is_idempotent, allow_empty=method == "DELETE"
                )
            _log.debug("%s %s: retrying in %.1f s", method, path, delay)
            await sleep(delay)
            retries += 1

    async def stream_events(self, on_open: Callable[[], None]) -> AsyncGenerator[GenerationCompleted]:
        """Open the event stream and yield its events until it ends.

        Args:
            on_open: Called once the stream is open, after which no event is missed.

        Raises:
            OxenError: The server rejected or closed the stream, or it was silent for too long.
        """
        from httpx_sse import EventSource, SSEError

        if self.http.is_closed:
            raise _closed_error(NO_CONTEXT)
        error: OxenError | None = None
        try:
            async with self.http.stream(
                "GET",
                _parse_url(self.settings.url("/events", base_path="/api")),
                headers={
                    **self.headers(NO_CONTEXT),
                    "accept": "text/event-stream",
                    "cache-control": "no-store",
                },
                timeout=httpx.Timeout(EVENT_TIMEOUT, connect=CONNECT_TIMEOUT),
                follow_redirects=False,
                extensions=self.sockets.extensions,
            ) as response:
                content_type = response.headers.get("content-type", "")
                if response.status_code != 200 or not content_type.lower().startswith("text/event-stream"):
                    content = await _read_content(response, time.monotonic() + CONNECT_TIMEOUT)
                    raise UnexpectedResponseError(
                        f"expected an event stream, got {content_type or 'no content type'}",
                        response=self._parse(response, content, NO_CONTEXT),
                    )
                response.encoding = "utf-8"  # the only encoding of event streams in the standard
                on_open()
                async for event in EventSource(response).aiter_sse():
                    completed = parse_event(event.event, self.settings.redact(event.data))
                    if completed is not None:
                        yield completed
        except httpx.HTTPError as cause:
            error = map_transport_error(cause, self.settings.base_url, NO_CONTEXT, is_idempotent=True)
        except (httpx.StreamError, httpx.InvalidURL, SSEError, UnicodeError) as cause:
            error = HubUnreachableError(f"invalid event stream: {cause}")
        if error is not None:
            # Raised outside the `except` block: see `_request`.
            raise error

    def _parse(
        self,
        response: httpx.Response,
        content: bytes,
        context: CallContext,
        *,
        is_billable: bool = False,
        allow_empty: bool = False,
    ) -> Response:
        settings = self.settings
        headers = Headers(settings.redact_values(dict(response.headers.items())))
        content = settings.redact_bytes(content)
        return parse_response(
            response.status_code, headers, content, context, is_billable=is_billable, allow_empty=allow_empty
        )

    def headers(self, context: CallContext, *, needs_key: bool = True) -> dict[str, str]:
        """Return the headers of a request to the API's own host."""
        settings = self.settings
        find_key = settings.require_key if needs_key else settings.find_key
        headers = {**settings.default_headers, "user-agent": USER_AGENT}
        if key := find_key(context.generation_id):
            headers["authorization"] = f"Bearer {key}"
        return headers


def _closed_error(context: CallContext) -> HubUnreachableError:
    return HubUnreachableError("the client is closed; nothing was sent", generation_id=context.generation_id)


async def _read_content(response: httpx.Response, deadline: float) -> bytes:
    """Read the body before `deadline`. httpx's own timeout restarts with each chunk."""
    chunks: list[bytes] = []
    is_late = False
    async for chunk in response.aiter_bytes():
        if is_late:
            raise httpx.ReadTimeout("the response did not end before the timeout")
        chunks.append(chunk)
        is_late = time.monotonic() > deadline
    return b"".join(chunks)
