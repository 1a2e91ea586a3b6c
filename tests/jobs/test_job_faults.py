"""Jobs under faults of the job, the queue and the event stream."""

from __future__ import annotations

from collections.abc import Callable
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
from helpers.models import edit_request
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
from oxen_models.testing import Dialect, Hub

FAILED = {"generation_id": "g", "status": "failed", "media_type": "image"}


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry and reconnect after a twentieth of the delay."""
    monkeypatch.setattr("oxen_models._runtime.retries.INITIAL_DELAY", 0.025)


def submit_and_wait(submit: Callable[..., Any] = submit_edit, **options: Any) -> Any:
    """Return the steps that submit a request and wait for its result; errors must name the job."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit(oxen)
        try:
            return (yield job.result(**options))
        except ox.OxenError as error:
            assert error.generation_id == job.id  # noqa: PT017
            assert f"(job {job.id})" in str(error)  # noqa: PT017
            raise

    return steps


def cancel_via_httpx(hub: Hub, id: str) -> None:
    """Cancel a job from outside the client under test. There is no event for it."""
    httpx.delete(f"{hub.url}{QUEUE}/{id}", headers=AUTH_HEADERS).raise_for_status()


def call_job(method: str = "result", **options: Any) -> Any:
    """Return the step that calls a method of the job with the id `g`."""

    def step(oxen: Any) -> Any:
        return getattr(oxen.job("g"), method)(**options)

    return step


@pytest.mark.slow
def test_failed_job_raises_with_the_reason(run: ClientRunner, hub: Hub) -> None:
    """A failed job raises JobFailed with the server's reason."""

    def submit_invalid(oxen: Any) -> Any:
        return oxen.submit(edit_request(negative_prompt=5))

    error = run.expect_error(ox.JobFailed, submit_and_wait(submit_invalid), base_url=hub.url)
    assert type(error) is ox.JobFailed
    assert (error.detail, error.status) == ("negative_prompt: 5 is not of type 'string'", "failed")
    record = httpx.get(f"{hub.url}{QUEUE}/{error.generation_id}", headers=AUTH_HEADERS).json()
    assert error.detail == record["error_message"]
    assert hub.count("POST", QUEUE) == 1


@pytest.mark.slow
def test_failure_in_an_event_names_the_provider(run: ClientRunner) -> None:
    """The provider and its code, which the event of a failure lacks, are read from the record, once."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield oxen.submit(edit_request(negative_prompt=5))
        for _ in range(2):
            with pytest.raises(ox.JobFailed) as caught:
                yield job.result()
            assert (caught.value.provider, caught.value.provider_code) == ("Qwen", "InvalidParameter")

    with Hub(speed=100, dialect=Dialect(errors="provider")) as hub:
        run(steps, base_url=hub.url)
        assert hub.count("GET", f"{QUEUE}/") == 1


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"error_message": " Out of paint "}, "Out of paint"),
        ({"error": "Out of paint"}, "Out of paint"),
        ({"error": {"detail": "Out of paint", "title": "Sorry"}}, "Out of paint"),
        ({"error_message": ""}, "the job failed; the server gave no reason"),
        ({}, "the job failed; the server gave no reason"),
    ],
)
def test_reason_is_found_in_each_format(
    run: ClientRunner, hub: Hub, record: dict[str, Any], reason: str
) -> None:
    """The reason of a failure is found in each format of the record."""
    hub.respond_next(200, body={**FAILED, **record}, times=None, path=f"{QUEUE}/g")
    error = run.expect_error(ox.JobFailed, call_job(), base_url=hub.url)
    assert (error.detail, str(error)) == (reason, f"{reason} (job g)")
    assert run(call_job("wait"), base_url=hub.url) == "failed"


def test_succeeded_job_without_result_raises(run: ClientRunner, hub: Hub) -> None:
    """A record without a result raises UnexpectedResponseError with the id of the job."""
    hub.respond_next(200, body={**FAILED, "status": "succeeded"}, path=f"{QUEUE}/g")
    error = run.expect_error(ox.UnexpectedResponseError, call_job(), base_url=hub.url)
    assert (error.generation_id, "(job g)" in str(error)) == ("g", True)


@pytest.mark.slow
@pytest.mark.usefixtures("no_polls")
def test_job_cancelled_by_another_process(run: ClientRunner, endless_hub: Hub) -> None:
    """A cancelled job has no event: the list after the next reconnect ends the wait."""
    endless_hub.inject_fault("events-cut-after", 1, times=1)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        cancel_via_httpx(endless_hub, job.id)
        trigger_event(endless_hub)
        yield job.result()

    error = run.expect_error(ox.JobCancelled, steps, base_url=endless_hub.url)
    assert (error.status, endless_hub.count("DELETE", QUEUE)) == ("cancelled", 1)


def test_cancel_ends_other_waits(run: ClientRunner, endless_hub: Hub) -> None:
    """Cancelling a job ends the waits of other objects of the same job."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        same = oxen.job(job.id)
        yield same.cancel()
        return job.status, (yield job.wait())

    assert run(steps, base_url=endless_hub.url) == ("cancelled", "cancelled")


