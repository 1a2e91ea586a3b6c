# Copied by oxen-codegen from templates/package/_runtime/journal_file.py. Do not edit.
"""The SQLite file of a journal: creation, locks, checks and durable writes of rows.

A row is never lost silently. Each row has a checksum, and the sum of all of them is stored in the same
transaction as the row, so that a page that is missing, old or damaged is detected when the file is opened.
A copy is not continued, because it lacks the requests that were sent with the original since.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import sqlite3
import stat
import struct
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import partial
from glob import escape, glob
from hashlib import sha256
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Self, TypeVar
from uuid import uuid4
from weakref import WeakSet

from .errors import JournalError

if sys.platform != "win32":
    import fcntl

T = TypeVar("T")

FORMAT = 1
PAGE_SIZE = 4096
APPLICATION_ID = 0x4F584A4C  # "OXJL"
BUSY_TIMEOUT = 1.0  # seconds; another program, such as a backup, may read the file for a moment
READ_ROWS = 10
_MODULUS = 1 << 128
_dump = json.JSONEncoder(default=repr).encode  # a damaged column may have another type
# SQLite locks bytes near 2 ** 30.
_LOCKED_BYTE = 1 << 62

# The columns that change when a request gets its job are at the start of the row, because the end of a long
# row is on other pages.
_TABLES = (
    """CREATE TABLE journal (
    id INTEGER PRIMARY KEY, run TEXT, inode TEXT, path BLOB, entries INTEGER, total TEXT, checksum TEXT
)""",
    """CREATE TABLE requests (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, state TEXT, job_id TEXT, checksum TEXT, reserve TEXT,
    digest TEXT, model TEXT, sent_at TEXT, ended_at TEXT, cost TEXT, detail TEXT, body TEXT, response TEXT
)""",
)
# The total length of the columns state, job_id and reserve. A row has the same size before and after it gets
# its job, so that SQLite overwrites it in place and a job is recorded even if the disk is full.
_RESERVED_LENGTH = 128

_KEEP = "do not delete it, because its requests would be sent and billed again"
_ADVICE = {
    sqlite3.SQLITE_BUSY: "another run or program is using this journal; wait until it has ended",
    sqlite3.SQLITE_FULL: "free space on the disk, then start the run again",
    sqlite3.SQLITE_IOERR: "check the disk, then start the run again",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable",
    sqlite3.SQLITE_CANTOPEN: "make the file and its folder writable",
    sqlite3.SQLITE_PERM: "make the file and its folder writable",
}


class Row(NamedTuple):
    """A row of the table of requests. The columns are texts, as SQLite stores them."""

    key: str
    digest: str
    model: str
    state: str
    body: str
    sent_at: str
    job_id: str | None = None
    response: str | None = None
    detail: str | None = None
    cost: str | None = None
    ended_at: str | None = None


_COLUMNS = ", ".join(Row._fields)
_SELECT = f"SELECT id, checksum, {_COLUMNS} FROM requests"
# Texts are bound as bytes, because a text may contain a lone surrogate.
# The key is not set, because SQLite would write its index.
_SET = ", ".join(f"{column} = CAST(? AS TEXT)" for column in Row._fields[1:])


class JournalFile:
    """The open file of a journal. Thread-safe; a forked process cannot use it.

    Args:
        path: The file.
        writable: Create the file if it does not exist and lock it exclusively. Otherwise it can be read only,
            also by others, but not while a run uses it.

    Raises:
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
        self.path = os.fsdecode(path)
        try:
            with _map_errors(self.path):
                self.path = os.path.realpath(path)  # all paths of a file use the same rollback journal
                if writable and not os.path.exists(self.path):
                    _create(self.path)
                self._lock()
                self._connection = _connect(self.path, "rw" if os.access(self.path, os.W_OK) else "ro")
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
            with _map_errors(self.path, generation_id):
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
            self._failure = f"writing failed before: {_describe(error)}"
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
                _delete_parts(self.path)
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
                    raise _in_use_error(self.path)
            self._file = FileIO(self.path, "r+" if self._writable else "r")
            _lock_descriptor(self._file.fileno(), self.path, exclusive=self._writable)
            if os.fstat(self._file.fileno()).st_ino != status.st_ino:
                raise JournalError(f"{self.path}: the file is being replaced")
            _open_files.add(self)
        _check_header(self.path, self._file.read(100))

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


