"""Write and compare folders of files."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from .diagnostics import CodegenError

Difference = tuple[str, Literal["changed", "new", "removed"]]
"""The path of a file in a folder, and how it differs from the file at that path in another folder."""


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


def compare_trees(new: Path, old: Path) -> Iterator[Difference]:
    """Yield the files that differ between two folders, in the order of their paths."""
    new_files, old_files = _list_files(new), _list_files(old)
    for name in sorted(new_files | old_files):
        if name not in old_files:
            yield name, "new"
        elif name not in new_files:
            yield name, "removed"
        elif not filecmp.cmp(new / name, old / name, shallow=False):
            yield name, "changed"


def _list_files(folder: Path) -> set[str]:
    return {
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
