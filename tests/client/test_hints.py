"""The hint of errors that the bindings may be out of date."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.lean import python_path
from helpers.models import edit_request
from oxen_models import BadRequestError, JobFailed, OxenError, ServerError, UnprocessableError, catalog
from oxen_models._runtime.hints import hint_stale_bindings, is_about_parameters
from oxen_models.audio import BytedanceSeedAudio10Request
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Hub

EDITOR = "qwen-image-edit-plus"
URL = "https://example.com/dog.png"
INVALID_MOOD = {"error": {"type": "invalid_params", "detail": "mood is not valid"}}
BROKEN = "data:image/png;base64,AAAA"
HINT = (
    f"the bindings may be out of date ({EDITOR} as of {catalog.get(EDITOR).changed}): "
    "run `oxen-codegen diff` to see what changed"
)


@pytest.fixture
def hub(own_hub: Hub) -> Hub:
    """A hub for each test, because some tests add models."""
    return own_hub


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


@pytest.mark.slow
def test_rejected_call_has_hint(run: ClientRunner, newer: Hub) -> None:
    """A typed call that the server rejects has the hint, as an attribute and in its text."""
    changes: list[dict[str, Any]] = [{}, {"extra_body": {"mood": "good"}, "output_format": "png"}]
    for parameters in changes:
        error = run.expect_error(BadRequestError, call("edit", **parameters), base_url=newer.url)
        assert error.hint == HINT
        assert str(error).endswith(f"(HTTP 400, invalid_params); {HINT}")


@pytest.mark.slow
def test_failed_job_has_hint(run: ClientRunner, newer: Hub) -> None:
    """A job that fails because of its parameters has the hint."""
    steps = call("submit", output_format="png"), methodcaller("result")
    error = run.expect_error(JobFailed, *steps, base_url=newer.url)
    assert error.hint == HINT
    assert str(error).endswith(f"(job {error.generation_id}); {HINT}")


def test_rejected_submission_has_hint(run: ClientRunner, newer: Hub) -> None:
    """A submission that the server rejects has the hint."""
    refusal = {"error": {"type": "invalid_params", "detail": "'mood' is a required property"}}
    newer.respond_next(422, body=refusal, method="POST")
    error = run.expect_error(UnprocessableError, call("submit"), base_url=newer.url)
    assert error.hint == HINT


CALL_PARAMETERS: list[Callable[[Any], Any]] = [
    lambda oxen: oxen.submit(QwenImageEditPlusRequest(prompt="x", input_image=[URL]), num_generations=100),
    call("submit", extra_body={"target_repo": 3}),
    call("submit", extra_body={"target_directory": 3}),
    lambda oxen: oxen.submit(edit_request(target_namespace=3)),
    lambda oxen: oxen.run(edit_request(response_format="png")),
]


@pytest.mark.async_values
@pytest.mark.parametrize("step", CALL_PARAMETERS)
def test_parameter_of_the_call_has_no_hint(run: ClientRunner, hub: Hub, step: Callable[[Any], Any]) -> None:
    """An error about a parameter that is not the model's has no hint."""
    assert run.expect_error(BadRequestError, step, base_url=hub.url).hint is None


@pytest.mark.slow
def test_invalid_file_has_no_hint(run: ClientRunner, hub: Hub) -> None:
    """An error about an invalid input file has no hint."""
    refused = run.expect_error(BadRequestError, call("edit", BROKEN), base_url=hub.url)
    assert (refused.type, refused.hint) == ("invalid_file_input", None)
    failed = run.expect_error(JobFailed, call("submit", BROKEN), methodcaller("result"), base_url=hub.url)
    assert failed.hint is None


def test_untyped_call_has_no_hint(run: ClientRunner, newer: Hub) -> None:
    """A call by model id has no hint, because it was validated against the server's schema."""

    def edit(oxen: Any) -> Any:
        newer.respond_next(400, body=INVALID_MOOD, method="POST")
        return oxen.model(EDITOR).edit(prompt="x", input_image=[URL])

    assert run.expect_error(BadRequestError, edit, base_url=newer.url).hint is None


@pytest.mark.slow
def test_batch_outcome_has_hint(run: ClientRunner, newer: Hub, tmp_path: Path) -> None:
    """The errors of a batch have the hint, also when they are replayed from the journal."""
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

    async def collect(outcomes: Any) -> list[Any]:
        return [outcome async for outcome in outcomes]

    def run_batch(oxen: Any) -> Any:
        outcomes = oxen.run_many(requests, journal=tmp_path / "journal")
        return collect(outcomes) if run.asynchronous else list(outcomes)

    for _ in range(2):  # the second run replays the journal
        outcomes = run(run_batch, base_url=newer.url)
        assert {type(outcome.error) for outcome in outcomes} == {JobFailed}
        assert all(f"({outcome.request.model_id} as of " in str(outcome.error) for outcome in outcomes)