class _Header(NamedTuple):
    """The only row of the table of the journal."""

    run: str
    """A random id of the last run that opened the file."""
    inode: str
    path: bytes
    entries: int
    total: int
    """The sum of the checksums of all rows."""


class Table:
    """The rows of a journal. What is put into it is written with the transaction."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._header = self._read_header()

    def find(self, key: str) -> Row | None:
        """Return the row with a key."""
        return self._find(key)[1]

    def select(self, last: int, limit: int) -> list[tuple[int, Row]]:
        """Return the rows after the one with the id `last`, with their ids."""
        found = self._connection.execute(f"{_SELECT} WHERE id > ? ORDER BY id LIMIT ?", (last, limit))
        return [self._check(*row) for row in found]

    def put(self, row: Row) -> None:
        """Insert a row, or replace the one with its key."""
        id, old = self._find(row.key)
        entries, total = self._header.entries, self._header.total
        if old is None:
            cursor = self._connection.execute(
                "INSERT INTO requests (key) VALUES (CAST(? AS TEXT))", (_encode(row.key),)
            )
            id = cursor.lastrowid or 0
            entries += 1
        else:
            total -= int(_checksum(id, *old), 16)
        checksum = _checksum(id, *row)
        reserve = " " * (_RESERVED_LENGTH - len(row.state) - len(row.job_id or ""))
        self._connection.execute(
            f"UPDATE requests SET checksum = ?, reserve = ?, {_SET} WHERE id = ?",
            (checksum, reserve, *map(_encode, row[1:]), id),
        )
        total = (total + int(checksum, 16)) % _MODULUS
        self._header = self._header._replace(entries=entries, total=total)

    def claim(self, inode: int) -> None:
        """Record a new run and the path of the file.

        Raises:
            JournalError: The file is a copy, or was moved without its rollback journal.
        """
        if self._header.inode != str(inode):
            raise JournalError(
                f"{self._path}: this file is a copy of a journal: requests that were sent with the original "
                "since would be sent again; if the original is lost, merge the copy into a new journal with "
                "oxen_models.journal.merge"
            )
        old_path = os.fsdecode(self._header.path)
        if old_path != self._path and _is_hot(old_path):
            raise JournalError(
                f"{self._path}: the journal was moved without {old_path}-journal; move it back"
            )
        self._header = self._header._replace(run=uuid4().hex, path=os.fsencode(self._path))

    def write_header(self) -> None:
        """Write the header, as the last step of a transaction."""
        _write_header(self._connection, self._header)

    def verify(self) -> None:
        """Check that all rows that were written can be read."""
        problems = [text for (text,) in self._connection.execute("PRAGMA integrity_check(1)")]
        if problems != ["ok"]:
            raise _damaged_error(self._path, f"{problems[0]:.200}")
        tables = self._connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        if {sql for name, sql in tables if not name.startswith("sqlite_")} != set(_TABLES):
            raise _damaged_error(self._path, "its tables were changed")
        entries = total = 0
        for row in self._connection.execute(_SELECT):
            self._check(*row)
            entries += 1
            total += int(row[1], 16)
        if (entries, total % _MODULUS) != (self._header.entries, self._header.total):
            raise _damaged_error(
                self._path, f"{self._header.entries} entries were written and {entries} can be read"
            )

    def _find(self, key: str) -> tuple[int, Row | None]:
        found = self._connection.execute(f"{_SELECT} WHERE key = CAST(? AS TEXT)", (_encode(key),)).fetchone()
        return (0, None) if found is None else self._check(*found)

    def _check(self, id: int, checksum: str, *columns: Any) -> tuple[int, Row]:
        if checksum != _checksum(id, *columns):
            raise _damaged_error(self._path, f"the entry {columns[0]!r:.80} was changed")
        return id, Row(*columns)

    def _read_header(self) -> _Header:
        connection = self._connection
        found = connection.execute(
            "SELECT checksum, run, inode, path, entries, total FROM journal"
        ).fetchall()
        if len(found) != 1:
            raise _damaged_error(self._path, "its header is missing")
        checksum, run, inode, path, entries, total = found[0]
        if checksum != _checksum(run, inode, path, entries, total):
            raise _damaged_error(self._path, "its header was changed")
        return _Header(run, inode, path, entries, int(total, 16))


_mutex = Lock()
_open_files: WeakSet[JournalFile] = WeakSet()


def _abandon_files() -> None:
    global _mutex
    _mutex = Lock()
    for file in list(_open_files):
        file.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_files)


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


def _create(path: str) -> None:
    """Create an empty journal, unless another process creates it first. The file is complete at once."""
    if _is_hot(path):
        raise JournalError(
            f"{path}: {path}-journal belongs to a journal that was moved or deleted; restore the journal"
        )
    part = f"{path}.{uuid4().hex[:8]}.new"
    try:
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        inode = os.fstat(descriptor).st_ino
        os.close(descriptor)
        with closing(_connect(part, "rw")) as connection:
            connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA journal_mode=MEMORY")
            connection.execute("BEGIN")
            for sql in _TABLES:
                connection.execute(sql)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={FORMAT}")
            connection.execute("INSERT INTO journal (id) VALUES (1)")
            _write_header(connection, _Header(uuid4().hex, str(inode), os.fsencode(path), 0, 0))
            connection.execute("COMMIT")
        with suppress(FileExistsError):  # another process has created the journal
            _publish(part, path)
        sync_folder(os.path.dirname(path))
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)


def _publish(part: str, path: str) -> None:
    """Give a complete file its name, without replacing another file."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: reserve the name first
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        os.replace(part, path)


