"""A journal says, after whatever happened to the run that wrote it, all that it said it had written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oxen_models import JournalError
from oxen_models._runtime.journal import Entry, Journal, State, digest_of

BODY: dict[str, Any] = {"model": "painter", "prompt": "Ein Hütchen ☂"}
DIGEST = digest_of(BODY)
PICTURE = "iVBORw0KGgo" * 30
ANSWER: dict[str, Any] = {"images": [{"b64_json": PICTURE}], "created": 1.5, "note": "half a char: \ud83d"}

Fact = tuple[str, tuple[Any, ...]]
FACTS: list[Fact] = [
    ("sending", (0, BODY)),
    ("enqueued", (0, "job-0")),
    ("sending", (2, BODY)),
    ("succeeded", (0, "job-0", ANSWER)),
    ("refused", (2, "Zu viel auf einmal")),
    ("sending", (2, {**BODY, "seed": 1})),
    ("succeeded", (2, None, {"images": []})),
    ("sending", (5, BODY)),
    ("ended", (5, "failed", "job-5", "of the hub's own")),
    ("sending", (4, BODY)),
    ("ended", (4, "gone", "job-4", None)),
    ("sending", (3, BODY)),
    ("ended", (3, "cancelled", "job-3", None)),
]


def tell(journal: Journal, fact: Fact) -> None:
    name, arguments = fact
    getattr(journal, name)(*arguments)


def told(facts: list[Fact]) -> list[Entry | None]:
    """What a journal of these facts should say."""
    known: dict[int, Entry] = {}
    for name, (index, *more) in facts:
        if name == "sending":
            known[index] = Entry(digest_of(more[0]), "sending")
            continue
        digest = known[index].digest
        if name == "enqueued":
            known[index] = Entry(digest, "enqueued", more[0])
        elif name == "refused":
            known[index] = Entry(digest, "refused", detail=more[0])
        elif name == "succeeded":
            known[index] = Entry(digest, "succeeded", more[0], more[1])
        else:
            known[index] = Entry(digest, more[0], more[1], detail=more[2])
    return [known.get(index) for index in range(max(known, default=-1) + 1)]


def reopened(path: Path) -> list[Entry | None]:
    with Journal(path) as journal:
        return list(journal)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave it to the system when to write: the machine goes on, and some disks take their time."""
    monkeypatch.setattr(os, "fsync", int)


@pytest.fixture
def written(path: Path, quick: None) -> Path:
    """The file of a journal with every fact in it."""
    with Journal(path) as journal:
        for fact in FACTS:
            tell(journal, fact)
    return path


def test_every_fact_is_there_at_once_and_later(path: Path) -> None:
    states: set[str] = set()
    with Journal(path) as journal:
        assert (len(journal), journal[0]) == (0, None)
        for count, fact in enumerate(FACTS, 1):
            tell(journal, fact)
            assert list(journal) == told(FACTS[:count])
            states |= {entry.state for entry in journal if entry}
        assert (journal[1], journal[-1], journal[6]) == (None, None, None)
    assert reopened(path) == told(FACTS)
    assert states == set(get_args(State))


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


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    texts = st.sampled_from(["", "abc", "data:,x", f"data:sha256:{DIGEST}", f"sha256:{DIGEST}", "\ud800"])
    keys = st.sampled_from(["b64_json", "b64_json_sha256", "url", "images", "\udfff"])
    return st.dictionaries(keys, inner | texts | st.lists(texts, max_size=2), max_size=3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | objects(inner),
    max_leaves=5,
)


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """Facts in an order that may be."""
    facts: list[Fact] = []
    sent: list[int] = []
    for name in draw(st.lists(st.sampled_from([name for name, _ in FACTS]), max_size=15)):
        if name == "sending" or not sent:
            sent.append(draw(st.integers(0, 12)))
            facts.append(("sending", (sent[-1], {"model": "m", "prompt": draw(st.text(max_size=3))})))
            continue
        arguments: list[Any] = [draw(st.sampled_from(sent))]
        if name == "ended":
            arguments.append(draw(st.sampled_from(["failed", "cancelled", "gone"])))
        if name != "refused":
            job = st.text(min_size=1, max_size=3)
            arguments.append(draw(job | st.none() if name == "succeeded" else job))
        if name == "succeeded":
            arguments.append(draw(objects(JSON)))
        if name in ("refused", "ended"):
            detail = st.text(max_size=3)
            arguments.append(draw(detail | st.none() if name == "ended" else detail))
        facts.append((name, tuple(arguments)))
    return facts


