# Copied by oxen-codegen from templates/package/_runtime/journal_errors.py. Do not edit.
"""Errors of a journal, with advice."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from oxen_models._runtime.json_schema.diagnostics import describe_error

from .errors import JournalError

KEEP = "do not delete it, because its requests would be sent and billed again"
_ADVICE = {
    sqlite3.SQLITE_BUSY: "another run or program is using this journal; wait until it has ended",
    sqlite3.SQLITE_FULL: "free space on the disk, then start the run again",
    sqlite3.SQLITE_IOERR: "check the disk, then start the run again",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable",
    sqlite3.SQLITE_CANTOPEN: "make the file and its folder writable",
    sqlite3.SQLITE_PERM: "make the file and its folder writable",
}


def in_use_error(path: str) -> JournalError:
    """Return the error of a journal that another run or program uses."""
    return JournalError(f"{path}: {_ADVICE[sqlite3.SQLITE_BUSY]}")


def damaged_error(path: str, problem: str) -> JournalError:
    """Return the error of a journal whose content is not what was written."""
    return JournalError(
        f"{path}: the journal is damaged or an incomplete copy: {problem}; restore it from a copy and {KEEP}"
    )


def describe(error: Exception) -> str:
    """Return the message of an error of SQLite or the operating system, with advice."""
    if isinstance(error, sqlite3.Error | UnicodeDecodeError):
        # Errors of the module itself have no code.
        advice = _ADVICE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        return f"{error}; {advice or f'restore the journal from a copy and {KEEP}'}"
    return describe_error(error)


@contextmanager
def map_errors(path: str, generation_id: str | None = None) -> Generator[None]:
    """Raise errors of SQLite and the operating system as `JournalError`."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:  # SQLite quotes damaged names
        raise JournalError(f"{path}: {describe(error)}", generation_id=generation_id) from None
