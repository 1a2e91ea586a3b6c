"""Where the files of results are saved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxen_models._runtime.paths import check_file, check_folder
from oxen_models._runtime.saving import DEFAULT_PATTERN, check_pattern, format_name

if TYPE_CHECKING:
    from oxen_models._runtime._sync.results import AnyResult

_SEPARATORS = tuple(filter(None, ("/", os.sep, os.altsep)))


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A saved file of a result."""

    path: Path
    url: str | None
    """The URL of the original, which expires; None if the response contained the content."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A folder and the names of the files in it."""

    folder: Path
    pattern: str = DEFAULT_PATTERN
    """With the fields `index`, `id` and `ext`; see `save_all`."""
    file: Path | None = None
    """The path of the only file, in place of the pattern; further files have a number in their name."""

    def check(self) -> None:
        """Raise if files cannot be written there. Creates nothing.

        Raises:
            ConfigurationError: The folder is not writable or cannot be created, or the path is that of one.
        """
        if self.file is None:
            check_folder(self.folder)
        else:
            check_file(self.file)

    def save(
        self, result: AnyResult, first: int, total: int, *, sidecar: bool = False
    ) -> Iterator[SavedFile]:
        """Save the files of a result, and yield each one.

        Args:
            result: The result.
            first: The index of its first file among those of all results.
            total: The number of files of all results.
            sidecar: Whether to write a file beside each one that states how it was made.

        Raises:
            MediaError: A file could not be downloaded or written. The files before it remain.
        """
        for index, medium in enumerate(result.media, first):
            if self.file is None:
                is_unique = total == 1 or _has_index(self.pattern)
                pattern = self.pattern if is_unique else f"{{index}}_{self.pattern}"
                any_result: Any = result
                single = replace(any_result, media=(medium,))
                [path] = single.save_all(self.folder, pattern, start=first, sidecar=sidecar)
            else:
                file = self.file
                if total > 1:
                    file = file.with_name(f"{file.stem}_{index}{file.suffix}")
                path = medium.save(file, parents=True, sidecar=sidecar)
            yield SavedFile(path, medium.url)


def parse_destination(text: str | None) -> Destination:
    """Return where files are saved.

    Args:
        text: The path of a file, of a folder (it exists, or the text ends with a slash), or a pattern of
            paths whose last part has fields such as `{index}`; None for the current folder.

    Raises:
        ConfigurationError: The pattern is not valid, or files cannot be written there.
    """
    destination = _parse(text)
    destination.check()
    return destination


def _parse(text: str | None) -> Destination:
    if text is None:
        return Destination(Path())
    path = Path(os.path.expanduser(text))
    if "{" in path.name and not text.endswith(_SEPARATORS):
        check_pattern(path.name, 1)
        return Destination(path.parent, path.name)
    if text.endswith(_SEPARATORS) or os.path.isdir(path):
        return Destination(path)
    return Destination(path.parent, file=path)


def _has_index(pattern: str) -> bool:
    """Return whether the names of several files of a job are different."""
    return format_name(pattern, 0, "id", "ext") != format_name(pattern, 1, "id", "ext")
