"""Jobs when something goes wrong: with the job, with the queue, with the event stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import (
    AUTH_HEADERS,
    EVENTS,
    QUEUE,
    finish_jobs_via_httpx,
    submit_via_httpx,
    trigger_event,
)
from helpers.raw_server import RawServer, Response
from helpers.scenario import (
    Steps,
    close,
    collect,
    run_concurrently,
    scenario,
    submit_edit,
    submit_edits,
    submit_video,
)
from oxen_models.testing import Hub

FAILED = {"generation_id": "g", "status": "failed", "media_type": "image"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub whose jobs are over soon."""
    with Hub(generation_time=0.02) as running:
        yield running


@pytest.fixture
def slow() -> Iterator[Hub]:
    """A hub whose jobs are not over before the test is."""
    with Hub(generation_time=3600) as running:
        yield running


@pytest.fixture(autouse=True)
def quick_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses after a failure are as they are, at a twentieth of the length."""
    monkeypatch.setattr("oxen_models._runtime.retries.INITIAL_DELAY", 0.025)


@pytest.fixture
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls follow each other a hundred times as fast: three of them take ten seconds otherwise."""
    monkeypatch.setattr("oxen_models._runtime.scheduler.POLL_INTERVALS", {"image": 0.03, "video": 0.15})


@pytest.fixture
def no_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is asked for a reason, never because time passed."""
    monkeypatch.setattr("oxen_models._runtime.scheduler.POLL_INTERVALS", {"image": 3600.0, "video": 3600.0})


def result_of(submitted: Callable[..., Any] = submit_edit, **arguments: Any) -> Any:
    """The steps from a request to its result."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submitted(oxen)
        try:
            return (yield job.result(**arguments))
        except ox.OxenError as error:
            failure = error
        assert (failure.generation_id, f"(job {job.id})" in str(failure)) == (job.id, True)
        raise failure

    return steps


def cancelled_by_hand(hub: Hub, id: str) -> None:
    """Another program cancels a job, and nobody is told."""
    httpx.delete(f"{hub.url}{QUEUE}/{id}", headers=AUTH_HEADERS).raise_for_status()


def taken_up(call: str = "result", **arguments: Any) -> Any:
    """The steps from an id to its result."""

    def step(oxen: Any) -> Any:
        return getattr(oxen.job("g"), call)(**arguments)

    return step


def test_job_that_fails_says_why_in_the_hub_s_words(run: ClientRunner, hub: Hub) -> None:
    def wrong(oxen: Any) -> Any:
        return submit_edit(oxen, extra_body={"negative_prompt": 5})

    error = run.expect_error(ox.JobFailed, result_of(wrong), base_url=hub.url)
    assert type(error) is ox.JobFailed
    assert (error.detail, error.status) == ("negative_prompt: 5 is not of type 'string'", "failed")
    told = httpx.get(f"{hub.url}{QUEUE}/{error.generation_id}", headers=AUTH_HEADERS).json()
    assert error.detail == told["error_message"]
    assert hub.count("POST", QUEUE) == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"error_message": " Out of paint "}, "Out of paint"),
        ({"error": "Out of paint"}, "Out of paint"),
        ({"error": {"detail": "Out of paint", "title": "Sorry"}}, "Out of paint"),
        ({"error_message": ""}, "the job failed; the server gave no reason"),
        ({}, "the job failed; the server gave no reason"),
    ],
)
def test_reason_wherever_the_hub_puts_it(
    run: ClientRunner, hub: Hub, answer: dict[str, Any], why: str
) -> None:
    hub.respond_next(200, body={**FAILED, **answer}, times=None, path=f"{QUEUE}/g")
    error = run.expect_error(ox.JobFailed, taken_up(), base_url=hub.url)
    assert (error.detail, str(error)) == (why, f"{why} (job g)")
    assert run(taken_up("wait"), base_url=hub.url) == "failed"


def test_succeeded_without_a_result(run: ClientRunner, hub: Hub) -> None:
    hub.respond_next(200, body={**FAILED, "status": "succeeded"}, path=f"{QUEUE}/g")
    error = run.expect_error(ox.UnexpectedResponseError, taken_up(), base_url=hub.url)
    assert (error.generation_id, "(job g)" in str(error)) == ("g", True)


@pytest.mark.usefixtures("no_polls")
def test_job_that_somebody_cancels(run: ClientRunner, slow: Hub) -> None:
    """No event tells of it: the queue is asked once the stream is new."""
    slow.inject_fault("events-cut-after", 1, times=1)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        cancelled_by_hand(slow, job.id)
        trigger_event(slow)
        yield job.result(30)

    error = run.expect_error(ox.JobCancelled, steps, base_url=slow.url)
    assert (error.status, slow.count("DELETE", QUEUE)) == ("cancelled", 1)


