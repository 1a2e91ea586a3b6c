# Copied by oxen-codegen from templates/package/_runtime/_async/transport.py. Do not edit.
"""HTTP transport: authentication, retries and response parsing."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import httpx

from ..authentication import KeyAuth
from ..connection_settings import apply_environment
from ..connections import CallError, CallTimeoutError, StreamCutError, UsedConnectionError
from ..context import NO_CONTEXT, CallContext
from ..decompression import ACCEPTED_ENCODINGS, ContentError, Decoder
from ..errors import HubUnreachableError, OxenError, UnexpectedResponseError
from ..event_decoder import EventDecoder
from ..generations import GenerationCompleted, parse_event
from ..headers import validate_headers
from ..long_json import MIN_LONG_SIZE
from ..parsing import names_job, parse_response
from ..responses import Headers, Response
from ..retries import delay_after_failure, delay_after_status
from ..settings import Settings
from ..transport_errors import map_transport_error, may_have_been_sent
from ..version import __version__
from .concurrency import Call, Calls, iterate_blocking, run_blocking

if TYPE_CHECKING:
    from ..bodies import Body  # imported lazily, because it imports pydantic

CONNECT_TIMEOUT = 10.0
EVENT_TIMEOUT = 45.0
STREAM_RELEASE_TIMEOUT = 0.5
"""Seconds to wait for a connection before the event stream's own is used."""
DEADLINE_MARGIN = 0.1
"""Seconds after its timeout by which a call ends. Until then, the error of httpx is the more precise one."""
MAX_RESPONSE_SIZE = 128 * 2**20
"""Maximum bytes of a response after decompression."""
# Cached because parsing takes longer than everything else that a call adds to httpx.
_parse_url = lru_cache(maxsize=32)(httpx.URL)
# Must not contain "oxen": the API treats such user agents as its own CLI and returns 426.
USER_AGENT = f"models-python/{__version__}"
_log = logging.getLogger("oxen_models")


@dataclass(frozen=True, slots=True)
class _Received:
    """A response without the API key."""

    status: int
    headers: Headers
    content: bytes
    call: Call | None = None
    """The call whose response is an open event stream, without content yet; None if the call has ended."""

    @property
    def is_long(self) -> bool:
        """Whether it should be parsed in a thread."""
        return len(self.content) >= MIN_LONG_SIZE


