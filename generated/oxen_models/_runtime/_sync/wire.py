"""Requests over HTTP: the key, retries, and what comes back."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

import httpx

from ..errors import (
    ConfigurationError,
    HubUnreachableError,
    MediaError,
    OxenError,
    UnexpectedResponseError,
)
from ..failures import explained, was_connected
from ..generations import GenerationCompleted, completed
from ..parsing import parse_response
from ..responses import Headers, Response
from ..retries import delay_after_failure, delay_after_status
from ..settings import Settings
from ..version import __version__
from .effects import Sockets, sleep

_CONNECT_SECONDS = 10.0
_DOWNLOAD_SECONDS = 60.0
_SILENCE_SECONDS = 45.0
_MOST_REDIRECTS = 5
# Parsing the address takes longer than all else that a call adds to httpx.
_parsed = lru_cache(maxsize=32)(httpx.URL)
# Not the name of the hub: it takes an agent that has it for its own command-line tool.
_USER_AGENT = f"models-python/{__version__}"
# Who asks, for what, how long it is and where it goes is the client's own matter.
_OURS = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
        "user-agent",
    }
)
_log = logging.getLogger("oxen_models")


@dataclass(frozen=True, slots=True)
class Wire:
    """A connection pool and what to tell the hub over it."""

    http: httpx.Client
    sockets: Sockets
    settings: Settings

    def post(
        self, path: str, body: bytes, timeout: float | None, extra_headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send a request that costs money, once.

        Raises:
            APIError: The hub refused or failed.
            OutcomeUnknownError: It was sent, and no answer came back.
            OxenError: There was no connection, or the answer cannot be read.
        """
        return self._ask(
            "POST", path, self.settings.patience(path, timeout), body=body, extra_headers=extra_headers
        )

    def get(self, path: str, query: Mapping[str, str], patience: float, *, retried: bool = True) -> Response:
        """Read, which costs nothing.

        Raises:
            OxenError: The hub refused, failed, or could not be reached.
        """
        if query:
            path = f"{path}?{urlencode(query)}"
        return self._ask("GET", path, patience, retried=retried)

    def delete(self, path: str, patience: float) -> Response:
        """Have something ended; to say so twice does no harm.

        Raises:
            OxenError: The hub refused, failed, or could not be reached.
        """
        return self._ask("DELETE", path, patience)

    def _ask(
        self,
        method: str,
        path: str,
        patience: float,
        *,
        body: bytes | None = None,
        extra_headers: Mapping[str, str] | None = None,
        retried: bool = True,
    ) -> Response:
        costs_money = method == "POST"
        if self.http.is_closed:
            raise HubUnreachableError("the client is closed; nothing was sent")
        headers = {**_checked(extra_headers), **self._headers()}
        if body is not None:
            headers["content-type"] = "application/json"
        began = time.monotonic()
        deadline = began + patience
        retries = 0
        while True:
            failure: OxenError | None = None
            answered: tuple[httpx.Response, bytes] | None = None
            delay: float | None = None
            left = max(deadline - time.monotonic(), 0.001)
            limits = httpx.Timeout(left, connect=min(left, _CONNECT_SECONDS))
            try:
                url = _parsed(self.settings.url(path))
                with self.http.stream(
                    method,
                    url,
                    content=body,
                    headers=headers,
                    timeout=limits,
                    follow_redirects=False,
                    extensions=self.sockets.extensions,
                ) as response:
                    answered = response, self.settings.without_key(_content(response, deadline))
            except httpx.HTTPError as error:
                failure = explained(error, self.settings.base_url, costs_money=costs_money)
                delay = delay_after_failure(retries, may_have_cost=costs_money and was_connected(error))
                _log.debug("%s %s: %s", method, path, type(error).__name__)
            except (httpx.InvalidURL, UnicodeError) as error:  # a host whose name cannot be
                failure = HubUnreachableError(f"{error}; nothing was sent")
            except RuntimeError:
                if not self.http.is_closed:
                    raise
                failure = HubUnreachableError("the client is closed; nothing was sent")
            else:
                status = response.status_code
                _log.debug("%s %s: HTTP %d, %.3f s", method, path, status, time.monotonic() - began)
                delay = delay_after_status(status, response.headers, retries, costs_money=costs_money)
            if not retried or retries >= self.settings.max_retries:
                delay = None
            if delay is None or time.monotonic() + delay > deadline:
                # Outside the except: what hangs on httpx's error holds the key.
                if failure is not None:
                    raise failure
                assert answered is not None
                return parse_response(
                    answered[0].status_code, self._blanked_headers(answered[0]), answered[1]
                )
            _log.debug("%s %s: again in %.1f s", method, path, delay)
            sleep(delay)
            retries += 1

    def events(self, opened: Callable[[], None]) -> Generator[GenerationCompleted]:
        """What the event stream tells of jobs, until it ends.

        Args:
            opened: Called as soon as nothing can be missed any more.

        Raises:
            OxenError: The hub refused it, cut it, or was silent for too long.
        """
        from httpx_sse import EventSource, SSEError

        if self.http.is_closed:
            raise HubUnreachableError("the client is closed")
        failure: OxenError | None = None
        try:
            with self.http.stream(
                "GET",
                _parsed(self.settings.url("/events", below="/api")),
                headers={**self._headers(), "accept": "text/event-stream", "cache-control": "no-store"},
                timeout=httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS),
                follow_redirects=False,
                extensions=self.sockets.extensions,
            ) as response:
                kind = response.headers.get("content-type", "")
                if response.status_code != 200 or not kind.lower().startswith("text/event-stream"):
                    content = _content(response, time.monotonic() + _CONNECT_SECONDS)
                    refusal = parse_response(
                        response.status_code,
                        self._blanked_headers(response),
                        self.settings.without_key(content),
                    )
                    raise UnexpectedResponseError(
                        f"the hub answered with no event stream, but {kind or 'nothing'}", response=refusal
                    )
                response.encoding = "utf-8"  # whatever the hub says: the standard knows no other
                opened()
                for event in EventSource(response).iter_sse():
                    data = self.settings.without_key(event.data.encode(errors="replace")).decode()
                    told = completed(event.event, data)
                    if told is not None:
                        yield told
        except httpx.HTTPError as error:
            failure = explained(error, self.settings.base_url, costs_money=False)
        except (httpx.StreamError, httpx.InvalidURL, SSEError, UnicodeError) as error:
            failure = HubUnreachableError(f"the event stream is not usable: {error}")
        if failure is not None:
            # Outside the except: what hangs on httpx's error holds the key.
            raise failure

    def download(self, url: str) -> Generator[tuple[bytes, int | None]]:
        """A result, piece by piece, and its whole length where that is known.

        The key goes along to the API's own host only.

        Raises:
            MediaError: It is not there, or cannot be downloaded.
        """
        if self.http.is_closed:
            raise MediaError("the result could not be downloaded: the client is closed")
        retries = redirects = 0
        began = False
        while redirects <= _MOST_REDIRECTS:
            status: int | None = None
            try:
                own = self.settings.is_own_host(url)
                with self.http.stream(
                    "GET",
                    url,
                    headers=self._headers() if own else {"user-agent": _USER_AGENT},
                    timeout=_DOWNLOAD_SECONDS,
                    follow_redirects=False,
                    extensions=self.sockets.extensions,
                ) as response:
                    status = response.status_code
                    _log.debug("GET a result from %s: HTTP %d", response.url.host, status)
                    if response.has_redirect_location:
                        url = str(response.url.join(response.headers["location"]))
                        redirects += 1
                        continue
                    if response.is_success:
                        length = _length(response)
                        for chunk in response.iter_bytes():
                            began = True
                            yield chunk, length
                        return
                    reason = f"HTTP {status}; its URL may have expired"
                    delay = delay_after_status(status, response.headers, retries, costs_money=False)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:
                reason, delay = str(error), None
            except httpx.HTTPError as error:
                reason = str(error) or type(error).__name__
                delay = None if began else delay_after_failure(retries, may_have_cost=False)
            if delay is None or retries >= self.settings.max_retries:
                # Outside the except: what hangs on httpx's error holds the key.
                raise MediaError(f"the result could not be downloaded: {reason}", None if began else status)
            sleep(delay)
            retries += 1
        raise MediaError(f"the result could not be downloaded: more than {_MOST_REDIRECTS} redirects")

    def _blanked_headers(self, response: httpx.Response) -> Headers:
        headers = response.headers.items()
        return Headers({name: self.settings.without_key(value.encode()).decode() for name, value in headers})

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.settings.key()}", "user-agent": _USER_AGENT}


