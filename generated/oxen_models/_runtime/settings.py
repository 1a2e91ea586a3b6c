"""What a client is told once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .errors import ConfigurationError, MissingKeyError

DEFAULT_BASE_URL = "https://hub.oxen.ai"
_PATIENCE = 300.0
_VIDEO_PATIENCE = 1800.0
_LONGEST = 1e6  # eleven days; the system's own clocks have a limit


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to call, with what key, and how long to wait."""

    api_key: str = field(repr=False)
    base_url: str
    timeout: float | None

    def url(self, path: str) -> str:
        """The address of an endpoint below /api/ai."""
        return f"{self.base_url}/api/ai{path}"

    def is_own_host(self, url: str) -> bool:
        """Whether the key may go there: the API's own scheme, host and port, and no other."""
        return _origin(url) == _origin(self.base_url)

    def without_key(self, content: bytes) -> bytes:
        """What the hub said, less the key, should it quote it."""
        return content.replace(self.api_key.encode(), b"[key]") if len(self.api_key) > 8 else content

    def patience(self, path: str, timeout: float | None) -> float:
        """Seconds to wait for the answer of an endpoint."""
        if timeout is None:
            timeout = self.timeout
        if timeout is not None:
            return checked_timeout(timeout)
        return _VIDEO_PATIENCE if path.startswith("/videos/") else _PATIENCE


def settings(api_key: str | None, base_url: str | None, timeout: float | None) -> Settings:
    """Settings from the arguments of a client and the environment.

    Raises:
        MissingKeyError: There is no key.
        ConfigurationError: `base_url` is no http(s) address, or `timeout` no time.
    """
    key = api_key if api_key is not None else os.environ.get("OXEN_API_KEY", "")
    if not key.strip():
        raise MissingKeyError("no API key: set the environment variable OXEN_API_KEY or pass api_key=")
    if not key.strip().isascii() or not key.strip().isprintable():
        raise MissingKeyError("the API key is not usable: it holds characters that no header may hold")
    url = (DEFAULT_BASE_URL if base_url is None else base_url).strip().rstrip("/").removesuffix("/api/ai")
    if not _is_usable(url):
        raise ConfigurationError(
            "base_url has to begin with https:// or http:// and name a host, with neither a user nor a query"
        )
    return Settings(key.strip(), url, None if timeout is None else checked_timeout(timeout))


def checked_timeout(timeout: float) -> float:
    """`timeout`, if it is one.

    Raises:
        ConfigurationError: It is no number of seconds, or too large a one.
    """
    if not isinstance(timeout, int | float) or not 0 < timeout <= _LONGEST:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            f"timeout has to be a number of seconds, above 0 and at most 1,000,000: {timeout!r:.40}"
        )
    return timeout


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    is_plain = url.isprintable() and not set(url) & set(" ?#") and "@" not in parts.netloc
    return parts.scheme in ("https", "http") and bool(parts.hostname) and is_plain


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port
