"""A journal whose run was killed or interrupted, or whose disk failed, has all that it said it had."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from oxen_models import JournalError
from oxen_models._runtime.journal import Entry, Journal, digest_of

from batch.journal.facts import ANSWER, BODY, DIGEST, FACTS, PICTURE, reopened, tell, told


def test_of_a_run_that_was_killed_every_whole_line_counts(written: Path) -> None:
    content = written.read_bytes()
    for size in range(len(content) + 1):
        written.write_bytes(content[:size])
        whole = content[:size].count(b"\n")
        with Journal(written) as journal:
            assert list(journal) == told(FACTS[:whole])
            assert written.read_bytes() == b"".join(content.splitlines(keepends=True)[:whole])
            tell(journal, ("sending", (9, BODY)))
            assert journal[9] == Entry(DIGEST, "sending")
        assert reopened(written)[9] == Entry(DIGEST, "sending")


@pytest.mark.parametrize("zeros", [slice(0, 40), slice(20, -1), slice(0, None)])
def test_a_last_line_that_a_power_cut_left_in_part_is_cut_off(written: Path, zeros: slice) -> None:
    lines = written.read_bytes().splitlines(keepends=True)
    last = bytearray(lines[-1])
    last[zeros] = bytes(len(last[zeros]))
    written.write_bytes(b"".join(lines[:-1]) + last)
    assert reopened(written) == told(FACTS[:-1])


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


def test_what_was_acknowledged_outlives_the_run(path: Path) -> None:
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
        for index, entry in enumerate(reopened(path)):
            assert entry
            assert entry.digest == digest_of({"model": "m", "prompt": str(index) * 20_000})
            # The one that the run was at when it was killed may be there, too.
            said = acknowledged.setdefault(index, "sending")
            assert states.index(entry.state) - states.index(said) in (0, 1)
            if entry.state == "succeeded":
                assert entry.answer == {"images": [{"b64_json": str(index) * 9_000}]}
        assert sorted(acknowledged) == list(range(len(acknowledged)))


def test_all_is_on_the_disk_before_a_fact_is_acknowledged(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
            tell(journal, fact)
            *before, last = done
            assert last == path.stat().st_size
            kept = [path.parent, len(PICTURE), digest, media] if fact[1][-1] is ANSWER else []
            assert before == kept


def test_a_fact_that_does_not_fit_leaves_no_half_line(written: Path) -> None:
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
        tell(journal, ("sending", (6, BODY)))
        assert list(journal) == told([*FACTS, ("sending", (6, BODY))])
    assert reopened(written) == told([*FACTS, ("sending", (6, BODY))])


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("times", [1, 2])
def test_a_fact_that_was_interrupted_leaves_no_trace(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], times: int
) -> None:
    errors = [error] * times
    fsync = os.fsync

    def interrupted(descriptor: int) -> None:
        if errors:
            raise errors.pop()
        fsync(descriptor)

    with Journal(path) as journal:
        tell(journal, FACTS[0])
        before = path.read_bytes()
        monkeypatch.setattr(os, "fsync", interrupted)
        with pytest.raises((KeyboardInterrupt, JournalError)):
            journal.enqueued(0, "a job with a long name, which nobody got to know")
        assert errors == []
        assert path.read_bytes() == before
        assert list(journal) == told(FACTS[:1])
        tell(journal, FACTS[1])
        assert list(journal) == told(FACTS[:2])
    assert reopened(path) == told(FACTS[:2])


def test_a_half_line_that_could_not_be_cut_off_is_before_the_next_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: object) -> None:
        raise OSError("the disk is gone")

    with Journal(path) as journal:
        tell(journal, FACTS[0])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refused)
            patch.setattr(Journal, "_cut", refused)
            with pytest.raises(JournalError, match=r"run\.jsonl: the disk is gone"):
                journal.enqueued(0, "a job with a long name, which nobody got to know")
        assert list(journal) == told(FACTS[:1])
        tell(journal, FACTS[1])
        assert list(journal) == told(FACTS[:2])
    assert reopened(path) == told(FACTS[:2])
