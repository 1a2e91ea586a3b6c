"""Paths of callers, in which `~` is the home folder."""

from __future__ import annotations

import os

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
