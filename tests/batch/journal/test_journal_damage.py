"""Journals that were damaged: no fact is lost silently."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from oxen_models import JournalError
from oxen_models._runtime.journal import Journal
from oxen_models.journal import Entry, read

from batch.journal.states import (
    BODY,
    DIGEST,
    FACTS,
    expected_entries,
    without_times,
    write_fact,
    write_journal,
)

PAGE = 4096
# So many that there are pages of each kind: with rows, with keys, with their parents, and with ends of rows.
MANY: list[tuple[str, tuple[object, ...]]] = [
    ("sending", (f"{number:0200}", DIGEST, "painter", {**BODY, "prompt": "x" * (number * 97 % 3000)}))
    for number in range(150)
]
ENTRIES = expected_entries(FACTS + MANY)


@pytest.fixture
def large(database: Path) -> Path:
    """The path of a journal with many entries."""
    write_journal(database, FACTS + MANY)
    return database


def overwrite(path: Path, content: bytes | bytearray) -> None:
    """Write the content of an existing file in place, because a copy is an error of its own."""
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()


def read_or_raise(path: Path) -> list[Entry] | JournalError:
    """Open a journal for reading and for a run, and return its entries or the error of both."""
    outcomes: list[list[Entry] | JournalError] = []
    for open_entries in (read, open_for_a_run):
        try:
            outcomes.append(without_times(open_entries(path)))
        except JournalError as error:
            outcomes.append(error)
    read_outcome, outcome = outcomes
    assert isinstance(outcome, list) or str(path) in str(outcome)
    assert isinstance(read_outcome, JournalError) == isinstance(outcome, JournalError), outcomes
    return outcome


def open_for_a_run(path: Path) -> list[Entry]:
    with Journal(path) as journal:
        return list(journal.entries())


def check_damage(path: Path, changes: list[Callable[[bytearray], object]], min_detected: float) -> None:
    """Check that each change of a journal is detected, or changes no fact."""
    content = path.read_bytes()
    detected = 0
    for change in changes:
        changed = bytearray(content)
        change(changed)
        overwrite(path, changed)
        outcome = read_or_raise(path)
        assert isinstance(outcome, JournalError) or outcome == ENTRIES
        detected += isinstance(outcome, JournalError)
        overwrite(path, content)
        path.with_name("run.db-journal").unlink(missing_ok=True)
    assert detected >= min_detected * len(changes)
    assert read_or_raise(path) == ENTRIES


def zero(start: int, size: int) -> Callable[[bytearray], object]:
    return lambda content: content.__setitem__(slice(start, start + size), bytes(size))


def truncate(size: int) -> Callable[[bytearray], object]:
    return lambda content: content.__delitem__(slice(size, None))


def flip(*bits: int) -> Callable[[bytearray], object]:
    def change(content: bytearray) -> None:
        for bit in bits:
            content[bit // 8] ^= 1 << bit % 8

    return change


@pytest.mark.slow
def test_zeroed_block_is_detected(large: Path) -> None:
    """A block of zeros anywhere raises, or concerns no fact."""
    starts = range(512 * random.randrange(12), large.stat().st_size, 512 * 12)
    check_damage(large, [zero(start, 512) for start in starts], 0.5)


@pytest.mark.slow
def test_truncated_file_is_detected(large: Path) -> None:
    """A file that was truncated raises at each length."""
    size = large.stat().st_size
    sizes = {0, 1, 100, 512, size - 1, *range(0, size, PAGE * 3), *range(77, size, 1511 * 3)}
    check_damage(large, [truncate(size) for size in sorted(sizes)], 1)


@pytest.mark.slow
def test_flipped_bits_are_detected(large: Path) -> None:
    """Flipped bits raise, or concern no fact."""
    count = 25  # random ones: each run finds others
    bits = 8 * large.stat().st_size
    single = [flip(random.randrange(bits)) for _ in range(count)]
    several = [flip(*random.sample(range(bits), 20)) for _ in range(count)]
    header = [flip(random.randrange(800)) for _ in range(count)]
    check_damage(large, single + several + header, 0.3)


def test_damaged_name_of_a_table_is_detected(database: Path) -> None:
    """A damaged name that is not text, which SQLite quotes in its error, raises."""
    write_journal(database, FACTS)
    name, text = b"requestsrequests", b"CREATE TABLE requests"
    content = database.read_bytes()
    assert name in content
    assert text in content
    overwrite(database, content.replace(name, b"\xc5" + name[1:]).replace(text, b"X" + text[1:]))
    assert "restore" in str(read_or_raise(database))


@pytest.mark.slow
def test_page_of_an_earlier_time_is_detected(large: Path) -> None:
    """A page that was not written raises, although it is valid in itself."""
    old = large.read_bytes()
    with Journal(large) as journal:
        for number in range(0, 150, 10):
            journal.accepted(f"{number:0200}", f"job-{number}")
    new = large.read_bytes()
    entries = without_times(read(large))
    outcomes: list[list[Entry] | JournalError] = []
    for start in range(0, len(new), PAGE):
        if old[start : start + PAGE] != new[start : start + PAGE]:
            overwrite(large, new[:start] + old[start : start + PAGE] + new[start + PAGE :])
            outcomes.append(read_or_raise(large))
    errors = [outcome for outcome in outcomes if isinstance(outcome, JournalError)]
    # Some pages changed, but not a fact in them.
    assert all(outcome == entries for outcome in outcomes if not isinstance(outcome, JournalError))
    assert len(errors) > 5


@pytest.mark.slow
def test_swapped_pages_are_detected(large: Path) -> None:
    """Two pages that were swapped raise."""
    count = large.stat().st_size // PAGE

    def swap(a: int, b: int) -> Callable[[bytearray], object]:
        def change(content: bytearray) -> None:
            first, second = content[a * PAGE : (a + 1) * PAGE], content[b * PAGE : (b + 1) * PAGE]
            content[a * PAGE : (a + 1) * PAGE], content[b * PAGE : (b + 1) * PAGE] = second, first

        return change

    pairs = [random.sample(range(count), 2) for _ in range(15)]
    check_damage(large, [swap(a, b) for a, b in pairs], 1)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE requests SET state = 'rejected' WHERE key = 'a'",
        "UPDATE requests SET key = 'z' WHERE key = 'a'",
        "UPDATE requests SET id = 99 WHERE key = 'a'",
        "UPDATE requests SET response = NULL",
        "UPDATE requests SET detail = x'00' WHERE key = 'a'",
        "UPDATE requests SET detail = CAST(x'ff' AS TEXT) WHERE key = 'a'",
        "UPDATE requests SET cost = 0.04 WHERE key = 'a'",
        "UPDATE requests SET checksum = NULL",
        "DELETE FROM requests WHERE key = 'a'",
        "DELETE FROM requests",
        "INSERT INTO requests (key, state, checksum) SELECT 'z', state, checksum FROM requests LIMIT 1",
        "DROP TABLE requests",
        "CREATE TABLE other (id)",
        "ALTER TABLE requests ADD COLUMN more",
        "DELETE FROM journal",
        "UPDATE journal SET path = 'x'",
        "UPDATE journal SET total = NULL",
        "UPDATE journal SET entries = 2",
        "INSERT INTO journal (id) VALUES (2)",
    ],
)
def test_edited_journal_is_detected(written_database: Path, sql: str) -> None:
    """A journal that was changed by another program raises, and says not to delete it."""
    connection = sqlite3.connect(written_database)
    connection.execute(sql)
    connection.commit()
    connection.close()
    error = read_or_raise(written_database)
    assert isinstance(error, JournalError)
    assert "restore it from a copy and do not delete it" in str(error)


def test_maintained_journal_is_read(written_database: Path) -> None:
    """Statements that change no fact do no harm."""
    connection = sqlite3.connect(written_database)
    connection.execute("ANALYZE")
    connection.execute("VACUUM")
    connection.close()
    assert read_or_raise(written_database) == expected_entries(FACTS)


def test_journal_in_wal_mode_raises(written_database: Path) -> None:
    """A journal in WAL mode raises, because its last facts are in another file."""
    connection = sqlite3.connect(written_database)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("ANALYZE")
    assert "WAL mode" in str(read_or_raise(written_database))
    connection.close()
    assert "WAL mode" in str(read_or_raise(written_database))


def test_journal_of_another_format_raises(written_database: Path) -> None:
    """A journal of another version of the package raises with both formats."""
    connection = sqlite3.connect(written_database)
    connection.execute("PRAGMA user_version=7")
    connection.close()
    assert "format 7, expected 1" in str(read_or_raise(written_database))


OTHER_FILES = {
    "empty": b"",
    "text": b'{"fact":"sending","index":0}\n',
    "zeros": bytes(8192),
    "short": b"SQLite format 3\0",
}


@pytest.mark.parametrize("content", OTHER_FILES.values(), ids=OTHER_FILES)
def test_other_file_raises_and_is_kept(database: Path, content: bytes) -> None:
    """A file that is no journal raises and is not changed."""
    database.write_bytes(content)
    assert isinstance(read_or_raise(database), JournalError)
    assert database.read_bytes() == content
    assert [file.name for file in database.parent.iterdir()] == ["run.db"]


def test_other_database_raises_and_is_kept(database: Path) -> None:
    """A database of another program raises and is not changed."""
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE requests (id)")
    connection.close()
    content = database.read_bytes()
    assert "not a journal of run_many" in str(read_or_raise(database))
    assert database.read_bytes() == content


@pytest.mark.parametrize("path", ["", "missing/run.db", "long" * 100, "folder", "fifo"])
def test_unusable_path_raises(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that cannot be a journal raises at once."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "fifo")
    with pytest.raises(JournalError):
        Journal(path)
    with pytest.raises(JournalError):
        list(read(path))


def interrupted(path: Path) -> tuple[bytes, bytes, bytes]:
    """Leave a journal as a run that is killed in a transaction does.

    Returns:
        The file before and after, and its rollback journal.
    """
    rollback_journal = Path(f"{path}-journal")
    before = path.read_bytes()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_size=1")
    connection.execute("BEGIN")
    connection.execute("UPDATE requests SET detail = hex(zeroblob(9000))")
    after, hot = path.read_bytes(), rollback_journal.read_bytes()
    connection.execute("ROLLBACK")
    connection.close()
    assert before != after
    overwrite(path, after)
    rollback_journal.write_bytes(hot)
    return before, after, hot


@pytest.mark.slow
def test_interrupted_write_is_rolled_back(large: Path) -> None:
    """A transaction that was interrupted is undone by the next run, or by reading."""
    interrupted(large)
    assert without_times(read(large)) == ENTRIES
    interrupted(large)
    assert without_times(open_for_a_run(large)) == ENTRIES
    assert not large.with_name("run.db-journal").exists()


@pytest.mark.slow
@pytest.mark.parametrize("change", ["deleted", "emptied", "truncated", "zeroed"])
def test_lost_rollback_journal_is_detected(large: Path, change: str) -> None:
    """A journal whose rollback journal was lost or damaged raises."""
    _, _, hot = interrupted(large)
    file = large.with_name("run.db-journal")
    if change == "deleted":
        file.unlink()
    else:
        kept = {"emptied": b"", "truncated": hot[: len(hot) // 2], "zeroed": bytes(len(hot))}[change]
        file.write_bytes(kept)
    assert isinstance(read_or_raise(large), JournalError)


@pytest.mark.slow
def test_copy_of_an_interrupted_write_is_detected(large: Path) -> None:
    """A copy without the rollback journal raises, and one with it is read."""
    interrupted(large)
    copy = large.with_name("copy.db")
    shutil.copy(large, copy)
    with pytest.raises(JournalError, match="damaged or an incomplete copy"):
        list(read(copy))
    shutil.copy(large, copy)
    shutil.copy(f"{large}-journal", f"{copy}-journal")
    shutil.copytree(f"{large}.media", f"{copy}.media")
    assert without_times(read(copy)) == ENTRIES


@pytest.mark.slow
def test_journal_written_meanwhile_is_opened(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rollback journal of a journal that another run creates at the same time is not an error."""
    interrupted(large)
    moved = large.rename(large.with_name("moved.db"))

    def appear(_: object) -> bool:
        monkeypatch.undo()
        moved.rename(large)
        return False

    monkeypatch.setattr(os.path, "exists", appear)
    assert without_times(open_for_a_run(large)) == ENTRIES


