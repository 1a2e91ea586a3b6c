"""Validate the headers that a caller adds to requests. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import ConfigurationError

# Headers that the client sets itself and that callers may not override.
_RESERVED_HEADERS = frozenset(
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


def validate_headers(argument: str, headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return headers with their names in lower case.

    Args:
        argument: The name of the argument, for the message.
        headers: The headers; None for none.

    Raises:
        ConfigurationError: A header is not ASCII text, or the client sets it itself; or `headers` is not a
            mapping.
    """
    validated: dict[str, str] = {}
    if headers is not None and not isinstance(headers, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        kind = type(headers).__name__
        raise ConfigurationError(f"{argument}: must be a mapping of names to values, got {kind}")
    for name, value in (headers or {}).items():
        if not _is_header_name(name) or not _is_header_value(value):
            raise ConfigurationError(f"{argument}: {name!r:.80} must be an ASCII name with an ASCII value")
        if name.lower() in _RESERVED_HEADERS:
            suggestion = "; use api_key=" if name.lower() == "authorization" else ""
            raise ConfigurationError(f"{argument}: {name!r} is set by the client{suggestion}")
        validated[name.lower()] = value
    return validated


def _is_header_name(name: object) -> bool:
    return isinstance(name, str) and name.isascii() and name.replace("-", "").replace("_", "").isalnum()


def _is_header_value(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and value == value.strip()