ABOUT_PARAMETERS: list[tuple[type[OxenError], str, str | None, bool]] = [
    (UnprocessableError, "why", "invalid_params", True),
    (UnprocessableError, "why", None, True),
    (UnprocessableError, "why", "invalid_file_input", False),
    (UnprocessableError, "why", "content_policy_violation", False),
    (BadRequestError, "why", "invalid_params", True),
    (BadRequestError, "why", "invalid_file_input", False),
    (BadRequestError, "why", None, False),
    (BadRequestError, "Prompt cannot be empty", "invalid_params", False),
    (UnprocessableError, "API error: 422 - Value error, the prompt must not be empty", None, False),
    (UnprocessableError, "prompt: '' is too short", "invalid_params", True),
    (ServerError, "why", "invalid_params", False),
    *(
        (JobFailed, detail, None, True)
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
        (JobFailed, detail, None, False)
        for detail in (
            "input_image: not an image that can be read",
            "input_image: the file is larger than the maximum of 25 MB",
            "Value error, prompt cannot be blank",
            "The prompt was flagged by our safety system",
            "the content of one of the images is not allowed",
            "The hub was stopped while this ran",
            "an unexpected error occurred",
            "the job failed; the server gave no reason",
        )
    ),
    (ox.JobCancelled, "'mood' is a required property", None, False),
    (ox.HubUnreachableError, "no property", None, False),
]


@pytest.mark.parametrize(("error_class", "detail", "type_", "expected"), ABOUT_PARAMETERS)
def test_error_about_parameters_has_hint(
    error_class: type[OxenError], detail: str, type_: str | None, expected: bool
) -> None:
    """Only an error about parameters has the hint, and only if the request was one of the bindings."""
    assert is_about_parameters(error_class, detail, type_) is expected
    assert hint_stale_bindings(None, error_class, detail, type_) is None
    hint = hint_stale_bindings(QwenImageEditPlusRequest, error_class, detail, type_)
    assert hint == (HINT if expected else None)


@pytest.mark.parametrize(
    ("error_class", "detail", "provider_code", "expected"),
    [
        (BadRequestError, "duration is not valid", "InvalidParameter", True),
        (BadRequestError, "API error: 422 - Value error, 5 is too short", None, True),
        (BadRequestError, "API error: 400 - 'mood' is a required property", None, True),
        (BadRequestError, "API error: 400 - the image could not be downloaded", "InvalidParameter", False),
        (BadRequestError, "API error: 500 - try again", None, False),
        (BadRequestError, "the account of the provider is locked", "AccountOverdue", False),
        (JobFailed, "duration is not valid", "InvalidParameter", True),
        (ox.ContentRejectedAPIError, "invalid value", "InvalidParameter", False),
        (ox.ContentRejectedJobFailed, "invalid value", "InvalidParameter", False),
        (ox.InsufficientCreditsJobFailed, "invalid value", None, False),
        (ServerError, "invalid value", "InvalidParameter", False),
    ],
)
def test_error_of_provider_may_have_hint(
    error_class: type[OxenError], detail: str, provider_code: str | None, expected: bool
) -> None:
    """An error of the model's provider has the hint if it is about a parameter."""
    hint = hint_stale_bindings(
        QwenImageEditPlusRequest, error_class, detail, "model_response_error", provider_code=provider_code
    )
    assert hint == (HINT if expected else None)


def test_call_rejected_by_provider_has_hint(run: ClientRunner, newer: Hub) -> None:
    """A call whose parameters the provider rejects has the hint."""
    refusal = {
        "type": "model_response_error",
        "detail": "output_format is not valid",
        "provider": "Alibaba",
        "provider_code": "InvalidParameter",
    }
    newer.respond_next(400, body={"error": refusal}, method="POST")
    error = run.expect_error(BadRequestError, call("edit"), base_url=newer.url)
    assert (error.hint, error.provider) == (HINT, "Alibaba")


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["edit", "submit"])
def test_own_extra_body_has_no_hint(run: ClientRunner, own_hub: Hub, verb: str) -> None:
    """An error about a key of the caller's own `extra_body` has no hint, in a response and in a job."""
    schema = ox.schema(EDITOR)
    schema["properties"]["mood"] = {"type": "string"}
    own_hub.add_model({"id": EDITOR, "endpoint": "/images/edit", "json_request_schema": schema})
    steps: list[Callable[[Any], Any]] = [call(verb, extra_body={"mood": 3})]
    if verb == "submit":
        steps.append(methodcaller("result"))
    error = run.expect_error((BadRequestError, JobFailed), *steps, base_url=own_hub.url)
    assert "mood" in error.detail
    assert error.hint is None


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows needs a privilege for links")
def test_hint_of_a_wheel_says_how_to_upgrade(tmp_path: Path) -> None:
    """In an installed package, the hint says to install a newer version."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "oxen_models").symlink_to(Path(ox.__file__).parent)
    code = (
        "from oxen_models._runtime.hints import hint_stale_bindings as hint;"
        "from oxen_models.images import QwenImageEditPlusRequest as Request;"
        "from oxen_models import UnprocessableError;"
        "print(hint(Request, UnprocessableError, 'why'))"
    )
    environment = {**os.environ, "PYTHONPATH": python_path(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    expected = "install a newer version of oxen-models; `oxen-codegen diff` shows what changed"
    assert done.stdout.strip() == f"{HINT.rpartition(': ')[0]}: {expected}"


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
def test_hint_depends_on_the_parameter(detail: str, expected: bool) -> None:
    """An error about a parameter that every call accepts has no hint, unless it names another one."""
    hint = hint_stale_bindings(QwenImageEditPlusRequest, UnprocessableError, detail, "invalid_params")
    assert hint == (HINT if expected else None)


def test_hint_for_hand_written_class_has_no_date() -> None:
    """The hint for a class that was not generated names the model without a date."""

    class Other(ox.Request):
        """A request that was not generated."""

        model_id = "other"

    hint = hint_stale_bindings(Other, UnprocessableError, "why", "invalid_params")
    assert hint is not None
    assert "(other): run `oxen-codegen diff`" in hint
