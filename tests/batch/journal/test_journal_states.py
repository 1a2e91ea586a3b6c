"""Reading the states that were written to a journal."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from oxen_models import JournalError
from oxen_models._runtime.journal_database import Journal, request_digest
from oxen_models.journal import State, read

BODY: dict[str, Any] = {"model": "painter", "prompt": "Ein Hütchen ☂ \ud83d"}
DIGEST = request_digest(BODY)
RESPONSE: dict[str, Any] = {
    "images": [{"b64_json": "iVBORw0KGgo" * 30, "url": "https://h/1"}],
    "created": 1.5,
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The path of a journal that does not exist."""
    return tmp_path / "run.db"


def test_entries_are_read_at_once_and_later(database: Path) -> None:
    """Each entry can be read as soon as it is written, and after the journal was closed."""
    started = datetime.now(UTC)
    with Journal(database) as journal:
        assert journal.find("a") is None
        for key in "abcdefgh":
            journal.sending(key, DIGEST, "painter", BODY)
        journal.accepted("b", "job-b")
        journal.rejected("c", "too many")
        journal.unknown("d", "no response")
        journal.accepted("e", "job-e")
        journal.succeeded("e", RESPONSE, Decimal("0.040"))
        journal.accepted("f", "job-f")
        journal.ended("f", "failed", "no ox \udc80", {"status": "failed"})
        journal.accepted("g", "job-g")
        journal.ended("g", "cancelled", None, None)
        journal.accepted("h", "job-h")
        journal.ended("h", "gone", None, None)
        entries = list(journal.entries())
        assert [journal.find(key) for key in "abcdefgh"] == entries
    assert list(read(database)) == entries
    assert [entry.key for entry in entries] == list("abcdefgh")
    assert {entry.state for entry in entries} == set(get_args(State))
    assert [entry.job_id for entry in entries] == [
        None,
        "job-b",
        None,
        None,
        "job-e",
        "job-f",
        "job-g",
        "job-h",
    ]
    assert all((entry.digest, entry.model, entry.body) == (DIGEST, "painter", BODY) for entry in entries)
    assert (entries[2].detail, entries[3].detail, entries[5].detail) == (
        "too many",
        "no response",
        "no ox \udc80",
    )
    assert (entries[4].response, entries[4].cost) == (RESPONSE, Decimal("0.040"))
    assert entries[5].response == {"status": "failed"}
    assert all(started <= entry.sent_at <= datetime.now(UTC) for entry in entries)
    assert [entry.ended_at is not None for entry in entries] == [False] * 4 + [True] * 4


def test_journal_of_another_job_raises(database: Path) -> None:
    """A request that has a job does not get another one, and the error names both."""
    with Journal(database) as journal:
        journal.sending("a", DIGEST, "painter", BODY)
        journal.accepted("a", "job-1")
        with pytest.raises(JournalError, match="job-1 and job-2") as caught:
            journal.accepted("a", "job-2")
        assert caught.value.generation_id == "job-2"
        with pytest.raises(JournalError, match="'a' is accepted, so it cannot be sending"):
            journal.sending("a", DIGEST, "painter", BODY)
        with pytest.raises(JournalError, match="'b' is not in the journal, so it cannot be accepted"):
            journal.accepted("b", "job-3")
        entry = journal.find("a")
        assert entry is not None
        assert (entry.state, entry.job_id) == ("accepted", "job-1")