def _delete_parts(path: str) -> None:
    """Delete the files of processes that were killed while they created the journal."""
    for part in glob(f"{escape(path)}.{'[0-9a-f]' * 8}.new"):
        with suppress(OSError):
            os.unlink(part)


def _connect(path: str, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{Path(path).as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.text_factory = _decode
    return connection


def _write_header(connection: sqlite3.Connection, header: _Header) -> None:
    total = f"{header.total:032x}"
    checksum = _checksum(header.run, header.inode, header.path, header.entries, total)
    connection.execute(
        "UPDATE journal SET checksum = ?, run = ?, inode = ?, path = ?, entries = ?, total = ?",
        (checksum, header.run, header.inode, header.path, header.entries, total),
    )


def _check_header(path: str, header: bytes) -> None:
    if not header:
        raise JournalError(
            f"{path}: the file is empty: it was truncated, or a run was killed while it created the file; "
            "delete it only if no run has used it"
        )
    if header[:16] != b"SQLite format 3\0" or int.from_bytes(header[68:72]) != APPLICATION_ID:
        raise JournalError(
            f"{path}: not a journal of run_many, or a damaged one; pass another path and {_KEEP}"
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


def _lock_descriptor(descriptor: int, path: str, *, exclusive: bool) -> None:
    """Lock a file in addition to SQLite.

    SQLite's own lock is lost as soon as any other code of this process opens and closes the file.
    """
    # Elsewhere such locks do not exist, and `flock` would exclude SQLite.
    if sys.platform == "linux":
        kind = fcntl.F_WRLCK if exclusive else fcntl.F_RDLCK
        lock = struct.pack("hhqqi", kind, os.SEEK_SET, _LOCKED_BYTE, 1, 0)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise _in_use_error(path) from None
            if error.errno not in (errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                raise


def _is_hot(path: str) -> bool:
    """Return whether there is a rollback journal that the file needs."""
    try:
        with open(f"{path}-journal", "rb") as file:
            return file.read(1) not in (b"", b"\0")
    except FileNotFoundError:
        return False


def _in_use_error(path: str) -> JournalError:
    return JournalError(f"{path}: {_ADVICE[sqlite3.SQLITE_BUSY]}")


@contextmanager
def _map_errors(path: str, generation_id: str | None = None) -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, ValueError) as error:  # ValueError for a null byte in the path
        raise JournalError(f"{path}: {_describe(error)}", generation_id=generation_id) from None


def _damaged_error(path: str, problem: str) -> JournalError:
    return JournalError(
        f"{path}: the journal is damaged or an incomplete copy: {problem}; restore it from a copy and {_KEEP}"
    )


def _describe(error: Exception) -> str:
    if isinstance(error, sqlite3.Error):
        # Errors of the module itself have no code.
        advice = _ADVICE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        return f"{error}; {advice or f'restore the journal from a copy and {_KEEP}'}"
    return str(getattr(error, "strerror", None) or error)


def _checksum(*values: object) -> str:
    return sha256(_dump(values).encode()).hexdigest()[:32]


def _encode(text: str | None) -> bytes | None:
    return None if text is None else text.encode(errors="surrogatepass")


def _decode(text: bytes) -> str:
    try:
        return text.decode(errors="surrogatepass")
    except UnicodeDecodeError:  # its checksum will differ
        return text.decode(errors="backslashreplace")
