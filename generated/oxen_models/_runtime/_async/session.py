"""What all calls of a client share: settings, connections, and the jobs that are under way."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from threading import Lock
from typing import Any, Self

import httpx

from ..errors import ConfigurationError, HubUnreachableError, MediaError
from ..responses import Response
from ..settings import Settings, checked_retries, checked_target, checked_timeout
from .channel import AsyncChannel
from .effects import Sockets, here, is_over
from .wire import AsyncWire


class AsyncConnections:
    """Connection pools and event streams: a pair for each place where the client is used.

    No pool works in two event loops, or in a process and in one that was forked off it.
    """

    def __init__(self, settings: Settings, http_client: httpx.AsyncClient | None) -> None:
        self.is_closed = False
        self.given = http_client
        self._settings = settings
        self._locks: dict[object, Lock] = {}
        self._channels: dict[object, AsyncChannel] = {}

    def channel(self) -> AsyncChannel:
        """The one for here.

        Raises:
            HubUnreachableError: The client is closed.
        """
        place = here()
        channel = self._channels.get(place)
        if channel is None and not self.is_closed:
            # Each place has its own: one that is held while another thread forks is never free in the child.
            with self._locks.setdefault(place, Lock()):
                channel = self._channels.get(place) or self._made(place)
        if channel is None or self.is_closed:  # maybe since: then whoever closed it did not find this one
            raise HubUnreachableError("the client is closed; nothing was sent")
        return channel

    def _made(self, place: object) -> AsyncChannel:
        for each in list(self._channels):
            if is_over(each):  # no place goes by itself: its channel holds on to it
                self._channels.pop(each, None)
                self._locks.pop(each, None)
        http = self.given or httpx.AsyncClient()
        channel = self._channels[place] = AsyncChannel(AsyncWire(http, Sockets(), self._settings))
        # The stream is read for the jobs of this client: it ends with the last of them.
        weakref.finalize(self, _abandon, weakref.ref(channel))
        return channel

    async def aclose(self) -> None:
        """End them all."""
        self.is_closed = True
        place = here()
        for each, channel in list(self._channels.items()):
            if is_over(each):
                continue
            await channel.aclose()
            if self.given is None and each is place:
                await channel.wire.http.aclose()
        self._channels.clear()


def _abandon(channel: weakref.ref[AsyncChannel]) -> None:
    if (still := channel()) is not None:
        still.abandon()


class AsyncSession:
    """One set of connections and one set of settings.

    Args:
        settings: Where to call, with what key, and how long to wait.
        http_client: A client to send with, which stays the caller's to close.

    Raises:
        ConfigurationError: `http_client` is of the other kind, or no client at all.
    """

    def __init__(self, settings: Settings, http_client: httpx.AsyncClient | None = None) -> None:
        # One of the other kind would fail at the first call, and without a word that helps.
        if http_client is not None and not isinstance(http_client, httpx.AsyncClient):  # pyright: ignore[reportUnnecessaryIsInstance]
            kind, given = httpx.AsyncClient.__name__, type(http_client).__name__
            raise ConfigurationError(f"http_client has to be an httpx.{kind}, not a value of type {given}")
        self.settings = settings
        self._connections = AsyncConnections(settings, http_client)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._connections.given is not None:
            raise TypeError(
                "a client with a custom http_client cannot be pickled: make one where it is unpickled"
            )
        return AsyncSession, (self.settings,)

    def __deepcopy__(self, memo: object) -> Self:
        return self  # a copy of a result is one of the same client

    def with_settings(
        self,
        *,
        timeout: float | None = None,
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
            changes["timeout"] = checked_timeout(timeout)
        if max_retries is not None:
            changes["max_retries"] = checked_retries(max_retries)
        if target_repo is not None:
            changes["target_repo"] = checked_target("target_repo", target_repo)
        if target_directory is not None:
            changes["target_directory"] = checked_target("target_directory", target_directory)
        other = object.__new__(type(self))
        other._connections = self._connections
        other.settings = replace(self.settings, **changes)
        return other

    async def aclose(self) -> None:
        """End the connections and every wait."""
        await self._connections.aclose()

    @property
    def channel(self) -> AsyncChannel:
        """The event stream, and who waits for what comes over it."""
        return self._connections.channel()

    async def post(
        self, path: str, body: bytes, timeout: float | None, extra_headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send a request that costs money, once. Raises as `AsyncWire.post` does."""
        return await self._wire().post(path, body, timeout, extra_headers)

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Response:
        """Read, which costs nothing. Raises as `AsyncWire.get` does."""
        return await self._wire().get(path, query or {}, self.settings.patience(path, None))

    async def delete(self, path: str) -> Response:
        """Have something ended. Raises as `AsyncWire.delete` does."""
        return await self._wire().delete(path, self.settings.patience(path, None))

    def download(self, url: str) -> AsyncGenerator[tuple[bytes, int | None]]:
        """A result, piece by piece. Raises as `AsyncWire.download` does."""
        if self._connections.is_closed:
            raise MediaError("the result could not be downloaded: the client is closed")
        return self._wire().download(url)

    def _wire(self) -> AsyncWire:
        wire = self.channel.wire
        return AsyncWire(wire.http, wire.sockets, self.settings)


class AsyncPart:
    """A part of a client, which calls by the client's session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._session.settings.base_url}>"