@pytest.mark.slow
def test_missing_job_raises_job_not_found(run: ClientRunner, hub: Hub) -> None:
    """A 404 for a job raises JobNotFound with its id and response; a later record is accepted."""
    [id] = finish_jobs_via_httpx(hub)
    hub.inject_fault("job-not-found", times=3)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = oxen.job(id)
        for call in (job.result, job.wait, job.refresh):
            with pytest.raises(ox.JobNotFound) as caught:
                yield call()
            assert (caught.value.generation_id, str(caught.value).endswith(f"(job {id})")) == (id, True)
            assert caught.value.response is not None
            assert caught.value.response.status == 404
        # Behind a load balancer, another server may have the job.
        yield job.refresh()
        return job.status, (yield job.wait())

    assert run(steps, base_url=hub.url) == ("succeeded", "succeeded")
    for call in ("result", "wait", "refresh", "cancel"):
        assert run.expect_error(ox.JobNotFound, call_job(call), base_url=hub.url).generation_id == "g"


@pytest.mark.slow
def test_timeout_raises_and_the_job_continues(run: ClientRunner, endless_hub: Hub) -> None:
    """A wait that times out raises JobTimeout and does not cancel the job."""
    error = run.expect_error(ox.JobTimeout, submit_and_wait(timeout=0.05), base_url=endless_hub.url)
    assert (type(error), isinstance(error, TimeoutError)) == (ox.JobTimeout, True)
    assert (error.status, "it continues" in str(error)) == ("queued", True)
    assert endless_hub.count("DELETE", QUEUE) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("fast_polls")
