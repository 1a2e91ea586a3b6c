# Copied by oxen-codegen from templates/package/_runtime/table_keys.py. Do not edit.
"""The keys of a table, outside of memory, because a table may have any number of rows."""

from __future__ import annotations

import sqlite3
from operator import index
from threading import Lock
from typing import Any

from .errors import ConfigurationError


class KeyIndex:
    """The keys of the rows of a source and of the finished rows of a sink, in a temporary database.

    Thread-safe. Every method but `close` raises `sqlite3.ProgrammingError` after it was closed.
    """

    def __init__(self) -> None:
        # SQLite keeps a database without a name in memory up to the size of its cache.
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for name in ("seen", "finished"):
            self._connection.execute(f"CREATE TABLE {name} (key TEXT PRIMARY KEY) WITHOUT ROWID")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute("BEGIN")
        self._lock = Lock()  # closing the database would crash a thread that is using it

    def add(self, key: str, number: int) -> None:
        """Add the key of a row of the source.

        Raises:
            ConfigurationError: Another row has the key.
        """
        try:
            with self._lock:
                self._connection.execute("INSERT INTO seen VALUES (?)", (key,))
        except sqlite3.IntegrityError:
            raise ConfigurationError(f"row {number}: an earlier row has the key {key!r:.80}, too") from None

    def finish(self, key: str) -> None:
        """Record that the sink has the row with a key, and that the row is final."""
        with self._lock:
            self._connection.execute("INSERT OR IGNORE INTO finished VALUES (?)", (key,))

    def is_finished(self, key: str) -> bool:
        """Return whether the sink has the row with a key."""
        with self._lock:
            found = self._connection.execute("SELECT 1 FROM finished WHERE key = ?", (key,)).fetchone()
        return found is not None

    def close(self) -> None:
        """Delete the database."""
        with self._lock:
            self._connection.close()


def read_key(row: dict[str, Any], column: str, number: int) -> str:
    """Return the key of a row.

    Raises:
        ConfigurationError: It is not a text or an integer, or it is empty.
    """
    value: Any = row.get(column)
    try:
        key = value if isinstance(value, str) else "" if isinstance(value, bool) else str(index(value))
        key.encode()
    except (TypeError, UnicodeEncodeError):
        key = ""
    if not key.strip():
        raise ConfigurationError(
            f"row {number}: the key in the column {column!r} must be a text or an integer, got {value!r:.80}"
        )
    return key
