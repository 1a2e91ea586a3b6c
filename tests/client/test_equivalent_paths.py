"""Endpoints whose path the sources of the API contradict each other on."""

from __future__ import annotations

from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.scenario import Steps, scenario
from oxen_models.testing import Dialect, Hub

IMAGE = ox.UntypedRequest("qwen-image-edit-plus", "/images/edit", {"prompt": "x", "input_image": ["data:,x"]})
SOUND = ox.UntypedRequest("bytedance-seed-audio-1-0", "/audio/generate", {"prompt": "x"})
IMAGES = {"model": "m", "images": [{"url": "https://example.com/a.png"}]}
NO_PATH: dict[str, Any] = {
    "error": {"type": "resource_not_found", "title": "Resource not found"},
    "status": "error",
    "status_message": "resource_not_found",
}
NO_MODEL: dict[str, Any] = {"error": {"message": "Model not found: qwen-image-edit-plus"}}


def read_posted_paths(hub: Hub) -> list[str]:
    return [request.path.removeprefix("/api/ai") for request in hub.requests if request.method == "POST"]


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(
    ("dialect", "verb", "missing", "existing"),
    [
        (Dialect(audio_paths="speech"), "speak", "/audio/generate", "/audio/speech"),
        (Dialect(image_paths="generate"), "edit", "/images/edit", "/images/generate"),
        (Dialect(image_paths="edit"), "generate", "/images/generate", "/images/edit"),
    ],
)
def test_missing_path_is_replaced_and_remembered(
    run: ClientRunner, dialect: Dialect, verb: str, missing: str, existing: str
) -> None:
    """If the hub lacks a path, the equivalent one is used, and at once from then on."""

    def call(oxen: Any) -> Any:
        if verb == "speak":
            return oxen.audio.bytedance_seed_audio_1_0.speak(prompt="x")
        if verb == "edit":
            picture = "https://example.com/dog.png"
            return oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[picture])
        return oxen.images.qwen_image.generate(prompt="x")

    @scenario
    def steps(oxen: Any) -> Steps:
        yield call(oxen)
        yield call(oxen.with_options(timeout=30))

    with Hub(dialect=dialect) as hub:
        run(steps, base_url=hub.url)
        assert read_posted_paths(hub) == [missing, existing, existing]


@pytest.mark.slow
def test_restored_path_replaces_the_remembered_one(run: ClientRunner, hub: Hub) -> None:
    """If the remembered path is missing later, the first one is used again."""
    first, second = "/api/ai/images/edit", "/api/ai/images/generate"
    hub.respond_next(404, body=NO_PATH, path=first)
    hub.respond_next(200, body=IMAGES, path=second)
    hub.respond_next(404, body=NO_PATH, path=second)
    hub.respond_next(200, body=IMAGES, times=2, path=first)

    @scenario
    def steps(oxen: Any) -> Steps:
        for _ in range(3):
            yield oxen.run(IMAGE)

    run(steps, base_url=hub.url)
    edit, generate = "/images/edit", "/images/generate"
    assert read_posted_paths(hub) == [edit, generate, generate, edit, edit]


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, NO_MODEL),
        (404, {"error": {"type": "model_not_found", "title": "Not found"}}),
        (400, NO_PATH),
        (405, NO_PATH),
        (410, NO_PATH),
        (500, NO_PATH),
    ],
)
def test_other_error_is_sent_to_one_path(run: ClientRunner, hub: Hub, status: int, body: Any) -> None:
    """A request that got any response but the 404 of a path is never sent again."""
    hub.respond_next(status, body=body, times=None, method="POST")
    run.expect_error(ox.APIError, lambda oxen: oxen.run(IMAGE), base_url=hub.url)
    assert read_posted_paths(hub) == ["/images/edit"]


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("body", [NO_PATH, "<h1>Not Found</h1>", {"errors": {"detail": "Not Found"}}])
def test_both_paths_missing_raise_the_first_error(run: ClientRunner, hub: Hub, body: Any) -> None:
    """If the hub has neither path, each is tried once, and nothing is remembered."""
    hub.respond_next(404, body=body, times=None, method="POST")

    @scenario
    def steps(oxen: Any) -> Steps:
        for _ in range(2):
            with pytest.raises(ox.NotFoundError):
                yield oxen.run(SOUND)

    run(steps, base_url=hub.url)
    assert read_posted_paths(hub) == ["/audio/generate", "/audio/speech"] * 2


def test_lost_response_of_the_other_path_is_final(run: ClientRunner, hub: Hub) -> None:
    """A request that was sent to the second path without a response is not sent a third time."""
    hub.respond_next(404, body=NO_PATH, path="/api/ai/images/edit")
    hub.inject_fault("cut-before-response", method="POST", path="/api/ai/images/generate")
    run.expect_error(ox.OutcomeUnknownError, lambda oxen: oxen.run(IMAGE), base_url=hub.url)
    assert read_posted_paths(hub) == ["/images/edit", "/images/generate"]
