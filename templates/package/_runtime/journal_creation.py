"""Creation of a journal's file, and the check of its header."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing, suppress
from glob import escape, glob
from uuid import uuid4

from .errors import JournalError
from .journal_errors import KEEP
from .journal_table import TABLES, Header, connect, is_hot, write_header

FORMAT = 1
PAGE_SIZE = 4096
APPLICATION_ID = 0x4F584A4C  # "OXJL"


def create(path: str) -> None:
    """Create an empty journal, unless another process creates it first. The file is complete at once."""
    if is_hot(path) and not os.path.exists(path):
        raise JournalError(
            f"{path}: {path}-journal belongs to a journal that was moved or deleted; restore the journal"
        )
    part = f"{path}.{uuid4().hex[:8]}.new"
    try:
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        inode = os.fstat(descriptor).st_ino
        os.close(descriptor)
        with closing(connect(part, "rw")) as connection:
            connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA journal_mode=MEMORY")
            connection.execute("BEGIN")
            for sql in TABLES:
                connection.execute(sql)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={FORMAT}")
            connection.execute("INSERT INTO journal (id) VALUES (1)")
            write_header(connection, Header(uuid4().hex, str(inode), os.fsencode(path), 0, 0))
            connection.execute("COMMIT")
        _publish(part, path)
    except (FileExistsError, sqlite3.Error):
        # Another process may have created the journal, and then deleted this part.
        if not os.path.exists(path):
            raise
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)
    sync_folder(os.path.dirname(path))


def _publish(part: str, path: str) -> None:
    """Give a complete file its name, without replacing another file."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: reserve the name first
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        os.replace(part, path)


def delete_parts(path: str) -> None:
    """Delete the files of processes that were killed while they created the journal."""
    for part in glob(f"{escape(path)}.{'[0-9a-f]' * 8}.new"):
        with suppress(OSError):
            os.unlink(part)


def check_header(path: str, header: bytes) -> None:
    """Raise if the first 100 bytes of a file are not those of a journal."""
    if not header:
        raise JournalError(
            f"{path}: the file is empty: it was truncated, or another run is creating it or was killed while "
            "it did; try again, and delete the file only if no run has used it"
        )
    if header[:16] != b"SQLite format 3\0" or int.from_bytes(header[68:72]) != APPLICATION_ID:
        raise JournalError(
            f"{path}: not a journal of run_many, or a damaged one; pass another path and {KEEP}"
        )
    if (version := int.from_bytes(header[60:64])) != FORMAT:
        raise JournalError(
            f"{path}: the journal has format {version}, expected {FORMAT}; use the version of oxen-models "
            "that wrote it"
        )
    if header[18:20] != b"\1\1":
        raise JournalError(
            f"{path}: another program has set the journal to WAL mode; set it back with "
            "PRAGMA journal_mode=DELETE"
        )


def sync_folder(folder: str) -> None:
    """Write the names of the files in a folder to the disk."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows cannot open folders
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.EINVAL):  # the errors of network drives without fsync
            raise
    finally:
        os.close(descriptor)