def test_cancel_ends_whoever_waits(run: ClientRunner, slow: Hub) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        same = oxen.job(job.id)
        yield same.cancel()
        return job.status, (yield job.wait())

    assert run(steps, base_url=slow.url) == ("cancelled", "cancelled")


def test_job_that_is_gone(run: ClientRunner, hub: Hub) -> None:
    [id] = finish_jobs_via_httpx(hub)
    hub.inject_fault("job-not-found", times=3)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = oxen.job(id)
        for call in (job.result, job.wait, job.refresh):
            with pytest.raises(ox.JobNotFound) as caught:
                yield call()
            assert (caught.value.generation_id, str(caught.value).endswith(f"(job {id})")) == (id, True)
        # A hub of several machines may know it again.
        yield job.refresh()
        return job.status, (yield job.wait())

    assert run(steps, base_url=hub.url) == ("succeeded", "succeeded")
    for call in ("result", "wait", "refresh", "cancel"):
        assert run.expect_error(ox.JobNotFound, taken_up(call), base_url=hub.url).generation_id == "g"


def test_deadline(run: ClientRunner, slow: Hub) -> None:
    error = run.expect_error(ox.JobTimeout, result_of(timeout=0.05), base_url=slow.url)
    assert (type(error), isinstance(error, TimeoutError)) == (ox.JobTimeout, True)
    assert (error.status, "it continues" in str(error)) == ("queued", True)
    assert slow.count("DELETE", QUEUE) == 0


@pytest.mark.usefixtures("quick_polls")
def test_job_is_waited_for_again_after_the_deadline(run: ClientRunner, slow: Hub) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        with pytest.raises(ox.JobTimeout):
            yield job.wait(0.01)
        slow.respond_next(200, body={**FAILED, "generation_id": job.id}, path=f"{QUEUE}/{job.id}")
        return (yield job.wait(30))

    assert run(steps, base_url=slow.url) == "failed"


def test_cancelled_at_the_deadline(run: ClientRunner, slow: Hub) -> None:
    late = result_of(timeout=0.05, cancel_on_timeout=True)
    error = run.expect_error(ox.JobTimeout, late, base_url=slow.url)
    assert (error.status, "it was cancelled" in str(error)) == ("cancelled", True)
    [job] = httpx.get(slow.url + QUEUE, params={"status": "cancelled"}, headers=AUTH_HEADERS).json()[
        "generations"
    ]
    assert job["generation_id"] == error.generation_id


def test_over_just_before_it_is_cancelled(run: ClientRunner, hub: Hub) -> None:
    hub.inject_fault("events-early")
    hub.inject_fault("events-dropped")
    late = result_of(timeout=0.05, cancel_on_timeout=True)
    error = run.expect_error(ox.JobTimeout, late, base_url=hub.url)
    assert (error.status, "its status is succeeded" in str(error)) == ("succeeded", True)


def test_deadline_when_the_hub_cannot_cancel(run: ClientRunner, slow: Hub) -> None:
    slow.respond_next(503, times=None, method="DELETE")
    late = result_of(timeout=0.05, cancel_on_timeout=True)
    error = run.expect_error(ox.JobTimeout, late, base_url=slow.url, max_retries=0)
    assert "it could not be cancelled" in str(error)


@pytest.mark.usefixtures("quick_polls")
@pytest.mark.parametrize(
    ("status", "kind", "polls"),
    [(500, ox.ServerError, 3), (400, ox.BadRequestError, 3), (401, ox.AuthenticationError, 1)],
)
def test_third_failed_poll_in_a_row_is_the_last(
    run: ClientRunner, hub: Hub, status: int, kind: type[Exception], polls: int
) -> None:
    hub.respond_next(404, times=None, path=EVENTS)
    hub.respond_next(status, times=None, path=f"{QUEUE}/g")
    error = run.expect_error(kind, taken_up(), base_url=hub.url)
    assert (error.generation_id, str(error).endswith("(job g)")) == ("g", True)
    assert hub.count("GET", f"{QUEUE}/g") == polls


@pytest.mark.usefixtures("quick_polls")
def test_failed_polls_that_pass(run: ClientRunner, hub: Hub) -> None:
    hub.respond_next(404, times=None, path=EVENTS)
    told = {"generation_id": "g", "status": "processing"}
    for status in (500, 502, 200, 503, 500, 429, 429, 429):
        hub.respond_next(status, body=told if status == 200 else None, path=f"{QUEUE}/g")
    hub.respond_next(200, body={**FAILED, "error_message": "at last"}, path=f"{QUEUE}/g")
    error = run.expect_error(ox.JobFailed, taken_up(), base_url=hub.url)
    assert (error.detail, hub.count("GET", f"{QUEUE}/g")) == ("at last", 9)


