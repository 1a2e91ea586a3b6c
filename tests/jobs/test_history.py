"""What is in the queue, what was, what ends, and the models as the hub has them now."""

from __future__ import annotations

import threading
from collections.abc import Iterator
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


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub whose jobs are over soon."""
    with Hub(generation_time=0.02) as running:
        yield running


def test_jobs_that_are_not_over(run: ClientRunner) -> None:
    with Hub(generation_time=3600) as hub:
        [image] = submit_via_httpx(hub)
        [video] = submit_via_httpx(hub, VIDEO_BODY)
        [cancelled] = submit_via_httpx(hub)
        httpx.delete(f"{hub.url}{QUEUE}/{cancelled}", headers=AUTH_HEADERS)
        jobs = run(lambda oxen: oxen.jobs(), base_url=hub.url)
        others = run(lambda oxen: oxen.jobs(status="cancelled"), base_url=hub.url)
    assert {type(job) for job in jobs} == {run.get_class("Job")}
    told = [(job.id, job.status, job.generation.media_type) for job in jobs]
    assert told == [(image, "queued", "image"), (video, "queued", "video")]
    assert [(job.id, job.status) for job in others] == [(cancelled, "cancelled")]


def test_listed_jobs_are_jobs(run: ClientRunner, hub: Hub) -> None:
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


@pytest.mark.parametrize("what", ["jobs", "generations"])
@pytest.mark.parametrize(
    "filters",
    [
        {"model": "qwen-image-edit-plus"},
        {"media_type": "image"},
        {"namespace": "herd"},
        {"repo": "herd/barn"},
        {"folder": "a b/ö&c"},
        {"folder": "a b/ö&c", "media_type": "image"},
    ],
    ids=lambda filters: "+".join(filters),
)
def test_filters(run: ClientRunner, hub: Hub, what: str, filters: dict[str, str]) -> None:
    targets: dict[str, Any] = {
        "target_namespace": "herd",
        "target_repo": "herd/barn",
        "target_directory": "a b/ö&c",
    }
    [wanted], _ = finish_jobs_via_httpx(hub, **targets), finish_jobs_via_httpx(hub, VIDEO_BODY)

    def found(oxen: Any) -> Any:
        if what == "jobs":
            return oxen.jobs(status="succeeded", **filters)
        return collect(oxen.generations(status="succeeded", **filters))

    told = run(found, base_url=hub.url)
    assert [each.id if what == "jobs" else each.generation_id for each in told] == [wanted]
    assert run(lambda oxen: oxen.jobs(status="failed", **filters), base_url=hub.url) == []


@pytest.mark.parametrize("what", ["jobs", "generations"])
@pytest.mark.parametrize(
    ("filters", "choices"),
    [
        ({"status": "runing"}, "'queued', 'processing', 'succeeded', 'failed' or 'cancelled', got 'runing'"),
        ({"media_type": "images"}, "'image' or 'video', got 'images'"),
        ({"status": ""}, "or 'cancelled', got ''"),
    ],
)
def test_filter_that_nothing_fits(run: ClientRunner, hub: Hub, what: str, filters: Any, choices: str) -> None:
    error = run.expect_error(
        ox.ConfigurationError, lambda oxen: getattr(oxen, what)(**filters), base_url=hub.url
    )
    assert str(error).endswith(choices)
    assert hub.requests == []


def test_pages_are_asked_for_as_they_are_reached(run: ClientRunner, hub: Hub) -> None:
    ids = finish_jobs_via_httpx(hub, number=4) + finish_jobs_via_httpx(hub)
    asked: list[int] = []

    def note(_: object) -> None:
        asked.append(hub.count("GET", HISTORY))

    found = run(lambda oxen: collect(oxen.generations(page_size=2), on_item=note), base_url=hub.url)
    assert [each.generation_id for each in found] == ids[::-1]
    assert {type(each) for each in found} == {ox.Generation}
    assert asked == [1, 1, 2, 2, 3]
    assert hub.count("GET", HISTORY) == 3
    run(lambda oxen: collect(oxen.generations(page_size=2), 2), base_url=hub.url)
    assert hub.count("GET", HISTORY) == 4


def test_history_is_iterated_over_again_from_the_start(run: ClientRunner, hub: Hub) -> None:
    ids = finish_jobs_via_httpx(hub, number=3)

    @scenario
    def steps(oxen: Any) -> Steps:
        history = oxen.generations(page_size=2)
        return [each.generation_id for each in [*(yield collect(history)), *(yield collect(history))]]

    assert run(steps, base_url=hub.url) == ids[::-1] * 2


def test_costs_are_exact(run: ClientRunner, hub: Hub) -> None:
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


def test_history_that_is_empty(run: ClientRunner, hub: Hub) -> None:
    assert run(lambda oxen: collect(oxen.generations()), base_url=hub.url) == []
    [page] = run(lambda oxen: collect(oxen.generations().pages()), base_url=hub.url)
    assert (page.generations, page.number, page.total_entries) == ([], 1, 0)


@pytest.mark.parametrize("new", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2])
def test_nothing_is_told_twice_though_more_comes_in_between(
    run: ClientRunner, hub: Hub, new: int, size: int
) -> None:
    old = finish_jobs_via_httpx(hub, number=4)
    came: list[str] = []

    def more(_: object) -> None:
        if not came:
            came.extend(submit_via_httpx(hub, number=new))

    found = run(lambda oxen: collect(oxen.generations(page_size=size), on_item=more), base_url=hub.url)
    told = [each.generation_id for each in found]
    assert len(set(told)) == len(told)
    assert [id for id in told if id in old] == old[::-1]


def test_older_history_does_not_count_its_pages(run: ClientRunner, server: RawServer) -> None:
    def page(*ids: str, **more: Any) -> Response:
        entries = [{"generation_id": id, "status": "succeeded", "cost": "x"} for id in ids]
        return Response(body={"generations": entries, "total_cost": None, **more})

    server.responses[f"{HISTORY}?page=1&page_size=2"] = [page("a", "b")]
    server.responses[f"{HISTORY}?page=2&page_size=2"] = [page("c", total_entries=-1)]
    found = run(lambda oxen: collect(oxen.generations(page_size=2)), base_url=server.url)
    assert [(each.generation_id, each.cost) for each in found] == [("a", None), ("b", None), ("c", None)]
    assert len(server.requests) == 2


@pytest.mark.parametrize("size", [0, -1, 1001, 1.5, "2", True, None])
def test_page_size_has_to_be_one(run: ClientRunner, hub: Hub, size: Any) -> None:
    error = run.expect_error(
        ox.ConfigurationError, lambda oxen: oxen.generations(page_size=size), base_url=hub.url
    )
    assert "page_size" in str(error)
    assert hub.requests == []


@pytest.mark.parametrize("body", [{}, {"generations": None}, {"generations": [{"status": "queued"}]}, "page"])
def test_what_is_no_list(run: ClientRunner, hub: Hub, body: object) -> None:
    for path, call in ((QUEUE, "jobs"), (HISTORY, "generations")):
        hub.respond_next(200, body=body, path=path)

        def listed(oxen: Any, call: str = call) -> Any:
            return oxen.jobs() if call == "jobs" else collect(oxen.generations())

        run.expect_error(ox.UnexpectedResponseError, listed, base_url=hub.url)


def test_reading_is_tried_again(run: ClientRunner, hub: Hub) -> None:
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


def test_events_of_all_jobs_of_the_user(run: ClientRunner, hub: Hub) -> None:
    ids: list[str] = []

    def others() -> None:
        wait_until(lambda: hub.count("GET", EVENTS))
        ids.extend(submit_via_httpx(hub, {**EDIT_BODY, "prompt": 5}) + submit_via_httpx(hub, VIDEO_BODY))

    thread = threading.Thread(target=others)
    thread.start()
    told = run(lambda oxen: collect(oxen.events(), 2), base_url=hub.url)
    thread.join()
    assert {type(event) for event in told} == {ox.GenerationCompleted}
    failed, succeeded = sorted(told, key=lambda event: ids.index(event.generation_id))
    assert (failed.generation_id, failed.status, failed.url) == (ids[0], "failed", None)
    assert "prompt: 5 is not of type 'string'" in failed.error
    assert (succeeded.generation_id, succeeded.media_type) == (ids[1], "video")
    assert (succeeded.model, succeeded.error) == (VIDEO_BODY["model"], None)
    assert httpx.get(succeeded.url).status_code == 200
    assert succeeded.url not in repr(succeeded)


def test_events_go_on_over_a_new_connection(run: ClientRunner, hub: Hub) -> None:
    hub.inject_fault("events-cut-after", 2)
    ids: list[str] = []

    def others() -> None:
        for _ in range(2):
            # The last one of each connection: what ends before the next one is open is not told.
            wait_until(lambda: hub.count("GET", EVENTS) > len(ids))
            ids.extend(submit_via_httpx(hub))

    thread = threading.Thread(target=others)
    thread.start()
    told = run(lambda oxen: collect(oxen.events(), 2), base_url=hub.url)
    thread.join()
    assert [event.generation_id for event in told] == ids
    assert hub.count("GET", EVENTS) == 2


def test_events_end_with_the_client(run: ClientRunner, hub: Hub) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        yield submit_edit(oxen)
        return (yield run_concurrently(oxen, lambda: collect(oxen.events()), lambda: close(oxen)))

    told, _ = run(steps, base_url=hub.url)
    assert len(told) <= 1


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


@pytest.mark.parametrize("dialect", [Dialect(), Dialect(detail="wrapped", schema_key="request_schema")])
def test_models_as_the_hub_has_them(run: ClientRunner, dialect: Dialect) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        every = yield oxen.models.list()
        some = yield oxen.models.list(developer="Nobody & Sons")
        found = yield oxen.models.search("qwen image")
        return every, some, found, (yield oxen.models.get("qwen-image-edit-plus"))

    with Hub(dialect=dialect) as hub:
        every, some, found, one = run(steps, base_url=hub.url)
    assert {type(each) for each in [*every, one]} == {ox.HubModel}
    assert len(every) > 100
    assert some == []
    assert "qwen-image-edit-plus" in [each.id for each in found]
    assert len(found) < len(every)
    assert one in every
    assert (one.id, one.display_name) == ("qwen-image-edit-plus", "Qwen Image Edit - 2509")
    assert (one.inputs, one.outputs, one.model_type) == (("text", "image"), ("image",), "base")
    assert one.request_schema["required"] == ["prompt", "input_image"]
    assert one.record["id"] == one.id
    assert len(repr(one)) < 400


def test_custom_model_is_started_and_stopped(run: ClientRunner, hub: Hub) -> None:
    hub.add_model({**PRICED, "id": "team/a model"})

    @scenario
    def steps(oxen: Any) -> Steps:
        models = oxen.models
        started = yield models.activate("team/a model")
        now = yield models.get("team/a model")
        stopped = yield models.deactivate("team/a model")
        return started.deployments, now.deployments, stopped.deployments

    assert run(steps, base_url=hub.url) == (("active",), ("active",), ("inactive",))


@pytest.mark.parametrize("call", ["activate", "deactivate"])
def test_what_costs_money_is_not_repeated(run: ClientRunner, hub: Hub, call: str) -> None:
    hub.respond_next(500, times=None, method="POST")
    run.expect_error(ox.ServerError, lambda oxen: getattr(oxen.models, call)("any"), base_url=hub.url)
    assert hub.count("POST", "/") == 1


def test_model_that_is_not_there(run: ClientRunner, hub: Hub) -> None:
    for call in ("get", "activate", "deactivate"):
        error = run.expect_error(
            ox.NotFoundError,
            lambda oxen: getattr(oxen.models, call)("nope"),  # noqa: B023
            base_url=hub.url,
        )
        assert "Model not found: nope" in str(error)
    with Hub(dialect=Dialect(lists="old")) as old:
        run.expect_error(ox.NotFoundError, lambda oxen: oxen.models.list(), base_url=old.url)


NO_MODEL: list[dict[str, Any]] = [{}, {"data": 5}, {"data": [{}]}, {"models": [{"id": ""}]}]


@pytest.mark.parametrize("body", NO_MODEL)
def test_what_is_no_model(run: ClientRunner, hub: Hub, body: object) -> None:
    calls: list[Step] = [lambda oxen: oxen.models.list(), lambda oxen: oxen.models.get("m")]
    for call in calls:
        hub.respond_next(200, body=body)
        run.expect_error(ox.UnexpectedResponseError, call, base_url=hub.url)


def test_older_names_in_a_list_of_models(run: ClientRunner, hub: Hub) -> None:
    told: dict[str, Any] = {"name": "m", "summary": "Makes.", "capabilities": 5, "deployments": [{}, 5]}
    hub.respond_next(200, body={"models": [told]})
    [model] = run(lambda oxen: oxen.models.list(), base_url=hub.url)
    assert (model.id, model.display_name, model.description) == ("m", "m", "Makes.")
    assert (model.inputs, model.deployments, model.request_schema) == ((), ("unknown",), None)
