"""Requests that are billed for more results than they return."""

from __future__ import annotations

from collections.abc import Callable
from operator import methodcaller
from typing import Any

import pytest
from helpers.client_runner import ClientRunner
from oxen_models import BilledNotReturnedWarning
from oxen_models.images import QwenImage3Request
from oxen_models.testing import Hub

PAIR = QwenImage3Request(prompt="x", num_images=2)
CALLS: dict[str, Callable[[Any], Any]] = {
    "blocking call": lambda oxen: oxen.images.qwen_image_3.generate(prompt="x", num_images=2),
    "submission": lambda oxen: oxen.images.qwen_image_3.submit(prompt="x", num_images=2),
    "request": lambda oxen: oxen.run(PAIR),
}  # fmt: skip


@pytest.mark.async_values
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_count_above_one_warns(run: ClientRunner, hub: Hub, call: Callable[[Any], Any]) -> None:
    """A call for more than one result warns that only the first is returned, at the caller's line."""
    with pytest.warns(BilledNotReturnedWarning) as caught:
        run(call, base_url=hub.url)
    [warning] = caught
    assert str(warning.message) == "qwen-image-3: num_images=2 bills 2 results and returns only the first"
    assert "oxen_models" not in warning.filename


@pytest.mark.slow
def test_count_of_one_does_not_warn(run: ClientRunner, hub: Hub) -> None:
    """A call for one result, or for the default, does not warn."""
    for request in (QwenImage3Request(prompt="x"), QwenImage3Request(prompt="x", num_images=1)):
        run(methodcaller("run", request), base_url=hub.url)  # pytest raises each warning as an error
