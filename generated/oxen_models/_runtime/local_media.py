# Copied by oxen-codegen from templates/package/_runtime/local_media.py. Do not edit.
"""Media that requests hold as paths or bytes, and that are encoded while a request is sent."""

from __future__ import annotations

import os
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from errno import EISDIR
from hashlib import sha256
from itertools import zip_longest
from stat import S_ISDIR, S_ISFIFO, S_ISREG, S_ISSOCK
from typing import Any, BinaryIO

CHUNK_SIZE = 3 * 2**16
"""Number of bytes that are encoded at once: a multiple of 3, the length of the groups of base64."""
COMPARED_SIZE = 64
"""Number of first bytes of a file that must be the same when it is sent."""


class NoRegularFileError(OSError):
    """A path is that of a pipe, of a device or of a socket, which can be read only once or without end."""


class LocalMediaError(ValueError):
    """A file cannot be read any more, or is not the same as when the request was made."""


class BlockingMediaError(Exception):
    """A file must be read, or an image encoded, which would block the event loop."""


@dataclass(frozen=True, slots=True)
class MediaContext:
    """The validation context of a call, in which a string for a medium that is not a URL is a path."""

    may_block: bool = True
    """Whether files are read; otherwise a `BlockingMediaError` is raised."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file and its state when the request was made."""

    path: str
    """The absolute path."""
    size: int
    mtime: int
    """The time of the last change, in nanoseconds."""
    head: bytes
    """The first bytes."""

    def read(self) -> Iterator[bytes]:
        """Yield the content in chunks.

        Raises:
            LocalMediaError: The file cannot be read any more, or is not the same as before.
        """
        try:
            with open_regular(self.path) as file:
                for start in range(0, self.size, CHUNK_SIZE):
                    chunk = file.read(CHUNK_SIZE)
                    # Checked before each chunk, so that a file that changes is never sent to its end.
                    status = os.fstat(file.fileno())
                    is_same = (status.st_size, status.st_mtime_ns) == (self.size, self.mtime)
                    is_complete = len(chunk) == min(CHUNK_SIZE, self.size - start)
                    if not is_same or not is_complete or (start == 0 and not chunk.startswith(self.head)):
                        raise LocalMediaError("the file changed after the request was made")
                    yield chunk
        except OSError as error:
            raise LocalMediaError(f"the file cannot be read any more: {error.strerror or error}") from None


def open_regular(path: str) -> BinaryIO:
    """Open a regular file for reading. Never waits for a pipe.

    Raises:
        NoRegularFileError: It is not a regular file.
        OSError: It cannot be opened.
    """
    _check_regular(os.stat(path).st_mode)  # before it is opened, because that starts some devices
    file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115  # it is returned
    try:
        _check_regular(os.fstat(file.fileno()).st_mode)
    except OSError:
        file.close()
        raise
    return file


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check_regular(mode: int) -> None:
    if S_ISDIR(mode):
        raise IsADirectoryError(EISDIR, "Is a directory")
    if not S_ISREG(mode):
        kinds = ((S_ISFIFO, "a named pipe"), (S_ISSOCK, "a socket"))
        raise NoRegularFileError(next((name for is_kind, name in kinds if is_kind(mode)), "a device"))


class LocalMedia:
    """A file that is sent as a data: URI. It equals the URI and each file with the same type and content.

    Args:
        mime: The media type.
        content: The file, or its content.
    """

    __slots__ = ("_content", "mime")

    def __init__(self, mime: str, content: LocalFile | bytes) -> None:
        self.mime = mime
        """The media type."""
        self._content = content

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self._content) if isinstance(self._content, bytes) else self._content.size

    def __repr__(self) -> str:
        return f"<{self.mime} of {self.size:,} bytes>"

    def __len__(self) -> int:
        """Return the number of characters of the data: URI."""
        return len(self._prefix) + (self.size + 2) // 3 * 4

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LocalMedia | str):
            return NotImplemented
        if len(self) != len(other):
            return False
        try:
            if isinstance(other, str):
                return _are_equal(self.encode(), _split(other, map(len, self.encode())))
            return self.mime == other.mime and (
                self._content == other._content or _are_equal(self.read(), other.read())
            )
        except LocalMediaError:
            return False

    def __hash__(self) -> int:
        return hash(self.to_uri())  # that of an equal string

    def __copy__(self) -> LocalMedia:
        return self

    def __deepcopy__(self, memo: object) -> LocalMedia:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # The file may not exist where the request is unpickled.
        return LocalMedia, (self.mime, b"".join(self.read()))

    def check(self) -> None:
        """Raise if the file cannot be sent.

        Raises:
            LocalMediaError: The file cannot be read any more, or is not the same as before.
        """
        next(self.read(), None)

    def read(self) -> Iterator[bytes]:
        """Yield the content in chunks. Raises as `check` does."""
        if isinstance(self._content, LocalFile):
            return self._content.read()
        content = self._content
        return (content[start : start + CHUNK_SIZE] for start in range(0, len(content), CHUNK_SIZE))

    def digest(self) -> str:
        """Return the SHA-256 of the content in hexadecimal digits. Raises as `check` does."""
        digest = sha256()
        for chunk in self.read():
            digest.update(chunk)
        return digest.hexdigest()

    def encode(self) -> Iterator[bytes]:
        """Yield the data: URI in chunks. Raises as `check` does."""
        yield self._prefix.encode()
        for chunk in self.read():
            yield b2a_base64(chunk, newline=False)

    def to_uri(self) -> str:
        """Return the data: URI. Raises as `check` does."""
        return b"".join(self.encode()).decode()

    @property
    def _prefix(self) -> str:
        return f"data:{self.mime};base64,"


def _are_equal(a: Iterable[bytes], b: Iterable[bytes]) -> bool:
    return all(chunk == other for chunk, other in zip_longest(a, b))


def _split(text: str, lengths: Iterable[int]) -> Iterator[bytes]:
    end = 0
    for length in lengths:
        yield text[end : (end := end + length)].encode("utf-8", "surrogatepass")