@pytest.mark.slow
def test_journal_without_its_rollback_journal_raises(large: Path) -> None:
    """A moved journal is not continued before its rollback journal is there, which would undo later facts."""
    before, _, hot = interrupted(large)
    overwrite(large, before)  # as if all pages had been written, so that the journal is valid in itself
    moved = large.with_name("moved.db")
    large.rename(moved)
    with pytest.raises(JournalError, match=r"was moved without .*run\.db-journal"):
        Journal(moved)
    with pytest.raises(JournalError, match=r"run\.db-journal belongs to a journal that was moved or deleted"):
        Journal(large)
    assert large.with_name("run.db-journal").read_bytes() == hot
    large.with_name("run.db-journal").rename(f"{moved}-journal")
    large.with_name("run.db.media").rename(f"{moved}.media")
    assert without_times(open_for_a_run(moved)) == ENTRIES


def test_hard_links_raise_until_they_are_deleted(written_database: Path) -> None:
    """A file with two names raises, because each name has its own rollback journal."""
    other = written_database.with_name("other.db")
    other.hardlink_to(written_database)
    for path in (written_database, other):
        with pytest.raises(JournalError, match="2 hard links"):
            Journal(path)
    other.unlink()
    with Journal(written_database) as journal:
        write_fact(journal, ("accepted", ("h", "job-h")))
