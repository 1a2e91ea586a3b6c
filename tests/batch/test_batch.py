"""`run_many`: concurrency, outcomes, progress, and continuing with a journal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import wait_until
from oxen_models.audio import BytedanceSeedAudio10Request as Speech
from oxen_models.images import QwenImageRequest as Picture
from oxen_models.journal import read
from oxen_models.testing import Hub
from oxen_models.videos import BytedanceSeedance20TextToVideoRequest as Film

QUEUE = "/api/ai/queue"
Run = Callable[..., list[Any]]
CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@pytest.fixture
def hub(own_hub: Hub) -> Hub:
    """A hub for each test, because some tests add models."""
    return own_hub


@pytest.fixture
def run_batch(run: ClientRunner, hub: Hub) -> Run:
    """Return a function that runs a batch and returns its outcomes by index; `limit` stops it early."""

    def outcomes(requests: Any, limit: int | None = None, **arguments: Any) -> list[Any]:
        def step(oxen: Any) -> Any:
            many: Any = oxen.run_many(requests, **arguments)
            if not run.asynchronous:
                results: Iterator[Any] = islice(many, limit)
                found = list(results)
                many.close()
                return found

            async def collect_async() -> list[Any]:
                found: list[Any] = []
                async for outcome in many:
                    found.append(outcome)
                    if len(found) == limit:
                        break
                await many.aclose()
                return found

            return collect_async()

        return sorted(run(step, base_url=hub.url), key=lambda outcome: outcome.index)

    return outcomes


def pictures(count: int) -> list[Picture]:
    return [Picture(prompt=f"number {index}") for index in range(count)]


def sent_prompts(hub: Hub) -> list[str]:
    """Return the prompts of all billable requests that the hub received."""
    bodies: list[Any] = [request.body for request in hub.requests if request.method == "POST"]
    return [body["prompt"] for body in bodies]


@pytest.mark.slow
def test_requests_of_several_models(run: ClientRunner, hub: Hub, run_batch: Run) -> None:
    """Images, videos and sounds are submitted to the queue; results have the model's type."""
    requests = [Picture(prompt="a"), Film(prompt="b"), Speech(prompt="c"), Picture(prompt="d")]
    outcomes = run_batch(requests)
    assert [(outcome.index, outcome.request, outcome.error) for outcome in outcomes] == [
        (index, request, None) for index, request in enumerate(requests)
    ]
    types = [run.get_class(name) for name in ("ImageResult", "VideoResult", "AudioResult", "ImageResult")]
    assert [type(outcome.result) for outcome in outcomes] == types
    assert None not in [outcome.job_id for outcome in outcomes]
    assert {request.path for request in hub.requests if request.method == "POST"} == {QUEUE}
    assert sorted(sent_prompts(hub)) == ["a", "b", "c", "d"]


INVALID_REQUESTS: list[tuple[tuple[Any, ...], str]] = [
    (("a", "chat", {}), "endpoint='chat'"),
    (("a", "/images/../edit", {}), "endpoint='/images/../edit'"),
    (("", "/images/edit", {}), "model_id=''"),
    (("a", "/images/edit", [1]), "parameters=[1]"),
    (("a", "/images/edit", {"n": float("nan")}), "parameters['n']=nan"),
    (("a", "/images/edit", {"n": [{"x": b"png"}]}), "parameters['n']="),
    (("a", "/images/edit", {"n": "\ud800"}), "parameters['n']="),
    (("a", "/images/edit", {3: 4}), "parameters[3]=4"),
    (("a", "/images/edit", {"model": "b"}), "parameters['model']='b'"),
    (("a", "/images/edit", {"n": CYCLE}), "parameters['n']="),
]


@pytest.mark.parametrize(("arguments", "expected"), INVALID_REQUESTS)
def test_invalid_untyped_request_raises(arguments: Any, expected: str) -> None:
    """An `UntypedRequest` that cannot be sent raises, and the error names the property."""
    with pytest.raises(ox.InvalidRequestError) as caught:
        ox.UntypedRequest(*arguments)
    [problem] = caught.value.problems
    assert str(problem).startswith(expected)


