"""One test for both kinds of client: steps that are awaited where they return an awaitable."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import wraps
from typing import Any

from oxen_models import AsyncOxen
from oxen_models.images import QwenImageEditPlusRequest

from helpers.hub_api import DOG_URL, wait_until

Steps = Generator[Any, Any, Any]
Step = Callable[[Any], Any]


def scenario(steps: Callable[..., Steps]) -> Callable[..., Any]:
    """Make a step of `ClientRunner` from a generator that receives the result of each call it yields."""

    @wraps(steps)
    def step(client: Any, *args: Any) -> Any:
        generator = steps(client, *args)
        return _run_async(generator) if isinstance(client, AsyncOxen) else _run_sync(generator)

    return step


def _run_sync(generator: Steps) -> Any:
    value: Any = None
    while True:
        try:
            value = generator.send(value)
        except StopIteration as stop:
            return stop.value


async def _run_async(generator: Steps) -> Any:
    value: Any = None
    raised: Exception | None = None
    while True:
        try:
            value = generator.send(value) if raised is None else generator.throw(raised)
        except StopIteration as stop:
            return stop.value
        raised = None
        try:
            value = await value if inspect.isawaitable(value) else value
        except Exception as error:
            raised = error


def collect(items: Any, limit: int = 1_000_000, on_item: Callable[[Any], object] = str) -> Any:
    """Return at most `limit` items of a sync or async iterable; `on_item` is called with each."""
    if not hasattr(items, "__aiter__"):
        found: list[Any] = []
        for _, item in zip(range(limit), items, strict=False):
            found.append(item)
            on_item(item)
        return found

    async def collect_async() -> list[Any]:
        found: list[Any] = []
        async with aclosing(aiter(items)) as opened:
            async for item in opened:
                found.append(item)
                on_item(item)
                if len(found) == limit:
                    break
        return found

    return collect_async()


def run_concurrently(oxen: Any, *calls: Callable[[], Any]) -> Any:
    """Run calls concurrently and return the result or the error of each."""
    if isinstance(oxen, AsyncOxen):
        return asyncio.gather(*(call() for call in calls), return_exceptions=True)
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(call) for call in calls]
    return [future.exception() or future.result() for future in futures]


def close(oxen: Any) -> Any:
    """Close either kind of client."""
    return oxen.aclose() if isinstance(oxen, AsyncOxen) else oxen.close()


def wait_for(oxen: Any, condition: Callable[[], Any]) -> Any:
    """Wait until `condition` is true, without blocking the event loop of an async client."""
    return asyncio.to_thread(wait_until, condition) if isinstance(oxen, AsyncOxen) else wait_until(condition)


def submit_edit(oxen: Any, **parameters: Any) -> Any:
    """Submit an image edit to the queue."""
    return oxen.images.qwen_image_edit_plus.submit(**{"prompt": "x", "input_image": [DOG_URL], **parameters})


def submit_edits(oxen: Any, number: Any, **options: Any) -> Any:
    """Submit an image edit that makes `number` jobs."""
    request = QwenImageEditPlusRequest(prompt="x", input_image=[DOG_URL])
    return oxen.submit(request, num_generations=number, **options)


def submit_video(oxen: Any) -> Any:
    """Submit a video to the queue."""
    return oxen.videos.wan_v2_7_text_to_video.submit(prompt="x")
