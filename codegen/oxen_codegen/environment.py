"""The address of the API and the API key: from arguments, environment variables and the login file."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from .api_key import APIKey, InvalidKeyError
from .login_file import login_file_name, login_file_path, read_login_key

DEFAULT_BASE_URL = "https://hub.oxen.ai"


def find_base_url(base_url: str | None) -> str:
    """Return the address of the API, without `/api/ai`.

    Args:
        base_url: The address that the caller passed, with `/api/ai` or without; None for that of
            OXEN_BASE_URL, else of OXEN_HOST, else `DEFAULT_BASE_URL`.

    Raises:
        ValueError: The address is not valid.
    """
    if base_url is not None:
        return _normalize("base_url", base_url)
    if url := os.environ.get("OXEN_BASE_URL", "").strip():
        return _normalize("OXEN_BASE_URL", url)
    if host := os.environ.get("OXEN_HOST", "").strip():
        return _url_of_host(host)
    return DEFAULT_BASE_URL


def find_api_key(api_key: APIKey | None, base_url: str) -> APIKey | None:
    """Return the API key; None without one.

    Args:
        api_key: The key that the caller passed; None or blank for that of OXEN_API_KEY, else the one that
            the login file has for the host.
        base_url: The address of the API.

    Raises:
        InvalidKeyError: The key contains characters that a header cannot have.
        ValueError: The login file is invalid.
    """
    name, key = "api_key", api_key
    if not key:
        name, key = "OXEN_API_KEY", APIKey(os.environ.get("OXEN_API_KEY"))
    if not key:
        name, key = f"the key in {login_file_path()}", read_login_key(base_url)
    if key is not None and not key.is_valid:
        raise InvalidKeyError(f"{name} must consist of printable ASCII characters")
    return key


def advise_key() -> str:
    """Return the remedies for a missing key."""
    return (
        f"set OXEN_API_KEY, or log in with `oxen-models login` or `oxen config --auth` ({login_file_name()})"
    )


def _normalize(name: str, given: object) -> str:
    url = given.strip().rstrip("/").removesuffix("/api/ai") if isinstance(given, str) else ""
    if not _is_base_url(url):
        # A value that may contain a password or a token is not shown.
        shown = "" if set(str(given)) & set("@?#") else f", got {given!r:.80}"
        raise ValueError(
            f"{name} must be an http:// or https:// URL with a host, and without a user, query or fragment"
            f"{shown}"
        )
    return url


def _url_of_host(host: str) -> str:
    url = f"https://{host}"
    if not _is_base_url(url) or urlsplit(url).netloc != host:
        raise ValueError(f"OXEN_HOST must be a host, or a host with a port, got {host!r:.80}")
    parts = urlsplit(url)
    is_local = _is_local(parts.hostname or "")
    return f"http://{host}" if is_local or parts.port not in (None, 443) else url


def _is_local(host: str) -> bool:
    return host in ("localhost", "::1", "0.0.0.0") or host.startswith("127.") or host.endswith(".localhost")


def _is_base_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    is_plain = url.isprintable() and not set(url) & set(" ?#") and "@" not in parts.netloc
    return parts.scheme in ("https", "http") and bool(parts.hostname) and is_plain
