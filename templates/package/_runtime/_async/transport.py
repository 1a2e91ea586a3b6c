"""Calls of the API: retries and response parsing."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import httpx

from ..connections import CallError, UsedConnectionError
from ..context import NO_CONTEXT, CallContext
from ..decompression import ACCEPTED_ENCODINGS
from ..errors import OxenError
from ..headers import validate_headers
from ..parsing import names_job, parse_response
from ..responses import Response
from ..retries import delay_after_failure, delay_after_status
from ..transport_errors import map_transport_error, may_have_been_sent
from .exchange import AsyncExchange, Received, closed_error
from .threads import run_blocking

if TYPE_CHECKING:
    from ..bodies import Body  # imported lazily, because it imports pydantic
    from ..uploads import Form

DEADLINE_MARGIN = 0.1
"""Seconds after its timeout by which a call ends. Until then, the error of httpx is the more precise one."""
_log = logging.getLogger("oxen_models")


class AsyncTransport(AsyncExchange):
    """Sends requests, with the retries that are safe, and parses the responses."""

    __slots__ = ()

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
            "POST",
            url,
            seconds,
            context,
            body=body,
            extra_headers=extra_headers,
            retry=retry,
            is_billable=True,
        )

    async def upload(self, path: str, form: Form, timeout: float) -> Response:
        """Send a file, which costs nothing and may be sent again.

        Args:
            path: The path below `/api`.
            form: The form with the file.
            timeout: Seconds to wait for the response.

        Raises:
            LocalMediaError: The file cannot be read any more, or has changed.
            OxenError: The server returned an error or could not be reached.
        """
        url = self.settings.url(path, base_path="/api")
        return await self._request("POST", url, timeout, NO_CONTEXT, body=form)

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
        body: Body | Form | bytes | None = None,
        extra_headers: Mapping[str, str] | None = None,
        retry: bool = True,
        needs_key: bool = True,
        is_billable: bool = False,
    ) -> Response:
        received = await self.send_request(
            method,
            url,
            timeout,
            context,
            body=body,
            extra_headers=extra_headers,
            retry=retry,
            needs_key=needs_key,
            is_billable=is_billable,
        )
        return await self.parse(received, context, is_billable=is_billable, allow_empty=method == "DELETE")

    async def parse(
        self, received: Received, context: CallContext, *, is_billable: bool, allow_empty: bool = False
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

    async def send_request(
        self,
        method: str,
        url: str,
        timeout: float,
        context: CallContext,
        *,
        body: Body | Form | bytes | None = None,
        extra_headers: Mapping[str, str] | None = None,
        retry: bool = True,
        needs_key: bool = True,
        is_billable: bool = False,
        is_stream: bool = False,
    ) -> Received:
        """Send a request, with the retries that are safe, and return the last response.

        An event stream is returned open if `is_stream`, for the caller to close.
        """
        is_idempotent = not is_billable
        if self.http.is_closed:
            raise closed_error(context)
        extra_headers = validate_headers("extra_headers", extra_headers)
        auth = self.authorize(context, needs_key=needs_key)
        headers = {**self.headers(), "accept-encoding": ACCEPTED_ENCODINGS}
        if is_stream:
            headers |= {"accept": "text/event-stream", "accept-encoding": "identity"}
        headers |= extra_headers
        if body is not None:
            headers["content-type"] = "application/json" if isinstance(body, bytes) else body.content_type
        if body is not None and not isinstance(body, bytes):
            headers["content-length"] = str(body.length)
        path = url.removeprefix(self.settings.url(""))
        started = time.monotonic()
        deadline = started + timeout
        retries = 0
        while True:
            error: OxenError | None = None
            received: Received | None = None
            delay: float | None = None
            left = max(deadline - time.monotonic(), 0.001)
            call = self.calls.begin()
            try:
                limits = self.limit(left)
                exchange = partial(
                    self.exchange, call, method, url, headers, limits, body, auth, is_stream=is_stream
                )
                received = await call.run(exchange, left + DEADLINE_MARGIN)
            except UsedConnectionError:
                continue  # the connection was closed, and the next one may be a new one
            except Exception as cause:
                if isinstance(cause, httpx.PoolTimeout) and self.release_stream(deadline):
                    continue
                if not self.is_expected(cause, call):
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
            from ..telemetry import count_retry  # few requests need it

            count_retry(context.model_id, type(error).__name__ if received is None else str(received.status))
            retries += 1
