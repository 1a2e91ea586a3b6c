# Copied by oxen-codegen from templates/package/_runtime/saving.py. Do not edit.
"""Map file-system errors to `MediaError`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .errors import MediaError


@contextmanager
def map_os_errors(target: Path) -> Generator[None]:
    """Raise errors of one step of writing `target` as `MediaError`.

    Raises:
        MediaError: The step failed.
    """
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError for a null byte in the path
        reason = getattr(error, "strerror", None) or error
        raise MediaError(f"{str(target)!r} could not be written: {reason}") from error
