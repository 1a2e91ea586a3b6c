# Copied by oxen-codegen from templates/package/_runtime/table_folder.py. Do not edit.
"""The names of the files that a table run saves, and the folder at a URL that they are copied to."""

from __future__ import annotations

import os
import re
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from .errors import ConfigurationError, MediaError
from .extras import describe_missing_extra
from .paths import check_folder, expand_path

_MAX_NAME_LENGTH = 80
_DIGEST_LENGTH = 12
_PLAIN = re.compile(r"[a-z0-9_-]{1,80}")


def is_url(folder: str) -> bool:
    """Return whether a folder is at a URL of fsspec, such as `s3://bucket/folder`."""
    return "://" in folder


def expand_folder(folder: str | os.PathLike[str]) -> str:
    """Return the path of a folder with the home folder in place of `~`, or its URL.

    Raises:
        ConfigurationError: It is not a path.
    """
    return folder if isinstance(folder, str) and is_url(folder) else expand_path("folder", folder)


def name_pattern(key: str, count: int) -> str:
    """Return the pattern for the names of the files of a row, which differ from those of all other keys.

    A key with characters that are not allowed in every file system, or that are the same as others in one,
    gets its digest as well.
    """
    name = key
    if not _PLAIN.fullmatch(key):
        cleaned = re.sub("[^A-Za-z0-9_-]+", "_", key)[:_MAX_NAME_LENGTH]
        name = f"{cleaned}.{sha256(key.encode()).hexdigest()[:_DIGEST_LENGTH]}"
    return f"{name}.{{ext}}" if count == 1 else f"{name}.{{index}}.{{ext}}"


def create_folder(folder: str) -> None:
    """Create a folder, unless it exists.

    Raises:
        ConfigurationError: It cannot be created, or is not writable.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"folder {folder!r} cannot be created: {error.strerror or error}") from None
    check_folder(Path(folder))


def is_same_file(source: object, path: Path) -> bool:
    """Return whether a source is the file at a path."""
    if not isinstance(source, str | os.PathLike):
        return False
    return path.exists() and path.samefile(expand_path("source", cast("str | os.PathLike[str]", source)))


class RemoteFolder:
    """A folder at a URL.

    Args:
        url: The URL.

    Raises:
        ConfigurationError: fsspec or the package for the protocol is not installed, or the folder cannot be
            created.
    """

    def __init__(self, url: str) -> None:
        try:
            fsspec: Any = import_module("fsspec.core")
        except ImportError:
            raise ConfigurationError(describe_missing_extra("folder=URL", "fsspec", "tables")) from None
        self._url = url.rstrip("/")
        try:
            self._system, self._path = fsspec.url_to_fs(self._url)
            self._system.makedirs(self._path, exist_ok=True)
        except Exception as error:  # each file system has errors of its own
            raise ConfigurationError(f"folder {url!r} cannot be used: {error}") from None

    def upload(self, file: Path) -> str:
        """Copy a file into the folder, and return its URL.

        Raises:
            MediaError: It cannot be written.
        """
        url = f"{self._url}/{file.name}"
        try:
            self._system.put_file(str(file), f"{self._path}/{file.name}")
        except Exception as error:  # each file system has errors of its own
            raise MediaError(f"{url!r} could not be written: {error}") from error
        return url
