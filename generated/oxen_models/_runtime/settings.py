"""What a client is told once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .errors import MissingKeyError

DEFAULT_BASE_URL = "https://hub.oxen.ai"
_PATIENCE = 300.0
_VIDEO_PATIENCE = 1800.0


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

    def patience(self, path: str, timeout: float | None) -> float:
        """Seconds to wait for the answer of an endpoint."""
        if timeout is None:
            timeout = self.timeout
        if timeout is not None:
            return timeout
        return _VIDEO_PATIENCE if path.startswith("/videos/") else _PATIENCE


def settings(api_key: str | None, base_url: str | None, timeout: float | None) -> Settings:
    """Settings from the arguments of a client and the environment.

    Raises:
        MissingKeyError: There is no key.
        ValueError: `base_url` is no http(s) address.
    """
    key = api_key if api_key is not None else os.environ.get("OXEN_API_KEY", "")
    if not key.strip():
        raise MissingKeyError("no API key: set the environment variable OXEN_API_KEY or pass api_key=")
    if not key.strip().isascii() or not key.strip().isprintable():
        raise MissingKeyError("the API key is not usable: it holds characters that no header may hold")
    url = (base_url or DEFAULT_BASE_URL).rstrip("/")
    if not url.startswith(("https://", "http://")) or not _has_host(url):
        raise ValueError(f"base_url has to begin with https:// or http:// and name a host: {url!r}")
    return Settings(key.strip(), url, timeout)


def _has_host(url: str) -> bool:
    try:
        return bool(_origin(url)[1])
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port
