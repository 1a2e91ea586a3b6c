"""The two ways of waiting that the API's own examples show, and where the second one never ends."""

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
from helpers.hub_api import EDIT_BODY, EVENTS, QUEUE
from helpers.scenario import Steps, scenario, submit_edit
from oxen_models.testing import Hub

FAST = 100


def client(hub: Hub) -> httpx.Client:
    return httpx.Client(base_url=hub.url, headers={"authorization": f"Bearer {ClientRunner.KEY}"})


def enqueued(api: httpx.Client, body: dict[str, Any]) -> str:
    id: str = api.post(QUEUE, json=body).raise_for_status().json()["generations"][0]["generation_id"]
    return id


def by_polling(api: httpx.Client, body: dict[str, Any], pause: float) -> dict[str, Any]:
    """Enqueue, then ask again and again."""
    id = enqueued(api, body)
    while True:
        job: dict[str, Any] = api.get(f"{QUEUE}/{id}").json()
        if job["status"] in ("succeeded", "failed", "cancelled"):
            return job
        time.sleep(pause)


def by_listening(api: httpx.Client, body: dict[str, Any], most_silence: int) -> dict[str, Any] | None:
    """Enqueue, and only then listen; None after so many signs of life with no event between them."""
    id = enqueued(api, body)
    name, silence = "", 0
    with api.stream("GET", EVENTS) as stream:
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and name == "media_generation_completed":
                event: dict[str, Any] = json.loads(line.removeprefix("data: "))
                if event["generation_id"] == id:
                    return event
            elif line.startswith(":"):
                silence += 1
                if silence == most_silence:
                    return None
    raise AssertionError("the stream never ends by itself")


@pytest.fixture
def early() -> Iterator[Hub]:
    """A hub that ends a job, and tells of it, before it answers that it has taken it."""
    with Hub(speed=FAST) as hub:
        hub.inject_fault("events-early")
        yield hub


@scenario
def result(oxen: Any) -> Steps:
    job = yield submit_edit(oxen)
    made = yield job.result()
    return job.id, made.images[0].url


@pytest.mark.parametrize("body", [EDIT_BODY, {**EDIT_BODY, "prompt": 5}], ids=["succeeds", "fails"])
def test_polling_ends(body: dict[str, Any]) -> None:
    with Hub(speed=FAST) as hub, client(hub) as api:
        job = by_polling(api, body, pause=0.005)
        asked = hub.count("GET", QUEUE)
    assert job["status"] == ("succeeded" if body is EDIT_BODY else "failed")
    assert (job["result_url"] is None, job["error_message"] is None) == (
        body is not EDIT_BODY,
        body is EDIT_BODY,
    )
    assert asked >= 1


def test_listening_hears_of_a_job_that_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes until somebody listens: how soon that is, is the machine's affair."""
    runners: Any = import_module("oxen_models.testing._runner").Runner
    finish = runners._finish

    def once_heard(runner: Any, job: object) -> None:
        if runner._state.broadcast.heard:
            finish(runner, job)
        else:
            asyncio.get_running_loop().call_later(0.002, once_heard, runner, job)

    monkeypatch.setattr(runners, "_finish", once_heard)
    with Hub(speed=FAST) as hub, client(hub) as api:
        event = by_listening(api, EDIT_BODY, most_silence=100)
    assert event is not None
    assert (event["status"], event["model"]) == ("succeeded", EDIT_BODY["model"])


def test_listening_never_hears_of_a_job_that_was_faster(early: Hub) -> None:
    with client(early) as api:
        assert by_listening(api, EDIT_BODY, most_silence=3) is None
        [job] = api.get(QUEUE, params={"status": "succeeded"}).json()["generations"]
    assert job["result_url"] is not None


def test_who_listens_first_hears_of_it(run: ClientRunner, early: Hub) -> None:
    id, url = run(result, base_url=early.url)
    assert url == f"{early.url}/files/{id}.png"
    # It was the event that told: nobody asked.
    asked = [(request.method, request.path) for request in early.requests]
    assert asked == [("GET", EVENTS), ("POST", QUEUE)]