@pytest.mark.slow
def test_untyped_request_copies_its_parameters(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """Changing the parameters of an `UntypedRequest` afterwards does not change the request."""
    parameters: dict[str, Any] = {"prompt": "x"}
    request = ox.UntypedRequest("qwen-image", "/images/generate", parameters)
    parameters["seed"] = float("nan")
    [outcome] = run_batch([request], journal=tmp_path / "journal")
    assert (outcome.error, sent_prompts(hub)) == (None, ["x"])


@pytest.mark.slow
def test_failed_request_is_an_outcome(hub: Hub, run_batch: Run) -> None:
    """A failed job or a rejected request is the outcome of its request and does not stop the others."""
    hub.add_model({"id": "qwen-image", "endpoint": "/images/generate", "json_request_schema": False})
    hub.respond_next(400, body={"error": {"detail": "no sounds today"}}, path=QUEUE)
    requests = [Speech(prompt="a"), Picture(prompt="b"), Film(prompt="c")]
    rejected, failed, film = run_batch(requests, max_in_flight=1)
    assert (type(failed.error), failed.result) == (ox.JobFailed, None)
    assert failed.error.generation_id == failed.job_id
    assert (type(rejected.error), "no sounds today" in str(rejected.error)) == (ox.BadRequestError, True)
    assert film.error is None


@pytest.mark.slow
def test_iterator_is_read_as_requests_finish(hub: Hub, run_batch: Run) -> None:
    """An iterator is not read further ahead than `max_in_flight`."""
    read: list[int] = []

    def requests() -> Iterator[Picture]:
        for index, request in enumerate(pictures(50)):
            read.append(index)
            yield request

    run_batch(requests(), max_in_flight=3, limit=4)
    assert len(read) <= 4 + 3
    assert len(sent_prompts(hub)) == len(read)


@pytest.mark.slow
def test_iterator_error_is_raised_at_the_end(hub: Hub, run_batch: Run) -> None:
    """An error of the iterator is raised after the requests in flight have finished."""
    reports: list[ox.Progress] = []

    def requests() -> Iterator[Picture]:
        yield from pictures(3)
        raise LookupError("there are no more prompts")

    with pytest.raises(LookupError, match="no more prompts"):
        run_batch(requests(), progress=reports.append)
    assert (reports[-1].succeeded, reports[-1].in_flight, reports[-1].total) == (3, 0, None)


@pytest.mark.slow
def test_progress_is_called_with_each_change(run_batch: Run) -> None:
    """`progress` is called with the counts at the beginning, at each change, and at the end."""
    reports: list[ox.Progress] = []
    run_batch(pictures(3), max_in_flight=2, progress=reports.append)
    assert reports[0] == ox.Progress(0, 0, 2, 3)
    assert reports[-1] == ox.Progress(3, 0, 0, 3)
    assert max(report.in_flight for report in reports) == 2


@pytest.mark.slow
def test_progress_bar_needs_a_terminal(run_batch: Run, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a terminal, `progress=True` writes nothing."""
    assert len(run_batch(pictures(2), progress=True)) == 2
    assert capfd.readouterr() == ("", "")


def test_progress_bar_needs_the_extra(hub: Hub, run_batch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rich, `progress=True` raises before anything is sent."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich" or name.endswith(".bar")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    with pytest.raises(ox.ConfigurationError, match=r"'progress'"):
        run_batch(pictures(2), progress=True)
    assert sent_prompts(hub) == []


@pytest.mark.async_values
@pytest.mark.parametrize("wrong", [{"max_in_flight": 0}, {"max_in_flight": 2.5}, {"timeout": -1}])
def test_invalid_argument_raises(hub: Hub, run_batch: Run, wrong: dict[str, Any]) -> None:
    """An invalid argument raises before anything is sent."""
    with pytest.raises(ox.ConfigurationError):
        run_batch(pictures(2), **wrong)
    assert sent_prompts(hub) == []


@pytest.mark.slow
def test_item_that_is_not_a_request_raises(run_batch: Run) -> None:
    """An item that is not a request raises TypeError with its index."""
    with pytest.raises(TypeError, match=r"requests\[1\] must be a .*Request, got dict"):
        run_batch([Picture(prompt="a"), {"prompt": "b"}])
    with pytest.raises(TypeError, match=r"requests\[0\] must be a .*Request, got NoneType"):
        run_batch([None, Picture(prompt="a")])


@pytest.mark.slow
def test_finished_requests_are_replayed(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """A second run with the same journal yields the same results without a request."""
    journal = tmp_path / "journal.db"
    requests = [*pictures(2), Speech(prompt="c"), Speech(prompt="d")]
    first = run_batch(requests, journal=journal)
    assert {(entry.state, entry.job_id) for entry in read(journal)} == {
        ("succeeded", outcome.job_id) for outcome in first
    }
    hub.clear()
    second = run_batch(iter(requests), journal=journal)
    assert [outcome.job_id for outcome in second] == [outcome.job_id for outcome in first]
    assert [[(media.url, media.b64_json) for media in outcome.result.media] for outcome in second] == [
        [(media.url, media.b64_json) for media in outcome.result.media] for outcome in first
    ]
    assert hub.requests == []


@pytest.mark.slow
def test_failed_requests_are_replayed(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """A second run with the same journal yields the same error without a request, and goes on."""
    journal = tmp_path / "journal.db"
    hub.add_model({"id": "qwen-image", "endpoint": "/images/generate", "json_request_schema": False})
    [first] = run_batch(pictures(1), journal=journal)
    [second] = run_batch(pictures(1), journal=journal, max_consecutive_failures=1)
    assert (type(second.error), second.error.detail) == (ox.JobFailed, first.error.detail)
    assert (second.job_id, len(sent_prompts(hub))) == (first.job_id, 1)


@pytest.mark.slow
@pytest.mark.async_values
@pytest.mark.parametrize(
    "error", [{"error_message": "no second image"}, {"error": {"detail": "no second image"}}], ids=str
)
def test_error_beside_a_result_is_replayed(
    hub: Hub, run_batch: Run, tmp_path: Path, error: dict[str, Any], fast_polls: None
) -> None:
    """The error of a job of which some files were made is the same in each run that continues the first."""
    job = {"generation_id": "job-1", "status": "succeeded", "cost": 0.02}
    images = [{"url": f"{hub.url}/a.png", "revised_prompt": "a red hat"}]
    hub.respond_next(200, body={"generations": [job]}, method="POST", path=QUEUE)
    hub.respond_next(
        200, body={**job, "media_type": "image", "images": images, **error}, path=f"{QUEUE}/job-1"
    )
    first, second, third = (run_batch(pictures(1), journal=tmp_path / "run.db")[0] for _ in range(3))
    assert first == second == third
    assert [end.result.error for end in (first, second, third)] == ["no second image"] * 3


@pytest.mark.slow
def test_stopped_run_is_continued(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """A run that was stopped is continued by the next one; no request is sent twice."""
    journal = tmp_path / "journal.db"
    run_batch(pictures(12), journal=journal, max_in_flight=4, limit=3)
    outcomes = run_batch(pictures(12), journal=journal, max_in_flight=4)
    assert [(outcome.index, outcome.error) for outcome in outcomes] == [(index, None) for index in range(12)]
    assert sorted(sent_prompts(hub)) == sorted(request.prompt for request in pictures(12))


@pytest.mark.slow
def test_rejected_request_is_sent_again(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """A request that was certainly not accepted is sent again by the next run."""
    journal = tmp_path / "journal.db"
    hub.respond_next(401, body={"error": "no"}, method="POST", path=QUEUE)
    [first] = run_batch(pictures(1), journal=journal)
    assert type(first.error) is ox.AuthenticationError
    [second] = run_batch(pictures(1), journal=journal)
    assert (second.error, len(sent_prompts(hub))) == (None, 2)


@pytest.mark.slow
@pytest.mark.async_values
@pytest.mark.parametrize("fault", ["cut-before-response", 408, 502])
def test_unknown_outcome_is_not_sent_again(hub: Hub, run_batch: Run, tmp_path: Path, fault: Any) -> None:
    """A request that may have been accepted is sent again only with `resend_unknown`."""
    journal = tmp_path / "journal.db"
    if isinstance(fault, int):
        hub.respond_next(fault, body="<h1>Bad gateway</h1>", method="POST", path=QUEUE)
    else:
        hub.inject_fault(fault, times=1, method="POST", path=QUEUE)
    [first] = run_batch(pictures(1), journal=journal)
    assert isinstance(first.error, ox.APIError if isinstance(fault, int) else ox.OutcomeUnknownError)
    for _ in range(2):
        [again] = run_batch(pictures(1), journal=journal)
        assert (type(again.error), "resend_unknown" in str(again.error)) == (ox.OutcomeUnknownError, True)
    assert len(sent_prompts(hub)) == 1
    [sent] = run_batch(pictures(1), journal=journal, resend_unknown=True)
    assert (sent.error, len(sent_prompts(hub))) == (None, 2)


@pytest.mark.slow
def test_order_of_requests_may_change(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """Requests are found by their content: their order may change, and there may be more of them."""
    journal = tmp_path / "journal.db"
    requests = pictures(4)
    first = run_batch(requests[:3], journal=journal)
    second = run_batch([requests[3], *reversed(requests[:3])], journal=journal)
    assert [outcome.job_id for outcome in second][:0:-1] == [outcome.job_id for outcome in first]
    assert sorted(sent_prompts(hub)) == [request.prompt for request in requests]


@pytest.mark.slow
def test_equal_requests_have_a_job_each(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """Requests that occur several times are sent that often, and once each over all runs."""
    journal = tmp_path / "journal.db"
    first = run_batch(pictures(1) * 2, journal=journal)
    second = run_batch(pictures(1) * 3, journal=journal)
    assert len({outcome.job_id for outcome in second}) == 3
    assert {outcome.job_id for outcome in first} < {outcome.job_id for outcome in second}
    assert len(sent_prompts(hub)) == 3


@pytest.mark.slow
def test_key_names_a_request(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """With `key`, a request is found by its name; another request of the same name raises."""
    journal = tmp_path / "journal.db"
    names = {"number 0": "first", "number 1": "second", "changed": "first"}

    def key(request: Any) -> str:
        return names[request.prompt]

    run_batch(pictures(2), journal=journal, key=key)
    assert {entry.key for entry in read(journal)} == {"first", "second"}
    with pytest.raises(ox.JournalError, match="another request with the key 'first'"):
        run_batch([Picture(prompt="changed")], journal=journal, key=key)
    assert len(sent_prompts(hub)) == 2


@pytest.mark.slow
def test_rejected_request_may_be_replaced(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """A request that was certainly not accepted gives its name to another one, which is sent."""

    def name(request: object) -> str:
        return "name"

    hub.respond_next(400, path=QUEUE)
    options: dict[str, Any] = {"journal": tmp_path / "journal.db", "key": name}
    assert run_batch(pictures(1), **options)[0].error is not None
    assert run_batch([Picture(prompt="changed")], **options)[0].error is None
    assert sent_prompts(hub) == ["number 0", "changed"]


@pytest.mark.slow
def test_key_that_repeats_raises(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """A `key` that returns the same value for two requests raises."""

    def key(request: object) -> str:
        return "same"

    with pytest.raises(ox.ConfigurationError, match="key must return another value"):
        run_batch(pictures(2), journal=tmp_path / "journal.db", key=key)


@pytest.mark.slow
def test_error_of_a_run_ends_its_waits(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """An error of the run ends the waits for its jobs; the requests of these jobs have no outcome."""

    def key(request: Any) -> Any:
        return request.prompt if request.prompt == "number 0" else wait_until(lambda: sent_prompts(hub))

    hub.inject_fault("job-stuck", times=1)
    reports: list[Any] = []
    options: dict[str, Any] = {"journal": tmp_path / "journal.db", "progress": reports.append, "timeout": 5}
    with pytest.raises(ox.ConfigurationError, match="key must return a string"):
        run_batch(pictures(2), key=key, **options)
    assert (reports[-1].succeeded, reports[-1].failed) == (0, 0)


@pytest.mark.slow
def test_run_is_iterated_over_by_one_task(hub: Hub) -> None:
    """A second task that iterates over a run raises, and the first one gets all outcomes."""

    async def main() -> list[ox.OxenError | None]:
        async with ox.AsyncOxen("any", base_url=hub.url) as oxen, oxen.run_many(pictures(2)) as run:
            first = asyncio.ensure_future(anext(run))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="iterated over by another task or thread"):
                await anext(run)
            return [(await first).error, *[outcome.error async for outcome in run]]

    assert asyncio.run(main()) == [None, None]


@pytest.mark.async_values
@pytest.mark.parametrize("key", [1, None, [], Path("name")])
def test_key_that_is_no_string_raises(hub: Hub, run_batch: Run, tmp_path: Path, key: Any) -> None:
    """A `key` that returns anything but a string raises, before anything is sent."""

    def name(request: object) -> Any:
        return key

    with pytest.raises(ox.ConfigurationError, match="key must return a string for each request, got "):
        run_batch(pictures(1), journal=tmp_path / "journal.db", key=name)
    assert sent_prompts(hub) == []


@pytest.mark.async_values
@pytest.mark.parametrize("option", [{"key": str}, {"resend_unknown": True}, {"reconcile": True}])
def test_option_of_a_journal_needs_one(hub: Hub, run_batch: Run, option: dict[str, Any]) -> None:
    """An option that concerns the journal raises without one, before anything is sent."""
    with pytest.raises(ox.ConfigurationError, match="requires a journal"):
        run_batch(pictures(1), **option)
    assert sent_prompts(hub) == []
