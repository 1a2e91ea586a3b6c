"""Record requests in a journal, or in bare SQLite with the same settings, and print the seconds it took."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from time import perf_counter

BODY = {"model": "painter", "prompt": "x" * 500}
RESPONSE = {"images": [{"url": f"https://storage/{'x' * 100}"}]}


def record_in_journal(path: Path, count: int) -> None:
    """Record the three facts of each request."""
    from oxen_models._runtime.journal import Journal

    with Journal(path) as journal:
        for number in range(count):
            key = f"{number:064}:0"
            assert journal.find(key) is None
            journal.sending(key, f"{number:064}", "painter", BODY)
            journal.accepted(key, f"{number:036}")
            journal.succeeded(key, RESPONSE, Decimal("0.03"))


def record_in_sqlite(path: Path, count: int) -> None:
    """Record the same in a table, with three durable transactions for each request."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=EXTRA")
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute(
        "CREATE TABLE requests (key TEXT UNIQUE, state TEXT, job TEXT, body TEXT, response TEXT)"
    )
    for number in range(count):
        key = f"{number:064}:0"
        assert connection.execute("SELECT * FROM requests WHERE key = ?", (key,)).fetchone() is None
        values = (key, "sending", str(BODY))
        connection.execute("INSERT INTO requests (key, state, body) VALUES (?, ?, ?)", values)
        connection.execute(
            "UPDATE requests SET state = 'accepted', job = ? WHERE key = ?", (f"{number:036}", key)
        )
        connection.execute(
            "UPDATE requests SET state = 'succeeded', response = ? WHERE key = ?", (str(RESPONSE), key)
        )
    connection.close()


def main(kind: str, count: int) -> None:
    """Record `count` requests and print the seconds."""
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        started = perf_counter()
        (record_in_journal if kind == "journal" else record_in_sqlite)(Path(folder) / "run.db", count)
        print(perf_counter() - started)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
