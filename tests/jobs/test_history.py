"""The queue, the history, the event stream and the list of models."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import (
    AUTH_HEADERS,
    EDIT_BODY,
    EVENTS,
    QUEUE,
    VIDEO_BODY,
    finish_jobs_via_httpx,
    submit_via_httpx,
    wait_until,
)
from helpers.raw_server import RawServer, Response
from helpers.scenario import Step, Steps, close, collect, run_concurrently, scenario, submit_edit, wait_for
from oxen_models.testing import Dialect, Hub

HISTORY = "/api/ai/generations"
PRICED = {
    "id": "paid",
    "capabilities": {"output": ["image"]},
    "json_request_schema": {"type": "object", "properties": {"prompt": {"type": "string"}}},
    "pricing": {"method": "per_image", "cost_per_image": 0.07},
}


@pytest.mark.slow
def test_jobs_returns_open_jobs(run: ClientRunner) -> None:
    """`jobs()` returns the jobs that have not ended, or those of the given status."""
    with Hub(generation_time=3600) as hub:
        [image] = submit_via_httpx(hub)
        [video] = submit_via_httpx(hub, VIDEO_BODY)
        [cancelled] = submit_via_httpx(hub)
        httpx.delete(f"{hub.url}{QUEUE}/{cancelled}", headers=AUTH_HEADERS)
        jobs = run(lambda oxen: oxen.jobs(), base_url=hub.url)
        others = run(lambda oxen: oxen.jobs(status="cancelled"), base_url=hub.url)
    assert {type(job) for job in jobs} == {run.get_class("Job")}
    listed = [(job.id, job.status, job.generation.media_type) for job in jobs]
    assert listed == [(image, "queued", "image"), (video, "queued", "video")]
    assert [(job.id, job.status) for job in others] == [(cancelled, "cancelled")]


@pytest.mark.slow
def test_listed_jobs_return_their_results(run: ClientRunner, hub: Hub) -> None:
    """The results of listed jobs have the type of their media."""
    [image], [video] = finish_jobs_via_httpx(hub), finish_jobs_via_httpx(hub, VIDEO_BODY)

    @scenario
    def steps(oxen: Any) -> Steps:
        jobs = yield oxen.jobs(status="succeeded")
        results: list[tuple[str, str]] = []
        for job in jobs:
            results.append((job.id, type((yield job.result())).__name__))
        return results

    names = [run.get_class(f"{kind}Result").__name__ for kind in ("Image", "Video")]
    assert run(steps, base_url=hub.url) == [(image, names[0]), (video, names[1])]


FILTERS: list[dict[str, Any]] = [
    {"model": "qwen-image-edit-plus"},
    {"media_type": "image"},
    {"namespace": "herd"},
    {"repo": "herd/barn"},
    {"folder": "a b/ö&c"},
    {"folder": "a b/ö&c", "media_type": "image"},
]


@pytest.mark.slow
def test_filters_are_sent(run: ClientRunner, hub: Hub) -> None:
    """Each filter restricts the jobs of the queue and the history."""
    targets: dict[str, Any] = {
        "target_namespace": "herd",
        "target_repo": "herd/barn",
        "target_directory": "a b/ö&c",
    }
    [expected], _ = finish_jobs_via_httpx(hub, **targets), finish_jobs_via_httpx(hub, VIDEO_BODY)

    @scenario
    def find(oxen: Any) -> Steps:
        for filters in FILTERS:
            jobs = yield oxen.jobs(status="succeeded", **filters)
            generations = yield collect(oxen.generations(status="succeeded", **filters))
            ids = [*(job.id for job in jobs), *(generation.generation_id for generation in generations)]
            assert ids == [expected] * 2, filters
            assert (yield oxen.jobs(status="failed", **filters)) == [], filters

    run(find, base_url=hub.url)


@pytest.mark.async_values
@pytest.mark.parametrize("method", ["jobs", "generations"])
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"status": "runing"}, "'queued', 'processing', 'succeeded', 'failed' or 'cancelled', got 'runing'"),
        ({"media_type": "images"}, "'image', 'video' or 'audio', got 'images'"),
        ({"status": ""}, "or 'cancelled', got ''"),
    ],
)
def test_invalid_filter_raises(run: ClientRunner, hub: Hub, method: str, filters: Any, expected: str) -> None:
    """A filter with a value that the API does not document raises before anything is sent."""
    error = run.expect_error(
        ox.ConfigurationError, lambda oxen: getattr(oxen, method)(**filters), base_url=hub.url
    )
    assert str(error).endswith(expected)
    assert hub.requests == []


@pytest.mark.slow
def test_pages_are_requested_when_reached(run: ClientRunner, hub: Hub) -> None:
    """Each page of the history is requested when the iteration reaches it."""
    ids = finish_jobs_via_httpx(hub, number=4) + finish_jobs_via_httpx(hub)
    requests: list[int] = []

    def count_requests(_: object) -> None:
        requests.append(hub.count("GET", HISTORY))

    found = run(lambda oxen: collect(oxen.generations(page_size=2), on_item=count_requests), base_url=hub.url)
    assert [job.generation_id for job in found] == ids[::-1]
    assert {type(job) for job in found} == {ox.Generation}
    assert requests == [1, 1, 2, 2, 3]
    assert hub.count("GET", HISTORY) == 3
    run(lambda oxen: collect(oxen.generations(page_size=2), 2), base_url=hub.url)
    assert hub.count("GET", HISTORY) == 4


@pytest.mark.slow
def test_history_can_be_iterated_twice(run: ClientRunner, hub: Hub) -> None:
    """Each iteration over the history begins with the newest job."""
    ids = finish_jobs_via_httpx(hub, number=3)

    @scenario
    def steps(oxen: Any) -> Steps:
        history = oxen.generations(page_size=2)
        return [job.generation_id for job in [*(yield collect(history)), *(yield collect(history))]]

    assert run(steps, base_url=hub.url) == ids[::-1] * 2


@pytest.mark.slow
def test_costs_are_decimals(run: ClientRunner, hub: Hub) -> None:
    """Costs of jobs and totals of pages are exact decimals."""
    hub.add_model(PRICED)
    finish_jobs_via_httpx(hub, {"model": "paid"}, 3)
    finish_jobs_via_httpx(hub, {"model": "paid", "prompt": 5})
    pages = run(lambda oxen: collect(oxen.generations(page_size=3).pages()), base_url=hub.url)
    assert [(page.number, len(page.generations)) for page in pages] == [(1, 3), (2, 1)]
    assert {(page.total_pages, page.total_entries, page.total_cost) for page in pages} == {
        (2, 4, Decimal("0.21"))
    }
    entries = [entry for page in pages for entry in page.generations]
    assert [entry.cost for entry in entries] == [None, *[Decimal("0.07")] * 3]
    assert [entry.error is None for entry in entries] == [False, True, True, True]


@pytest.mark.slow
def test_empty_history_has_one_page(run: ClientRunner, hub: Hub) -> None:
    """An empty history has no jobs and one page."""
    assert run(lambda oxen: collect(oxen.generations()), base_url=hub.url) == []
    [page] = run(lambda oxen: collect(oxen.generations().pages()), base_url=hub.url)
    assert (page.generations, page.number, page.total_entries) == ([], 1, 0)


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(("new", "size"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_new_jobs_between_pages_repeat_nothing(run: ClientRunner, hub: Hub, new: int, size: int) -> None:
    """Jobs that are added between two pages do not cause an old one to be yielded twice."""
    old = finish_jobs_via_httpx(hub, number=4)
    added: list[str] = []

    def add_jobs(_: object) -> None:
        if not added:
            added.extend(submit_via_httpx(hub, number=new))

    found = run(lambda oxen: collect(oxen.generations(page_size=size), on_item=add_jobs), base_url=hub.url)
    ids = [job.generation_id for job in found]
    assert len(set(ids)) == len(ids)
    assert [id for id in ids if id in old] == old[::-1]


def test_history_without_totals_ends_at_short_page(run: ClientRunner, server: RawServer) -> None:
    """Without totals, the history ends at a page that is not full."""

    def page(*ids: str, **values: Any) -> Response:
        entries = [{"generation_id": id, "status": "succeeded", "cost": "x"} for id in ids]
        return Response(body={"generations": entries, "total_cost": None, **values})

    server.responses[f"{HISTORY}?page=1&page_size=2"] = [page("a", "b")]
    server.responses[f"{HISTORY}?page=2&page_size=2"] = [page("c", total_entries=-1)]
    found = run(lambda oxen: collect(oxen.generations(page_size=2)), base_url=server.url)
    assert [(job.generation_id, job.cost) for job in found] == [("a", None), ("b", None), ("c", None)]
    assert len(server.requests) == 2


@pytest.mark.async_values
@pytest.mark.parametrize("size", [0, -1, 1001, 1.5, "2", True, None])
def test_invalid_page_size_raises(run: ClientRunner, hub: Hub, size: Any) -> None:
    """A page size that is not an integer from 1 to 1000 raises before anything is sent."""
    error = run.expect_error(
        ox.ConfigurationError, lambda oxen: oxen.generations(page_size=size), base_url=hub.url
    )
    assert "page_size" in str(error)
    assert hub.requests == []


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("body", [{}, {"generations": None}, {"generations": [{"status": "queued"}]}, "page"])
def test_response_without_jobs_raises(run: ClientRunner, hub: Hub, body: object) -> None:
    """A response without a list of jobs raises UnexpectedResponseError."""
    for path, call in ((QUEUE, "jobs"), (HISTORY, "generations")):
        hub.respond_next(200, body=body, path=path)

        def listed(oxen: Any, call: str = call) -> Any:
            return oxen.jobs() if call == "jobs" else collect(oxen.generations())

        run.expect_error(ox.UnexpectedResponseError, listed, base_url=hub.url)


@pytest.mark.slow
def test_get_requests_are_retried(run: ClientRunner, hub: Hub) -> None:
    """GET requests are retried after a 503."""
    [id] = finish_jobs_via_httpx(hub)
    for path in (QUEUE, HISTORY, f"{QUEUE}/{id}"):
        hub.respond_next(503, headers={"retry-after": "0"}, times=2, method="GET", path=path)

    @scenario
    def steps(oxen: Any) -> Steps:
        yield oxen.job(id).refresh()
        return len((yield oxen.jobs(status="succeeded"))), len((yield collect(oxen.generations())))

    before = hub.count("GET", "/")
    assert run(steps, base_url=hub.url) == (1, 1)
    assert hub.count("GET", "/") - before == 9


def count_openings(caplog: pytest.LogCaptureFixture) -> int:
    """Return how often the client has opened the event stream, after which it misses no event."""
    return sum("event stream is open" in record.getMessage() for record in caplog.records)


@pytest.mark.slow
def test_events_yields_jobs_of_other_processes(
    run: ClientRunner, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    """`events()` yields an event for each job of the user, whichever process submitted it."""
    caplog.set_level(logging.DEBUG, "oxen_models")

    def submit_jobs() -> list[str]:
        wait_until(lambda: count_openings(caplog))
        [failed] = submit_via_httpx(hub, {**EDIT_BODY, "prompt": 5})
        [succeeded] = submit_via_httpx(hub, VIDEO_BODY)
        return [failed, succeeded]

    with ThreadPoolExecutor(1) as pool:
        submitted = pool.submit(submit_jobs)
        events = run(lambda oxen: collect(oxen.events(), 2), base_url=hub.url)
        ids = submitted.result()
    assert {type(event) for event in events} == {ox.GenerationCompleted}
    failed, succeeded = sorted(events, key=lambda event: ids.index(event.generation_id))
    assert (failed.generation_id, failed.status, failed.url) == (ids[0], "failed", None)
    assert failed.error == "prompt: 5 is not of type 'string'"
    assert (succeeded.generation_id, succeeded.media_type) == (ids[1], "video")
    assert (succeeded.model, succeeded.error) == (VIDEO_BODY["model"], None)
    assert httpx.get(succeeded.url).status_code == 200
    assert succeeded.url not in repr(succeeded)


@pytest.mark.slow
def test_events_continue_after_a_reconnect(
    run: ClientRunner, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    """`events()` continues over a new connection if the server closes the first."""
    caplog.set_level(logging.DEBUG, "oxen_models")
    hub.inject_fault("events-cut-after", 2)

    def submit_jobs() -> list[str]:
        ids: list[str] = []
        for _ in range(2):
            # The event of each job ends a connection; events before the next one is open are missed.
            wait_until(lambda: count_openings(caplog) > len(ids))
            ids.extend(submit_via_httpx(hub))
        return ids

    with ThreadPoolExecutor(1) as pool:
        submitted = pool.submit(submit_jobs)
        events = run(lambda oxen: collect(oxen.events(), 2), base_url=hub.url)
        ids = submitted.result()
    assert [event.generation_id for event in events] == ids
    assert hub.count("GET", EVENTS) == 2


def test_events_end_when_the_client_is_closed(run: ClientRunner, hub: Hub) -> None:
    """Closing the client ends the iteration over `events()`."""

    @scenario
    def close_client(oxen: Any) -> Steps:
        yield wait_for(oxen, lambda: hub.count("GET", EVENTS))  # `events()` has begun
        yield close(oxen)

    def steps(oxen: Any) -> Any:
        return run_concurrently(oxen, lambda: collect(oxen.events()), lambda: close_client(oxen))

    events, closed = run(steps, base_url=hub.url)
    assert (events, closed) == ([], None)


@pytest.mark.slow
def test_events_and_waits_share_one_stream(run: ClientRunner, hub: Hub) -> None:
    """`events()` and a wait for a job read the same connection."""

    @scenario
    def submit_and_wait(oxen: Any) -> Steps:
        yield wait_for(oxen, lambda: hub.count("GET", EVENTS))  # `events()` has begun
        job = yield submit_edit(oxen)  # sends the request once the stream is open
        return (yield job.wait())

    def steps(oxen: Any) -> Any:
        return run_concurrently(oxen, lambda: collect(oxen.events(), 1), lambda: submit_and_wait(oxen))

    [event], status = run(steps, base_url=hub.url)
    assert (event.status, status) == ("succeeded", "succeeded")
    assert hub.count("GET", EVENTS) == 1


@pytest.mark.slow
@pytest.mark.parametrize("dialect", [Dialect(), Dialect(detail="wrapped", schema_key="request_schema")])
def test_models_are_listed_and_found(run: ClientRunner, dialect: Dialect) -> None:
    """Models are listed, filtered, searched and returned by id, in both formats of the API."""

    @scenario
    def steps(oxen: Any) -> Steps:
        every = yield oxen.models.list()
        some = yield oxen.models.list(developer="Absent & Sons")
        found = yield oxen.models.search("qwen image")
        return every, some, found, (yield oxen.models.get("qwen-image-edit-plus"))

    with Hub(dialect=dialect) as hub:
        every, some, found, one = run(steps, base_url=hub.url)
    assert {type(model) for model in [*every, one]} == {ox.HubModel}
    assert len(every) > 100
    assert some == []
    assert "qwen-image-edit-plus" in [model.id for model in found]
    assert len(found) < len(every)
    assert one in every
    assert (one.id, one.display_name) == ("qwen-image-edit-plus", "Qwen Image Edit - 2509")
    assert (one.inputs, one.outputs, one.model_type) == (("text", "image"), ("image",), "base")
    assert one.request_schema["required"] == ["prompt", "input_image"]
    assert one.record["id"] == one.id
    assert len(repr(one)) < 400


@pytest.mark.slow
def test_activate_and_deactivate_a_model(run: ClientRunner, hub: Hub) -> None:
    """A custom model is activated and deactivated; its id is quoted in the path."""
    hub.add_model({**PRICED, "id": "team/a model"})

    @scenario
    def steps(oxen: Any) -> Steps:
        models = oxen.models
        started = yield models.activate("team/a model")
        active = yield models.get("team/a model")
        stopped = yield models.deactivate("team/a model")
        return started.deployments, active.deployments, stopped.deployments

    assert run(steps, base_url=hub.url) == (("active",), ("active",), ("inactive",))


@pytest.mark.parametrize("call", ["activate", "deactivate"])
def test_activation_is_not_retried(run: ClientRunner, hub: Hub, call: str) -> None:
    """Activating and deactivating a model are not retried, because they may be billed."""
    hub.respond_next(500, times=None, method="POST")
    run.expect_error(ox.ServerError, lambda oxen: getattr(oxen.models, call)("any"), base_url=hub.url)
    assert hub.count("POST", "/") == 1


@pytest.mark.slow
def test_unknown_model_raises(run: ClientRunner, hub: Hub) -> None:
    """An unknown model raises NotFoundError, as does a server without the list."""
    for call in ("get", "activate", "deactivate"):
        error = run.expect_error(
            ox.NotFoundError,
            lambda oxen: getattr(oxen.models, call)("nope"),  # noqa: B023
            base_url=hub.url,
        )
        assert "Model not found: nope" in str(error)
    with Hub(dialect=Dialect(lists="old")) as old:
        run.expect_error(ox.NotFoundError, lambda oxen: oxen.models.list(), base_url=old.url)


INVALID_MODELS: list[dict[str, Any]] = [{}, {"data": 5}, {"data": [{}]}, {"models": [{"id": ""}]}]


@pytest.mark.async_values
@pytest.mark.parametrize("body", INVALID_MODELS)
def test_response_without_model_raises(run: ClientRunner, hub: Hub, body: object) -> None:
    """A response without a model raises UnexpectedResponseError."""
    calls: list[Step] = [lambda oxen: oxen.models.list(), lambda oxen: oxen.models.get("m")]
    for call in calls:
        hub.respond_next(200, body=body)
        run.expect_error(ox.UnexpectedResponseError, call, base_url=hub.url)


def test_old_names_in_a_list_of_models(run: ClientRunner, hub: Hub) -> None:
    """Names of an older list of models are accepted."""
    record: dict[str, Any] = {"name": "m", "summary": "Makes.", "capabilities": 5, "deployments": [{}, 5]}
    hub.respond_next(200, body={"models": [record]})
    [model] = run(lambda oxen: oxen.models.list(), base_url=hub.url)
    assert (model.id, model.display_name, model.description) == ("m", "m", "Makes.")
    assert (model.inputs, model.deployments, model.request_schema) == ((), ("unknown",), None)


def test_history_stops_at_a_page_without_new_jobs(run: ClientRunner, server: RawServer) -> None:
    """A server that returns the same page again and again does not keep the iteration going."""
    entries = [{"generation_id": id, "status": "succeeded"} for id in ("a", "b")]
    body = {"generations": entries, "total_pages": 9, "total_entries": 18}
    for number in range(1, 10):
        server.responses[f"{HISTORY}?page={number}&page_size=2"] = [Response(body=body)]
    found = run(lambda oxen: collect(oxen.generations(page_size=2)), base_url=server.url)
    assert [generation.generation_id for generation in found] == ["a", "b"]
    assert len(server.requests) == 2


def test_generation_of_unknown_job_raises(run: ClientRunner, hub: Hub) -> None:
    """A job that the history does not have is a `JobNotFound`."""
    error = run.expect_error(ox.JobNotFound, lambda oxen: oxen.generation("nope"), base_url=hub.url)
    assert error.generation_id == "nope"
