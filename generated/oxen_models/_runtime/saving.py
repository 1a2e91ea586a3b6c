"""What it means that a file could not be written."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .errors import MediaError


@contextmanager
def writing(target: Path) -> Generator[None]:
    """Around each step of writing a file, and around nothing else.

    Raises:
        MediaError: The step failed.
    """
    try:
        yield
    except (OSError, ValueError) as error:  # a null byte in the name is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise MediaError(f"{str(target)!r} could not be written: {reason}") from error