def _content(response: httpx.Response, deadline: float) -> bytes:
    """The whole of an answer; httpx's own time limit starts anew with each piece of it."""
    chunks: list[bytes] = []
    late = False
    for chunk in response.iter_bytes():
        if late:
            raise httpx.ReadTimeout("the answer began and did not end in time")
        chunks.append(chunk)
        late = time.monotonic() > deadline
    return b"".join(chunks)


def _length(response: httpx.Response) -> int | None:
    said = response.headers.get("content-length", "")
    # Of what is compressed it is another length than that of the file.
    return int(said) if said.isdecimal() and "content-encoding" not in response.headers else None


def _checked(extra_headers: Mapping[str, str] | None) -> dict[str, str]:
    """Headers that HTTP can carry and that the client does not send itself."""
    if extra_headers is None:
        return {}
    headers = dict(extra_headers)
    for name, value in headers.items():
        token = isinstance(name, str) and name.isascii() and name.replace("-", "").replace("_", "").isalnum()  # pyright: ignore[reportUnnecessaryIsInstance]
        fits = isinstance(value, str) and value.isascii() and value.isprintable() and value == value.strip()  # pyright: ignore[reportUnnecessaryIsInstance]
        if not token or not fits:
            raise ConfigurationError(f"extra_headers: {name!r:.80} cannot be sent: ASCII text is expected")
        if name.lower() in _OURS:
            instead = ", from api_key=" if name.lower() == "authorization" else ""
            raise ConfigurationError(f"extra_headers: the client itself sends {name!r}{instead}")
    return {name.lower(): value for name, value in headers.items()}
