"""The submissions of a batch run. Closing the client does not interrupt them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..bodies import Body
from ..context import CallContext
from ..responses import Response
from .calls import Calls


class _Transport(Protocol):
    """The `Transport` of the run, which is derived from the asynchronous one."""

    @property
    def calls(self) -> Calls: ...

    def post(
        self,
        path: str,
        body: Body | bytes,
        timeout: float | None,
        extra_headers: Mapping[str, str] | None = ...,
        context: CallContext = ...,
        *,
        retry: bool = ...,
    ) -> Response: ...


class _HTTPClient(Protocol):
    def close(self) -> None: ...


class Poster:
    """Sends billable requests, each at most once and without retries.

    Args:
        transport: Sends the requests.
        own_http: The HTTP client of the transport, which is closed with the run; None if it is the caller's.
    """

    def __init__(self, transport: _Transport, own_http: _HTTPClient | None) -> None:
        self._transport = transport
        self._own_http = own_http

    def post(self, path: str, body: Body | bytes, timeout: float, context: CallContext) -> Response:
        """Send a submission. Raises as `Transport.post` does."""
        return self._transport.post(path, body, timeout, None, context, retry=False)

    def close(self) -> None:
        """End the threads, and close the connections unless they are the caller's."""
        self._transport.calls.close()
        if self._own_http is not None:
            self._own_http.close()