@dataclass(frozen=True, slots=True)
class AsyncTransport:
    """Sends requests over a connection pool with the client's settings."""

    http: httpx.AsyncClient
    calls: Calls
    settings: Settings

    async def post(
        self,
        path: str,
        body: Body | bytes,
        timeout: float | None,
        extra_headers: Mapping[str, str] | None = None,
        context: CallContext = NO_CONTEXT,
        *,
        retry: bool = True,
    ) -> Response:
        """Send a billable request, at most once.

        Args:
            path: The path below `/api/ai`.
            body: The JSON body.
            timeout: Seconds to wait for the response; None for the client's timeout.
            extra_headers: Headers to send in addition to the client's own.
            context: The subject of the call.
            retry: Whether to send the request again if it was certainly not accepted.

        Raises:
            APIError: The server returned an error.
            InvalidRequestError: A file in the body cannot be read any more, or has changed.
            OutcomeUnknownError: The request was sent, and no response was received.
            OxenError: The connection failed, or the response could not be parsed.
        """
        if not isinstance(body, bytes):
            body = await run_blocking(body.prepare)
        seconds = self.settings.request_timeout(path, timeout)
        url = self.settings.url(path)
        return await self._request(
            "POST", url, seconds, context, body=body, extra_headers=extra_headers, retry=retry
        )

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

    async def stream_post(
        self,
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
        seconds = self.settings.request_timeout(path, timeout)
        received = await self._send_request(
            "POST",
            self.settings.url(path),
            seconds,
            context,
            body=body,
            extra_headers=extra_headers,
            is_stream=True,
        )
        if received.call is None:
            response = await self._parse(received, context, is_billable=True)
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
                    yield self.settings.redact(data)
        except Exception as cause:
            if not self._is_expected(cause, call):
                raise
            if isinstance(cause, httpx.TimeoutException | CallTimeoutError):
                reason = f"nothing was received for {seconds:g} s"
            else:
                reason = self.settings.redact(str(cause)) or type(cause).__name__
        finally:
            await call.aclose()
        if reason is not None:
            # Raised outside the `except` block: see `_send_request`.
            raise StreamCutError(reason)

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
        received = await self._send_request(
            method,
            url,
            timeout,
            context,
            body=body,
            extra_headers=extra_headers,
            retry=retry,
            needs_key=needs_key,
        )
        return await self._parse(
            received, context, is_billable=method == "POST", allow_empty=method == "DELETE"
        )

    async def _parse(
        self, received: _Received, context: CallContext, *, is_billable: bool, allow_empty: bool = False
    ) -> Response:
        parse = partial(
            parse_response,
            received.status,
            received.headers,
            received.content,
            context,
            is_billable=is_billable,
            allow_empty=allow_empty,
        )
        return await run_blocking(parse) if received.is_long else parse()

    async def _send_request(
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
        is_stream: bool = False,
    ) -> _Received:
        """Send a request, with the retries that are safe, and return the last response.

        An event stream is returned open if `is_stream`, for the caller to close.
        """
        is_idempotent = method != "POST"
        if self.http.is_closed:
            raise closed_error(context)
        extra_headers = validate_headers("extra_headers", extra_headers)
        auth = self.authorize(context, needs_key=needs_key)
        headers = {**self.headers(), "accept-encoding": ACCEPTED_ENCODINGS}
        if is_stream:
            headers |= {"accept": "text/event-stream", "accept-encoding": "identity"}
        headers |= extra_headers
        if body is not None:
            headers["content-type"] = "application/json"
        if body is not None and not isinstance(body, bytes):
            headers["content-length"] = str(body.length)
        path = url.removeprefix(self.settings.url(""))
        started = time.monotonic()
        deadline = started + timeout
        retries = 0
        while True:
            error: OxenError | None = None
            received: _Received | None = None
            delay: float | None = None
            left = max(deadline - time.monotonic(), 0.001)
            call = self.calls.begin()
            try:
                limits = self._limit(left)
                exchange = partial(
                    self._exchange, call, method, url, headers, limits, body, auth, is_stream=is_stream
                )
                received = await call.run(exchange, left + DEADLINE_MARGIN)
            except UsedConnectionError:
                continue  # the connection was closed, and the next one may be a new one
            except Exception as cause:
                if isinstance(cause, httpx.PoolTimeout) and self._release_stream(deadline):
                    continue
                if not self._is_expected(cause, call):
                    raise
                is_sent = call.may_have_been_sent and may_have_been_sent(cause)
                error = map_transport_error(
                    cause, self.settings, context, is_idempotent=is_idempotent, is_sent=is_sent
                )
                if isinstance(cause, httpx.HTTPError):
                    delay = delay_after_failure(retries, may_be_billed=is_sent and not is_idempotent)
                _log.debug("%s %s: %s", method, path, type(cause).__name__)
            else:
                status = received.status
                _log.debug("%s %s: HTTP %d, %.3f s", method, path, status, time.monotonic() - started)
                delay = delay_after_status(status, received.headers, retries, is_idempotent=is_idempotent)
                if context.is_submission and names_job(received.content):
                    delay = None
            if not retry or retries >= self.settings.retries():
                delay = None
            if delay is None or time.monotonic() + delay > deadline:
                # Raised outside the `except` block: `__context__` would reference the httpx request,
                # whose headers contain the API key.
                if error is not None:
                    raise error
                assert received is not None
                return received
            _log.debug("%s %s: retrying in %.1f s", method, path, delay)
            with suppress(CallError):  # of a closed client, which the next attempt raises, too
                await self.calls.sleep(delay)
            retries += 1

    async def send(
        self,
        call: Call,
        method: str,
        url: str,
        headers: Mapping[str, str],
        timeout: httpx.Timeout,
        body: Body | bytes | None = None,
        auth: KeyAuth | None = None,
    ) -> httpx.Response:
        """Send a request and return its response, whose content has not been read. A step of a call.

        Cookies are neither sent nor kept, and redirects are not followed.

        Args:
            call: The call.
            method: The HTTP method.
            url: The URL.
            headers: The headers, without the API key.
            timeout: The limits of the operations.
            body: The content.
            auth: Adds the API key; None to send none.
        """
        http = self.http
        request = http.build_request(
            method,
            _parse_url(url),
            content=body if body is None or isinstance(body, bytes) else iterate_blocking(body),
            headers=headers,
            timeout=timeout,
            extensions=call.extensions,
        )
        if "cookie" not in http.headers and "cookie" not in headers:
            request.headers.pop("cookie", None)
        request_auth = httpx.USE_CLIENT_DEFAULT if auth is None else auth
        call.response = response = await http.send(
            request, stream=True, auth=request_auth, follow_redirects=False
        )
        if "set-cookie" in response.headers:
            for cookie in response.cookies.jar:
                with suppress(KeyError):
                    http.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
        return response

    async def stream_events(self, on_open: Callable[[], None]) -> AsyncGenerator[GenerationCompleted]:
        """Open the event stream and yield its events until it ends.

        Args:
            on_open: Called once the stream is open, after which no event is missed.

        Raises:
            OxenError: The server rejected or closed the stream, or it was silent for too long.
        """
        if self.http.is_closed:
            raise closed_error(NO_CONTEXT)
        error: OxenError | None = None
        auth = self.authorize(NO_CONTEXT)
        call = self.calls.begin()
        headers = {
            **self.headers(),
            "accept": "text/event-stream",
            "accept-encoding": "identity",
            "cache-control": "no-store",
        }
        url = self.settings.url("/events", base_path="/api")
        timeout = httpx.Timeout(CONNECT_TIMEOUT, read=EVENT_TIMEOUT)
        try:
            request = partial(self.send, call, "GET", url, headers, timeout, auth=auth)
            response = await call.run(request, CONNECT_TIMEOUT)
            content_type = response.headers.get("content-type", "")
            if response.status_code != 200 or not content_type.lower().startswith("text/event-stream"):
                received = await call.run(partial(self._receive, response), CONNECT_TIMEOUT)
                del response  # its headers may repeat the API key, and tracebacks may show it
                raise UnexpectedResponseError(
                    f"expected an event stream, got {content_type or 'no content type'}",
                    response=parse_response(received.status, received.headers, received.content),
                )
            on_open()
            self.calls.stream = call
            decoder = EventDecoder()
            chunks = iterate_content(response)
            while chunk := await call.run(partial(anext, chunks, b""), EVENT_TIMEOUT):
                for name, data in decoder.decode(chunk):
                    completed = parse_event(name, self.settings.redact(data))
                    if completed is not None:
                        yield completed
        except Exception as cause:
            if not self._is_expected(cause, call):
                raise
            error = map_transport_error(cause, self.settings, NO_CONTEXT, is_idempotent=True, is_sent=True)
        finally:
            self.calls.stream = None
            await call.aclose()
        if error is not None:
            # Raised outside the `except` block: see `_send_request`.
            raise error

    async def _exchange(
        self,
        call: Call,
        method: str,
        url: str,
        headers: Mapping[str, str],
        timeout: httpx.Timeout,
        body: Body | bytes | None,
        auth: KeyAuth | None,
        *,
        is_stream: bool,
    ) -> _Received:
        is_kept = False
        try:
            response = await self.send(call, method, url, headers, timeout, body, auth)
            if is_stream and _is_event_stream(response):
                is_kept = True
                return _Received(response.status_code, Headers({}), b"", call)
            return await self._receive(response)
        finally:
            if not is_kept:
                await call.aclose()

    async def _receive(self, response: httpx.Response) -> _Received:
        settings = self.settings
        content = await read_content(response)
        if len(content) >= MIN_LONG_SIZE:
            content = await run_blocking(settings.redact_bytes, content)
        else:
            content = settings.redact_bytes(content)
        headers = Headers(settings.redact_values(dict(response.headers.items())))
        return _Received(response.status_code, headers, content)

    def _limit(self, seconds: float) -> httpx.Timeout:
        """Return the limits of the operations of a request, whose total duration the call limits."""
        is_streaming = self.calls.stream is not None
        pool = min(seconds, STREAM_RELEASE_TIMEOUT) if is_streaming else seconds
        return httpx.Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT), pool=pool)

    def _release_stream(self, deadline: float) -> bool:
        """Close the event stream if no other call has a connection, and return whether to try again."""
        stream = self.calls.stream
        if stream is None or time.monotonic() + STREAM_RELEASE_TIMEOUT > deadline:
            return False
        if not self.calls.is_connected:
            _log.debug("the connection pool has no connection beside the event stream, which is closed")
            self.calls.is_stream_allowed = False
            stream.interrupt()
        return True

    def _is_expected(self, error: Exception, call: Call) -> bool:
        """Return whether an error is one of the transport, and not of a hook or a transport of the caller."""
        if isinstance(error, RuntimeError):  # httpx raises it after the client was closed
            return self.http.is_closed or isinstance(error, httpx.StreamError)
        if isinstance(error, httpx.HTTPError | CallError | ContentError | httpx.InvalidURL | UnicodeError):
            return True
        # A library for proxies or TLS may raise an error of its own.
        return call.is_connecting and not call.may_have_been_sent

    def headers(self) -> dict[str, str]:
        """Return the headers of a request to the API's own host, without the API key."""
        return {**self.settings.default_headers, "user-agent": USER_AGENT}

    def authorize(self, context: CallContext, *, needs_key: bool = True) -> KeyAuth | None:
        """Return the authentication of a request to the API's own host; None without a key.

        Raises:
            MissingAPIKeyError: `needs_key`, and there is no valid key.
        """
        find_key = self.settings.require_key if needs_key else self.settings.find_key
        key = find_key(context.generation_id)
        return None if key is None else KeyAuth(key)


