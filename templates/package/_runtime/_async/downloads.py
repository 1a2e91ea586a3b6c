"""Downloads of results, from the API's own host or another one."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import httpx

from ..connections import CallError, UsedConnectionError
from ..context import NO_CONTEXT
from ..decompression import ContentError
from ..errors import MediaError
from ..media_types import HEAD_SIZE, describe_other
from ..retries import delay_after_failure, delay_after_status
from .contents import iterate_content
from .exchange import CONNECT_TIMEOUT, USER_AGENT, AsyncExchange

IDLE_TIMEOUT = 60.0
MAX_REDIRECTS = 5
MAX_READ_LENGTH = 2**30
"""Maximum length of a file that is held in memory."""
MAX_SAVED_LENGTH = 2**34
"""Maximum length of a file that is written to disk."""
MAX_DECODED_LENGTH = 2**26
"""Maximum length of a file that was compressed for the transfer, since few bytes can expand to many."""
# The codings that httpx decodes without further packages. It returns the content of any other undecoded.
_CODINGS = frozenset({"gzip", "deflate"})
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")
_log = logging.getLogger("oxen_models")


@dataclass(slots=True)
class _Part:
    """The part of a file that was received so far."""

    length: int = 0
    total: int | None = None
    etag: str | None = None
    """The validator of the file, without which the download cannot be resumed."""
    max_length: int = MAX_READ_LENGTH
    content_type: str = ""
    head: bytes = b""
    """The first bytes."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers that request the rest. No coding is accepted, because it would change the offsets."""
        headers = {"accept-encoding": "identity"}
        if self.length and self.etag:
            headers |= {"range": f"bytes={self.length}-", "if-range": self.etag}
        return headers

    @property
    def is_resumable(self) -> bool:
        """Whether another request can return the rest."""
        return self.length == 0 or self.etag is not None

    def start(self, response: httpx.Response) -> None:
        """Check that a successful response continues the file.

        Raises:
            _UnusableError: It does not.
        """
        headers = response.headers
        if response.status_code not in (200, 203, 206):
            raise _UnusableError(
                f"the server responded with HTTP {response.status_code} in place of the file"
            )
        coding = headers.get("content-encoding", "").strip().lower()
        is_coded = coding not in ("", "identity")
        if is_coded and coding not in _CODINGS:
            raise _UnusableError(f"the content coding {coding!r:.80} is not supported")
        if self.length:
            content_range = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
            if response.status_code != 206 or content_range is None or is_coded:
                raise _UnusableError("it was interrupted, and the server does not resume it")
            start, total = content_range.groups()
            if int(start) != self.length or total not in ("*", str(self.total)):
                raise _UnusableError(f"it was interrupted, and the server resumed it with {content_range[0]}")
            return
        if response.status_code == 206:
            raise _UnusableError("the server returned a part of the file, which was not requested")
        length = headers.get("content-length", "")
        # The length of a compressed response is not the length of the file.
        self.total = int(length) if length.isdecimal() and not is_coded else None
        self.content_type = headers.get("content-type", "")
        etag = headers.get("etag", "")
        self.etag = etag if etag.startswith('"') and not is_coded else None  # others start with W/ for weak
        if is_coded:
            self.max_length = min(self.max_length, MAX_DECODED_LENGTH)
        self._check_length(self.total or 0)

    def add(self, chunk: bytes) -> None:
        """Count a chunk.

        Raises:
            _UnusableError: The file is too large, or larger than the server announced.
        """
        if len(self.head) < HEAD_SIZE:
            self.head += chunk[: HEAD_SIZE - len(self.head)]
        self.length += len(chunk)
        self._check_length(self.length)
        if self.total is not None and self.length > self.total:
            raise _UnusableError(f"received more than {self.total:,} bytes")

    def check_complete(self) -> None:
        """Raise if the file is shorter than the server announced, or is not a file of media.

        Raises:
            httpx.RemoteProtocolError: It is shorter.
            _UnusableError: It is empty, or text such as an error page.
        """
        if self.total is not None and self.length < self.total:
            raise httpx.RemoteProtocolError(f"received {self.length:,} of {self.total:,} bytes")
        if other := describe_other(self.head, self.content_type):
            raise _UnusableError(f"received {other}, not a media file")

    def _check_length(self, length: int) -> None:
        if length > self.max_length:
            raise _UnusableError(f"the file is larger than {self.max_length:,} bytes")


