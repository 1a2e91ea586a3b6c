# Copied by oxen-codegen from templates/package/_runtime/journal_file.py. Do not edit.
"""The SQLite file of a journal: locks, checks and durable writes of rows.

A row is never lost silently. A copy is not continued, because it lacks the requests that were sent with the
original since.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from functools import partial
from io import FileIO
from threading import Lock
from typing import Self, TypeVar
from weakref import WeakSet

from .errors import JournalError
from .journal_creation import PAGE_SIZE, check_header, create, delete_parts
from .journal_errors import describe, in_use_error, map_errors
from .journal_lock import lock_descriptor
from .journal_table import Row, Table, connect
from .paths import expand_path

T = TypeVar("T")

READ_ROWS = 10


class JournalFile:
    """The open file of a journal. Thread-safe; a forked process cannot use it.

    Args:
        path: The file.
        writable: Create the file if it does not exist and lock it exclusively. Otherwise it can be read only,
            also by others, but not while a run uses it.

    Raises:
        ConfigurationError: `path` is not a path.
        JournalError: The file is damaged, in use, a copy or not a journal, or cannot be read or written.
            Every method may raise it.
    """

    def __init__(self, path: str | os.PathLike[str], *, writable: bool) -> None:
        self._writable = writable
        self._mutex = Lock()
        self._failure: str | None = None
        self._identity = (0, 0)
        self._file: FileIO | None = None
        self._connection: sqlite3.Connection | None = None
        self.path = expand_path("journal", path)
        try:
            with map_errors(self.path):
                self.path = os.path.realpath(self.path)  # all paths of a file use the same rollback journal
                if writable and not os.path.exists(self.path):
                    create(self.path)
                self._lock()
                self._connection = connect(self.path, "rw" if os.access(self.path, os.W_OK) else "ro")
                self._open(self._connection)
        except BaseException:
            self._release()
            raise

    def find(self, key: str) -> Row | None:
        """Return the row with a key."""
        return self._use(lambda connection: Table(connection, self.path).find(key))

    def rows(self) -> Iterator[Row]:
        """Return all rows in the order in which they were inserted."""
        last = 0
        while rows := self._use(partial(self._select, last)):
            yield from (row for _, row in rows)
            last = rows[-1][0]

    def write(
        self,
        change: Callable[[Table], object],
        generation_id: str | None = None,
        *,
        after_failure: bool = True,
    ) -> None:
        """Change the rows durably, or none of them if `change` raises.

        Args:
            change: Changes rows.
            generation_id: The job that a `JournalError` should name.
            after_failure: Whether to try it although an earlier write has failed.
        """
        self._use(partial(self._write, change, generation_id, after_failure), generation_id)

    def close(self) -> None:
        """Close the file, so that another run can use it."""
        if self._is_open():
            with self._mutex:
                self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self._release()

    def _use(self, function: Callable[[sqlite3.Connection], T], generation_id: str | None = None) -> T:
        # After a fork, the mutex may be held by a thread that does not exist any more.
        with self._mutex if self._is_open() else nullcontext():
            if self._connection is None:
                raise JournalError(f"{self.path}: the journal is closed", generation_id=generation_id)
            with map_errors(self.path, generation_id):
                return function(self._connection)

    def _select(self, last: int, connection: sqlite3.Connection) -> list[tuple[int, Row]]:
        return Table(connection, self.path).select(last, READ_ROWS)

    def _write(
        self,
        change: Callable[[Table], object],
        generation_id: str | None,
        after_failure: bool,
        connection: sqlite3.Connection,
    ) -> None:
        self._check_file(connection, generation_id)
        if self._failure is not None and not after_failure:
            raise JournalError(f"{self.path}: {self._failure}", generation_id=generation_id)
        try:
            connection.execute("BEGIN IMMEDIATE")
            table = Table(connection, self.path)
            change(table)
            table.write_header()
            connection.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            self._failure = f"writing failed before: {describe(error)}"
            raise
        finally:
            if connection.in_transaction:
                with suppress(sqlite3.Error):  # the next run rolls back
                    connection.execute("ROLLBACK")

    def _is_open(self) -> bool:
        return self._connection is not None

    def _lock(self) -> None:
        with _mutex:
            status = os.stat(self.path)
            if self._writable and status.st_size:  # otherwise another process may be creating it
                delete_parts(self.path)
                status = os.stat(self.path)
            if not stat.S_ISREG(status.st_mode):
                raise JournalError(f"{self.path}: not a regular file")
            if self._writable and status.st_nlink > 1:
                raise JournalError(
                    f"{self.path}: the file has {status.st_nlink} hard links; delete all but one, because "
                    "each name has its own rollback journal"
                )
            self._identity = (status.st_dev, status.st_ino)
            for other in _open_files:
                if other._identity == self._identity and (self._writable or other._writable):
                    raise in_use_error(self.path)
            self._file = FileIO(self.path, "r+" if self._writable else "r")
            lock_descriptor(self._file.fileno(), self.path, exclusive=self._writable)
            if os.fstat(self._file.fileno()).st_ino != status.st_ino:
                raise JournalError(f"{self.path}: the file is being replaced")
            _open_files.add(self)
        check_header(self.path, self._file.read(100))

    def _open(self, connection: sqlite3.Connection) -> None:
        if os.path.lexists(f"{self.path}-wal"):
            raise JournalError(
                f"{self.path}: another program has opened the journal in WAL mode; close that program"
            )
        for pragma in ("mmap_size=0", "cell_size_check=ON", "temp_store=MEMORY", "synchronous=EXTRA"):
            connection.execute(f"PRAGMA {pragma}")
        if self._writable:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            Table(connection, self.path).verify()
            # This fails now if the folder is read-only or the disk full.
            self._write(lambda table: table.claim(self._identity[1]), None, False, connection)
        else:
            connection.execute("BEGIN")
            Table(connection, self.path).verify()

    def _check_file(self, connection: sqlite3.Connection, generation_id: str | None) -> None:
        """Raise if the file was deleted, replaced or truncated, because a fact would be lost silently."""
        if self._is_changed(connection):
            self._failure = (
                "the journal was moved, deleted, replaced or truncated during the run; restore it, because "
                "the next run would send its requests again"
            )
            raise JournalError(f"{self.path}: {self._failure}", generation_id=generation_id)

    def _is_changed(self, connection: sqlite3.Connection) -> bool:
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return True
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        is_truncated = status.st_size < pages * PAGE_SIZE
        return (status.st_dev, status.st_ino) != self._identity or is_truncated

    def _release(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):  # the next run rolls back
                self._connection.close()
            self._connection = None
        if self._file is not None:
            self._file.close()  # after the connection, which would lose its locks
            self._file = None
        _open_files.discard(self)

    def abandon(self) -> None:
        """Give up the file in a forked process. The connection is kept, because closing it would write."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._connection is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
            self._connection = None


_mutex = Lock()
_open_files: WeakSet[JournalFile] = WeakSet()


def _abandon_files() -> None:
    global _mutex
    _mutex = Lock()
    for file in list(_open_files):
        file.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_files)
