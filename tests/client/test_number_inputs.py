"""Numbers of numpy are sent as JSON numbers."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import read_bodies
from helpers.media_inputs import URL
from helpers.scenario import Steps, scenario
from oxen_models.images import QwenImageRequest
from oxen_models.testing import Hub
from oxen_models.videos import TopazlabsProteusVideoRequest
from pydantic import ValidationError

NUMBERS: list[tuple[Any, Any]] = [
    (numpy.int64(7), 7),
    (numpy.uint8(7), 7),
    (numpy.array(7), 7),
    (numpy.float64(7), 7),
]
NO_NUMBERS = [numpy.True_, numpy.array([7]), numpy.float32(7.5), numpy.float64("nan"), "7"]


@pytest.mark.async_values
@pytest.mark.parametrize("way", ["call", "request", "untyped"])
def test_numbers_of_numpy_are_accepted(run: ClientRunner, hub: Hub, way: str) -> None:
    """Integers and floats of numpy are sent as JSON numbers; booleans and arrays are rejected."""

    def build(oxen: Any, **parameters: Any) -> Any:
        if way == "request":
            return QwenImageRequest(prompt="x", **parameters)
        return oxen.model("qwen-image").request(prompt="x", **parameters)

    @scenario
    def steps(oxen: Any) -> Steps:
        for given, expected in NUMBERS:
            request = build(oxen, seed=given, guidance=given) if way == "request" else None
            if way == "untyped":
                request = yield build(oxen, seed=given, guidance=given)
            if way == "call":
                yield oxen.images.qwen_image.generate(prompt="x", seed=given, guidance=given)
            body = read_bodies(hub)[-1] if request is None else request.body()
            assert (body["seed"], body["guidance"]) == (expected, expected)
            assert type(body["seed"]) is int
            assert type(body["guidance"]) in (int, float)
        for given in NO_NUMBERS:
            try:
                if way == "call":
                    yield oxen.images.qwen_image.generate(prompt="x", seed=given)
                else:
                    yield build(oxen, seed=given)
            except ValueError:
                continue
            pytest.fail(f"{given!r} was accepted")

    run(steps, base_url=hub.url)


def test_float_of_numpy_is_exact() -> None:
    """A float is the number that `float()` returns, in limits, in lists of options and elsewhere."""
    request = QwenImageRequest(prompt="x", guidance=numpy.float32(0.1))
    assert request.body()["guidance"] == float(numpy.float32(0.1))
    video = TopazlabsProteusVideoRequest(input_video=URL, target_fps=numpy.float64(23.976))
    assert video.body()["target_fps"] == 23.976
    with pytest.raises(ValidationError, match="less than or equal to 10"):
        QwenImageRequest(prompt="x", guidance=numpy.float32(10.5))
