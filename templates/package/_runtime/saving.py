"""Where and how the file of a result is written. All functions block."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import file_digest
from io import BufferedReader, FileIO, TextIOBase
from os import PathLike
from pathlib import Path, PureWindowsPath
from stat import S_IMODE, S_ISDIR, S_ISREG
from tempfile import gettempdir
from typing import IO, Any, Protocol

from oxen_models._runtime.json_schema.diagnostics import describe_error

from .atomic_file import new_part
from .callers import count_package_frames
from .errors import ConfigurationError, MediaError
from .media_types import UNKNOWN_TYPE, default_suffix, detect_type, is_contradictory
from .paths import expand_path

COPY_SIZE = 2**20
DEFAULT_PATTERN = "{index}_{id}.{ext}"
_MAX_ID_LENGTH = 100
_DIGEST_LENGTH = 16
_SEPARATORS = tuple(filter(None, ("/", os.sep, os.altsep)))


class BinaryWriter(Protocol):
    """An open binary file."""

    def write(self, data: bytes, /) -> object: ...


class MediaTypeWarning(UserWarning):
    """The suffix of a saved file stands for another media type than the one of its content."""


MediaTypeWarning.__module__ = __name__.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a file is written: at a path, in a folder, to a device or a pipe, or to an open file."""

    name: str
    """The name for errors."""
    path: Path
    """The path as the caller gave it; that of the folder if there is a `pattern`."""
    real_path: Path
    """The path without symbolic links."""
    status: os.stat_result | None = None
    """The status of the existing file; None without one."""
    pattern: str | None = None
    """The pattern of the name in the folder; None if the path is that of the file."""
    start: int = 0
    """The number that the pattern has for the first file of a result."""
    writer: IO[bytes] | BinaryWriter | None = None
    """The open file."""

    @property
    def is_stream(self) -> bool:
        """Whether the content is written into an open file, a device or a pipe."""
        return self.writer is not None or (self.status is not None and not S_ISREG(self.status.st_mode))

    def new_part(self) -> Path:
        """Return the path of a temporary file, from which the content can be moved to the target."""
        if self.pattern is not None:
            folder = self.real_path
        else:
            folder = Path(gettempdir()) if self.is_stream else self.real_path.parent
        return new_part(folder)

    def commit(
        self, part: Path, index: int, id: str | None, named_type: str | None
    ) -> tuple[Path, str | None]:
        """Move a complete file to the target.

        Args:
            part: The path of the file. It may still exist afterwards.
            index: The index of the file among those of the result.
            id: The job of the result; None without one.
            named_type: The media type by the name of the original; None if it is unknown.

        Returns:
            The path of the file, and a warning about its suffix or None.

        Raises:
            OSError: The file cannot be written.
            ValueError: The open file is closed.
        """
        with part.open("rb") as content:
            detected = detect_type(content)
            if self.is_stream:
                content.seek(0)
                self._write(content)
                return self.path, None
            target = self
            if self.pattern is not None:
                content.seek(0)
                name = _clean(id) if id else file_digest(content, "sha256").hexdigest()[:_DIGEST_LENGTH]
                suffix = default_suffix(detected or named_type or UNKNOWN_TYPE)
                target = find_file(
                    self.path / format_name(self.pattern, self.start + index, name, suffix[1:])
                )
        if target.status is not None:
            _copy_metadata(target.status, part)
        part.replace(target.real_path)
        contradiction = None
        if detected is not None and is_contradictory(target.path.name, detected):
            contradiction = (
                f"{target.name!r} contains {detected}, which its suffix does not stand for; "
                f"the usual suffix is {default_suffix(detected)}"
            )
        return target.path, contradiction

    def _write(self, content: IO[bytes]) -> None:
        if self.writer is None:
            with self.path.open("wb", buffering=0) as file:
                _copy(content, file)
        else:
            _copy(content, self.writer)


