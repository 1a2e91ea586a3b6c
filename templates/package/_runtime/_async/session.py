"""Requests over HTTP: the key, retries, and what comes back."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import Any

import httpx

from .. import answers
from ..errors import HubUnreachableError, MediaError, OxenError
from ..failures import explained, was_connected
from ..retries import delay_after_failure, delay_after_status
from ..settings import Settings
from ..version import __version__
from .effects import sleep

_CONNECT_SECONDS = 10.0
_DOWNLOAD_SECONDS = 60.0
_MOST_REDIRECTS = 5
# Parsing the address takes longer than all else that a call adds to httpx.
_parsed = lru_cache(maxsize=32)(httpx.URL)
# Not the name of the hub: it takes an agent that has it for its own command-line tool.
_USER_AGENT = f"models-python/{__version__}"


class AsyncSession:
    """One connection pool and one set of settings.

    Args:
        settings: Where to call, with what key, and how long to wait.
        http_client: A client to send with, which stays the caller's to close.
    """

    def __init__(self, settings: Settings, http_client: httpx.AsyncClient | None = None) -> None:
        self.settings = settings
        self._owns_http = http_client is None
        self._http = http_client or httpx.AsyncClient()
        self._headers = {"authorization": f"Bearer {settings.api_key}", "user-agent": _USER_AGENT}

    async def aclose(self) -> None:
        """End the connections."""
        if self._owns_http:
            await self._http.aclose()

    async def post(self, path: str, body: bytes, timeout: float | None) -> dict[str, Any]:
        """Send a request that costs money, once.

        Raises:
            APIError: The hub refused or failed.
            OutcomeUnknownError: It was sent, and no answer came back.
            OxenError: There was no connection, or the answer is none.
        """
        if self._http.is_closed:
            raise HubUnreachableError("the client is closed; nothing was sent")
        patience = self.settings.patience(path, timeout)
        headers = {**self._headers, "content-type": "application/json"}
        deadline = time.monotonic() + patience
        retries = 0
        while True:
            failure: OxenError | None = None
            delay: float | None = None
            left = max(deadline - time.monotonic(), 0.001)
            limits = httpx.Timeout(left, connect=min(left, _CONNECT_SECONDS))
            try:
                url = _parsed(self.settings.url(path))
                async with self._http.stream(
                    "POST", url, content=body, headers=headers, timeout=limits, follow_redirects=False
                ) as response:
                    content = await _content(response, deadline)
            except httpx.HTTPError as error:
                failure = explained(error, self.settings.base_url)
                delay = delay_after_failure(retries, may_have_cost=was_connected(error))
            except (httpx.InvalidURL, UnicodeError) as error:  # a host whose name cannot be
                failure = HubUnreachableError(f"{error}; nothing was sent")
            else:
                status = response.status_code
                delay = delay_after_status(status, response.headers, retries, costs_money=True)
                if delay is None or time.monotonic() + delay > deadline:
                    return answers.read(status, response.headers, self.settings.without_key(content))
            # Outside the except: what hangs on httpx's error holds the key.
            if failure is not None and (delay is None or time.monotonic() + delay > deadline):
                raise failure
            await sleep(delay or 0.0)
            retries += 1

    async def download(self, url: str) -> AsyncGenerator[bytes]:
        """A result, piece by piece. The key goes along to the API's own host only.

        Raises:
            MediaError: It is not there, or not to be had.
        """
        if self._http.is_closed:
            raise MediaError("the result could not be downloaded: the client is closed")
        retries = redirects = 0
        began = False
        while redirects <= _MOST_REDIRECTS:
            try:
                async with self._http.stream(
                    "GET",
                    url,
                    headers=self._headers_for(url),
                    timeout=_DOWNLOAD_SECONDS,
                    follow_redirects=False,
                ) as response:
                    if response.has_redirect_location:
                        url = str(response.url.join(response.headers["location"]))
                        redirects += 1
                        continue
                    if response.is_success:
                        async for chunk in response.aiter_bytes():
                            began = True
                            yield chunk
                        return
                    status = response.status_code
                    reason = f"HTTP {status}; its URL may have expired"
                    delay = delay_after_status(status, response.headers, retries, costs_money=False)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:
                reason, delay = str(error), None
            except httpx.HTTPError as error:
                reason = str(error) or type(error).__name__
                delay = None if began else delay_after_failure(retries, may_have_cost=False)
            if delay is None:
                # Outside the except: what hangs on httpx's error holds the key.
                raise MediaError(f"the result could not be downloaded: {reason}")
            await sleep(delay)
            retries += 1
        raise MediaError(f"the result could not be downloaded: more than {_MOST_REDIRECTS} redirects")

    def _headers_for(self, url: str) -> dict[str, str]:
        own = self.settings.is_own_host(url)
        return self._headers if own else {"user-agent": _USER_AGENT}


async def _content(response: httpx.Response, deadline: float) -> bytes:
    """The whole of an answer; httpx's own time limit starts anew with each piece of it."""
    chunks: list[bytes] = []
    late = False
    async for chunk in response.aiter_bytes():
        if late:
            raise httpx.ReadTimeout("the answer began and did not end in time")
        chunks.append(chunk)
        late = time.monotonic() > deadline
    return b"".join(chunks)
