"""Asking the stand-in hub for jobs, and hearing of them, over real sockets."""

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
KEY = {"Authorization": "Bearer key"}
BODY: dict[str, Any] = {
    "model": "qwen-image-edit-plus",
    "prompt": "Add a hat",
    "input_image": ["https://example.invalid/dog.png"],
}
FILM: dict[str, Any] = {"model": "film", "prompt": "An ox walks"}
ENDED = ("succeeded", "failed", "cancelled")


def model(name: str = "m", output: str = "image", **more: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {"prompt": {"type": "string"}}}
    return {"id": name, "capabilities": {"output": [output]}, "json_request_schema": schema, **more}


def client(hub: Hub) -> httpx.Client:
    return httpx.Client(base_url=hub.url, headers=KEY, timeout=10, trust_env=False)


def until(what: Callable[[], Any], seconds: float = 30) -> Any:
    """What `what` gives as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.002)
    return value


def stops(hub: Hub) -> bool:
    """Whether the hub stops, whatever is open; one that waits for its clients would do so for good."""
    thread = threading.Thread(target=hub.__exit__, args=(None, None, None), daemon=True)
    thread.start()
    thread.join(30)
    return not thread.is_alive()


def enqueue(api: httpx.Client, body: dict[str, Any] = BODY, **more: Any) -> list[str]:
    answer = api.post(QUEUE, json={**body, **more})
    assert answer.status_code == 200, answer.text
    generations = answer.json()["generations"]
    assert {each["status"] for each in generations} == {"queued"}
    return [each["generation_id"] for each in generations]


def one(api: httpx.Client, id: str) -> dict[str, Any]:
    job: dict[str, Any] = api.get(f"{QUEUE}/{id}").raise_for_status().json()
    return job


def ended(api: httpx.Client, id: str) -> dict[str, Any]:
    until(lambda: one(api, id)["status"] in ENDED)
    return one(api, id)


def ids(api: httpx.Client, path: str = QUEUE, **asked: Any) -> list[str]:
    answer = api.get(path, params=asked).raise_for_status().json()
    assert answer["count"] == len(answer["generations"])
    return [each["generation_id"] for each in answer["generations"]]


class Stream:
    """An event stream that is open."""

    def __init__(self, answer: httpx.Response) -> None:
        self.chunks: list[bytes] = []
        self._answer = answer
        self._pieces = answer.iter_raw()
        self._rest = b""

    def frame(self) -> bytes:
        """All up to the next blank line."""
        while b"\n\n" not in self._rest:
            self.chunks.append(next(self._pieces))
            self._rest += self.chunks[-1]
        frame, _, self._rest = self._rest.partition(b"\n\n")
        return frame

    def event(self) -> tuple[str, dict[str, Any]]:
        while True:
            frame = self.frame()
            if not frame.startswith(b":"):
                name, data = frame.split(b"\n")
                return name.removeprefix(b"event: ").decode(), json.loads(data.removeprefix(b"data: "))

    def completed(self) -> dict[str, Any]:
        while True:
            name, data = self.event()
            if name == COMPLETED:
                return data


@contextmanager
def listening(hub: Hub) -> Generator[Stream]:
    with client(hub) as opened, opened.stream("GET", EVENTS) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["server"] == "models-standin"
        yield Stream(answer)
