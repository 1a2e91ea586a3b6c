"""The login file of the vendor's command line, `auth_config.toml`: an API key for each host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import cast
from urllib.parse import urlsplit

from .api_key import APIKey

FILE_NAME = "auth_config.toml"


def login_file_name() -> str:
    """Return the path of the login file, in OXEN_CONFIG_DIR or else in `~/.config/oxen`, for messages."""
    folder = os.environ.get("OXEN_CONFIG_DIR", "").strip()
    return os.path.join(folder, FILE_NAME) if folder else f"~/.config/oxen/{FILE_NAME}"


def login_file_path() -> str:
    """Return the path of the login file for opening it."""
    return os.path.expanduser(login_file_name())


def read_login_key(base_url: str) -> APIKey | None:
    """Return the API key that the login file has for the host and port of a URL; None without one.

    Raises:
        ValueError: The file exists and cannot be read, or its content is not that of a login file.
    """
    path = login_file_path()
    problem: str | None = None
    keys: list[tuple[str, APIKey]] = []
    try:
        keys = list(_parse_hosts(_read(path)))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        problem = f" cannot be read: {error.strerror or error}"
    except _InvalidFileError as error:
        problem = str(error)
    if problem is not None:
        # Raised outside the `except` block: `__context__` would refer to the content of the file.
        raise ValueError(f"{path}{problem}")
    names = _host_names(base_url)
    return next((key for host, key in keys if host in names and key), None)


class _InvalidFileError(Exception):
    """The file is not a login file. Its text follows the path of the file."""


def _read(path: str) -> str:
    with open(path, "rb") as file:
        try:
            return file.read().decode()
        except UnicodeDecodeError:
            raise _InvalidFileError(" must be UTF-8 text") from None


def _parse_hosts(content: str) -> Iterator[tuple[str, APIKey]]:
    """Yield each host with its key."""
    import tomllib  # on use, because most programs set OXEN_API_KEY

    try:
        document: dict[str, object] = tomllib.loads(content)
    except tomllib.TOMLDecodeError:
        # Without the parser's message, which may quote the key.
        raise _InvalidFileError(" must be a TOML file; log in again or set OXEN_API_KEY") from None
    tables = document.get("host_configs", [])
    if not isinstance(tables, list):
        raise _InvalidFileError(": host_configs must be a list of tables")
    for table in cast("list[object]", tables):
        values = cast("dict[str, object]", table) if isinstance(table, dict) else {}
        host, key = values.get("host"), values.get("auth_token", "")
        if not isinstance(host, str) or not isinstance(key, str):
            raise _InvalidFileError(": each table of host_configs must have a host and an auth_token")
        yield host.lower(), APIKey(key)


def _host_names(base_url: str) -> set[str]:
    """Return the names of a URL's host: with its port, and also without it if it is the scheme's own."""
    parts = urlsplit(base_url)
    netloc = parts.netloc.lower()
    default = {"https": 443, "http": 80}.get(parts.scheme)
    if parts.port is None:
        return {netloc, f"{netloc}:{default}"}
    return {netloc, netloc.removesuffix(f":{default}")}