class _UnusableError(Exception):
    """A response cannot be used, and another request would not return a better one."""


async def download(
    exchange: AsyncExchange, url: str, generation_id: str | None = None, max_length: int = MAX_READ_LENGTH
) -> AsyncGenerator[tuple[bytes, int | None]]:
    """Yield the content of a result in chunks, each with the total length or None if it is not known.

    The API key is sent to the API's own host only. An interrupted download is resumed if the server sent a
    strong validator (`ETag`) and supports ranges.

    Args:
        exchange: Sends the request; its settings limit the seconds and the retries.
        url: The URL of the result.
        generation_id: The job that the result is of; None if there is none.
        max_length: Maximum number of bytes.

    Raises:
        MediaError: The content could not be downloaded, or is larger than `max_length`.
    """
    settings = exchange.settings
    deadline = time.monotonic() + settings.download_timeout
    part = _Part(max_length=max_length)
    retries = redirects = 0
    while True:
        call = exchange.calls.begin()
        reason, status, delay = "the client is closed", None, None
        try:
            if not exchange.http.is_closed:
                left = _seconds_until(deadline)
                timeout = httpx.Timeout(min(left, IDLE_TIMEOUT), connect=min(left, CONNECT_TIMEOUT))
                is_own_host = settings.is_own_host(url)
                auth = exchange.authorize(NO_CONTEXT, needs_key=False) if is_own_host else None
                own_headers = exchange.headers() if is_own_host else {"user-agent": USER_AGENT}
                headers = {**own_headers, **part.headers}
                request = partial(exchange.send, call, "GET", url, headers, timeout, auth=auth)
                response = await call.run(request, left)
                _log.debug("GET a result from %s: HTTP %d", response.url.host, response.status_code)
                if response.has_redirect_location:
                    url = str(response.url.join(response.headers["location"]))
                    redirects += 1
                    if redirects <= MAX_REDIRECTS:
                        continue
                    reason = f"more than {MAX_REDIRECTS} redirects"
                elif response.is_success:
                    part.start(response)
                    chunks = iterate_content(response)
                    while chunk := await call.run(partial(anext, chunks, b""), _seconds_until(deadline)):
                        part.add(chunk)
                        retries = 0
                        yield chunk, part.total
                    part.check_complete()
                    return
                else:
                    status = response.status_code
                    reason = f"HTTP {status}; its URL may have expired"
                    delay = delay_after_status(status, response.headers, retries, is_idempotent=True)
        except UsedConnectionError:
            continue
        except (
            httpx.InvalidURL,
            httpx.UnsupportedProtocol,
            ValueError,
            ContentError,
            _UnusableError,
        ) as cause:
            reason = str(cause)
        except (CallError, TimeoutError) as cause:
            reason = str(cause)
        except httpx.HTTPError as cause:
            reason = str(cause) or type(cause).__name__
            delay = delay_after_failure(retries, may_be_billed=False) if part.is_resumable else None
        finally:
            await call.aclose()
        now = time.monotonic()
        if now >= deadline:
            reason = f"it did not end within {settings.download_timeout:g} seconds"
        if delay is None or now + delay > deadline or retries >= settings.retries():
            # Raised outside the `except` block: see `AsyncTransport.send_request`.
            raise MediaError(
                f"the result could not be downloaded: {settings.redact(reason)}",
                None if part.length else status,
                generation_id=generation_id,
            )
        with suppress(CallError):  # of a closed client, which the next attempt raises, too
            await exchange.calls.sleep(delay)
        retries += 1
        from ..telemetry import count_retry  # few downloads need it

        count_retry(None, "interrupted" if status is None else str(status))


def _seconds_until(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
