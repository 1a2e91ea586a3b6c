"""`run_many`: many requests at once, and the journal of what was paid for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from oxen_models.audio import BytedanceSeedAudio10Request as Speech
from oxen_models.images import QwenImageRequest as Picture
from oxen_models.testing import Hub
from oxen_models.videos import BytedanceSeedance20TextToVideoRequest as Film

QUEUE = "/api/ai/queue"
Run = Callable[..., list[Any]]
CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.fixture
def run_batch(run: ClientRunner, hub: Hub) -> Run:
    """The outcomes of a run_batch on the hub, by their index; `most` ends it early."""

    def outcomes(requests: Any, most: int | None = None, **arguments: Any) -> list[Any]:
        def step(oxen: Any) -> Any:
            many: Any = oxen.run_many(requests, **arguments)
            if not run.asynchronous:
                results: Iterator[Any] = islice(many, most)
                told = list(results)
                many.close()
                return told

            async def collected() -> list[Any]:
                found: list[Any] = []
                async for outcome in many:
                    found.append(outcome)
                    if len(found) == most:
                        break
                await many.aclose()
                return found

            return collected()

        return sorted(run(step, base_url=hub.url), key=lambda outcome: outcome.index)

    return outcomes


def pictures(count: int) -> list[Picture]:
    return [Picture(prompt=f"number {index}") for index in range(count)]


def facts(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()]


def paid(hub: Hub) -> list[str]:
    """The prompts of all requests that the hub was sent."""
    bodies: list[Any] = [each.body for each in hub.requests if each.method == "POST"]
    return [body["prompt"] for body in bodies]


def test_requests_of_different_models(run: ClientRunner, hub: Hub, run_batch: Run) -> None:
    requests = [Picture(prompt="a"), Film(prompt="b"), Speech(prompt="c"), Picture(prompt="d")]
    outcomes = run_batch(requests)
    assert [(each.index, each.request, each.error) for each in outcomes] == [
        (index, request, None) for index, request in enumerate(requests)
    ]
    kinds = [run.get_class(name) for name in ("ImageResult", "VideoResult", "AudioResult", "ImageResult")]
    assert [type(each.result) for each in outcomes] == kinds
    assert [each.job_id is None for each in outcomes] == [False, False, True, False]
    assert sorted(paid(hub)) == ["a", "b", "c", "d"]


BY_HAND: list[tuple[tuple[Any, ...], str]] = [
    (("a", "chat", {}), "endpoint='chat'"),
    (("a", "/images/../edit", {}), "endpoint='/images/../edit'"),
    (("", "/images/edit", {}), "model_id=''"),
    (("a", "/images/edit", [1]), "parameters=[1]"),
    (("a", "/images/edit", {"n": float("nan")}), "parameters['n']=nan"),
    (("a", "/images/edit", {"n": [{"x": b"png"}]}), "parameters['n']="),
    (("a", "/images/edit", {"n": "\ud800"}), "parameters['n']="),
    (("a", "/images/edit", {3: 4}), "parameters[3]=4"),
    (("a", "/images/edit", {"model": "b"}), "parameters['model']='b'"),
    (("a", "/images/edit", {"n": CIRCLE}), "parameters['n']="),
]


@pytest.mark.parametrize(("given", "place"), BY_HAND)
def test_request_by_hand_is_one_that_can_be_sent(given: Any, place: str) -> None:
    with pytest.raises(ox.InvalidRequestError) as caught:
        ox.UntypedRequest(*given)
    [problem] = caught.value.problems
    assert str(problem).startswith(place)


def test_request_by_hand_is_what_was_checked(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    parameters: dict[str, Any] = {"prompt": "x"}
    request = ox.UntypedRequest("qwen-image", "/images/generate", parameters)
    parameters["seed"] = float("nan")
    [outcome] = run_batch([request], journal=tmp_path / "journal")
    assert (outcome.error, paid(hub)) == (None, ["x"])


def test_what_fails_is_an_outcome_like_any_other(hub: Hub, run_batch: Run) -> None:
    hub.add_model({"id": "qwen-image", "endpoint": "/images/generate", "json_request_schema": False})
    hub.respond_next(400, body={"error": {"detail": "no sounds today"}}, path="/api/ai/audio/speech")
    failed, refused, film = run_batch([Picture(prompt="a"), Speech(prompt="b"), Film(prompt="c")])
    assert (type(failed.error), failed.result) == (ox.JobFailed, None)
    assert failed.error.generation_id == failed.job_id
    assert (type(refused.error), "no sounds today" in str(refused.error)) == (ox.BadRequestError, True)
    assert film.error is None


def test_an_iterator_is_read_as_there_is_room(hub: Hub, run_batch: Run) -> None:
    read: list[int] = []

    def requests() -> Iterator[Picture]:
        for index, request in enumerate(pictures(50)):
            read.append(index)
            yield request

    run_batch(requests(), max_in_flight=3, most=4)
    assert len(read) <= 4 + 3
    assert len(paid(hub)) == len(read)


def test_an_iterator_that_fails_lets_what_is_under_way_end(hub: Hub, run_batch: Run) -> None:
    told: list[ox.Progress] = []

    def requests() -> Iterator[Picture]:
        yield from pictures(3)
        raise LookupError("there are no more prompts")

    with pytest.raises(LookupError, match="no more prompts"):
        run_batch(requests(), progress=told.append)
    assert (told[-1].succeeded, told[-1].in_flight, told[-1].total) == (3, 0, None)


def test_progress_is_told(run_batch: Run) -> None:
    told: list[ox.Progress] = []
    run_batch(pictures(3), max_in_flight=2, progress=told.append)
    assert told[0] == ox.Progress(0, 0, 2, 3)
    assert told[-1] == ox.Progress(3, 0, 0, 3)
    assert max(each.in_flight for each in told) == 2


def test_a_bar_is_for_terminals(run_batch: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert len(run_batch(pictures(2), progress=True)) == 2
    assert capfd.readouterr() == ("", "")


def test_a_bar_needs_the_extra(hub: Hub, run_batch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich" or name.endswith(".bar")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    with pytest.raises(ox.ConfigurationError, match=r"'progress'"):
        run_batch(pictures(2), progress=True)
    assert paid(hub) == []


@pytest.mark.parametrize("wrong", [{"max_in_flight": 0}, {"max_in_flight": 2.5}, {"timeout": -1}])
def test_arguments_that_cannot_be(hub: Hub, run_batch: Run, wrong: dict[str, Any]) -> None:
    with pytest.raises(ox.ConfigurationError):
        run_batch(pictures(2), **wrong)
    assert paid(hub) == []


def test_what_is_no_request(run_batch: Run) -> None:
    with pytest.raises(TypeError, match=r"requests\[1\] must be a request, got dict"):
        run_batch([Picture(prompt="a"), {"prompt": "b"}])


def test_finished_requests_are_told_again_and_not_sent(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    requests = [*pictures(2), Speech(prompt="c", response_format="b64_json"), Speech(prompt="d")]
    first = run_batch(requests, journal=journal)
    assert sorted(each["fact"] for each in facts(journal)) == sorted(
        ["sending", "succeeded"] * 4 + ["enqueued"] * 2
    )
    hub.clear()
    second = run_batch(iter(requests), journal=journal)
    assert [each.job_id for each in second] == [each.job_id for each in first]
    assert [[(media.url, media.b64_json) for media in each.result.media] for each in second] == [
        [(media.url, media.b64_json) for media in each.result.media] for each in first
    ]
    assert hub.requests == []


def test_an_end_without_a_result_is_told_again(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    hub.add_model({"id": "qwen-image", "endpoint": "/images/generate", "json_request_schema": False})
    [first] = run_batch(pictures(1), journal=journal)
    [second] = run_batch(pictures(1), journal=journal)
    assert (type(second.error), second.error.detail) == (ox.JobFailed, first.error.detail)
    assert (second.job_id, len(paid(hub))) == (first.job_id, 1)


def test_a_run_that_was_left_goes_on(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    run_batch(pictures(12), journal=journal, max_in_flight=4, most=3)
    outcomes = run_batch(pictures(12), journal=journal, max_in_flight=4)
    assert [(each.index, each.error) for each in outcomes] == [(index, None) for index in range(12)]
    assert sorted(paid(hub)) == sorted(each.prompt for each in pictures(12))


def test_what_was_surely_refused_is_sent_again(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    hub.respond_next(401, body={"error": "no"}, method="POST", path=QUEUE)
    [first] = run_batch(pictures(1), journal=journal)
    assert type(first.error) is ox.AuthenticationError
    [second] = run_batch(pictures(1), journal=journal)
    assert (second.error, len(paid(hub))) == (None, 2)


@pytest.mark.parametrize("fault", ["cut-before-response", 502])
def test_what_may_have_been_accepted_is_not_sent_again(
    hub: Hub, run_batch: Run, tmp_path: Path, fault: Any
) -> None:
    journal = tmp_path / "journal.jsonl"
    if fault == 502:
        hub.respond_next(502, body="<h1>Bad gateway</h1>", method="POST", path=QUEUE)
    else:
        hub.inject_fault(fault, times=1, method="POST", path=QUEUE)
    [first] = run_batch(pictures(1), journal=journal)
    assert type(first.error) is (ox.ServerError if fault == 502 else ox.OutcomeUnknownError)
    for _ in range(2):
        [again] = run_batch(pictures(1), journal=journal)
        assert (type(again.error), "resend_unknown" in str(again.error)) == (ox.OutcomeUnknownError, True)
    assert len(paid(hub)) == 1
    [sent] = run_batch(pictures(1), journal=journal, resend_unknown=True)
    assert (sent.error, len(paid(hub))) == (None, 2)


def test_a_torn_last_line_is_survived(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    run_batch(pictures(2), journal=journal)
    with journal.open("a") as file:
        file.write('{"fact": "succ')
    assert [each.error for each in run_batch(pictures(2), journal=journal)] == [None, None]
    assert len(paid(hub)) == 2


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ([Picture(prompt="number 0"), Picture(prompt="another")], "request 1 differs"),
        (pictures(1), "at least 2, got 1"),
    ],
)
def test_a_journal_of_other_requests(
    hub: Hub, run_batch: Run, tmp_path: Path, other: list[Picture], told: str
) -> None:
    journal = tmp_path / "journal.jsonl"
    run_batch(pictures(2), journal=journal)
    with pytest.raises(ox.JournalError, match=told):
        run_batch([*other, *pictures(1)] if len(other) == 2 else other, journal=journal)
    assert len(paid(hub)) == 2
