# Copied by oxen-codegen from templates/package/_runtime/settings.py. Do not edit.
"""The settings of a client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from oxen_models._runtime.api_key import APIKey, APIKeyLike, InvalidKeyError
from oxen_models._runtime.environment import advise_key, find_api_key, find_base_url

from .errors import ConfigurationError, MissingAPIKeyError
from .headers import validate_headers
from .retries import DEFAULT_RETRIES

DEFAULT_TIMEOUT = 300.0
DEFAULT_VIDEO_TIMEOUT = 1800.0
DEFAULT_DOWNLOAD_TIMEOUT = 1800.0
DEFAULT_UPLOAD_TIMEOUT = 1200.0
UPLOADS_PATH = "/repos/"
"""The beginning of the paths of uploads, below /api."""
DEFAULT_MAX_INLINE = 20 * 2**20
"""Maximum size in bytes of a file that is sent in a request."""
MAX_TIMEOUT = 1_000_000.0  # eleven days; the clocks of operating systems have a limit
MAX_RETRIES = 100
_REPOSITORY = re.compile(r"(?!\.{1,2}/)[^/\s\ud800-\udfff]+/(?!\.{1,2}$)[^/\s\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Settings:
    """The server, the API key, timeouts, retries and targets. Pickled without the key."""

    api_key: APIKey | None = field(repr=False)
    """None without a key and after unpickling: it is looked up when a call needs it."""
    base_url: str
    timeout: float | None
    max_retries: int | None = None
    """None for the default, which is higher in runs of many requests."""
    target_repo: str | None = None
    target_directory: str | None = None
    default_headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Headers of all requests to the API's own host, with names in lower case."""
    download_timeout: float = DEFAULT_DOWNLOAD_TIMEOUT
    """Seconds for the download of one result."""
    uploads: bool | str = False
    """Whether larger files are uploaded, and to which repository, as `namespace/name`."""
    max_inline: int = DEFAULT_MAX_INLINE
    """Maximum size in bytes of a file that is sent in a request."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Settings, (
            None,
            self.base_url,
            self.timeout,
            self.max_retries,
            self.target_repo,
            self.target_directory,
            self.default_headers,
            self.download_timeout,
            self.uploads,
            self.max_inline,
        )

    @property
    def targets(self) -> dict[str, str]:
        """The properties of a submission that name where its results are kept."""
        targets = {"target_repo": self.target_repo, "target_directory": self.target_directory}
        return {name: value for name, value in targets.items() if value is not None}

    def find_key(self, generation_id: str | None = None) -> APIKey | None:
        """Return the API key; None without one. The arguments and errors are those of `require_key`."""
        return self.api_key or _find_key(None, self.base_url, generation_id)

    def require_key(self, generation_id: str | None = None) -> APIKey:
        """Return the API key.

        Args:
            generation_id: The job that the call concerns, for the error; None if it does not concern one.

        Raises:
            MissingAPIKeyError: There is no valid key.
            ConfigurationError: The login file is invalid.
        """
        key = self.find_key(generation_id)
        if key is None:
            raise MissingAPIKeyError(
                f"no API key: {advise_key()}, or pass api_key=", generation_id=generation_id
            )
        return key

    def url(self, path: str, base_path: str = "/api/ai") -> str:
        """Return the URL of an endpoint."""
        return f"{self.base_url}{base_path}{path}"

    def is_own_host(self, url: str) -> bool:
        """Return whether the key may be sent to a URL: the API's own scheme, host and port only."""
        return _origin(url) == _origin(self.base_url)

    def redact(self, text: str) -> str:
        """Return text from the server with the API key replaced, if the server repeated it."""
        key = self.find_key()
        return text if key is None else key.redact(text)

    def redact_bytes(self, content: bytes) -> bytes:
        """Return bytes from the server with the API key replaced, if the server repeated it."""
        key = self.find_key()
        return content if key is None else key.redact_bytes(content)

    def redact_values(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return a mapping with the API key replaced in its values, if the server repeated it."""
        text = "\n".join(values.values())  # at once, because most responses do not repeat the key
        if self.redact(text) == text:
            return values
        return {name: self.redact(value) for name, value in values.items()}

    def retries(self, default: int = DEFAULT_RETRIES) -> int:
        """Return the maximum number of retries of a request: the client's, or `default`."""
        return default if self.max_retries is None else self.max_retries

    def request_timeout(self, path: str, timeout: float | None) -> float:
        """Return the timeout of a request in seconds: `timeout`, the client's, or the endpoint's default."""
        if timeout is None:
            timeout = self.timeout
        if timeout is not None:
            return validate_timeout(timeout)
        if path.startswith(UPLOADS_PATH):
            return DEFAULT_UPLOAD_TIMEOUT
        return DEFAULT_VIDEO_TIMEOUT if path.startswith("/videos/") else DEFAULT_TIMEOUT


def create_settings(
    api_key: APIKey | None,
    base_url: str | None,
    timeout: float | None,
    max_retries: int | None = None,
    default_headers: Mapping[str, str] | None = None,
    download_timeout: float = DEFAULT_DOWNLOAD_TIMEOUT,
    uploads: bool | str = False,
    max_inline: int = DEFAULT_MAX_INLINE,
) -> Settings:
    """Return the settings from the arguments of a client, the environment and the login file.

    Raises:
        MissingAPIKeyError: The key contains characters that a header cannot have.
        ConfigurationError: Another argument, a variable of the environment or the login file is invalid.
    """
    try:
        url = find_base_url(base_url)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    return Settings(
        _find_key(api_key, url),
        url,
        None if timeout is None else validate_timeout(timeout),
        None if max_retries is None else validate_max_retries(max_retries),
        default_headers=validate_headers("default_headers", default_headers),
        download_timeout=validate_timeout(download_timeout, "download_timeout"),
        uploads=_validate_uploads(uploads),
        max_inline=_validate_max_inline(max_inline),
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


def _validate_uploads(uploads: bool | str) -> bool | str:
    """Return `uploads`.

    Raises:
        ConfigurationError: It is neither a boolean nor the name of a repository.
    """
    if isinstance(uploads, bool) or (isinstance(uploads, str) and _REPOSITORY.fullmatch(uploads)):  # pyright: ignore[reportUnnecessaryIsInstance]
        return uploads
    raise ConfigurationError(
        f"uploads must be True, False or a repository as 'namespace/name', got {uploads!r:.80}"
    )


def _validate_max_inline(max_inline: int) -> int:
    """Return `max_inline`.

    Raises:
        ConfigurationError: It is not an integer in the range that is supported.
    """
    if max_inline == DEFAULT_MAX_INLINE:
        return DEFAULT_MAX_INLINE
    from .media_sources import MAX_CONVERTED_SIZE, MAX_INPUT_SIZE  # few clients need it

    is_integer = isinstance(max_inline, int) and not isinstance(max_inline, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not is_integer or not MAX_CONVERTED_SIZE <= max_inline <= MAX_INPUT_SIZE:
        raise ConfigurationError(
            f"max_inline must be a number of bytes from {MAX_CONVERTED_SIZE:,} to {MAX_INPUT_SIZE:,}, "
            f"got {max_inline!r:.40}"
        )
    return max_inline


def validate_target(name: str, value: str) -> str:
    """Return the value of a target.

    Raises:
        ConfigurationError: It is not a non-empty string.
    """
    if not isinstance(value, str) or not value.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{name} must be a non-empty string, got {value!r:.80}")
    return value


def validate_timeout(timeout: float, name: str = "timeout") -> float:
    """Return a timeout. `name` is that of the option, for the error.

    Raises:
        ConfigurationError: It is not a positive number of seconds, or it is too large.
    """
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not is_number or not 0 < timeout <= MAX_TIMEOUT:
        raise ConfigurationError(
            f"{name} must be a positive number of seconds, at most {MAX_TIMEOUT:,.0f}, got {timeout!r:.40}"
        )
    return timeout


def hide_key(api_key: APIKeyLike | None) -> APIKey:
    """Return an API key that is not shown.

    Raises:
        MissingAPIKeyError: It is not a string, bytes or a secret such as pydantic's `SecretStr`.
    """
    try:
        return APIKey(api_key)
    except InvalidKeyError as error:
        raise MissingAPIKeyError(str(error)) from None


def _find_key(api_key: APIKey | None, base_url: str, generation_id: str | None = None) -> APIKey | None:
    try:
        return find_api_key(api_key, base_url)
    except InvalidKeyError as error:
        raise MissingAPIKeyError(str(error), generation_id=generation_id) from None
    except ValueError as error:
        raise ConfigurationError(str(error), generation_id=generation_id) from None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port
