"""Journals that another program changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from oxen_models import JournalError
from oxen_models._runtime.journal import Journal

from batch.journal.facts import DIGEST, FACTS, PICTURE, expected_entries, read_entries, write_fact

BROKEN = {
    "no JSON": b"{oops}",
    "nothing": b"",
    "no text": b"\xff\xfe",
    "zeros": bytes(30),
    "two in one": b'{"fact":"refused","index":0,"detail":""}{}',
    "deep": b"[" * 100_000,
    "no object": b"[]",
    "unknown fact": b'{"fact":"lost","index":0}',
    "fact of no kind": b'{"fact":["sending"],"index":0}',
    "no position": b'{"fact":"refused","detail":""}',
    "position before the first": b'{"fact":"refused","index":-1,"detail":""}',
    "position that is true": b'{"fact":"refused","index":false,"detail":""}',
    "position that is a fraction": b'{"fact":"refused","index":0.0,"detail":""}',
    "position far away": b'{"fact":"sending","index":900000,"digest":"%s"}' % DIGEST.encode(),
    "no digest": b'{"fact":"sending","index":0}',
    "half a digest": b'{"fact":"sending","index":0,"digest":"%s"}' % DIGEST[:32].encode(),
    "never sent": b'{"fact":"refused","index":1,"detail":""}',
    "no job": b'{"fact":"enqueued","index":0}',
    "job of no name": b'{"fact":"enqueued","index":0,"job_id":""}',
    "ended without a job": b'{"fact":"gone","index":0}',
    "job that is a number": b'{"fact":"succeeded","index":0,"job_id":7,"answer":{}}',
    "no answer": b'{"fact":"succeeded","index":0}',
    "no reason": b'{"fact":"refused","index":0}',
    "reason that is a number": b'{"fact":"failed","index":0,"job_id":"j","detail":7}',
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_corrupt_line_raises(written: Path, broken: bytes) -> None:
    """A corrupt line raises with its number, and the file is left unchanged."""
    whole = written.read_bytes()
    lines = whole.splitlines(keepends=True)
    content = b"".join([*lines[:7], broken + b"\n", *lines[7:]])
    written.write_bytes(content)
    with pytest.raises(JournalError, match=r"run\.jsonl, line 8: .*may be sent and billed again"):
        Journal(written)
    assert written.read_bytes() == content
    written.write_bytes(whole)
    assert read_entries(written) == expected_entries(FACTS)


def test_corrupt_complete_last_line_raises(written: Path) -> None:
    """A corrupt last line that is complete raises, because it may have been acknowledged."""
    content = written.read_bytes()[:-10] + b"???????\n"
    written.write_bytes(content)
    with pytest.raises(JournalError, match=f"line {len(FACTS)}: "):
        Journal(written)
    assert written.read_bytes() == content


@pytest.mark.parametrize("left", [None, b"", PICTURE.encode() + b"="])
def test_changed_content_raises(written: Path, left: bytes | None) -> None:
    """Missing or changed content of a response raises with the name of its file."""
    [file] = written.with_name("run.jsonl.media").iterdir()
    file.unlink()
    if left is not None:
        file.write_bytes(left)
    with Journal(written) as journal:
        with pytest.raises(JournalError, match=file.name):
            _ = journal[0]
        assert journal[2] == expected_entries(FACTS)[2]
        write_fact(journal, FACTS[3])
        assert journal[0] == expected_entries(FACTS)[0]


@pytest.mark.parametrize("left", [b"", b"{oops\n" * 500, b'{"fact":"refused"'])
def test_removed_line_raises(written: Path, left: bytes) -> None:
    """A line that was removed while the journal was open raises."""
    with Journal(written) as journal:
        written.write_bytes(left)
        with pytest.raises(JournalError, match=r"run\.jsonl: the facts about request 5 cannot be read"):
            _ = journal[5]


def test_line_of_another_request_raises(written: Path) -> None:
    """A line that was changed to another request while the journal was open raises."""
    content = written.read_bytes()
    with Journal(written) as journal:
        written.write_bytes(content.replace(b'"index":4', b'"index":5'))
        with pytest.raises(JournalError, match="request 4"):
            _ = journal[4]