def test_wait_can_be_repeated_after_a_timeout(run: ClientRunner, endless_hub: Hub) -> None:
    """A job can be waited for again after JobTimeout."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        with pytest.raises(ox.JobTimeout):
            yield job.wait(0.01)
        endless_hub.respond_next(200, body={**FAILED, "generation_id": job.id}, path=f"{QUEUE}/{job.id}")
        return (yield job.wait())

    assert run(steps, base_url=endless_hub.url) == "failed"


@pytest.mark.slow
def test_cancel_on_timeout_cancels_the_job(run: ClientRunner, endless_hub: Hub) -> None:
    """With `cancel_on_timeout` the job is cancelled, and JobTimeout says so."""
    steps = submit_and_wait(timeout=0.05, cancel_on_timeout=True)
    error = run.expect_error(ox.JobTimeout, steps, base_url=endless_hub.url)
    assert (error.status, "it was cancelled" in str(error)) == ("cancelled", True)
    [job] = httpx.get(endless_hub.url + QUEUE, params={"status": "cancelled"}, headers=AUTH_HEADERS).json()[
        "generations"
    ]
    assert job["generation_id"] == error.generation_id


@pytest.mark.slow
def test_cancel_on_timeout_of_finished_job(run: ClientRunner, hub: Hub) -> None:
    """JobTimeout names the status of a job that had ended before it was cancelled."""
    hub.inject_fault("events-early")
    hub.inject_fault("events-dropped")
    hub.respond_next(503, method="GET", path=f"{QUEUE}/*")  # the poll at the deadline
    steps = submit_and_wait(timeout=0.05, cancel_on_timeout=True)
    error = run.expect_error(ox.JobTimeout, steps, base_url=hub.url)
    assert (error.status, "its status is succeeded" in str(error)) == ("succeeded", True)


@pytest.mark.slow
def test_cancel_on_timeout_fails(run: ClientRunner, endless_hub: Hub) -> None:
    """JobTimeout says that the job could not be cancelled."""
    endless_hub.respond_next(503, times=None, method="DELETE")
    steps = submit_and_wait(timeout=0.05, cancel_on_timeout=True)
    error = run.expect_error(ox.JobTimeout, steps, base_url=endless_hub.url, max_retries=0)
    assert "it could not be cancelled" in str(error)


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.usefixtures("fast_polls")
@pytest.mark.parametrize(
    ("status", "kind", "polls"),
    [(500, ox.ServerError, 3), (400, ox.BadRequestError, 3), (401, ox.AuthenticationError, 1)],
)
def test_third_failed_poll_ends_the_wait(
    run: ClientRunner, hub: Hub, status: int, kind: type[Exception], polls: int
) -> None:
    """The third failed poll in a row ends the wait with its error, which names the job."""
    hub.respond_next(404, times=None, path=EVENTS)
    hub.respond_next(status, times=None, path=f"{QUEUE}/g")
    error = run.expect_error(kind, call_job(), base_url=hub.url)
    assert (error.generation_id, "(job g)" in str(error)) == ("g", True)
    assert hub.count("GET", f"{QUEUE}/g") == polls


@pytest.mark.slow
@pytest.mark.usefixtures("fast_polls")
def test_transient_poll_failures_are_ignored(run: ClientRunner, hub: Hub) -> None:
    """Fewer than three failed polls in a row, and rate limits, do not end the wait."""
    hub.respond_next(404, times=None, path=EVENTS)
    processing = {"generation_id": "g", "status": "processing"}
    for status in (500, 502, 200, 503, 500, 429, 429, 429):
        hub.respond_next(status, body=processing if status == 200 else None, path=f"{QUEUE}/g")
    hub.respond_next(200, body={**FAILED, "error_message": "at last"}, path=f"{QUEUE}/g")
    error = run.expect_error(ox.JobFailed, call_job(), base_url=hub.url)
    assert (error.detail, hub.count("GET", f"{QUEUE}/g")) == ("at last", 9)


@pytest.mark.slow
@pytest.mark.usefixtures("fast_polls")
def test_wait_can_be_repeated_after_failed_polls(run: ClientRunner, hub: Hub) -> None:
    """A job can be waited for again after its polls failed."""
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


REJECTIONS: list[tuple[int, object, dict[str, str]]] = [
    (503, None, {}),
    (404, {"error": {"message": "Not found"}}, {}),
    (200, "<h1>Sign in</h1>", {}),
    (200, {"fine": True}, {}),
    (204, None, {}),
    (302, None, {"location": "/elsewhere"}),
]


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(("status", "body", "headers"), REJECTIONS)
def test_result_after_rejected_streams(
    run: ClientRunner, hub: Hub, status: int, body: object, headers: dict[str, str]
) -> None:
    """If the stream is rejected at first, the list after it has opened ends the wait."""
    hub.respond_next(status, body=body, headers=headers, times=2, path=EVENTS)
    assert run(submit_and_wait(), base_url=hub.url).images
    # At submission, at the beginning of the wait, and after a delay, which is followed by a list.
    assert hub.count("GET", EVENTS) <= 3
    assert hub.count("GET", QUEUE) <= 2


@pytest.mark.slow
@pytest.mark.usefixtures("fast_polls")
@pytest.mark.parametrize(("status", "body", "headers"), REJECTIONS[2:3])
def test_result_without_any_stream(
    run: ClientRunner,
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: object,
    headers: dict[str, str],
) -> None:
    """Without a stream, the job is polled at the full rate, and one poll is enough."""
    monkeypatch.setattr("oxen_models._runtime.scheduler.EVENT_STREAM_FACTOR", 100_000)
    hub.inject_fault("events-early")
    hub.respond_next(status, body=body, headers=headers, times=None, path=EVENTS)
    assert run(submit_and_wait(), base_url=hub.url).images
    assert (hub.count("GET", QUEUE), hub.count("GET", EVENTS) <= 12) == (1, True)


@pytest.mark.slow
@pytest.mark.usefixtures("no_polls")
def test_reconnect_backs_off_if_the_stream_ends(
    run: ClientRunner, endless_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that the server closes immediately is reopened with a growing delay."""
    [id] = submit_via_httpx(endless_hub)
    delays: list[int] = []

    def delay(failures: int) -> float:
        delays.append(failures)
        if failures == 3:
            cancel_via_httpx(endless_hub, id)  # found by the list after the next reconnect
        return 0.0 if failures <= 3 else 3600.0

    for package in ("_sync", "_async"):
        module = f"oxen_models._runtime.{package}.event_stream"
        monkeypatch.setattr(f"{module}.reconnect_delay", delay)
        monkeypatch.setattr(f"{module}.MIN_CONNECTION_TIME", 36000.0)
    endless_hub.inject_fault("events-cut-after", 0)
    assert run(lambda oxen: oxen.job(id).wait(30), base_url=endless_hub.url) == "cancelled"
    assert (delays[:3], endless_hub.count("GET", EVENTS) <= 4) == ([1, 2, 3], True)
    # One list for each stream, and a poll at the beginning and at the end.
    assert endless_hub.count("GET", QUEUE) <= 6


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.usefixtures("no_polls")
@pytest.mark.parametrize("size", [1, 7, None])
def test_event_in_several_chunks(run: ClientRunner, hub: Hub, size: int | None) -> None:
    """An event is parsed however its bytes are split."""
    hub.inject_fault("events-split", size)
    assert run(submit_and_wait(), base_url=hub.url).images
    assert hub.count("GET", QUEUE) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("no_polls")
