# Copied by oxen-codegen from templates/package/_runtime/_async/poster.py. Do not edit.
"""The submissions of a batch run. Closing the client does not interrupt them.

The synchronous implementation in `_sync/poster.py` is written by hand, because it cannot be derived.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from threading import Thread, main_thread
from typing import Protocol

from ..bodies import Body
from ..context import CallContext
from ..errors import OutcomeUnknownError
from ..responses import Response
from .transport import AsyncTransport

LOOP_CHECK_INTERVAL = 1.0
CLOSE_TIMEOUT = 1.0


class _HTTPClient(Protocol):
    async def aclose(self) -> None: ...


class AsyncPoster:
    """Sends billable requests from threads, each at most once and without retries.

    Requests are sent in an event loop of the run's own, so that they do not end with the caller's loop. Only
    those of the caller's `http_client` are sent in the caller's loop, because it works in no other.

    Args:
        transport: Sends the requests.
        own_http: The HTTP client of the transport, which is closed with the run; None if it is the caller's.

    Raises:
        RuntimeError: A thread cannot be started.
    """

    def __init__(self, transport: AsyncTransport, own_http: _HTTPClient | None) -> None:
        self._transport = transport
        self._own_http = own_http
        self._loop = asyncio.get_running_loop()
        if own_http is not None:
            self._loop = asyncio.new_event_loop()
            try:
                # A daemon thread, because a run that is never closed must not keep the process alive.
                Thread(target=self._run_loop, name="oxen_models submissions", daemon=True).start()
            except RuntimeError:
                self._loop.close()
                raise

    def post(self, path: str, body: Body | bytes, timeout: float, context: CallContext) -> Response:
        """Send a submission and wait for its response. Raises as `AsyncTransport.post` does."""
        call = self._transport.post(path, body, timeout, None, context, retry=False)
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
        """Close the connections, unless they are the caller's."""
        if self._own_http is not None:
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self._own_http.aclose(), self._loop).result(CLOSE_TIMEOUT)
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _run_loop(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    def _wait(self, future: Future[Response]) -> Response:
        while True:
            try:
                return future.result(LOOP_CHECK_INTERVAL)
            except TimeoutError:
                # A timeout of the call is an `OxenError`.
                if future.done():
                    raise
                if self._has_ended():
                    future.cancel()

    def _has_ended(self) -> bool:
        """Return whether the loop will not run again, so that no future of it ends."""
        is_exiting = not main_thread().is_alive()
        return self._loop.is_closed() or (is_exiting and not self._loop.is_running())
