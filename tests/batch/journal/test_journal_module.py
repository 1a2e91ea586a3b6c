"""The public module: read, export and merge journals."""

from __future__ import annotations

import io
import json
import shutil
import stat
import subprocess
import sys
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from oxen_models import ConfigurationError, JournalError, journal
from oxen_models._runtime.journal import Journal

from batch.journal.states import (
    BODY,
    DIGEST,
    FACTS,
    PICTURE,
    RESPONSE,
    Fact,
    expected_entries,
    without_times,
    write_journal,
)


@pytest.mark.slow
def test_module_loads_when_it_is_used() -> None:
    """The module and SQLite load with the first use of a journal."""
    program = (
        "import sys, oxen_models; from oxen_models import Oxen; assert 'sqlite3' not in sys.modules; "
        "oxen_models.journal.read; assert 'sqlite3' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_read_returns_unfinished_and_finished_entries(written_database: Path) -> None:
    """All entries can be read, and reading does not change the file."""
    content = written_database.read_bytes()
    assert without_times(journal.read(written_database)) == expected_entries(FACTS)
    assert without_times(journal.read(str(written_database))) == expected_entries(FACTS)
    assert written_database.read_bytes() == content


def test_read_of_a_missing_journal_raises(database: Path) -> None:
    """A journal that does not exist raises and is not created."""
    with pytest.raises(JournalError, match=r"run\.db: No such file"):
        list(journal.read(database))
    assert not list(database.parent.iterdir())


def test_export_writes_a_line_per_entry(written_database: Path) -> None:
    """Each entry is a line of JSON, with the names of the files of its media."""
    out = written_database.with_name("run.jsonl")
    journal.export(written_database, out)
    stream = io.StringIO()
    journal.export(written_database, stream)
    assert out.read_text() == stream.getvalue()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    entries = list(journal.read(written_database))
    for line, entry in zip(lines, entries, strict=True):
        response = None if entry.response is None else line["response"]
        assert line == {
            "key": entry.key,
            "digest": entry.digest,
            "model": entry.model,
            "state": entry.state,
            "body": entry.body,
            "sent_at": entry.sent_at.isoformat(),
            "job_id": entry.job_id,
            "response": response,
            "detail": entry.detail,
            "cost": None if entry.cost is None else str(entry.cost),
            "ended_at": None if entry.ended_at is None else entry.ended_at.isoformat(),
        }
    reference = f"data:sha256:{sha256(PICTURE.encode()).hexdigest()}"
    assert lines[0]["response"] == {**RESPONSE, "images": [{**RESPONSE["images"][0], "b64_json": reference}]}


SENT: Fact = ("sending", ("a", DIGEST, "painter", BODY))
ACCEPTED: Fact = ("accepted", ("a", "job-1"))
# From the least to the most advanced.
HISTORIES: dict[str, list[Fact]] = {
    "nothing": [],
    "rejected": [SENT, ("rejected", ("a", "no"))],
    "sending": [SENT],
    "unknown": [SENT, ("unknown", ("a", "no response"))],
    "accepted": [SENT, ACCEPTED],
    "gone": [SENT, ACCEPTED, ("ended", ("a", "gone", None, None))],
    "cancelled": [SENT, ACCEPTED, ("ended", ("a", "cancelled", None, None))],
    "failed": [SENT, ACCEPTED, ("ended", ("a", "failed", "no", {"status": "failed"}))],
    "succeeded": [SENT, ACCEPTED, ("succeeded", ("a", RESPONSE, Decimal(1)))],
}


def test_export_to_the_journal_itself_raises(written_database: Path) -> None:
    """A journal is not replaced by its own export, under any name."""
    content = written_database.read_bytes()
    link = written_database.with_name("link")
    link.symlink_to(written_database)
    for out in (written_database, str(link)):
        with pytest.raises(ConfigurationError, match="out must be another file than the journal"):
            journal.export(written_database, out)
    assert written_database.read_bytes() == content


@pytest.mark.slow
def test_merge_keeps_the_more_advanced_state(database: Path) -> None:
    """Of two entries with the same key, the more advanced one is kept, in either order."""
    paths = {name: database.with_name(f"{name}.db") for name in HISTORIES}
    for name, path in paths.items():
        write_journal(path, HISTORIES[name])
    names = list(HISTORIES)
    for low, high in pairwise(names):
        for order in ((low, high), (high, low)):
            target = database.with_name("-".join(order))
            journal.merge(target, *(paths[name] for name in order))
            assert list(journal.read(target)) == list(journal.read(paths[high]))


def test_merge_adds_entries_in_order(database: Path) -> None:
    """Entries of all journals are there, those of the target first, and the sources are unchanged."""
    sources = [database.with_name(f"{name}.db") for name in "abc"]
    for number, source in enumerate(sources):
        write_journal(source, [("sending", (f"{number}-{key}", DIGEST, "painter", BODY)) for key in "xy"])
    contents = [source.read_bytes() for source in sources]
    journal.merge(*sources)
    assert [entry.key for entry in journal.read(sources[0])] == ["0-x", "0-y", "1-x", "1-y", "2-x", "2-y"]
    assert [source.read_bytes() for source in sources[1:]] == contents[1:]


def test_merge_continues_a_copy(written_database: Path) -> None:
    """The copy of a lost journal can be continued after it was merged into a new one, with its media."""
    copy, new = written_database.with_name("copy.db"), written_database.with_name("new.db")
    shutil.copy(written_database, copy)
    shutil.copytree(f"{written_database}.media", f"{copy}.media")
    journal.merge(new, copy)
    shutil.rmtree(f"{copy}.media")
    assert without_times(journal.read(new)) == expected_entries(FACTS)
    with Journal(new) as merged:
        merged.accepted("h", "job-h")


@pytest.mark.parametrize(
    ("facts", "match"),
    [
        ([SENT, ("accepted", ("a", "job-2"))], "different jobs for the request 'a': job-1 and job-2"),
        ([("sending", ("a", "0" * 64, "painter", BODY))], "different requests with the key 'a'"),
    ],
)
def test_merge_of_a_conflict_raises(database: Path, facts: list[Fact], match: str) -> None:
    """Two jobs of a request raise with both ids, and the target stays as it was."""
    other = database.with_name("other.db")
    write_journal(database, [SENT, ACCEPTED])
    write_journal(other, [("sending", ("b", DIGEST, "painter", BODY)), *facts])
    entries = list(journal.read(database))
    with pytest.raises(JournalError, match=match):
        journal.merge(database, other)
    assert list(journal.read(database)) == entries


def test_merge_replaces_a_rejected_request(database: Path) -> None:
    """The key of a rejected request may be that of another request, which is kept."""
    other = database.with_name("other.db")
    write_journal(database, HISTORIES["rejected"])
    write_journal(other, [("sending", ("a", "0" * 64, "painter", BODY))])
    journal.merge(database, other)
    assert [entry.digest for entry in journal.read(database)] == ["0" * 64]


def test_merge_of_a_journal_in_use_raises(written_database: Path) -> None:
    """A journal that a run uses is neither read nor written."""
    new = written_database.with_name("new.db")
    with Journal(written_database):
        for target, source in ((new, written_database), (written_database, new)):
            with pytest.raises(JournalError, match="using this journal"):
                journal.merge(target, source)


def test_merge_with_itself_raises(written_database: Path) -> None:
    """A journal is not merged with itself, whatever name it has."""
    name = f"{written_database.parent}/./{written_database.name}"
    for target, source in ((written_database, name), (name, written_database)):
        with pytest.raises(ConfigurationError, match="sources must be other files than the target, got"):
            journal.merge(target, source)
