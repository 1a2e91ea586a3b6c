"""Files that are replaced atomically."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

PART_SUFFIX = ".part"
"""The suffix of temporary files. A killed process may have left some."""


def new_part(folder: Path) -> Path:
    """Return the path of a temporary file in a folder, from which it can be moved to its name."""
    return folder / f".{token_hex(8)}{PART_SUFFIX}"


@contextmanager
def replace_file(path: Path) -> Generator[Path]:
    """Yield the path of a temporary file, which the block creates and which replaces the file at its end.

    Both are in the same folder. If the block raises, the temporary file is deleted instead.

    Raises:
        OSError: The file cannot be replaced.
    """
    part = new_part(path.parent)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
