# Copied by oxen-codegen from templates/package/_runtime/_sync/poster.py. Do not edit.
"""The transport of a batch run. Closing the client does not interrupt it."""

from __future__ import annotations

from ..bodies import Body
from ..context import CallContext
from ..responses import Response
from .concurrency import Calls
from .session import Session
from .transport import Transport, create_http_client


class Poster:
    """Submits requests to the queue, each at most once and without retries.

    Args:
        session: The session of the client.
    """

    def __init__(self, session: Session) -> None:
        self._own_http = None if session.http_client else create_http_client()
        http = session.http_client or self._own_http
        assert http is not None
        self._transport = Transport(http, Calls(), session.settings)

    def post(self, body: Body | bytes, timeout: float, context: CallContext) -> Response:
        """Send a submission. Raises as `Transport.post` does."""
        return self._transport.post("/queue", body, timeout, None, context, retry=False)

    def close(self) -> None:
        """End the threads, and close the connections unless they belong to the caller's `http_client`."""
        self._transport.calls.close()
        if self._own_http is not None:
            self._own_http.close()