@pytest.mark.usefixtures("quick_polls")
def test_lost_job_is_asked_for_anew(run: ClientRunner, hub: Hub) -> None:
    hub.respond_next(404, times=None, path=EVENTS)
    hub.respond_next(500, times=3, path=f"{QUEUE}/g")
    hub.respond_next(200, body=FAILED, path=f"{QUEUE}/g")

    @scenario
    def steps(oxen: Any) -> Steps:
        job = oxen.job("g")
        with pytest.raises(ox.ServerError):
            yield job.wait()
        return (yield job.wait())

    assert run(steps, base_url=hub.url) == "failed"


REFUSALS: list[tuple[int, object, dict[str, str]]] = [
    (503, None, {}),
    (404, {"error": {"message": "Not found"}}, {}),
    (200, "<h1>Sign in</h1>", {}),
    (200, {"fine": True}, {}),
    (204, None, {}),
    (302, None, {"location": "/elsewhere"}),
]


@pytest.mark.parametrize(("status", "body", "headers"), REFUSALS)
def test_result_comes_though_the_stream_is_refused_at_first(
    run: ClientRunner, hub: Hub, status: int, body: object, headers: dict[str, str]
) -> None:
    hub.respond_next(status, body=body, headers=headers, times=2, path=EVENTS)
    assert run(result_of(), base_url=hub.url).images
    # At submission, when the wait begins, and once more after a pause, where the queue tells.
    assert hub.count("GET", EVENTS) <= 3
    assert hub.count("GET", QUEUE) <= 2


@pytest.mark.usefixtures("quick_polls")
@pytest.mark.parametrize(("status", "body", "headers"), REFUSALS[2:3])
def test_result_comes_though_there_never_is_a_stream(
    run: ClientRunner,
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: object,
    headers: dict[str, str],
) -> None:
    """The poll comes as soon as where no event is to be expected, and one is enough: the job is over."""
    monkeypatch.setattr("oxen_models._runtime.scheduler.EVENT_STREAM_FACTOR", 100_000)
    hub.inject_fault("events-early")
    hub.respond_next(status, body=body, headers=headers, times=None, path=EVENTS)
    assert run(result_of(timeout=30), base_url=hub.url).images
    assert (hub.count("GET", QUEUE), hub.count("GET", EVENTS) <= 12) == (1, True)


