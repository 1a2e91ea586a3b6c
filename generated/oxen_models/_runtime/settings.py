# Copied by oxen-codegen from templates/package/_runtime/settings.py. Do not edit.
"""The settings of a client."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .errors import ConfigurationError, MissingAPIKeyError
from .retries import DEFAULT_RETRIES

DEFAULT_BASE_URL = "https://hub.oxen.ai"
DEFAULT_TIMEOUT = 300.0
DEFAULT_VIDEO_TIMEOUT = 1800.0
MAX_TIMEOUT = 1_000_000.0  # eleven days; the clocks of operating systems have a limit
MAX_RETRIES = 100
MIN_REDACTED_KEY_LENGTH = 9


@dataclass(frozen=True, slots=True)
class Settings:
    """The server, the API key, timeouts, retries and targets. Pickled without the key."""

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

    def require_key(self, generation_id: str | None = None) -> str:
        """Return the API key.

        Args:
            generation_id: The job that the call concerns, for the error; None if it does not concern one.

        Raises:
            MissingAPIKeyError: There is no key.
        """
        return _validate_key(None, generation_id) if self.api_key is None else self.api_key

    def url(self, path: str, base_path: str = "/api/ai") -> str:
        """Return the URL of an endpoint."""
        return f"{self.base_url}{base_path}{path}"

    def is_own_host(self, url: str) -> bool:
        """Return whether the key may be sent to a URL: the API's own scheme, host and port only."""
        return _origin(url) == _origin(self.base_url)

    def redact(self, content: bytes) -> bytes:
        """Return content from the server with the API key replaced, if the server repeated it."""
        key = self.require_key()
        return content if len(key) < MIN_REDACTED_KEY_LENGTH else content.replace(key.encode(), b"[key]")

    def request_timeout(self, path: str, timeout: float | None) -> float:
        """Return the timeout of a request in seconds: `timeout`, the client's, or the endpoint's default."""
        if timeout is None:
            timeout = self.timeout
        if timeout is not None:
            return validate_timeout(timeout)
        return DEFAULT_VIDEO_TIMEOUT if path.startswith("/videos/") else DEFAULT_TIMEOUT


def create_settings(
    api_key: str | None, base_url: str | None, timeout: float | None, max_retries: int = DEFAULT_RETRIES
) -> Settings:
    """Return the settings from the arguments of a client and the environment.

    Raises:
        MissingAPIKeyError: No key was passed, and OXEN_API_KEY is not set.
        ConfigurationError: `base_url`, `timeout` or `max_retries` is invalid.
    """
    key = _validate_key(api_key)
    url = (DEFAULT_BASE_URL if base_url is None else base_url).strip().rstrip("/").removesuffix("/api/ai")
    if not _is_base_url(url):
        raise ConfigurationError(
            "base_url must be an http:// or https:// URL with a host, and without a user, query or fragment"
        )
    return Settings(
        key, url, None if timeout is None else validate_timeout(timeout), validate_max_retries(max_retries)
    )


def validate_max_retries(max_retries: int) -> int:
    """Return `max_retries`.

    Raises:
        ConfigurationError: It is not an integer from 0 to 100.
    """
    is_integer = isinstance(max_retries, int) and not isinstance(max_retries, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not is_integer or not 0 <= max_retries <= MAX_RETRIES:
        raise ConfigurationError(
            f"max_retries must be an integer from 0 to {MAX_RETRIES}, got {max_retries!r:.40}"
        )
    return max_retries


def validate_target(name: str, value: str) -> str:
    """Return the value of a target.

    Raises:
        ConfigurationError: It is not a non-empty string.
    """
    if not isinstance(value, str) or not value.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{name} must be a non-empty string, got {value!r:.80}")
    return value


def validate_timeout(timeout: float) -> float:
    """Return `timeout`.

    Raises:
        ConfigurationError: It is not a positive number of seconds, or it is too large.
    """
    if not isinstance(timeout, int | float) or not 0 < timeout <= MAX_TIMEOUT:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            f"timeout must be a positive number of seconds, at most {MAX_TIMEOUT:,.0f}, got {timeout!r:.40}"
        )
    return timeout


def _validate_key(api_key: str | None, generation_id: str | None = None) -> str:
    key = (os.environ.get("OXEN_API_KEY", "") if api_key is None else api_key).strip()
    if not key:
        text = "no API key: set the environment variable OXEN_API_KEY or pass api_key="
        raise MissingAPIKeyError(text, generation_id=generation_id)
    if not key.isascii() or not key.isprintable():
        text = "the API key must consist of printable ASCII characters"
        raise MissingAPIKeyError(text, generation_id=generation_id)
    return key


def _is_base_url(url: str) -> bool:
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
