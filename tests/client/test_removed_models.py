"""Removed models: their module remains for one minor version and raises."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from helpers.lean import python_path
from helpers.models import make_model
from oxen_models.testing import Hub

REMOVED = {"on": "2026-07-01", "version": "0.2.0", "successor": "new-model"}
USE = """
import asyncio, sys, warnings
import oxen_models
from oxen_models import AsyncOxen, ModelRemovedError, Oxen
from oxen_models.images import OldModelRequest

warnings.simplefilter("ignore")

def expect_removed(call):
    try:
        call()
    except ModelRemovedError as error:
        return error
    raise SystemExit(f"{call} raised nothing")

async def await_call(url):
    async with AsyncOxen("k", base_url=url) as client:
        await client.images.old_model.edit(prompt="x", input_image=["a"])

[_, url] = sys.argv
with Oxen("k", base_url=url) as oxen:
    stub = oxen.images.old_model
    for call in (
        lambda: stub.edit(prompt="x", input_image=["https://a.example"]),
        lambda: stub.submit(prompt="x", input_image=["https://a.example"]),
        lambda: OldModelRequest(prompt="x", input_image=["https://a.example"]),
        lambda: asyncio.run(await_call(url)),
    ):
        error = expect_removed(call)
        assert (error.model_id, error.removed_on, error.successor) == ("old-model", "2026-07-01", "new-model")
        assert "2026-07-01" in str(error) and "new-model" in str(error), error
    for call in (stub.edit, stub.submit):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            expect_removed(lambda: call(prompt="x", input_image=["https://a.example"]))
        assert len(caught) == 1 and "use 'new-model'" in str(caught[0].message), caught
assert [model.id for model in oxen_models.catalog.models()] == ["new-model"]
"""


@pytest.fixture
def package(tmp_path: Path, write_models: Callable[..., None], invoke: Callable[[str], Result]) -> Path:
    """A package with one model and one removed model."""
    image = {"type": "array", "items": {"type": "string", "renderType": "image-url"}}
    properties = {"prompt": {"type": "string"}, "input_image": image, "deprecated": {"type": "boolean"}}
    schema: dict[str, Any] = {"type": "object", "properties": properties, "required": ["prompt"]}
    write_models(
        make_model("new-model", schema, endpoint="/images/edit"),
        make_model("old-model", schema, endpoint="/images/edit", removed=REMOVED),
    )
    done = invoke("generate")
    assert done.exit_code == 0, done.output
    return tmp_path


@pytest.mark.slow
def test_removed_model_raises_with_its_successor(package: Path, hub: Hub) -> None:
    """A removed model can be imported; its calls warn once and raise with date and successor."""
    environment = {**os.environ, "PYTHONPATH": python_path(package), "NO_PROXY": "127.0.0.1"}
    program = [sys.executable, "-c", USE, hub.url]
    done = subprocess.run(program, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert hub.requests == []
