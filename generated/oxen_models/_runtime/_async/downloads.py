# Copied by oxen-codegen from templates/package/_runtime/_async/downloads.py. Do not edit.
"""Downloads of results, from the API's own host or another one."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator

import httpx

from ..context import NO_CONTEXT
from ..errors import MediaError
from ..retries import delay_after_failure, delay_after_status
from .concurrency import sleep
from .transport import USER_AGENT, AsyncTransport

DOWNLOAD_TIMEOUT = 60.0
MAX_REDIRECTS = 5
_log = logging.getLogger("oxen_models")


async def download(
    transport: AsyncTransport, url: str, generation_id: str | None = None
) -> AsyncGenerator[tuple[bytes, int | None]]:
    """Yield the content of a result in chunks, each with the total length or None if it is not known.

    The API key is sent to the API's own host only.

    Args:
        url: The URL of the result.
        generation_id: The job that the result is of; None if there is none.

    Raises:
        MediaError: The content could not be downloaded.
    """
    http = transport.http
    retries = redirects = 0
    has_started = False
    while redirects <= MAX_REDIRECTS:
        if http.is_closed:
            raise MediaError(
                "the result could not be downloaded: the client is closed", generation_id=generation_id
            )
        status: int | None = None
        try:
            async with http.stream(
                "GET",
                url,
                headers=_headers(transport, url),
                timeout=DOWNLOAD_TIMEOUT,
                follow_redirects=False,
                extensions=transport.sockets.extensions,
            ) as response:
                status = response.status_code
                _log.debug("GET a result from %s: HTTP %d", response.url.host, status)
                if response.has_redirect_location:
                    url = str(response.url.join(response.headers["location"]))
                    redirects += 1
                    continue
                if response.is_success:
                    length = _content_length(response)
                    async for chunk in response.aiter_bytes():
                        has_started = True
                        yield chunk, length
                    return
                reason = f"HTTP {status}; its URL may have expired"
                delay = delay_after_status(status, response.headers, retries, is_idempotent=True)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as cause:
            reason, delay = str(cause), None
        except httpx.HTTPError as cause:
            reason = str(cause) or type(cause).__name__
            delay = None if has_started else delay_after_failure(retries, may_be_billed=False)
        if delay is None or retries >= transport.settings.max_retries:
            # Raised outside the `except` block: see `AsyncTransport._request`.
            raise MediaError(
                f"the result could not be downloaded: {reason}",
                None if has_started else status,
                generation_id=generation_id,
            )
        await sleep(delay)
        retries += 1
    raise MediaError(
        f"the result could not be downloaded: more than {MAX_REDIRECTS} redirects",
        generation_id=generation_id,
    )


def _headers(transport: AsyncTransport, url: str) -> dict[str, str]:
    if transport.settings.is_own_host(url):
        return transport.headers(NO_CONTEXT, needs_key=False)
    return {"user-agent": USER_AGENT}


def _content_length(response: httpx.Response) -> int | None:
    length = response.headers.get("content-length", "")
    # The header of a compressed response is not the length of the file.
    return int(length) if length.isdecimal() and "content-encoding" not in response.headers else None