@pytest.mark.usefixtures("quick")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=histories(), runs=st.integers(1, 3))
def test_any_history_is_told_as_it_was(facts: list[Fact], runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.jsonl")
        length = max(1, -(-len(facts) // runs))
        for start in range(0, len(facts), length):
            with Journal(path) as journal:
                for fact in facts[start : start + length]:
                    tell(journal, fact)
                assert list(journal) == told(facts[: start + length])
        assert reopened(path) == told(facts)


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
def test_a_broken_line_is_named_and_nothing_is_touched(written: Path, broken: bytes) -> None:
    whole = written.read_bytes()
    lines = whole.splitlines(keepends=True)
    content = b"".join([*lines[:7], broken + b"\n", *lines[7:]])
    written.write_bytes(content)
    with pytest.raises(JournalError, match=r"run\.jsonl, line 8: .*may be paid for again"):
        Journal(written)
    assert written.read_bytes() == content
    written.write_bytes(whole)
    assert reopened(written) == told(FACTS)


def test_a_broken_last_line_was_relied_upon_where_it_was_whole_once(written: Path) -> None:
    content = written.read_bytes()[:-10] + b"???????\n"
    written.write_bytes(content)
    with pytest.raises(JournalError, match=f"line {len(FACTS)}: "):
        Journal(written)
    assert written.read_bytes() == content


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "fact",
    [
        ("enqueued", (1, "job")),
        ("enqueued", (0, "")),
        ("sending", (200_000, BODY)),
        ("sending", (-1, BODY)),
        ("ended", (0, "lost", "job", None)),
    ],
)
def test_what_could_not_be_read_is_not_written(path: Path, fact: Fact) -> None:
    with Journal(path) as journal:
        tell(journal, FACTS[0])
        with pytest.raises(ValueError, match=r"job|position|sent|fact"):
            tell(journal, fact)
        tell(journal, FACTS[1])
    assert reopened(path) == told(FACTS[:2])


def test_a_journal_is_one_run_s(path: Path) -> None:
    other_name = path.with_name("other.jsonl")
    other_name.symlink_to(path)
    attempt = "import sys; from oxen_models._runtime.journal import Journal; Journal(sys.argv[1])"
    command = [sys.executable, "-c", attempt, str(path)]
    with Journal(path) as journal:
        for name in (path, other_name):
            with pytest.raises(JournalError, match=r"another run is using"):
                Journal(name)
        refused = subprocess.run(command, capture_output=True, text=True)
        assert "JournalError" in refused.stderr
        assert "run.jsonl: another run is using" in refused.stderr
        tell(journal, FACTS[0])
    journal.close()
    assert reopened(other_name) == told(FACTS[:1])


def test_a_closed_journal_takes_nothing(path: Path) -> None:
    with Journal(path) as journal:
        tell(journal, FACTS[0])
    with pytest.raises(ValueError, match="closed"):
        tell(journal, FACTS[1])
    assert reopened(path) == told(FACTS[:1])


@pytest.mark.parametrize("name", ["no folder/run.jsonl", ".", "", "nu\0ll"])
def test_a_file_that_cannot_be_opened_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(JournalError) as caught:
        Journal(name)
    assert str(caught.value).startswith(str(tmp_path.resolve()) if "\0" not in name else "nu\0ll: ")
    assert list(tmp_path.iterdir()) == []


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


@pytest.mark.usefixtures("quick")
def test_half_a_character_is_kept(path: Path) -> None:
    answer = {"images": [{"b64_json": "\ud800"}], "\udfff": "data:\ud800"}
    with Journal(path) as journal:
        journal.sending(0, BODY)
        journal.succeeded(0, None, answer)
    assert reopened(path) == [Entry(DIGEST, "succeeded", None, answer)]


@pytest.mark.usefixtures("quick")
def test_media_of_a_request_are_there_by_digest(path: Path) -> None:
    large = [f"{scheme}image/png;base64,{PICTURE}" for scheme in ("data:", "DATA:", " data:")]
    small = ["data:,x", "https://example.com/" + "x" * 300, "data: " + "x" * 194]
    body = {**BODY, "input_image": large + small, "deep": [{"mask": large[0]}], "count": 2}
    with Journal(path) as journal:
        journal.sending(0, body)
    digests = [f"sha256:{sha256(text.encode()).hexdigest()}" for text in large]
    assert json.loads(path.read_bytes()) == {
        "fact": "sending",
        "index": 0,
        "digest": digest_of(body),
        "body": {**body, "input_image": digests + small, "deep": [{"mask": digests[0]}]},
    }
    assert reopened(path) == [Entry(digest_of(body), "sending")]


@pytest.mark.usefixtures("quick")
def test_content_of_an_answer_is_in_a_folder_beside_it(path: Path) -> None:
    url = f"data:image/png;base64,{PICTURE}"
    answer = {"images": [{"b64_json": PICTURE}, {"url": url}, url, {"b64_json": None, "url": "https://x.y"}]}
    with Journal(path) as journal:
        journal.sending(0, BODY)
        journal.succeeded(0, None, answer)
    media = path.with_name("run.jsonl.media")
    expected = {sha256(text.encode()).hexdigest(): text for text in (PICTURE, url)}
    assert {file.name: file.read_text() for file in media.iterdir()} == expected
    assert PICTURE not in path.read_text()
    one, other = (f"data:sha256:{digest}" for digest in expected)
    line = json.loads(path.read_bytes().splitlines()[1])
    assert line["answer"]["images"] == [{"b64_json": one}, {"url": other}, other, answer["images"][3]]
    assert reopened(path) == [Entry(DIGEST, "succeeded", None, answer)]


@pytest.mark.parametrize("left", [None, b"", PICTURE.encode() + b"="])
def test_content_that_is_not_what_it_was_is_named(written: Path, left: bytes | None) -> None:
    [file] = written.with_name("run.jsonl.media").iterdir()
    file.unlink()
    if left is not None:
        file.write_bytes(left)
    with Journal(written) as journal:
        with pytest.raises(JournalError, match=file.name):
            _ = journal[0]
        assert journal[2] == told(FACTS)[2]
        tell(journal, FACTS[3])
        assert journal[0] == told(FACTS)[0]


@pytest.mark.parametrize("left", [b"", b"{oops\n" * 500, b'{"fact":"refused"'])
def test_a_line_that_is_no_longer_there_is_not_believed(written: Path, left: bytes) -> None:
    with Journal(written) as journal:
        written.write_bytes(left)
        with pytest.raises(
            JournalError, match=r"run\.jsonl: what it says of request 5 can no longer be read"
        ):
            _ = journal[5]


def test_a_line_of_another_request_is_not_believed(written: Path) -> None:
    content = written.read_bytes()
    with Journal(written) as journal:
        written.write_bytes(content.replace(b'"index":4', b'"index":5'))
        with pytest.raises(JournalError, match="request 4"):
            _ = journal[4]


def test_many_facts_take_little_memory(path: Path, quick: None) -> None:
    with Journal(path) as journal:
        for index in range(10_000):
            journal.sending(index, {**BODY, "seed": index})
            journal.succeeded(index, f"job-{index}", {"images": [{"url": f"https://x.y/{'z' * 300}"}]})
    assert path.stat().st_size > 5_000_000
    tracemalloc.start()
    with Journal(path) as journal:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(journal) == 10_000
        entry = journal[9_999]
    assert entry
    assert entry.job_id == "job-9999"
    assert peak < 1_000_000


def test_threads_do_not_meet_in_a_line(path: Path, quick: None) -> None:
    answers = [{"images": [{"b64_json": str(index % 7) * 5_000}], "n": index} for index in range(200)]

    def one(index: int) -> None:
        journal.sending(index, {**BODY, "seed": index})
        journal.enqueued(index, f"job-{index}")
        entry = journal[index]
        assert entry
        assert entry.job_id == f"job-{index}"
        journal.succeeded(index, f"job-{index}", answers[index])

    with Journal(path) as journal, ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(200)))
    assert reopened(path) == [
        Entry(digest_of({**BODY, "seed": index}), "succeeded", f"job-{index}", answer)
        for index, answer in enumerate(answers)
    ]


def test_digest_is_of_what_is_sent_whatever_the_order() -> None:
    assert digest_of({"b": 1, "a": ["ü", None]}) == digest_of({"a": ["ü", None], "b": 1})
    assert sha256('{"model":"painter","prompt":"Ein Hütchen ☂"}'.encode()).hexdigest() == DIGEST
    different: list[dict[str, Any]] = [{}, {"a": 1}, {"a": "1"}, {"a": [1]}, {"a": True}, {"b": 1}]
    assert all(digest_of(one) != digest_of(other) for one, other in pairwise(different))
    with pytest.raises(ValueError, match="JSON"):
        digest_of({"a": float("nan")})
