"""What all calls of a client share: settings, connections, and the jobs that are under way."""

from __future__ import annotations

import weakref
from collections.abc import Generator, Mapping
from dataclasses import replace
from threading import Lock
from typing import Any, Self

import httpx

from ..errors import ConfigurationError, HubUnreachableError, MediaError
from ..responses import Response
from ..settings import Settings, checked_retries, checked_target, checked_timeout
from .channel import Channel
from .effects import Sockets, here, is_over
from .wire import Wire


class Connections:
    """Connection pools and event streams: a pair for each place where the client is used.

    No pool works in two event loops, or in a process and in one that was forked off it.
    """

    def __init__(self, settings: Settings, http_client: httpx.Client | None) -> None:
        self.is_closed = False
        self.given = http_client
        self._settings = settings
        self._locks: dict[object, Lock] = {}
        self._channels: dict[object, Channel] = {}

    def channel(self) -> Channel:
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

    def _made(self, place: object) -> Channel:
        for each in list(self._channels):
            if is_over(each):  # no place goes by itself: its channel holds on to it
                self._channels.pop(each, None)
                self._locks.pop(each, None)
        http = self.given or httpx.Client()
        channel = self._channels[place] = Channel(Wire(http, Sockets(), self._settings))
        # The stream is read for the jobs of this client: it ends with the last of them.
        weakref.finalize(self, _abandon, weakref.ref(channel))
        return channel

    def close(self) -> None:
        """End them all."""
        self.is_closed = True
        place = here()
        for each, channel in list(self._channels.items()):
            if is_over(each):
                continue
            channel.close()
            if self.given is None and each is place:
                channel.wire.http.close()
        self._channels.clear()


def _abandon(channel: weakref.ref[Channel]) -> None:
    if (still := channel()) is not None:
        still.abandon()


class Session:
    """One set of connections and one set of settings.

    Args:
        settings: Where to call, with what key, and how long to wait.
        http_client: A client to send with, which stays the caller's to close.

    Raises:
        ConfigurationError: `http_client` is of the other kind, or no client at all.
    """

    def __init__(self, settings: Settings, http_client: httpx.Client | None = None) -> None:
        # One of the other kind would fail at the first call, and without a word that helps.
        if http_client is not None and not isinstance(http_client, httpx.Client):  # pyright: ignore[reportUnnecessaryIsInstance]
            kind, given = httpx.Client.__name__, type(http_client).__name__
            raise ConfigurationError(f"http_client has to be an httpx.{kind}, not a value of type {given}")
        self.settings = settings
        self._connections = Connections(settings, http_client)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._connections.given is not None:
            raise TypeError(
                "a client with a custom http_client cannot be pickled: make one where it is unpickled"
            )
        return Session, (self.settings,)

    def __deepcopy__(self, memo: object) -> Self:
        return self  # a copy of a result is one of the same client

    def with_settings(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        target_repo: str | None = None,
        target_directory: str | None = None,
    ) -> Session:
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

    def close(self) -> None:
        """End the connections and every wait."""
        self._connections.close()

    @property
    def channel(self) -> Channel:
        """The event stream, and who waits for what comes over it."""
        return self._connections.channel()

    def post(
        self, path: str, body: bytes, timeout: float | None, extra_headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send a request that costs money, once. Raises as `AsyncWire.post` does."""
        return self._wire().post(path, body, timeout, extra_headers)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Response:
        """Read, which costs nothing. Raises as `AsyncWire.get` does."""
        return self._wire().get(path, query or {}, self.settings.patience(path, None))

    def delete(self, path: str) -> Response:
        """Have something ended. Raises as `AsyncWire.delete` does."""
        return self._wire().delete(path, self.settings.patience(path, None))

    def download(self, url: str) -> Generator[tuple[bytes, int | None]]:
        """A result, piece by piece. Raises as `AsyncWire.download` does."""
        if self._connections.is_closed:
            raise MediaError("the result could not be downloaded: the client is closed")
        return self._wire().download(url)

    def _wire(self) -> Wire:
        wire = self.channel.wire
        return Wire(wire.http, wire.sockets, self.settings)


class Part:
    """A part of a client, which calls by the client's session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._session.settings.base_url}>"
