"""State shared by all calls of a client: settings, connection pools and tracked jobs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import httpx

from ..connection_settings import load_certificates
from ..context import NO_CONTEXT, CallContext
from ..errors import ConfigurationError, HubUnreachableError, MediaError, NotFoundError
from ..generations import GenerationCompleted
from ..responses import Response
from ..settings import Settings, validate_max_retries, validate_target, validate_timeout
from ..urls import EQUIVALENT_PATHS, is_missing_path
from .calls import Calls
from .concurrency import Limiter
from .downloads import download
from .exchange import create_http_client
from .job_tracker import AsyncJobTracker
from .owner import current_loop_or_process, is_closed
from .streams import stream_post
from .transport import AsyncTransport

if TYPE_CHECKING:
    from ssl import SSLContext

    from ..bodies import Body
    from ..uploads import Form, UploadCache


class AsyncConnections:
    """The connection pools and event streams of a client: one of each per owner.

    A connection pool cannot be shared between event loops or across a fork.
    """

    def __init__(self, settings: Settings, http_client: httpx.AsyncClient | None) -> None:
        self.is_closed = False
        self.http_client = http_client
        self.existing_paths: dict[str, str] = {}
        """The path that the server has, by a path that it does not have."""
        self.uploads: UploadCache | None = None
        self.upload_limiters: dict[object, Limiter] = {}
        """A limiter for each file that is being uploaded."""
        self._settings = settings
        self._certificates: SSLContext | None = None
        self._locks: dict[object, Lock] = {}
        self._trackers: dict[object, AsyncJobTracker] = {}

    def tracker(self, context: CallContext) -> AsyncJobTracker:
        """Return the job tracker of the current owner, which is created on the first call.

        Raises:
            HubUnreachableError: The client is closed.
        """
        owner = current_loop_or_process()
        tracker = self._trackers.get(owner)
        if tracker is None and not self.is_closed:
            # One lock per owner: a lock held by another thread during a fork is never released in the child.
            with self._locks.setdefault(owner, Lock()):
                tracker = self._trackers.get(owner) or self._create_tracker(owner)
        if tracker is None or self.is_closed:  # it may have been closed in the meantime
            raise HubUnreachableError(
                "the client is closed; nothing was sent", generation_id=context.generation_id
            )
        return tracker

    def _create_tracker(self, owner: object) -> AsyncJobTracker:
        for other in list(self._trackers):
            if is_closed(other):  # not collected on its own, because its tracker keeps it alive
                self._trackers.pop(other, None)
                self._locks.pop(other, None)
        http = self.http_client or self.create_http_client()
        tracker = AsyncJobTracker(AsyncTransport(http, Calls(), self._settings))
        self._trackers[owner] = tracker
        return tracker

    def create_http_client(self) -> httpx.AsyncClient:
        """Return a new client, which the caller closes. All of them share the certificates, which take about
        20 ms to load.

        Raises:
            ConfigurationError: The proxies or certificates of the environment are not usable.
        """
        if self._certificates is None:
            self._certificates = load_certificates()
        return create_http_client(self._certificates)

    async def aclose(self) -> None:
        """Close the connections and end every wait."""
        self.is_closed = True
        current = current_loop_or_process()
        for owner, tracker in list(self._trackers.items()):
            if is_closed(owner):
                continue
            await tracker.aclose()
            if self.http_client is None and owner is current:
                await tracker.transport.http.aclose()
        self._trackers.clear()


class AsyncSession:
    """The connections of a client with one set of settings.

    Args:
        settings: The settings.
        http_client: A client to send requests with, which the caller closes.

    Raises:
        ConfigurationError: `http_client` is not an httpx client, or it is one of the other kind.
    """

    def __init__(self, settings: Settings, http_client: httpx.AsyncClient | None = None) -> None:
        # A client of the other kind would fail at the first call, without a helpful message.
        if http_client is not None and not isinstance(http_client, httpx.AsyncClient):  # pyright: ignore[reportUnnecessaryIsInstance]
            expected, actual = httpx.AsyncClient.__name__, type(http_client).__name__
            raise ConfigurationError(f"http_client must be an httpx.{expected}, got a value of type {actual}")
        self.settings = settings
        self._connections = AsyncConnections(settings, http_client)

    @property
    def http_client(self) -> httpx.AsyncClient | None:
        """The caller's client; None if the session has its own."""
        return self._connections.http_client

    def create_http_client(self) -> httpx.AsyncClient:
        """Return a new client, which the caller closes. Raises as `AsyncConnections.create_http_client`
        does.
        """
        return self._connections.create_http_client()

    @property
    def uploads(self) -> UploadCache:
        """The uploads of all clients that share the connections."""
        if self._connections.uploads is None:
            from ..uploads import UploadCache

            uploads = self.settings.uploads
            self._connections.uploads = UploadCache(uploads if isinstance(uploads, str) else None)
        return self._connections.uploads

    @property
    def upload_limiters(self) -> dict[object, Limiter]:
        """A limiter for each file that is being uploaded, by owner of connections and digest."""
        return self._connections.upload_limiters

    def __reduce__(self) -> tuple[Any, ...]:
        if self._connections.http_client is not None:
            raise TypeError(
                "a client with a custom http_client cannot be pickled: create one in the other process"
            )
        return AsyncSession, (self.settings,)

    def __deepcopy__(self, memo: object) -> Self:
        return self  # a copied result uses the same client

    def with_settings(
        self,
        *,
        timeout: float | None = None,
        download_timeout: float | None = None,
        max_retries: int | None = None,
        target_repo: str | None = None,
        target_directory: str | None = None,
    ) -> AsyncSession:
        """Return a session with other settings that shares the connections; None keeps a setting.

        Raises:
            ConfigurationError: A value is out of range or of the wrong type.
        """
        changes: dict[str, Any] = {}
        if timeout is not None:
            changes["timeout"] = validate_timeout(timeout)
        if download_timeout is not None:
            changes["download_timeout"] = validate_timeout(download_timeout, "download_timeout")
        if max_retries is not None:
            changes["max_retries"] = validate_max_retries(max_retries)
        if target_repo is not None:
            changes["target_repo"] = validate_target("target_repo", target_repo)
        if target_directory is not None:
            changes["target_directory"] = validate_target("target_directory", target_directory)
        other = object.__new__(type(self))
        other._connections = self._connections
        other.settings = replace(self.settings, **changes)
        return other

    async def aclose(self) -> None:
        """Close the connections and end every wait."""
        await self._connections.aclose()

    def tracker(self, context: CallContext = NO_CONTEXT) -> AsyncJobTracker:
        """Return the job tracker of the current event loop or process.

        Raises:
            MissingAPIKeyError: There is no API key, which jobs and events require.
            HubUnreachableError: The client is closed.
        """
        self.settings.require_key(context.generation_id)
        return self._connections.tracker(context)

    async def post(
        self,
        path: str,
        body: Body | bytes,
        timeout: float | None,
        extra_headers: Mapping[str, str] | None = None,
        context: CallContext = NO_CONTEXT,
    ) -> Response:
        """Send a billable request, at most once. Raises as `AsyncTransport.post` does.

        If the server does not have the path, the request is sent to the equivalent path, once. The path that
        the server has is remembered.
        """
        existing_paths = self._connections.existing_paths
        path = existing_paths.get(path, path)
        other = EQUIVALENT_PATHS.get(path)
        transport = self._transport(context)
        try:
            return await transport.post(path, body, timeout, extra_headers, context)
        except NotFoundError as error:
            if other is None or not is_missing_path(error):
                raise
            missing = error
        try:
            response = await transport.post(other, body, timeout, extra_headers, context)
        except NotFoundError as error:
            if is_missing_path(error):
                raise missing from None
            raise
        existing_paths.pop(other, None)
        existing_paths[path] = other
        return response

    def stream_post(
        self,
        path: str,
        body: Body | bytes,
        timeout: float | None,
        extra_headers: Mapping[str, str] | None = None,
        context: CallContext = NO_CONTEXT,
    ) -> AsyncGenerator[str]:
        """Send a billable request and yield the events of its response. Raises as
        `streams.stream_post` does.
        """
        return stream_post(self._transport(context), path, body, timeout, extra_headers, context)

    async def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        context: CallContext = NO_CONTEXT,
        *,
        timeout: float | None = None,
        base_path: str = "/api/ai",
        retry: bool = True,
        needs_key: bool = True,
    ) -> Response:
        """Send a GET request. Arguments and errors are those of `AsyncTransport.get`."""
        timeout = self.settings.request_timeout(path, timeout)
        return await self._transport(context).get(
            path, query or {}, timeout, context, base_path=base_path, retry=retry, needs_key=needs_key
        )

    async def delete(self, path: str, context: CallContext = NO_CONTEXT) -> Response:
        """Send a DELETE request. Raises as `AsyncTransport.delete` does."""
        timeout = self.settings.request_timeout(path, None)
        return await self._transport(context).delete(path, timeout, context)

    async def upload(self, path: str, form: Form, timeout: float) -> Response:
        """Send a file, which costs nothing. Raises as `AsyncTransport.upload` does."""
        return await self._transport(NO_CONTEXT).upload(path, form, timeout)

    def download(
        self, url: str, generation_id: str | None, max_length: int
    ) -> AsyncGenerator[tuple[bytes, int | None]]:
        """Yield the content of a result in chunks. Raises as `download` does."""
        if self._connections.is_closed:
            raise MediaError(
                "the result could not be downloaded: the client is closed", generation_id=generation_id
            )
        return download(self._transport(NO_CONTEXT), url, generation_id, max_length)

    def events(self) -> AsyncGenerator[GenerationCompleted]:
        """Yield all events. Raises as `tracker` and `AsyncEventStream.events` do."""
        return self._hold(self.tracker().events())

    async def _hold(self, events: AsyncGenerator[GenerationCompleted]) -> AsyncGenerator[GenerationCompleted]:
        # A method, because the event stream ends with the last reference to the session's connections.
        async with aclosing(events):
            async for event in events:
                yield event

    def _transport(self, context: CallContext) -> AsyncTransport:
        transport = self._connections.tracker(context).transport
        return AsyncTransport(transport.http, transport.calls, self.settings)


class AsyncSessionBound:
    """Base class of the parts of a client that send requests through its session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._session.settings.base_url}>"
