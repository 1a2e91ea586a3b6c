"""Requests to the stand-in hub with httpx alone, and its event stream."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import httpx
from oxen_models.testing import Hub

EDIT = "/api/ai/images/edit"
QUEUE = "/api/ai/queue"
EVENTS = "/api/events"
COMPLETED = "media_generation_completed"
AUTH_HEADERS = {"authorization": "Bearer any"}
DOG_URL = "https://example.com/dog.png"
EDIT_BODY: dict[str, Any] = {"model": "qwen-image-edit-plus", "prompt": "x", "input_image": [DOG_URL]}
VIDEO_BODY: dict[str, Any] = {"model": "wan-v2-7-text-to-video", "prompt": "x"}
FILM_BODY: dict[str, Any] = {"model": "film", "prompt": "x"}
END_STATUSES = ("succeeded", "failed", "cancelled")
WAIT_TIMEOUT = 120.0
"""Seconds: much longer than any wait takes on a busy machine."""


def open_client(hub: Hub) -> httpx.Client:
    """Return an httpx client for the API of `hub`."""
    return httpx.Client(
        base_url=hub.url, headers=AUTH_HEADERS, timeout=WAIT_TIMEOUT, trust_env=False, verify=False
    )


def read_bodies(hub: Hub) -> list[Any]:
    """Return the bodies of the POST requests that the hub received."""
    return [request.body for request in hub.requests if request.method == "POST"]


def wait_until(condition: Callable[[], Any]) -> Any:
    """Call `condition` until it returns something true, and return that."""
    deadline = time.monotonic() + WAIT_TIMEOUT
    delay = 0.001
    while not (value := condition()):
        assert time.monotonic() < deadline, f"nothing came within {WAIT_TIMEOUT} s"
        time.sleep(delay)
        delay = min(2 * delay, 0.02)
    return value


def stop_hub(hub: Hub) -> bool:
    """Stop the hub and return whether it stopped, although connections may be open."""
    thread = threading.Thread(target=hub.__exit__, args=(None, None, None), daemon=True)
    thread.start()
    thread.join(WAIT_TIMEOUT)
    return not thread.is_alive()


def enqueue(api: httpx.Client, body: dict[str, Any] = EDIT_BODY, **parameters: Any) -> list[str]:
    """Submit a request to the queue and return the ids of its jobs."""
    response = api.post(QUEUE, json={**body, **parameters})
    assert response.status_code == 200, response.text
    jobs = response.json()["generations"]
    assert {job["status"] for job in jobs} == {"queued"}
    return [job["generation_id"] for job in jobs]


def get_job(api: httpx.Client, job_id: str) -> dict[str, Any]:
    """Return the record of a job in the queue."""
    job: dict[str, Any] = api.get(f"{QUEUE}/{job_id}").raise_for_status().json()
    return job


def wait_for_end(api: httpx.Client, job_id: str) -> dict[str, Any]:
    """Poll a job until it ends and return its record."""
    wait_until(lambda: get_job(api, job_id)["status"] in END_STATUSES)
    return get_job(api, job_id)


def list_ids(api: httpx.Client, path: str = QUEUE, **filters: Any) -> list[str]:
    """Return the ids of the jobs that the hub lists."""
    listed = api.get(path, params=filters).raise_for_status().json()
    assert listed["count"] == len(listed["generations"])
    return [job["generation_id"] for job in listed["generations"]]


def submit_via_httpx(
    hub: Hub, body: dict[str, Any] = EDIT_BODY, number: int = 1, **parameters: Any
) -> list[str]:
    """Submit jobs from outside the client under test and return their ids."""
    with open_client(hub) as api:
        return enqueue(api, body, num_generations=number, **parameters)


def finish_jobs_via_httpx(
    hub: Hub, body: dict[str, Any] = EDIT_BODY, number: int = 1, **parameters: Any
) -> list[str]:
    """Submit jobs from outside the client under test, wait for their end, and return their ids."""
    ids = submit_via_httpx(hub, body, number, **parameters)
    with open_client(hub) as api:
        wait_until(lambda: not list_ids(api))
    return ids


def trigger_event(hub: Hub) -> None:
    """Cause an event, which ends the streams that are to be cut after one."""
    with open_client(hub) as api:
        api.post(f"/api/ai/models/{EDIT_BODY['model']}/activate").raise_for_status()


class EventStream:
    """An open event stream, read frame by frame."""

    def __init__(self, response: httpx.Response) -> None:
        self.chunks: list[bytes] = []
        self._pieces = response.iter_raw()
        self._rest = b""

    def read_frame(self) -> bytes:
        """Return all bytes up to the next blank line."""
        while b"\n\n" not in self._rest:
            self.chunks.append(next(self._pieces))
            self._rest += self.chunks[-1]
        frame, _, self._rest = self._rest.partition(b"\n\n")
        return frame

    def read_event(self) -> tuple[str, dict[str, Any]]:
        """Return the name and the data of the next event, skipping comments."""
        while True:
            frame = self.read_frame()
            if not frame.startswith(b":"):
                name, data = frame.split(b"\n")
                return name.removeprefix(b"event: ").decode(), json.loads(data.removeprefix(b"data: "))

    def read_completed(self) -> dict[str, Any]:
        """Return the data of the next event about a completed job."""
        while True:
            name, data = self.read_event()
            if name == COMPLETED:
                return data


@contextmanager
def open_stream(hub: Hub) -> Generator[EventStream]:
    """Open the event stream of `hub`."""
    with open_client(hub) as api, api.stream("GET", EVENTS) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["server"] == "models-standin"
        yield EventStream(response)
