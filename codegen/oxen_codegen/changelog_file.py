"""Read a changelog, and add an entry to it."""

from __future__ import annotations

import re
from pathlib import Path

from .diagnostics import CodegenError

_SECTION = re.compile(r"^## .*$", re.MULTILINE)


def read_changelog(file: Path) -> str:
    """Return the text of a changelog; "" if the file does not exist.

    Raises:
        CodegenError: The file is not UTF-8.
    """
    try:
        return file.read_bytes().decode() if file.exists() else ""
    except UnicodeDecodeError:
        raise CodegenError(f"{file}: invalid UTF-8") from None


def add_entry(changelog: str, entry: str) -> str:
    """Return a changelog with an entry at the end of the first section, if that one is unreleased.

    Otherwise the entry begins a new section "Unreleased".
    """
    if "\r\n" in changelog:
        return add_entry(changelog.replace("\r\n", "\n"), entry).replace("\n", "\r\n")
    starts = [section.start() for section in _SECTION.finditer(changelog)]
    begin, end, *_ = [*starts, len(changelog), len(changelog)]
    if "unreleased" not in changelog[begin:end].partition("\n")[0].lower():
        end = begin
    parts = [
        changelog[:begin].strip() or "# Changelog",
        changelog[begin:end].strip() or "## Unreleased",
        entry,
        changelog[end:].strip(),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"
