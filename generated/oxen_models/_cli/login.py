# Copied by oxen-codegen from templates/package/_cli/login.py. Do not edit.
"""`login`: check an API key and store it in the login file of the vendor's command line."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from oxen_models._runtime.atomic_file import replace_file
from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .options import base_url_option
from .output import get_output, output_option

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from oxen_models._runtime.api_key import APIKey


@click.command()
@base_url_option
@output_option
def login_command(base_url: str | None) -> None:
    """Check an API key and store it in the login file, which the vendor's command line reads, too.

    The key is typed without being shown, or read from the standard input. The file is `auth_config.toml` in
    OXEN_CONFIG_DIR or `~/.config/oxen`; only its owner can read it. Other hosts in it are kept.
    """
    from oxen_models import Oxen
    from oxen_models._runtime.api_key import APIKey
    from oxen_models._runtime.login_file import login_file_path

    key = APIKey(_read_key())
    if not key:
        raise click.UsageError("no key was entered")
    path = Path(login_file_path())
    with Oxen(key, base_url=base_url) as oxen:
        user = oxen.check_key()
        url = oxen._session.settings.base_url  # pyright: ignore[reportPrivateUsage]
    host = urlsplit(url).netloc.lower()
    store_key(path, host, key)
    value = {"user": user.name, "email": user.email, "host": host, "file": str(path)}
    get_output().show(value, f"logged in to {host} as {user.name}; the key is in {path}", [user.name])
    if os.environ.get("OXEN_API_KEY", "").strip():
        click.echo("oxen-models: OXEN_API_KEY is set and takes precedence over the file", err=True)


def _read_key() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("API key", hide_input=True, err=True))
    try:
        return sys.stdin.readline()
    except UnicodeDecodeError:
        raise click.UsageError("the standard input must be an API key, and is not text") from None


def store_key(path: Path, host: str, key: APIKey) -> None:
    """Write the key of a host into a login file, atomically and with mode 600; other hosts are kept, also if
    another process stores their keys at the same time.

    Raises:
        click.ClickException: The file has content that would be lost, or cannot be read or written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = Path(os.path.realpath(path))
        with _lock(file.parent):
            document = _read(file)
            hosts = [table for table in document.get("host_configs", []) if table["host"].lower() != host]
            document["host_configs"] = [*hosts, {"host": host, "auth_token": key.get_secret_value()}]
            document.setdefault("default_host", host)
            _write(file, _format(document))
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise click.ClickException(f"{path}: {error}") from None


@contextmanager
def _lock(folder: Path) -> Generator[None]:
    """Hold the exclusive lock of a folder during the block, if the operating system can lock folders."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a network drive without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> dict[str, Any]:
    """Return the content of a login file; empty without one.

    Raises:
        ValueError: It has something else than a login file, which would be lost.
    """
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:  # without the parser's message, which may quote a key
        raise ValueError("must be a TOML file; move it away to create a new one") from None
    hosts = document.get("host_configs", [])
    rest = {name: value for name, value in document.items() if name != "host_configs"}
    if not _is_flat(rest) or not is_list(hosts) or not all(map(_is_host, hosts)):
        raise ValueError("has unknown content; move it away to create a new one")
    return document


def _is_host(table: object) -> bool:
    return is_object(table) and isinstance(table.get("host"), str) and _is_flat(table)


def _is_flat(table: Mapping[str, object]) -> bool:
    return all(isinstance(value, str | bool | int) for value in table.values())


def _format(document: Mapping[str, Any]) -> str:
    """Return a login file as TOML."""
    lines = [_format_pair(name, value) for name, value in document.items() if name != "host_configs"]
    for table in document["host_configs"]:
        lines += ["", "[[host_configs]]", *(_format_pair(name, value) for name, value in table.items())]
    return "\n".join(lines) + "\n"


def _format_pair(name: str, value: object) -> str:
    # Strings, integers and booleans of JSON are those of TOML.
    key = name if re.fullmatch("[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"


def _write(path: Path, text: str) -> None:
    opener = partial(os.open, mode=0o600)
    with replace_file(path) as part, open(part, "x", encoding="utf-8", opener=opener) as file:
        file.write(text)
