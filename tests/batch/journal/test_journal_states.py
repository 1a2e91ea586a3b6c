"""Reading the states that were written to a journal."""

from __future__ import annotations

import stat
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import pytest
from oxen_models import JournalError
from oxen_models._runtime.journal import Journal, request_digest
from oxen_models.journal import Entry, State, read

from batch.journal.states import (
    BODY,
    DIGEST,
    FACTS,
    PICTURE,
    RESPONSE,
    expected_entries,
    without_times,
    write_fact,
    write_journal,
)


@pytest.mark.slow
def test_entries_are_read_at_once_and_later(database: Path) -> None:
    """Each entry can be read as soon as it is written, and after the journal was opened again."""
    started = datetime.now(UTC)
    states: set[str] = set()
    entries: list[Entry] = []
    with Journal(database) as journal:
        for count, fact in enumerate(FACTS, 1):
            write_fact(journal, fact)
            entries = list(journal.entries())
            assert without_times(entries) == expected_entries(FACTS[:count])
            assert [journal.find(entry.key) for entry in entries] == entries
            states |= {entry.state for entry in entries}
        assert journal.find("z") is None
    assert list(read(database)) == entries
    with Journal(database) as journal:
        assert list(journal.entries()) == entries
    assert states == set(get_args(State))
    times = [entry.sent_at for entry in entries] + [entry.ended_at for entry in entries if entry.ended_at]
    assert all(started <= time <= datetime.now(UTC) for time in times)


def test_second_job_of_a_request_raises(database: Path) -> None:
    """A request that has a job does not get another one, and the error names both."""
    with Journal(database) as journal:
        journal.sending("a", DIGEST, "painter", BODY)
        journal.accepted("a", "job-1")
        journal.accepted("a", "job-1")
        with pytest.raises(JournalError, match="job-1 and job-2") as caught:
            journal.accepted("a", "job-2")
        assert caught.value.generation_id == "job-2"
        entry = journal.find("a")
        assert entry is not None
        assert (entry.state, entry.job_id) == ("accepted", "job-1")


@pytest.mark.parametrize("state", get_args(State))
def test_sending_again_raises_if_it_was_accepted(database: Path, state: State) -> None:
    """Only a request that was rejected, or whose outcome is unknown, can be sent again."""
    with Journal(database) as journal:
        journal.sending("a", DIGEST, "painter", BODY)
        if state in ("unknown", "rejected"):
            write_fact(journal, (state, ("a", "")))
        elif state != "sending":
            journal.accepted("a", "job-1")
        if state == "succeeded":
            journal.succeeded("a", RESPONSE)
        elif state in ("failed", "cancelled", "gone"):
            write_fact(journal, ("ended", ("a", state, None, None)))
        if state in ("sending", "unknown", "rejected"):
            journal.sending("a", DIGEST, "painter", BODY)
            return
        with pytest.raises(JournalError, match=f"'a' is {state}, so it cannot be sending"):
            journal.sending("a", DIGEST, "painter", BODY)
        with pytest.raises(JournalError, match=f"'a' is {state}, so it cannot be rejected"):
            journal.rejected("a", "")


def test_fact_about_a_request_not_sent_raises(database: Path) -> None:
    """A fact about a request that was not sent raises with the job, and later facts are written."""
    with Journal(database) as journal:
        with pytest.raises(JournalError, match="'a' is not in the journal") as caught:
            journal.accepted("a", "job-1")
        assert caught.value.generation_id == "job-1"
        write_fact(journal, FACTS[0])


def test_key_of_another_request_raises(database: Path) -> None:
    """A key cannot be used for another request, unless the first one was rejected."""
    with Journal(database) as journal:
        journal.sending("a", DIGEST, "painter", BODY)
        with pytest.raises(JournalError, match="another request"):
            journal.sending("a", "0" * 64, "painter", BODY)
        journal.rejected("a", "")
        journal.sending("a", "0" * 64, "painter", BODY)


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        ({"x": 4, "y": [{"z": 2.0}]}, {"y": [{"z": 2}], "x": 4.0}, True),
        ({"x": 1e16}, {"x": 10**16}, True),
        ({"x": -0.0}, {"x": 0}, True),
        ({"x": 1}, {"x": True}, False),
        ({"x": 1}, {"x": "1"}, False),
        ({"x": None}, {}, False),
        ({"x": 0.1}, {"x": 0.2}, False),
        ({"x": "\ud800"}, {"x": "\ud801"}, False),
        ({"x": [1, 2]}, {"x": [2, 1]}, False),
    ],
)
def test_equal_bodies_have_equal_digests(a: dict[str, Any], b: dict[str, Any], equal: bool) -> None:
    """Digests do not depend on the order of keys or on how a number is written."""
    assert (request_digest(a) == request_digest(b)) is equal


def test_media_are_in_private_files_by_digest(written_database: Path) -> None:
    """Inline media are beside the journal, named after their SHA-256, and only the owner can read them."""
    folder = written_database.with_name("run.db.media")
    digests = {sha256(text.encode()).hexdigest() for text in (PICTURE, "data:,x")}
    assert {file.name for file in folder.iterdir()} == digests
    assert PICTURE.encode() not in written_database.read_bytes()
    modes = {stat.S_IMODE(file.stat().st_mode) for file in [written_database, *folder.iterdir()]}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not written_database.with_name("run.db-journal").exists()


@pytest.mark.parametrize("content", [None, b"", PICTURE.encode() + b"="])
def test_changed_media_raise(written_database: Path, content: bytes | None) -> None:
    """Missing or changed media of a response raise with the name of the file."""
    file = written_database.with_name("run.db.media") / sha256(PICTURE.encode()).hexdigest()
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with Journal(written_database) as journal:
        with pytest.raises(JournalError, match=file.name):
            journal.find("a")
        journal.succeeded("a", RESPONSE)
        entry = journal.find("a")
        assert entry is not None
        assert entry.response == RESPONSE


@pytest.mark.slow
def test_threads_write_concurrently(database: Path) -> None:
    """Facts of several threads are all written."""

    def write(key: int) -> None:
        journal.sending(str(key), DIGEST, "painter", BODY)
        journal.accepted(str(key), f"job-{key}")
        journal.succeeded(str(key), {"images": [{"b64_json": PICTURE}]})

    with Journal(database) as journal, ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(100)))
    entries = list(read(database))
    assert {entry.key: entry.job_id for entry in entries} == {str(key): f"job-{key}" for key in range(100)}
    assert all(entry.state == "succeeded" for entry in entries)


@pytest.mark.slow
def test_entries_do_not_load_the_journal(database: Path) -> None:
    """Reading a large journal needs little memory."""
    body = {"model": "painter", "prompt": "x" * 100_000}
    write_journal(database, [("sending", (str(key), DIGEST, "painter", body)) for key in range(100)])
    with Journal(database) as journal:
        tracemalloc.start()
        try:
            assert sum(len(entry.body["prompt"]) for entry in journal.entries()) == 10_000_000
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 5_000_000


def test_closed_journal_raises(database: Path) -> None:
    """A journal that is closed cannot be used, and can be closed again."""
    journal = Journal(database)
    journal.close()
    journal.close()
    for use in (
        lambda: journal.find("a"),
        lambda: list(journal.entries()),
        lambda: write_fact(journal, FACTS[0]),
    ):
        with pytest.raises(JournalError, match="is closed"):
            use()