@pytest.mark.parametrize("fault", ["events-early", "events-twice"])
def test_early_or_repeated_event(run: ClientRunner, hub: Hub, fault: Any) -> None:
    """An event may arrive before the response to the submission, or twice."""
    hub.inject_fault(fault)
    assert run(submit_and_wait(), base_url=hub.url).images
    assert hub.count("GET", QUEUE) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("no_polls")
@pytest.mark.parametrize(("fault", "events"), [("events-dropped", 1), ("events-garbled", 2)])
def test_lost_event_is_recovered_by_reconnect(run: ClientRunner, hub: Hub, fault: Any, events: int) -> None:
    """A lost event is recovered by the list after the next reconnect."""
    hub.inject_fault(fault, times=1)
    hub.inject_fault("events-cut-after", events, times=1)
    assert run(submit_and_wait(), base_url=hub.url).images


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.usefixtures("fast_polls")
@pytest.mark.parametrize("fault", ["events-dropped", "events-garbled", "events-silent"])
@pytest.mark.parametrize("submit", [submit_edit, submit_video])
def test_lost_event_is_recovered_by_a_poll(run: ClientRunner, hub: Hub, fault: Any, submit: Any) -> None:
    """A lost event is recovered by a poll while the stream is open."""
    hub.inject_fault(fault)
    assert run(submit_and_wait(submit), base_url=hub.url).media
    assert (hub.count("GET", EVENTS), hub.count("GET", f"{QUEUE}/") >= 1) == (1, True)