@pytest.mark.usefixtures("no_polls")
def test_stream_that_ends_at_once_is_not_opened_without_a_pause(
    run: ClientRunner, slow: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    [id] = submit_via_httpx(slow)
    pauses: list[int] = []

    def delay(failures: int) -> float:
        pauses.append(failures)
        if failures == 3:
            cancelled_by_hand(slow, id)  # as the next stream will have the client learn
        return 0.0 if failures <= 3 else 3600.0

    for kind in ("_sync", "_async"):
        monkeypatch.setattr(f"oxen_models._runtime.{kind}.event_stream.reconnect_delay", delay)
    slow.inject_fault("events-cut-after", 0)
    assert run(lambda oxen: oxen.job(id).wait(30), base_url=slow.url) == "cancelled"
    assert (pauses[:3], slow.count("GET", EVENTS) <= 4) == ([1, 2, 3], True)
    # One list for each stream, and a question at the beginning and at the end.
    assert slow.count("GET", QUEUE) <= 6


@pytest.mark.parametrize("size", [1, 7, None])
def test_event_in_pieces(run: ClientRunner, hub: Hub, size: int | None) -> None:
    hub.inject_fault("events-split", size)
    assert run(result_of(), base_url=hub.url).images
    assert hub.count("GET", QUEUE) == 0


@pytest.mark.parametrize("fault", ["events-early", "events-twice"])
def test_event_before_the_answer_or_twice(run: ClientRunner, hub: Hub, fault: Any) -> None:
    hub.inject_fault(fault)
    assert run(result_of(), base_url=hub.url).images
    assert hub.count("GET", QUEUE) == 0


@pytest.mark.usefixtures("no_polls")
@pytest.mark.parametrize(("fault", "events"), [("events-dropped", 1), ("events-garbled", 2)])
def test_event_that_is_lost_is_made_up_for_when_the_stream_is_new(
    run: ClientRunner, hub: Hub, fault: Any, events: int
) -> None:
    """The stream is cut by the end of the job, before which an event of another kind comes."""
    hub.inject_fault(fault, times=1)
    hub.inject_fault("events-cut-after", events, times=1)
    assert run(result_of(timeout=30), base_url=hub.url).images


@pytest.mark.usefixtures("quick_polls")
@pytest.mark.parametrize("fault", ["events-dropped", "events-garbled", "events-silent"])
@pytest.mark.parametrize("submitted", [submit_edit, submit_video])
def test_event_that_is_lost_is_made_up_for_by_a_poll(
    run: ClientRunner, hub: Hub, fault: Any, submitted: Any
) -> None:
    hub.inject_fault(fault)
    assert run(result_of(submitted), base_url=hub.url).media
    assert (hub.count("GET", EVENTS), hub.count("GET", f"{QUEUE}/") >= 1) == (1, True)


@pytest.mark.usefixtures("quick_polls")
def test_polls_are_quick_again_once_there_is_no_stream(
    run: ClientRunner, slow: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oxen_models._runtime.scheduler.EVENT_STREAM_FACTOR", 100_000)
    slow.inject_fault("events-cut-after", 1)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        slow.respond_next(404, times=None, path=EVENTS)
        slow.respond_next(200, body={**FAILED, "generation_id": job.id}, path=f"{QUEUE}/{job.id}")
        trigger_event(slow)
        return (yield job.wait(30))

    assert run(steps, base_url=slow.url) == "failed"


def test_silent_stream_that_is_cut(run: ClientRunner, hub: Hub) -> None:
    hub.inject_fault("events-silent", times=1)
    hub.inject_fault("events-cut-every", 0.1, times=1)
    assert run(result_of(), base_url=hub.url).images


@pytest.mark.parametrize("events", [1, 2, 3])
def test_stream_that_is_cut_after_some_events(run: ClientRunner, hub: Hub, events: int) -> None:
    hub.inject_fault("events-cut-after", events)

    @scenario
    def steps(oxen: Any) -> Steps:
        jobs = yield submit_edits(oxen, 4)
        found: list[Any] = []
        for job in jobs:
            found.append((yield job.result()))
        return found

    assert len(run(steps, base_url=hub.url)) == 4
    assert hub.count("POST", QUEUE) == 1


def test_event_that_says_too_little_has_the_queue_asked(run: ClientRunner, server: RawServer) -> None:
    told = b'event: media_generation_completed\ndata: {"generation_id": "g", "status": "succeeded"}\n\n'
    stream = b": hello\r\n\r\nevent: other\ndata: {}\n\n" + told.replace(b"_completed", b"_begun") + told
    server.responses[EVENTS] = [Response(body=stream, headers={"Content-Type": "text/event-stream"})]
    server.responses[QUEUE] = [Response(body={"generations": [{"generation_id": "g", "status": "queued"}]})]
    finished = {**FAILED, "status": "succeeded", "result_url": "https://example.com/hat.png"}
    server.responses[f"{QUEUE}/g"] = [Response(body=finished)]
    result = run(result_of(), base_url=server.url)
    assert [image.url for image in result.images] == ["https://example.com/hat.png"]


@pytest.mark.usefixtures("no_polls")
def test_many_waits_are_one_list(run: ClientRunner, slow: Hub) -> None:
    """After the stream was cut, the queue is listed once, and asked for what the list lacks."""
    slow.inject_fault("events-cut-after", 1, times=1)

    @scenario
    def steps(oxen: Any) -> Steps:
        first, *others = yield submit_edits(oxen, 4)
        cancelled_by_hand(slow, first.id)
        trigger_event(slow)

        @scenario
        def until_listed(oxen: Any) -> Steps:
            status = yield first.wait(30)
            yield close(oxen)  # which ends the others
            return status

        waits = [partial(job.wait, 30) for job in others]
        return first.id, (yield run_concurrently(oxen, partial(until_listed, oxen), *waits))

    id, [status, *ends] = run(steps, base_url=slow.url)
    assert (status, [type(each) for each in ends]) == ("cancelled", [ox.HubUnreachableError] * 3)
    asked = [request.path for request in slow.requests if request.method == "GET"]
    assert asked == [EVENTS, EVENTS, QUEUE, f"{QUEUE}/{id}"]


@pytest.mark.usefixtures("quick_polls")
def test_list_that_fails_leaves_a_question_for_each(run: ClientRunner, hub: Hub) -> None:
    hub.inject_fault("events-dropped")
    hub.respond_next(500, times=None, method="GET", path=QUEUE)

    @scenario
    def steps(oxen: Any) -> Steps:
        jobs = yield submit_edits(oxen, 4)
        return (yield run_concurrently(oxen, *(partial(job.wait, 10) for job in jobs)))

    assert run(steps, base_url=hub.url) == ["succeeded"] * 4
    assert hub.count("GET", f"{QUEUE}/") >= 4


def test_stream_that_is_refused_is_told_to_who_listens(run: ClientRunner, hub: Hub) -> None:
    hub.respond_next(401, body={"error": {"detail": "no"}}, times=None, path=EVENTS)
    error = run.expect_error(ox.AuthenticationError, lambda oxen: collect(oxen.events(), 1), base_url=hub.url)
    assert error.detail == "no"
