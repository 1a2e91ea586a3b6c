# Derived by oxen-codegen from _runtime/_async/exchange.py. Do not edit.
"""One request and its response."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import httpx

from ..authentication import KeyAuth
from ..connection_settings import apply_environment
from ..connections import CallError
from ..context import CallContext
from ..decompression import ContentError
from ..errors import HubUnreachableError
from ..long_json import MIN_LONG_SIZE
from ..responses import Headers
from ..settings import Settings
from ..version import __version__
from .calls import Call, Calls
from .contents import read_content
from .threads import iterate_blocking, run_blocking

if TYPE_CHECKING:
    from ssl import SSLContext

    from ..bodies import Body  # imported lazily, because it imports pydantic
    from ..uploads import Form

CONNECT_TIMEOUT = 10.0
STREAM_RELEASE_TIMEOUT = 0.5
"""Seconds to wait for a connection before the event stream's own is used."""
# Cached because parsing takes longer than everything else that a call adds to httpx.
_parse_url = lru_cache(maxsize=32)(httpx.URL)
# Must not contain "oxen": the API treats such user agents as its own CLI and returns 426.
USER_AGENT = f"models-python/{__version__}"
_log = logging.getLogger("oxen_models")


@dataclass(frozen=True, slots=True)
class Received:
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
class Exchange:
    """Sends single requests over a connection pool with the client's settings."""

    http: httpx.Client
    calls: Calls
    settings: Settings

    def send(
        self,
        call: Call,
        method: str,
        url: str,
        headers: Mapping[str, str],
        timeout: httpx.Timeout,
        body: Body | Form | bytes | None = None,
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
        call.response = response = http.send(request, stream=True, auth=request_auth, follow_redirects=False)
        if "set-cookie" in response.headers:
            for cookie in response.cookies.jar:
                with suppress(KeyError):
                    http.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
        return response

    def exchange(
        self,
        call: Call,
        method: str,
        url: str,
        headers: Mapping[str, str],
        timeout: httpx.Timeout,
        body: Body | Form | bytes | None,
        auth: KeyAuth | None,
        *,
        is_stream: bool,
    ) -> Received:
        """Send a request and read its response. A step of a call.

        An event stream is returned open if `is_stream`. The other parameters are those of `send`.
        """
        is_kept = False
        try:
            response = self.send(call, method, url, headers, timeout, body, auth)
            if is_stream and _is_event_stream(response):
                is_kept = True
                return Received(response.status_code, Headers({}), b"", call)
            return self.receive(response)
        finally:
            if not is_kept:
                call.close()

    def receive(self, response: httpx.Response) -> Received:
        """Return a response with its content."""
        settings = self.settings
        content = read_content(response)
        if len(content) >= MIN_LONG_SIZE:
            content = run_blocking(settings.redact_bytes, content)
        else:
            content = settings.redact_bytes(content)
        headers = Headers(settings.redact_values(dict(response.headers.items())))
        return Received(response.status_code, headers, content)

    def limit(self, seconds: float) -> httpx.Timeout:
        """Return the limits of the operations of a request, whose total duration the call limits."""
        is_streaming = self.calls.stream is not None
        pool = min(seconds, STREAM_RELEASE_TIMEOUT) if is_streaming else seconds
        return httpx.Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT), pool=pool)

    def release_stream(self, deadline: float) -> bool:
        """Close the event stream if no other call has a connection, and return whether to try again."""
        stream = self.calls.stream
        if stream is None or time.monotonic() + STREAM_RELEASE_TIMEOUT > deadline:
            return False
        if not self.calls.is_connected:
            _log.debug("the connection pool has no connection beside the event stream, which is closed")
            self.calls.is_stream_allowed = False
            stream.interrupt()
        return True

    def is_expected(self, error: Exception, call: Call) -> bool:
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


def create_http_client(certificates: SSLContext) -> httpx.Client:
    """Return a client that opens a new connection for each request. Raises as `apply_environment` does."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=0)
    return apply_environment(partial(httpx.Client, limits=limits, verify=certificates))


def closed_error(context: CallContext) -> HubUnreachableError:
    return HubUnreachableError("the client is closed; nothing was sent", generation_id=context.generation_id)


def _is_event_stream(response: httpx.Response) -> bool:
    content_type = response.headers.get("content-type", "")
    return response.is_success and content_type.lower().startswith("text/event-stream")