def find_target(target: str | PathLike[str] | BinaryWriter, index: int, *, parents: bool) -> Target:
    """Return where to write a file.

    Args:
        target: A path or an open binary file. A path to a folder gives a file in it.
        index: The index of the file among those of the result.
        parents: Whether to create missing folders.

    Raises:
        ConfigurationError: The file is not open for writing in binary mode, or the path contains a null byte.
        OSError: The path cannot be used.
    """
    if not isinstance(target, str | PathLike):
        is_binary = callable(getattr(target, "write", None)) and not isinstance(target, TextIOBase)
        if not is_binary or _is_read_only(target):
            raise ConfigurationError(
                f"path must be a path or a file that is open for writing in binary mode, got {target!r:.80}"
            )
        return Target(repr(target), Path(), Path(), writer=target)
    given = expand_path("path", target)
    path = Path(given)
    folder = path if given.endswith(_SEPARATORS) else path.parent
    if parents:
        folder.mkdir(parents=True, exist_ok=True)
    elif not folder.exists():
        raise FileNotFoundError(None, "No such directory; parents=True creates it")
    if path.is_dir():
        return find_folder(path, "{id}_{index}.{ext}" if index else "{id}.{ext}")
    if given.endswith(_SEPARATORS):
        raise NotADirectoryError(None, "Not a directory")
    return find_file(path)


def find_folder(path: Path, pattern: str, start: int = 0) -> Target:
    """Return where to write a file whose name in a folder follows from its content."""
    return Target(str(path), path, Path(os.path.realpath(path)), pattern=pattern, start=start)


def find_file(path: Path) -> Target:
    """Return where to write the file at a path.

    Raises:
        OSError: The path cannot be used.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        status = None
    if status is not None and S_ISDIR(status.st_mode):
        raise IsADirectoryError(None, "Is a directory")
    return Target(str(path), path, Path(os.path.realpath(path)), status)


def check_pattern(pattern: str, count: int) -> None:
    """Raise if a pattern cannot name some number of files.

    Raises:
        ConfigurationError: It contains other fields than `index`, `id` and `ext`, is not that of a file name,
            or names several files the same.
    """
    try:
        names = {format_name(pattern, index, "id", "ext") for index in range(count)}
    except (KeyError, IndexError, AttributeError, TypeError, ValueError):
        raise ConfigurationError(
            f"pattern must be a string with the fields {{index}}, {{id}} and {{ext}}, got {pattern!r:.80}"
        ) from None
    if any(PureWindowsPath(name).name != name or name in (".", "..") or "\0" in name for name in names):
        raise ConfigurationError(f"pattern must be that of a file name without folders, got {pattern!r:.80}")
    if len(names) < count:
        raise ConfigurationError(
            f"pattern must contain {{index}}, because there are {count} files, got {pattern!r:.80}"
        )


def format_name(pattern: str, index: int, id: str, ext: str) -> str:
    """Return the name of a file. Raises various errors if the pattern is not valid."""
    return pattern.format(index=index, id=id, ext=ext)


def warn_about_suffix(contradiction: str | None) -> None:
    """Emit `MediaTypeWarning` at the caller of the package; None emits none."""
    if contradiction is not None:
        warnings.warn(contradiction, MediaTypeWarning, stacklevel=count_package_frames() + 1)


@contextmanager
def map_os_errors(name: object) -> Generator[None]:
    """Raise errors of one step of writing a file as `MediaError`.

    Raises:
        MediaError: The step failed.
    """
    try:
        yield
    except (MediaError, ConfigurationError):
        raise
    except (OSError, ValueError) as error:  # ValueError for a closed file
        # A file at the path of a folder to create is reported as "File exists".
        reason = "Not a directory" if isinstance(error, FileExistsError) else describe_error(error)
        raise MediaError(f"{str(name)!r} could not be written: {reason}") from error


def _is_read_only(file: object) -> bool:
    return isinstance(file, BufferedReader | FileIO) and not file.writable()


def _clean(id: str) -> str:
    """Return an id, which the server may choose freely, as a part of a file name."""
    return re.sub("[^A-Za-z0-9_-]+", "_", id)[:_MAX_ID_LENGTH]


def _copy_metadata(status: os.stat_result, part: Path) -> None:
    if hasattr(os, "chown"):
        with suppress(OSError):  # only root may give files away
            os.chown(part, status.st_uid, status.st_gid)
    part.chmod(S_IMODE(status.st_mode))


def _copy(content: IO[bytes], file: IO[bytes] | BinaryWriter) -> None:
    while chunk := content.read(COPY_SIZE):
        rest: Any = memoryview(chunk)
        while rest:
            written = file.write(rest)
            rest = rest[written if isinstance(written, int) else len(rest) :]
