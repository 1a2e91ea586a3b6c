"""One test for both kinds of client: steps that are awaited where there is something to await."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import wraps
from typing import Any

import httpx
from oxen_models import AsyncOxen
from oxen_models.testing import Hub

QUEUE = "/api/ai/queue"
EVENTS = "/api/events"
DOG = "https://example.com/dog.png"
EDITED = {"model": "qwen-image-edit-plus", "prompt": "x", "input_image": [DOG]}
ANY = {"authorization": "Bearer any"}
FILMED = {"model": "wan-v2-7-text-to-video", "prompt": "x"}

Steps = Generator[Any, Any, Any]
Step = Callable[[Any], Any]


def steps(scenario: Callable[..., Steps]) -> Callable[..., Any]:
    """A generator that gets the result of each call that it yields, as a step of `ClientRunner`."""

    @wraps(scenario)
    def step(client: Any, *args: Any) -> Any:
        going = scenario(client, *args)
        return _awaited(going) if isinstance(client, AsyncOxen) else _driven(going)

    return step


def _driven(going: Steps) -> Any:
    value: Any = None
    while True:
        try:
            value = going.send(value)
        except StopIteration as over:
            return over.value


async def _awaited(going: Steps) -> Any:
    value: Any = None
    failure: Exception | None = None
    while True:
        try:
            value = going.send(value) if failure is None else going.throw(failure)
        except StopIteration as over:
            return over.value
        failure = None
        try:
            value = await value if inspect.isawaitable(value) else value
        except Exception as error:
            failure = error


def collected(items: Any, most: int = 1_000_000, then: Callable[[Any], object] = str) -> Any:
    """The first so many of what either kind of client iterates over; `then` is called with each."""
    if not hasattr(items, "__aiter__"):
        found: list[Any] = []
        for _, item in zip(range(most), items, strict=False):
            found.append(item)
            then(item)
        return found

    async def awaited() -> list[Any]:
        found: list[Any] = []
        async with aclosing(aiter(items)) as opened:
            async for item in opened:
                found.append(item)
                then(item)
                if len(found) == most:
                    break
        return found

    return awaited()


def at_once(oxen: Any, *calls: Callable[[], Any]) -> Any:
    """What each call gives, or its error; they go on at the same time."""
    if isinstance(oxen, AsyncOxen):
        return asyncio.gather(*(call() for call in calls), return_exceptions=True)
    with ThreadPoolExecutor(len(calls)) as pool:
        pending = [pool.submit(call) for call in calls]
    return [each.exception() or each.result() for each in pending]


def closed(oxen: Any) -> Any:
    """Close it."""
    return oxen.aclose() if isinstance(oxen, AsyncOxen) else oxen.close()


def until(what: Callable[[], Any], seconds: float = 30) -> Any:
    """What `what` gives as soon as that is something: for what another program does in its own time."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.002)
    return value


def met(oxen: Any, what: Callable[[], Any]) -> Any:
    """The same as a step, beside which either kind of client goes on."""
    return asyncio.to_thread(until, what) if isinstance(oxen, AsyncOxen) else until(what)


def trigger_event(hub: Hub) -> None:
    """Another program makes an event, which ends the streams that are to be cut after one."""
    httpx.post(f"{hub.url}/api/ai/models/{EDITED['model']}/activate", headers=ANY).raise_for_status()


def submit_via_httpx(hub: Hub, body: dict[str, Any] = EDITED, number: int = 1, **more: Any) -> list[str]:
    """The ids of jobs that another program puts in the queue."""
    body = {**body, "num_generations": number, **more}
    answer = httpx.post(hub.url + QUEUE, json=body, headers=ANY).raise_for_status()
    return [str(each["generation_id"]) for each in answer.json()["generations"]]


def finish_jobs_via_httpx(hub: Hub, body: dict[str, Any] = EDITED, number: int = 1, **more: Any) -> list[str]:
    """The ids of jobs that are over."""
    ids = submit_via_httpx(hub, body, number, **more)
    until(lambda: httpx.get(hub.url + QUEUE, headers=ANY).json()["count"] == 0)
    return ids


def submit(oxen: Any, **parameters: Any) -> Any:
    """An image edit in the queue."""
    return oxen.images.qwen_image_edit_plus.submit(**{"prompt": "x", "input_image": [DOG], **parameters})


def submit_many(oxen: Any, number: int, **parameters: Any) -> Any:
    """So many image edits in the queue."""
    edit = oxen.images.qwen_image_edit_plus
    return edit.submit_many(num_generations=number, prompt="x", input_image=[DOG], **parameters)


def film(oxen: Any) -> Any:
    """A video in the queue."""
    return oxen.videos.wan_v2_7_text_to_video.submit(prompt="x")