@pytest.mark.slow
@pytest.mark.usefixtures("fast_polls")
def test_lost_stream_restores_the_poll_rate(
    run: ClientRunner, endless_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the stream, jobs are polled at the full rate again."""
    monkeypatch.setattr("oxen_models._runtime.scheduler.EVENT_STREAM_FACTOR", 100_000)
    endless_hub.inject_fault("events-cut-after", 1)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        endless_hub.respond_next(404, times=None, path=EVENTS)
        endless_hub.respond_next(200, body={**FAILED, "generation_id": job.id}, path=f"{QUEUE}/{job.id}")
        trigger_event(endless_hub)
        return (yield job.wait())

    assert run(steps, base_url=endless_hub.url) == "failed"


@pytest.mark.slow
def test_silent_stream_that_is_closed(run: ClientRunner, hub: Hub) -> None:
    """A stream without events that is closed is reopened, and the list ends the wait."""
    hub.inject_fault("events-silent", times=1)
    hub.inject_fault("events-cut-every", 0.1, times=1)
    assert run(submit_and_wait(), base_url=hub.url).images


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("events", [1, 2, 3])
def test_stream_that_is_closed_after_events(run: ClientRunner, hub: Hub, events: int) -> None:
    """All jobs are found if the stream is closed after each few events."""
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


@pytest.mark.slow
def test_incomplete_event_causes_a_poll(run: ClientRunner, server: RawServer) -> None:
    """An event without a URL causes a poll of the job."""
    completed = b'event: media_generation_completed\ndata: {"generation_id": "g", "status": "succeeded"}\n\n'
    stream = (
        b": hello\r\n\r\nevent: other\ndata: {}\n\n" + completed.replace(b"_completed", b"_begun") + completed
    )
    server.responses[EVENTS] = [Response(body=stream, headers={"Content-Type": "text/event-stream"})]
    server.responses[QUEUE] = [Response(body={"generations": [{"generation_id": "g", "status": "queued"}]})]
    finished = {**FAILED, "status": "succeeded", "result_url": "https://example.com/hat.png"}
    server.responses[f"{QUEUE}/g"] = [Response(body=finished)]
    result = run(submit_and_wait(), base_url=server.url)
    assert [image.url for image in result.images] == ["https://example.com/hat.png"]


@pytest.mark.slow
@pytest.mark.usefixtures("no_polls")
def test_reconnect_lists_the_queue_once(run: ClientRunner, endless_hub: Hub) -> None:
    """After a reconnect the queue is listed once for all waits, and only the missing job is polled."""
    endless_hub.inject_fault("events-cut-after", 1, times=1)

    @scenario
    def steps(oxen: Any) -> Steps:
        first, *others = yield submit_edits(oxen, 4)
        cancel_via_httpx(endless_hub, first.id)
        trigger_event(endless_hub)

        @scenario
        def until_listed(oxen: Any) -> Steps:
            status = yield first.wait()
            yield close(oxen)  # which ends the others
            return status

        waits = [job.wait for job in others]
        return first.id, (yield run_concurrently(oxen, partial(until_listed, oxen), *waits))

    id, [status, *errors] = run(steps, base_url=endless_hub.url)
    assert (status, [type(error) for error in errors]) == ("cancelled", [ox.HubUnreachableError] * 3)
    paths = [request.path for request in endless_hub.requests if request.method == "GET"]
    assert paths == [EVENTS, EVENTS, QUEUE, f"{QUEUE}/{id}"]


@pytest.mark.slow
@pytest.mark.usefixtures("fast_polls")
def test_failed_list_is_replaced_by_polls(run: ClientRunner, hub: Hub) -> None:
    """If the queue cannot be listed, each job is polled."""
    hub.inject_fault("events-dropped")
    hub.respond_next(500, times=None, method="GET", path=QUEUE)

    @scenario
    def steps(oxen: Any) -> Steps:
        jobs = yield submit_edits(oxen, 4)
        return (yield run_concurrently(oxen, *(job.wait for job in jobs)))

    assert run(steps, base_url=hub.url) == ["succeeded"] * 4
    assert hub.count("GET", f"{QUEUE}/") >= 4


def test_rejected_stream_raises_in_events(run: ClientRunner, hub: Hub) -> None:
    """`events()` raises if the server rejects the stream."""
    hub.respond_next(401, body={"error": {"detail": "no"}}, times=None, path=EVENTS)
    error = run.expect_error(ox.AuthenticationError, lambda oxen: collect(oxen.events(), 1), base_url=hub.url)
    assert error.detail == "no"
