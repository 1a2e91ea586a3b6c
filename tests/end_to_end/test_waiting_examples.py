"""Tests of the two ways of waiting that the API's examples show, and of the race in the second one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import httpx
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import COMPLETED, EDIT_BODY, END_STATUSES, EVENTS, QUEUE, enqueue, open_client
from helpers.scenario import Steps, scenario, submit_edit
from oxen_models.testing import Hub

SPEED = 100


def wait_by_polling(api: httpx.Client, body: dict[str, Any], interval: float) -> dict[str, Any]:
    """Submit a job, and poll it until it ends."""
    [id] = enqueue(api, body)
    while True:
        job: dict[str, Any] = api.get(f"{QUEUE}/{id}").json()
        if job["status"] in END_STATUSES:
            return job
        time.sleep(interval)


def wait_by_events(api: httpx.Client, body: dict[str, Any], max_comments: int) -> dict[str, Any] | None:
    """Submit a job, and only then open the event stream and wait for the job's event.

    Returns:
        The event, None if there is none before that many keep-alive comments.
    """
    [id] = enqueue(api, body)
    name, comments = "", 0
    with api.stream("GET", EVENTS) as stream:
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and name == COMPLETED:
                event: dict[str, Any] = json.loads(line.removeprefix("data: "))
                if event["generation_id"] == id:
                    return event
            elif line.startswith(":"):
                comments += 1
                if comments == max_comments:
                    return None
    raise AssertionError("the stream ended")


@pytest.fixture
def early_hub() -> Iterator[Hub]:
    """A hub whose jobs end, and have their event, before the response to the submission."""
    with Hub(speed=SPEED) as hub:
        hub.inject_fault("events-early")
        yield hub


@scenario
def wait_for_result(oxen: Any) -> Steps:
    """Submit a job and return its id and the URL of its result."""
    job = yield submit_edit(oxen)
    result = yield job.result()
    return job.id, result.images[0].url


@pytest.mark.parametrize("body", [EDIT_BODY, {**EDIT_BODY, "prompt": 5}], ids=["succeeds", "fails"])
def test_polling_ends(body: dict[str, Any]) -> None:
    """Polling ends when the job has succeeded or failed."""
    with Hub(speed=SPEED) as hub, open_client(hub) as api:
        job = wait_by_polling(api, body, interval=0.005)
    is_valid = body is EDIT_BODY
    assert job["status"] == ("succeeded" if is_valid else "failed")
    assert (job["result_url"] is not None, job["error_message"] is None) == (is_valid, is_valid)


def test_event_of_a_slow_job_is_received(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that ends after the stream is open has an event."""
    runner_class: Any = import_module("oxen_models.testing._runner").Runner
    finish = runner_class._finish

    def finish_once_connected(runner: Any, job: object) -> None:
        if runner._state.broadcast.has_listeners:
            finish(runner, job)
        else:
            asyncio.get_running_loop().call_later(0.002, finish_once_connected, runner, job)

    monkeypatch.setattr(runner_class, "_finish", finish_once_connected)
    with Hub(speed=SPEED) as hub, open_client(hub) as api:
        event = wait_by_events(api, EDIT_BODY, max_comments=100)
    assert event is not None
    assert (event["status"], event["model"]) == ("succeeded", EDIT_BODY["model"])


def test_event_of_a_fast_job_is_missed(early_hub: Hub) -> None:
    """A job that ends before the stream is open has no event."""
    with open_client(early_hub) as api:
        assert wait_by_events(api, EDIT_BODY, max_comments=3) is None
        [job] = api.get(QUEUE, params={"status": "succeeded"}).json()["generations"]
    assert job["result_url"] is not None


def test_client_receives_event_of_a_fast_job(run: ClientRunner, early_hub: Hub) -> None:
    """The client opens the stream before it submits, so that it receives the event without a poll."""
    id, url = run(wait_for_result, base_url=early_hub.url)
    assert f"/workspaces/{id}/files/" in str(url)
    requests = [(request.method, request.path) for request in early_hub.requests]
    assert requests == [("GET", EVENTS), ("POST", QUEUE)]
