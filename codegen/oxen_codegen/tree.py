"""Read, write and compare folders of files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from .diagnostics import CodegenError

Difference = tuple[str, Literal["changed", "new", "removed"]]
"""The path of a file in a folder, and how its new content differs."""


def write_files(files: Mapping[str, str | bytes], folder: Path) -> None:
    """Write texts and binary contents to files below `folder`, by relative path.

    Raises:
        CodegenError: A file cannot be written.
    """
    try:
        for name, content in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
    except OSError as error:
        raise CodegenError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def create_file(file: Path, text: str) -> None:
    """Write a new file in place of a file or link at its path. A link is never written through.

    Raises:
        OSError: The file cannot be written.
    """
    content = text.encode()
    file.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(file, flags, 0o666), "wb") as created:
        created.write(content)


def find_differences(files: Mapping[str, bytes], folder: Path) -> Iterator[Difference]:
    """Yield the files by which a folder differs from contents by relative path, in the order of the paths."""
    existing = set(list_files(folder))
    for name in sorted(existing | files.keys()):
        if name not in existing:
            yield name, "new"
        elif name not in files:
            yield name, "removed"
        elif files[name] != (folder / name).read_bytes():
            yield name, "changed"


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the contents of the files below a folder by relative path, without compiled modules."""
    return {name: (folder / name).read_bytes() for name in list_files(folder)}


def list_files(folder: Path) -> Iterator[str]:
    """Yield the relative paths of the files below a folder, without compiled modules."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        path = Path(parent).relative_to(folder).as_posix()
        prefix = "" if path == "." else f"{path}/"
        for name in names:
            if os.path.isfile(os.path.join(parent, name)):  # the target of a link may be gone
                yield f"{prefix}{name}"
