"""An error that may come from bindings older than the hub says so, and where to look."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from oxen_models import APIError, BadRequestError, JobFailed, ServerError, UnprocessableError, catalog
from oxen_models._runtime.advice import advise, is_about_parameters
from oxen_models.audio import BytedanceSeedAudio10Request
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Hub

EDITOR = "qwen-image-edit-plus"
URL = "https://example.com/dog.png"
BROKEN = "data:image/png;base64,AAAA"
HINT = (
    f"the bindings may be older than the hub ({EDITOR} as of {catalog.get(EDITOR).changed}): "
    "`oxen-codegen diff` says what changed"
)


@pytest.fixture
def newer(hub: Hub) -> Hub:
    """A hub that has changed a model since the package was generated."""
    schema = ox.schema(EDITOR)
    schema["properties"]["output_format"] |= {"enum": ["jpg", "avif"], "default": "jpg"}
    schema["properties"]["mood"] = {"type": "string"}
    schema["required"] = [*schema["required"], "mood"]
    hub.add_model({"id": EDITOR, "endpoint": "/images/edit", "json_request_schema": schema})
    return hub


def call(verb: str, image: str = URL, **parameters: Any) -> Callable[[Any], Any]:
    def step(oxen: Any) -> Any:
        stub = oxen.images.qwen_image_edit_plus
        return getattr(stub, verb)(prompt="x", input_image=[image], **parameters)

    return step


def test_typed_call_that_the_hub_refuses_says_where_to_look(run: ClientRunner, newer: Hub) -> None:
    changes: list[dict[str, Any]] = [{}, {"extra_body": {"mood": "good"}, "output_format": "png"}]
    for parameters in changes:
        error = run.expect_error(BadRequestError, call("edit", **parameters), base_url=newer.url)
        assert error.hint == HINT
        assert str(error).endswith(f"(HTTP 400, invalid_params); {HINT}")


def test_job_that_fails_by_its_parameters_says_so_too(run: ClientRunner, newer: Hub) -> None:
    steps = call("submit", output_format="png"), methodcaller("result")
    error = run.expect_error(JobFailed, *steps, base_url=newer.url)
    assert error.hint == HINT
    assert str(error).endswith(f"(job {error.generation_id}); {HINT}")


def test_refusal_of_the_queue_says_so_too(run: ClientRunner, newer: Hub) -> None:
    refusal = {"error": {"type": "invalid_params", "detail": "'mood' is a required property"}}
    newer.respond_next(422, body=refusal, method="POST")
    error = run.expect_error(UnprocessableError, call("submit"), base_url=newer.url)
    assert error.hint == HINT


@pytest.mark.parametrize(
    "step",
    [
        lambda oxen: oxen.submit(
            QwenImageEditPlusRequest(prompt="x", input_image=[URL]), num_generations=100
        ),
        call("submit", extra_body={"target_repo": 3}),
        call("submit", extra_body={"target_directory": 3}),
        call("submit", extra_body={"target_namespace": 3}),
        call("edit", extra_body={"response_format": "png"}),
    ],
)
def test_parameter_of_the_call_is_no_matter_of_the_bindings(
    run: ClientRunner, hub: Hub, step: Callable[[Any], Any]
) -> None:
    assert run.expect_error(BadRequestError, step, base_url=hub.url).hint is None


def test_a_broken_file_is_no_matter_of_the_bindings(run: ClientRunner, hub: Hub) -> None:
    refused = run.expect_error(BadRequestError, call("edit", BROKEN), base_url=hub.url)
    assert (refused.type, refused.hint) == ("invalid_file_input", None)
    failed = run.expect_error(JobFailed, call("submit", BROKEN), methodcaller("result"), base_url=hub.url)
    assert failed.hint is None


def test_a_call_by_id_was_checked_against_the_hub_s_own_schema(run: ClientRunner, newer: Hub) -> None:
    def edit(oxen: Any) -> Any:
        return oxen.model(EDITOR).edit(
            prompt="x", input_image=[URL], mood="good", extra_body={"output_format": "png"}
        )

    assert run.expect_error(BadRequestError, edit, base_url=newer.url).hint is None


def test_run_many_says_so_too(run: ClientRunner, newer: Hub, tmp_path: Path) -> None:
    speech = ox.schema("bytedance-seed-audio-1-0")
    newer.add_model(
        {
            "id": "bytedance-seed-audio-1-0",
            "endpoint": "/audio/speech",
            "json_request_schema": {**speech, "required": ["prompt", "mood"]},
        }
    )
    requests = [
        QwenImageEditPlusRequest(prompt="x", input_image=[URL]),
        BytedanceSeedAudio10Request(prompt="x"),
    ]

    async def gathered(outcomes: Any) -> list[Any]:
        return [outcome async for outcome in outcomes]

    def run_batch(oxen: Any) -> Any:
        outcomes = oxen.run_many(requests, journal=tmp_path / "journal")
        return gathered(outcomes) if inspect.isasyncgen(outcomes) else list(outcomes)

    for _ in range(2):  # the second run is told by the journal of what failed
        outcomes = run(run_batch, base_url=newer.url)
        assert {type(each.error) for each in outcomes} == {JobFailed, BadRequestError}
        assert all(f"({each.request.model_id} as of " in str(each.error) for each in outcomes)


def refusal(kind: type[APIError], status: int, type_: str | None) -> APIError:
    return kind(status, "why", type_)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal(UnprocessableError, 422, "invalid_params"), True),
        (refusal(UnprocessableError, 422, None), True),
        (refusal(UnprocessableError, 422, "invalid_file_input"), False),
        (refusal(UnprocessableError, 422, "content_policy_violation"), False),
        (refusal(BadRequestError, 400, "invalid_params"), True),
        (refusal(BadRequestError, 400, "invalid_file_input"), False),
        (refusal(BadRequestError, 400, None), False),
        (refusal(ServerError, 500, "invalid_params"), False),
        *(
            (JobFailed("id", "failed", detail), True)
            for detail in (
                "Additional properties are not allowed ('a' was unexpected)",
                "'mood' is a required property",
                "output_format: 'png' is not one of ['jpg']",
                "duration: 5 is not of type 'string'",
                "pitch: 13 is greater than the maximum of 12",
                "invalid_params",
                "Unknown parameter: mood",
                "seed is required",
                "Invalid value for aspect_ratio",
            )
        ),
        *(
            (JobFailed("id", "failed", detail), False)
            for detail in (
                "input_image: not an image that can be read",
                "input_image: the file is larger than the maximum of 25 MB",
                "The prompt was flagged by our safety system",
                "the content of one of the images is not allowed",
                "The hub was stopped while this ran",
                "an unexpected error occurred",
                "the job failed; the hub gave no reason",
            )
        ),
        (ox.JobCancelled("id", "cancelled", "'mood' is a required property"), False),
        (ox.HubUnreachableError("no property"), False),
    ],
)
def test_what_is_about_parameters(error: ox.OxenError, expected: bool) -> None:
    assert is_about_parameters(error) is expected
    advise(error, None)
    assert error.hint is None
    advise(error, QwenImageEditPlusRequest)
    assert error.hint == (HINT if expected else None)


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("num_generations: 100 is greater than the maximum of 4", False),
        ("response_format: 'png' is not one of ['url', 'b64_json']", False),
        ("prompt is required where response_format is url", True),
        ("new_response_format: unknown", True),
        ("mood: unknown", True),
    ],
)
def test_which_parameter_it_is_about(detail: str, expected: bool) -> None:
    error = UnprocessableError(422, detail, "invalid_params")
    advise(error, QwenImageEditPlusRequest)
    assert error.hint == (HINT if expected else None)


def test_a_class_of_another_package_is_named_without_a_day() -> None:
    class Other(ox.Request):
        """A request that nobody generated."""

        model_id = "other"

    error = refusal(UnprocessableError, 422, "invalid_params")
    advise(error, Other)
    assert "(other): `oxen-codegen diff`" in str(error)
