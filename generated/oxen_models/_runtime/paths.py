# Copied by oxen-codegen from templates/package/_runtime/paths.py. Do not edit.
"""Paths of callers: `~` is the home folder, and those of results are checked before requests are sent."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from .errors import ConfigurationError
from .values import shorten


def expand_path(name: str, path: str | os.PathLike[str]) -> str:
    """Return a path with the home folder in place of `~`.

    Args:
        name: The name of the argument, for the error.
        path: The path.

    Raises:
        ConfigurationError: It is not a path, or no file can have it.
    """
    if not isinstance(path, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{name} must be a path, got {shorten(path)}")
    text = os.fsdecode(path)
    try:
        is_valid = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # a lone surrogate
        is_valid = False
    if not is_valid:
        raise ConfigurationError(f"{name} must be a path of valid characters, got {shorten(text)}")
    return os.path.expanduser(text)


def check_folder(folder: Path) -> None:
    """Raise if files cannot be written into a folder. One that does not exist is not created.

    Raises:
        ConfigurationError: It is not a folder or not writable, or it cannot be created.
    """
    existing = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), folder)
    name = "it" if existing == folder else repr(str(existing))
    if not existing.is_dir():
        raise _unwritable_error(folder, f"{name} is not a folder")
    if not _is_writable(existing):
        raise _unwritable_error(folder, f"{name} is not writable")


def check_file(path: Path) -> None:
    """Raise if a file cannot be written at a path. It is not created, and neither are its folders.

    Raises:
        ConfigurationError: There is a folder, or the folder of the file is not writable or cannot be created.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    except OSError as error:
        raise _unwritable_error(path, error.strerror or str(error)) from None
    if mode is not None and S_ISDIR(mode):
        raise _unwritable_error(path, "it is a folder")
    if mode is None or S_ISREG(mode):  # which is replaced by another file
        check_folder(path.parent)
        check_folder(Path(os.path.realpath(path)).parent)
    elif not _is_writable(path):
        raise _unwritable_error(path, "it is not writable")


def _is_writable(path: Path) -> bool:
    mode = os.W_OK | os.X_OK if path.is_dir() else os.W_OK
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _unwritable_error(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(f"{str(path)!r} cannot be written: {reason}")
