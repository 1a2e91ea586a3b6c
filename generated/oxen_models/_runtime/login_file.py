# Copied by oxen-codegen from codegen/oxen_codegen/login_file.py. Do not edit.
"""The login file of the vendor's command line, `auth_config.toml`: an API key for each host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import cast
from urllib.parse import urlsplit

FILE_NAME = "auth_config.toml"
DEFAULT_LOGIN_FILE = f"~/.config/oxen/{FILE_NAME}"
"""The login file unless OXEN_CONFIG_DIR is set, for messages."""


def login_file_path() -> str:
    """Return the path of the login file, in OXEN_CONFIG_DIR or else in `~/.config/oxen`."""
    folder = os.environ.get("OXEN_CONFIG_DIR", "").strip()
    return os.path.expanduser(os.path.join(folder, FILE_NAME) if folder else DEFAULT_LOGIN_FILE)


def read_login_key(base_url: str) -> str | None:
    """Return the API key that the login file has for the host and port of a URL; None without one.

    Raises:
        ValueError: The file exists and cannot be read, or its content is not that of a login file.
    """
    path = login_file_path()
    try:
        with open(path, "rb") as file:
            content = file.read().decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} must be UTF-8 text") from None
    names = _host_names(base_url)
    keys = [key for host, key in _parse_hosts(content, path) if host in names]
    return next(filter(None, keys), None)


def _parse_hosts(content: str, path: str) -> Iterator[tuple[str, str]]:
    """Yield each host with its key."""
    import tomllib  # on use, because most programs set OXEN_API_KEY

    try:
        document: dict[str, object] = tomllib.loads(content)
    except tomllib.TOMLDecodeError:
        # Without the parser's message, which may quote the key.
        raise ValueError(f"{path} must be a TOML file; log in again or set OXEN_API_KEY") from None
    tables = document.get("host_configs", [])
    if not isinstance(tables, list):
        raise ValueError(f"{path}: host_configs must be a list of tables")
    for table in cast("list[object]", tables):
        values = cast("dict[str, object]", table) if isinstance(table, dict) else {}
        host, key = values.get("host"), values.get("auth_token", "")
        if not isinstance(host, str) or not isinstance(key, str):
            raise ValueError(f"{path}: each table of host_configs must have a host and an auth_token")
        yield host.lower(), key.strip()


def _host_names(base_url: str) -> set[str]:
    """Return the names of a URL's host: with its port, and also without it if it is the scheme's own."""
    parts = urlsplit(base_url)
    netloc = parts.netloc.lower()
    default = {"https": 443, "http": 80}.get(parts.scheme)
    if parts.port is None:
        return {netloc, f"{netloc}:{default}"}
    return {netloc, netloc.removesuffix(f":{default}")}
