"""Reading what was written to a journal."""

from __future__ import annotations

import json
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

from batch.journal.facts import BODY, DIGEST, FACTS, PICTURE, Fact, expected_entries, read_entries, write_fact


def test_entries_are_read_at_once_and_later(path: Path) -> None:
    """Each entry can be read as soon as it is written, and after the journal was opened again."""
    states: set[str] = set()
    with Journal(path) as journal:
        assert (len(journal), journal[0]) == (0, None)
        for count, fact in enumerate(FACTS, 1):
            write_fact(journal, fact)
            assert list(journal) == expected_entries(FACTS[:count])
            states |= {entry.state for entry in journal if entry}
        assert (journal[1], journal[-1], journal[6]) == (None, None, None)
    assert read_entries(path) == expected_entries(FACTS)
    assert states == set(get_args(State))


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


@pytest.mark.slow
@pytest.mark.usefixtures("no_fsync")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=histories(), runs=st.integers(1, 3))
def test_any_sequence_of_facts_is_read_back(facts: list[Fact], runs: int) -> None:
    """Any valid sequence of facts is read back as it was written, over any number of runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.jsonl")
        length = max(1, -(-len(facts) // runs))
        for start in range(0, len(facts), length):
            with Journal(path) as journal:
                for fact in facts[start : start + length]:
                    write_fact(journal, fact)
                assert list(journal) == expected_entries(facts[: start + length])
        assert read_entries(path) == expected_entries(facts)


@pytest.mark.usefixtures("no_fsync")
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
def test_invalid_fact_is_not_written(path: Path, fact: Fact) -> None:
    """A fact that could not be read back raises and is not written."""
    with Journal(path) as journal:
        write_fact(journal, FACTS[0])
        with pytest.raises(ValueError, match=r"job|index|sent|fact"):
            write_fact(journal, fact)
        write_fact(journal, FACTS[1])
    assert read_entries(path) == expected_entries(FACTS[:2])


def test_journal_in_use_raises(path: Path) -> None:
    """A journal that another run uses cannot be opened, under any name or from another process."""
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
        write_fact(journal, FACTS[0])
    journal.close()
    assert read_entries(other_name) == expected_entries(FACTS[:1])


def test_closed_journal_raises(path: Path) -> None:
    """Writing to a closed journal raises."""
    with Journal(path) as journal:
        write_fact(journal, FACTS[0])
    with pytest.raises(ValueError, match="closed"):
        write_fact(journal, FACTS[1])
    assert read_entries(path) == expected_entries(FACTS[:1])


@pytest.mark.parametrize("name", ["no folder/run.jsonl", ".", "", "nu\0ll"])
def test_invalid_path_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A path that cannot be opened raises JournalError with the path."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(JournalError) as caught:
        Journal(name)
    assert str(caught.value).startswith(str(tmp_path.resolve()) if "\0" not in name else "nu\0ll: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_fsync")
def test_lone_surrogate_is_kept(path: Path) -> None:
    """A response with a lone surrogate is read back unchanged."""
    answer = {"images": [{"b64_json": "\ud800"}], "\udfff": "data:\ud800"}
    with Journal(path) as journal:
        journal.sending(0, BODY)
        journal.succeeded(0, None, answer)
    assert read_entries(path) == [Entry(DIGEST, "succeeded", None, answer)]


@pytest.mark.usefixtures("no_fsync")
def test_media_of_a_request_are_digested(path: Path) -> None:
    """Large data: URIs of a request are replaced by their digests."""
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
    assert read_entries(path) == [Entry(digest_of(body), "sending")]


@pytest.mark.usefixtures("no_fsync")
def test_content_of_a_response_is_in_the_folder(path: Path) -> None:
    """Content in a response is written to the folder beside the journal."""
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
    assert read_entries(path) == [Entry(DIGEST, "succeeded", None, answer)]


@pytest.mark.slow
def test_many_facts_take_little_memory(path: Path, no_fsync: None) -> None:
    """Opening a journal of 10,000 requests takes less than 1 MB."""
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


def test_threads_write_whole_lines(path: Path, no_fsync: None) -> None:
    """Several threads can write to a journal at the same time."""
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
    assert read_entries(path) == [
        Entry(digest_of({**BODY, "seed": index}), "succeeded", f"job-{index}", answer)
        for index, answer in enumerate(answers)
    ]


def test_digest_ignores_the_order_of_keys() -> None:
    """The digest of a body depends on its content, not on the order of its keys."""
    assert digest_of({"b": 1, "a": ["ü", None]}) == digest_of({"a": ["ü", None], "b": 1})
    assert sha256('{"model":"painter","prompt":"Ein Hütchen ☂"}'.encode()).hexdigest() == DIGEST
    different: list[dict[str, Any]] = [{}, {"a": 1}, {"a": "1"}, {"a": [1]}, {"a": True}, {"b": 1}]
    assert all(digest_of(one) != digest_of(other) for one, other in pairwise(different))
    with pytest.raises(ValueError, match="JSON"):
        digest_of({"a": float("nan")})
