"""Journals after a kill or a failure of the disk."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from oxen_models import JournalError
from oxen_models._runtime.journal import Journal
from oxen_models.journal import read

from batch.journal.states import (
    BODY,
    DIGEST,
    FACTS,
    Fact,
    expected_entries,
    file_size_limit,
    without_times,
    write_fact,
)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs ptrace")
def test_facts_survive_a_kill_at_any_system_call() -> None:
    """A run that is killed at any system call is continued by the next one, and no fact is lost."""
    step = 29  # and another start in each run
    start = random.randrange(step)
    command = [sys.executable, "-m", "batch.journal.kill_program", str(step), str(start)]
    process = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    assert process.returncode == 0, f"{' '.join(command)}\n{process.stderr}"
    assert int(process.stdout) > 600 // step


def write_until_failure(path: Path) -> int:
    """Write facts until one fails, check that the next one fails as well, and return how many succeeded."""
    written = 0
    with suppress(JournalError), Journal(path) as journal:
        for fact in FACTS:
            try:
                write_fact(journal, fact)
            except JournalError:
                with pytest.raises(JournalError, match=re.escape(str(path))):
                    write_fact(journal, fact)
                raise
            written += 1
    return written


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of the size of files")
@pytest.mark.slow
def test_full_disk_loses_no_fact(database: Path) -> None:
    """On a disk that is full at any size, writing raises, and the facts before it are read later."""
    step = 997  # and another start in each run
    counts: set[int] = set()
    for size in range(random.randrange(step), 60_000, step):
        with file_size_limit(size):
            written = write_until_failure(database)
        counts.add(written)
        if database.exists():
            assert without_times(read(database)) == expected_entries(FACTS[:written])
        with Journal(database) as journal:
            for fact in FACTS[written:]:
                write_fact(journal, fact)
            assert without_times(journal.entries()) == expected_entries(FACTS)
        database.unlink()
        assert {file.name for file in database.parent.iterdir()} <= {"run.db.media"}
        shutil.rmtree(f"{database}.media", ignore_errors=True)
    assert len(counts) > 2
    assert max(counts) == len(FACTS)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of the size of files")
@pytest.mark.parametrize("length", [10, 3_000, 50_000])
def test_job_is_recorded_on_a_full_disk(database: Path, length: int) -> None:
    """The jobs of all requests in flight are recorded, even if the disk is full by now."""
    body = {"prompt": "x" * length}
    keys = [str(number) * 10 for number in range(40)]
    with Journal(database) as journal:
        for key in keys:
            journal.sending(key, DIGEST, "painter", body)
        sizes = {path: path.stat().st_size for path in database.parent.iterdir()}
        with file_size_limit(max(sizes.values())):
            for key in keys:
                journal.accepted(key, f"{key:>036}")
        # No file needed more space, so that it does not matter which of them is full.
        assert {path: path.stat().st_size for path in database.parent.iterdir()} == sizes
    assert [entry.job_id for entry in read(database)] == [f"{key:>036}" for key in keys]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of the size of files")
def test_jobs_are_recorded_after_a_failure(database: Path) -> None:
    """After a failure to write, no request can be sent, and the jobs of those in flight are recorded."""
    body = {"prompt": "x" * 50_000}
    with Journal(database) as journal:
        for key in "abc":
            journal.sending(key, DIGEST, "painter", BODY)
        with file_size_limit(database.stat().st_size):
            with pytest.raises(JournalError):
                journal.sending("d", DIGEST, "painter", body)
            journal.accepted("a", f"{1:036}")
        with pytest.raises(JournalError, match="writing failed before"):
            journal.sending("d", DIGEST, "painter", BODY)
        journal.accepted("b", f"{2:036}")
        journal.unknown("c", "no response")
    assert [entry.job_id for entry in read(database)] == [f"{1:036}", f"{2:036}", None]


UNRECORDED: dict[str, list[Fact]] = {
    "accepted": [("accepted", ("a", "job-1"))],
    "succeeded": [("accepted", ("a", "job-1")), ("succeeded", ("a", {"images": []}))],
    "media": [("accepted", ("a", "job-1")), ("succeeded", ("a", {"images": [{"b64_json": "x"}]}))],
    "failed": [("accepted", ("a", "job-1")), ("ended", ("a", "failed", "no", None))],
}


@pytest.mark.parametrize("facts", UNRECORDED.values(), ids=UNRECORDED)
def test_job_is_named_if_it_cannot_be_recorded(database: Path, facts: list[Fact]) -> None:
    """The error names the job if its id or its end cannot be recorded."""
    with Journal(database) as journal:
        journal.sending("a", DIGEST, "painter", BODY)
        for fact in facts[:-1]:
            write_fact(journal, fact)
        database.rename(database.with_name("moved.db"))
        database.with_name("run.db.media").touch()
        with pytest.raises(JournalError, match="job-1") as caught:
            write_fact(journal, facts[-1])
    assert caught.value.generation_id == "job-1"


@contextmanager
def interruption(max_delay: float) -> Generator[None]:
    """Raise KeyboardInterrupt in the block after a random delay, as Ctrl-C does, or at its end."""
    is_pending = True

    def interrupt(*_: object) -> None:
        nonlocal is_pending
        if is_pending:
            is_pending = False
            raise KeyboardInterrupt

    old_handler = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, max_delay))
    try:
        yield
    finally:
        is_pending = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old_handler)


# An exception in a finalizer is ignored with a warning.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(sys.platform == "win32", reason="needs a timer that sends a signal")
def test_journal_is_usable_after_an_interruption(database: Path) -> None:
    """A fact that Ctrl-C interrupts anywhere is written or not, and all other facts are kept."""
    keys = [str(number) for number in range(150)]
    interrupted = 0
    with Journal(database) as journal:
        for key in keys:
            job_id = f"job-{key}"
            try:
                with interruption(0.001):
                    journal.sending(key, DIGEST, "painter", BODY)
                    journal.accepted(key, job_id)
            except KeyboardInterrupt:
                interrupted += 1
                journal.find(key)  # while the frames of the interrupted call still exist
            entry = journal.find(key)
            if entry is None:
                journal.sending(key, DIGEST, "painter", BODY)
            assert entry is None or (entry.state, entry.job_id) in {("sending", None), ("accepted", job_id)}
            journal.accepted(key, job_id)
    entries = list(read(database))
    assert [(entry.key, entry.job_id) for entry in entries] == [(key, f"job-{key}") for key in keys]
    assert interrupted > 10


# An exception in a finalizer is ignored with a warning.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(sys.platform == "win32", reason="needs a timer that sends a signal")
def test_journal_can_be_opened_after_an_interruption(written_database: Path) -> None:
    """Opening that Ctrl-C interrupts anywhere does not keep the journal locked."""
    for _ in range(60):
        with suppress(KeyboardInterrupt), interruption(0.004), Journal(written_database):
            pass
        assert without_times(read(written_database)) == expected_entries(FACTS)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs permissions of files")
@pytest.mark.parametrize("read_only", ["file", "folder"])
def test_read_only_journal_raises_and_is_read(unprivileged: Path, read_only: str) -> None:
    """A journal that cannot be written raises before a request is sent, and can be read."""
    path = unprivileged / "run.db"
    with Journal(path) as journal:
        for fact in FACTS:
            write_fact(journal, fact)
    target, mode = (path, 0o400) if read_only == "file" else (unprivileged, 0o500)
    target.chmod(mode)
    try:
        with pytest.raises(
            JournalError, match=r"run\.db: .*(Permission denied|make the file and its folder writable)"
        ):
            Journal(path)
        assert without_times(read(path)) == expected_entries(FACTS)
        if read_only == "folder":
            with pytest.raises(JournalError, match=r"new\.db: Permission denied"):
                Journal(unprivileged / "new.db")
    finally:
        target.chmod(0o700)


def test_media_that_cannot_be_synced_raise(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure to sync the media of a response raises, and the response is not recorded."""
    with Journal(database) as journal:
        for fact in FACTS[:2]:
            write_fact(journal, fact)

        def fail(_: Any) -> None:
            raise OSError(5, "the disk is gone")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(JournalError, match="the disk is gone"):
            journal.succeeded("a", {"images": [{"b64_json": "x"}]})
        monkeypatch.undo()
        assert without_times(journal.entries()) == expected_entries(FACTS[:2])
