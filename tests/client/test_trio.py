"""On trio, each call of the asynchronous client fails with one clear line before anything is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import oxen_models as ox
import pytest
import trio
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Hub

REQUEST = QwenImageEditPlusRequest(prompt="x", input_image=[DOG_URL])
CALLS: dict[str, Callable[[ox.AsyncOxen], Awaitable[Any]]] = {
    "run": lambda oxen: oxen.run(REQUEST),
    "call": lambda oxen: oxen.images.qwen_image_edit_plus.edit(
        prompt="x", input_image=[b"\x89PNG\r\n\x1a\n"]
    ),
    "submit": lambda oxen: oxen.submit(REQUEST),
    "job": lambda oxen: oxen.job("j").result(),
    "jobs": lambda oxen: oxen.jobs(),
    "history": lambda oxen: anext(aiter(oxen.generations())),
    "events": lambda oxen: anext(oxen.events()),
    "run_many": lambda oxen: anext(aiter(oxen.run_many([REQUEST]))),
    "models": lambda oxen: oxen.models.list(),
    "model": lambda oxen: oxen.model("qwen-image").generate(prompt="x"),
    "unknown model": lambda oxen: oxen.model("m").generate(prompt="x"),
    "key": lambda oxen: oxen.check_key(),
}


@pytest.mark.parametrize("name", CALLS)
def test_call_on_trio_sends_nothing(hub: Hub, name: str) -> None:
    """The error names asyncio and the remedy."""

    async def call() -> None:
        with pytest.raises(ox.ConfigurationError) as caught:
            await CALLS[name](ox.AsyncOxen(ClientRunner.KEY, base_url=hub.url))
        assert str(caught.value) == (
            "AsyncOxen works with asyncio and not with trio: call Oxen in trio.to_thread.run_sync(); "
            "nothing was sent"
        )

    trio.run(call)
    assert hub.requests == []


def test_synchronous_client_works_in_a_thread_of_trio(hub: Hub) -> None:
    """The remedy of the error works."""

    async def call() -> Any:
        with ox.Oxen(ClientRunner.KEY, base_url=hub.url) as oxen:
            return await trio.to_thread.run_sync(oxen.run, REQUEST)

    assert trio.run(call).images
