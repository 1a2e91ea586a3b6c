"""Journals after a kill, an interruption or a failure of the disk."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from oxen_models import JournalError
from oxen_models._runtime.journal import Entry, Journal, digest_of

from batch.journal.facts import (
    ANSWER,
    BODY,
    DIGEST,
    FACTS,
    PICTURE,
    expected_entries,
    read_entries,
    write_fact,
)


@pytest.mark.slow
def test_complete_lines_are_read_after_a_kill(written: Path) -> None:
    """A journal that was truncated anywhere is read up to the last complete line."""
    content = written.read_bytes()
    for size in range(len(content) + 1):
        written.write_bytes(content[:size])
        whole = content[:size].count(b"\n")
        with Journal(written) as journal:
            assert list(journal) == expected_entries(FACTS[:whole])
            assert written.read_bytes() == b"".join(content.splitlines(keepends=True)[:whole])
            write_fact(journal, ("sending", (9, BODY)))
            assert journal[9] == Entry(DIGEST, "sending")
        assert read_entries(written)[9] == Entry(DIGEST, "sending")


@pytest.mark.parametrize("zeros", [slice(0, 40), slice(20, -1), slice(0, None)])
def test_last_line_with_zeros_is_dropped(written: Path, zeros: slice) -> None:
    """A last line with zero bytes, as a power failure leaves it, is dropped."""
    lines = written.read_bytes().splitlines(keepends=True)
    last = bytearray(lines[-1])
    last[zeros] = bytes(len(last[zeros]))
    written.write_bytes(b"".join(lines[:-1]) + last)
    assert read_entries(written) == expected_entries(FACTS[:-1])


CHILD = """
import sys
from oxen_models._runtime.journal import Journal

with Journal(sys.argv[1]) as journal:
    for index in range(len(journal), 1_000_000):
        journal.sending(index, {"model": "m", "prompt": str(index) * 20_000})
        print(index, "sending", flush=True)
        journal.enqueued(index, f"job-{index}")
        print(index, "enqueued", flush=True)
        journal.succeeded(index, f"job-{index}", {"images": [{"b64_json": str(index) * 9_000}]})
        print(index, "succeeded", flush=True)
"""


def test_acknowledged_facts_survive_a_kill(path: Path) -> None:
    """All facts that a killed run had acknowledged are read by the next one."""
    acknowledged: dict[int, str] = {}
    for facts in (1, 20, 50, 80):
        command = [sys.executable, "-c", CHILD, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout
            lines = [child.stdout.readline() for _ in range(facts)]
            child.kill()
            lines += child.stdout.readlines()
        acknowledged |= {int(index): state for index, state in map(str.split, lines)}
        states = ["sending", "enqueued", "succeeded"]
        for index, entry in enumerate(read_entries(path)):
            assert entry
            assert entry.digest == digest_of({"model": "m", "prompt": str(index) * 20_000})
            # The one that the run was at when it was killed may be there, too.
            said = acknowledged.setdefault(index, "sending")
            assert states.index(entry.state) - states.index(said) in (0, 1)
            if entry.state == "succeeded":
                assert entry.answer == {"images": [{"b64_json": str(index) * 9_000}]}
        assert sorted(acknowledged) == list(range(len(acknowledged)))


def test_fact_is_synced_before_it_returns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content, folder and line are synced before the method returns."""
    media = path.with_name("run.jsonl.media")
    digest = sha256(PICTURE.encode()).hexdigest()
    done: list[object] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        fsync(descriptor)
        found = os.fstat(descriptor)
        names = {each.stat().st_ino: each for each in (path.parent, media) if each.exists()}
        done.append(names.get(found.st_ino, found.st_size))

    def watched_replace(source: str, target: str) -> None:
        replace(source, target)
        done.append(Path(target).name)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    with Journal(path) as journal:
        assert done == [path.parent]
        for fact in FACTS:
            done.clear()
            write_fact(journal, fact)
            *before, last = done
            assert last == path.stat().st_size
            kept = [path.parent, len(PICTURE), digest, media] if fact[1][-1] is ANSWER else []
            assert before == kept


def test_full_disk_leaves_no_partial_line(written: Path) -> None:
    """A fact that does not fit on the disk raises and leaves no partial line."""
    resource = pytest.importorskip("resource")
    before = written.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(written) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, limits[1]))
        try:
            with pytest.raises(JournalError, match=r"run\.jsonl: File too large"):
                journal.sending(7, {"model": "m", "prompt": "x" * 200})
            with pytest.raises(JournalError, match=r"run\.jsonl\.media.*: File too large"):
                journal.succeeded(5, None, {"b64_json": "x" * 100_000})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert written.read_bytes() == before
        write_fact(journal, ("sending", (6, BODY)))
        assert list(journal) == expected_entries([*FACTS, ("sending", (6, BODY))])
    assert read_entries(written) == expected_entries([*FACTS, ("sending", (6, BODY))])


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("times", [1, 2])
def test_interrupted_write_leaves_no_trace(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], times: int
) -> None:
    """A write that is interrupted by an error or by Ctrl-C leaves the journal unchanged."""
    errors = [error] * times
    fsync = os.fsync

    def interrupted(descriptor: int) -> None:
        if errors:
            raise errors.pop()
        fsync(descriptor)

    with Journal(path) as journal:
        write_fact(journal, FACTS[0])
        before = path.read_bytes()
        monkeypatch.setattr(os, "fsync", interrupted)
        with pytest.raises((KeyboardInterrupt, JournalError)):
            journal.enqueued(0, "a job with a long name, which nobody got to know")
        assert errors == []
        assert path.read_bytes() == before
        assert list(journal) == expected_entries(FACTS[:1])
        write_fact(journal, FACTS[1])
        assert list(journal) == expected_entries(FACTS[:2])
    assert read_entries(path) == expected_entries(FACTS[:2])


def test_partial_line_is_removed_by_the_next_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A partial line that could not be removed at once is removed before the next one is written."""

    def refused(_: object) -> None:
        raise OSError("the disk is gone")

    with Journal(path) as journal:
        write_fact(journal, FACTS[0])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refused)
            patch.setattr(Journal, "_truncate", refused)
            with pytest.raises(JournalError, match=r"run\.jsonl: the disk is gone"):
                journal.enqueued(0, "a job with a long name, which nobody got to know")
        assert list(journal) == expected_entries(FACTS[:1])
        write_fact(journal, FACTS[1])
        assert list(journal) == expected_entries(FACTS[:2])
    assert read_entries(path) == expected_entries(FACTS[:2])
