"""The transport of a batch run. Closing the client does not interrupt it.

The synchronous implementation in `_sync/poster.py` is written by hand, because it cannot be derived.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError, Future

from .._sync.poster import Poster
from .._sync.session import Session
from ..bodies import Body
from ..context import CallContext
from ..errors import OutcomeUnknownError
from ..responses import Response
from .concurrency import Calls
from .session import AsyncSession
from .transport import AsyncTransport

_LOOP_CHECK_INTERVAL = 1.0


class AsyncPoster:
    """Submits requests to the queue from threads, each at most once and without retries.

    The requests do not depend on the event loop, unless they are sent with the caller's `http_client`, which
    works in that loop only.

    Args:
        session: The session of the client.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._loop = asyncio.get_running_loop()
        self._sync_poster: Poster | None = None
        self._transport: AsyncTransport | None = None
        if session.http_client is None:
            self._sync_poster = Poster(Session(session.settings))
        else:
            self._transport = AsyncTransport(session.http_client, Calls(), session.settings)

    def post(self, body: Body | bytes, timeout: float, context: CallContext) -> Response:
        """Send a submission and wait for its response. Raises as `AsyncTransport.post` does."""
        if self._sync_poster is not None:
            return self._sync_poster.post(body, timeout, context)
        assert self._transport is not None
        call = self._transport.post("/queue", body, timeout, None, context, retry=False)
        future = asyncio.run_coroutine_threadsafe(call, self._loop)
        error: OutcomeUnknownError | None = None
        try:
            return self._wait(future)
        except CancelledError:
            error = OutcomeUnknownError(
                "the event loop ended while the request was sent; it may have been accepted, so it is not "
                "sent again"
            )
        raise error

    def close(self) -> None:
        """Close the connections, unless they belong to the caller's `http_client`."""
        if self._sync_poster is not None:
            self._sync_poster.close()

    def _wait(self, future: Future[Response]) -> Response:
        while True:
            try:
                return future.result(_LOOP_CHECK_INTERVAL)
            except TimeoutError:
                # The future of a loop that was closed never ends. A timeout of the call is an `OxenError`.
                if future.done():
                    raise
                if self._loop.is_closed():
                    future.cancel()
