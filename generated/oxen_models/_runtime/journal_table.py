# Copied by oxen-codegen from templates/package/_runtime/journal_table.py. Do not edit.
"""The rows of a journal in SQLite.

Each row has a checksum, and the sum of all of them is stored in the same transaction as the row, so that a
page that is missing, old or damaged is detected when the file is opened.
"""

from __future__ import annotations

import json
import os
import sqlite3
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from .errors import JournalError
from .journal_errors import damaged_error

BUSY_TIMEOUT = 1.0  # seconds; another program, such as a backup, may read the file for a moment
_MODULUS = 1 << 128
_dump = json.JSONEncoder(default=repr).encode  # a damaged column may have another type

# The columns that change when a request gets its job are at the start of the row, because the end of a long
# row is on other pages.
TABLES = (
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


class Header(NamedTuple):
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
        if old_path != self._path and is_hot(old_path):
            raise JournalError(
                f"{self._path}: the journal was moved without {old_path}-journal; move it back"
            )
        self._header = self._header._replace(run=uuid4().hex, path=os.fsencode(self._path))

    def write_header(self) -> None:
        """Write the header, as the last step of a transaction."""
        write_header(self._connection, self._header)

    def verify(self) -> None:
        """Check that all rows that were written can be read."""
        problems = [text for (text,) in self._connection.execute("PRAGMA integrity_check(1)")]
        if problems != ["ok"]:
            raise damaged_error(self._path, f"{problems[0]:.200}")
        tables = self._connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        if {sql for name, sql in tables if not name.startswith("sqlite_")} != set(TABLES):
            raise damaged_error(self._path, "its tables were changed")
        entries = total = 0
        for row in self._connection.execute(_SELECT):
            self._check(*row)
            entries += 1
            total += int(row[1], 16)
        if (entries, total % _MODULUS) != (self._header.entries, self._header.total):
            raise damaged_error(
                self._path, f"{self._header.entries} entries were written and {entries} can be read"
            )

    def _find(self, key: str) -> tuple[int, Row | None]:
        found = self._connection.execute(f"{_SELECT} WHERE key = CAST(? AS TEXT)", (_encode(key),)).fetchone()
        return (0, None) if found is None else self._check(*found)

    def _check(self, id: int, checksum: str, *columns: Any) -> tuple[int, Row]:
        if checksum != _checksum(id, *columns):
            raise damaged_error(self._path, f"the entry {columns[0]!r:.80} was changed")
        return id, Row(*columns)

    def _read_header(self) -> Header:
        connection = self._connection
        found = connection.execute(
            "SELECT checksum, run, inode, path, entries, total FROM journal"
        ).fetchall()
        if len(found) != 1:
            raise damaged_error(self._path, "its header is missing")
        checksum, run, inode, path, entries, total = found[0]
        if checksum != _checksum(run, inode, path, entries, total):
            raise damaged_error(self._path, "its header was changed")
        return Header(run, inode, path, entries, int(total, 16))


def connect(path: str, mode: str) -> sqlite3.Connection:
    """Open an existing file; the mode is "rw" or "ro"."""
    connection = sqlite3.connect(
        f"{Path(path).as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.text_factory = _decode
    return connection


def write_header(connection: sqlite3.Connection, header: Header) -> None:
    """Write the only row of the table of the journal, with its checksum."""
    total = f"{header.total:032x}"
    checksum = _checksum(header.run, header.inode, header.path, header.entries, total)
    connection.execute(
        "UPDATE journal SET checksum = ?, run = ?, inode = ?, path = ?, entries = ?, total = ?",
        (checksum, header.run, header.inode, header.path, header.entries, total),
    )


def is_hot(path: str) -> bool:
    """Return whether there is a rollback journal that the file needs."""
    try:
        with open(f"{path}-journal", "rb") as file:
            return file.read(1) not in (b"", b"\0")
    except FileNotFoundError:
        return False


def _checksum(*values: object) -> str:
    return sha256(_dump(values).encode()).hexdigest()[:32]


def _encode(text: str | None) -> bytes | None:
    return None if text is None else text.encode(errors="surrogatepass")


def _decode(text: bytes) -> str:
    try:
        return text.decode(errors="surrogatepass")
    except UnicodeDecodeError:  # its checksum will differ
        return text.decode(errors="backslashreplace")
