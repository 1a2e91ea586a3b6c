"""The settings of a client."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .errors import ConfigurationError, MissingAPIKeyError
from .retries import DEFAULT_RETRIES

DEFAULT_BASE_URL = "https://hub.oxen.ai"
_PATIENCE = 300.0
_VIDEO_PATIENCE = 1800.0
_LONGEST = 1e6  # eleven days; the system's own clocks have a limit


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to call, with what key, and how long to wait. Pickled without the key."""

    api_key: str | None = field(repr=False)
    """None after unpickling: OXEN_API_KEY is read when it is needed."""
    base_url: str
    timeout: float | None
    max_retries: int = DEFAULT_RETRIES
    target_repo: str | None = None
    target_directory: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Settings, (
            None, self.base_url, self.timeout, self.max_retries, self.target_repo, self.target_directory
        )  # fmt: skip

    @property
    def targets(self) -> dict[str, str]:
        """The properties of a submission that say where its results are kept."""
        targets = {"target_repo": self.target_repo, "target_directory": self.target_directory}
        return {name: value for name, value in targets.items() if value is not None}

    def key(self) -> str:
        """The key to call with.

        Raises:
            MissingAPIKeyError: There is no key.
        """
        return _usable_key(None) if self.api_key is None else self.api_key

    def url(self, path: str, below: str = "/api/ai") -> str:
        """The address of an endpoint."""
        return f"{self.base_url}{below}{path}"

    def is_own_host(self, url: str) -> bool:
        """Whether the key may go there: the API's own scheme, host and port, and no other."""
        return _origin(url) == _origin(self.base_url)

    def without_key(self, content: bytes) -> bytes:
        """Text of the hub, with the key cut out if it is quoted."""
        key = self.key()
        return content.replace(key.encode(), b"[key]") if len(key) > 8 else content

    def patience(self, path: str, timeout: float | None) -> float:
        """Seconds to wait for the answer of an endpoint."""
        if timeout is None:
            timeout = self.timeout
        if timeout is not None:
            return checked_timeout(timeout)
        return _VIDEO_PATIENCE if path.startswith("/videos/") else _PATIENCE


def settings(
    api_key: str | None, base_url: str | None, timeout: float | None, max_retries: int = DEFAULT_RETRIES
) -> Settings:
    """Settings from the arguments of a client and the environment.

    Raises:
        MissingAPIKeyError: No key was passed, and OXEN_API_KEY is not set.
        ConfigurationError: `base_url`, `timeout` or `max_retries` is not usable.
    """
    key = _usable_key(api_key)
    url = (DEFAULT_BASE_URL if base_url is None else base_url).strip().rstrip("/").removesuffix("/api/ai")
    if not _is_usable(url):
        raise ConfigurationError(
            "base_url has to begin with https:// or http:// and name a host, with neither a user nor a query"
        )
    return Settings(
        key, url, None if timeout is None else checked_timeout(timeout), checked_retries(max_retries)
    )


def checked_retries(max_retries: int) -> int:
    """`max_retries`, checked.

    Raises:
        ConfigurationError: It is not one.
    """
    if not isinstance(max_retries, int) or isinstance(max_retries, bool) or not 0 <= max_retries <= 100:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"max_retries has to be a whole number from 0 to 100: {max_retries!r:.40}")
    return max_retries


def checked_target(name: str, value: str) -> str:
    """Return a target, checked.

    Raises:
        ConfigurationError: It is not a non-empty string.
    """
    if not isinstance(value, str) or not value.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{name} must be a non-empty string, got {value!r:.80}")
    return value


def checked_timeout(timeout: float) -> float:
    """`timeout`, checked.

    Raises:
        ConfigurationError: It is not a number of seconds, or is too large.
    """
    if not isinstance(timeout, int | float) or not 0 < timeout <= _LONGEST:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            f"timeout has to be a number of seconds, above 0 and at most 1,000,000: {timeout!r:.40}"
        )
    return timeout


def _usable_key(api_key: str | None) -> str:
    key = (os.environ.get("OXEN_API_KEY", "") if api_key is None else api_key).strip()
    if not key:
        raise MissingAPIKeyError("no API key: set the environment variable OXEN_API_KEY or pass api_key=")
    if not key.isascii() or not key.isprintable():
        raise MissingAPIKeyError("the API key is not usable: it holds characters that no header may hold")
    return key


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