def create_http_client() -> httpx.AsyncClient:
    """Return a client that opens a new connection for each request. Raises as `apply_environment` does."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=0)
    return apply_environment(partial(httpx.AsyncClient, limits=limits))


def closed_error(context: CallContext) -> HubUnreachableError:
    return HubUnreachableError("the client is closed; nothing was sent", generation_id=context.generation_id)


def _is_event_stream(response: httpx.Response) -> bool:
    content_type = response.headers.get("content-type", "")
    return response.is_success and content_type.lower().startswith("text/event-stream")


async def read_content(response: httpx.Response) -> bytes:
    """Return the decoded content of a response.

    Raises:
        ContentError: It cannot be decoded, or is larger than 128 MiB.
    """
    content = BytesIO()  # grows in place, so that no step takes long
    async with aclosing(iterate_content(response)) as chunks:
        async for chunk in chunks:
            content.write(chunk)
            if content.tell() > MAX_RESPONSE_SIZE:
                raise ContentError(f"it is larger than {MAX_RESPONSE_SIZE:,} bytes")
    return content.getvalue()


async def iterate_content(response: httpx.Response) -> AsyncGenerator[bytes]:
    """Yield the decoded content of a response in pieces that are not empty.

    Raises:
        ContentError: It cannot be decoded, or is not complete.
    """
    if response.is_stream_consumed:  # by a hook or a transport of the caller
        if response.content:
            yield response.content
        return
    decoder = Decoder(response.headers.get("content-encoding", ""))
    async for chunk in response.aiter_raw():
        for piece in decoder.decode(chunk):
            yield piece
    decoder.check_complete()
