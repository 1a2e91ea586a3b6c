"""Errors of the server: their forms, their classes and their attributes, and which statuses are retried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL, EDIT, QUEUE
from helpers.models import edit_request
from helpers.raw_server import RawServer, Response
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Dialect, Hub

REQUEST = QwenImageEditPlusRequest(prompt="x", input_image=[DOG_URL])
MODELS = "/api/ai/models"
UPSTREAM = {"error": {"type": "upstream", "title": "Bad gateway"}, "status": 502}
UNKNOWN_SOURCE = (None, None, None, None)
REFUSED = {
    "error": {
        "code": 400,
        "reason": "bad_input",
        "type": "model_response_error",
        "title": "Error",
        "detail": "The parameter `duration` is not valid",
        "provider": "ByteDance",
        "provider_code": "InvalidParameter",
        "retryable": False,
    },
    "status": "error",
    "status_message": "model_response_error",
}


def edit(oxen: Any) -> Any:
    return oxen.run(REQUEST)


def result_of_job(oxen: Any) -> Any:
    return oxen.job("j").result()


def source(error: Any) -> tuple[str | None, str | None, str | None, bool | None]:
    return error.provider, error.provider_code, error.reason, error.retryable


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("http_status", "body", "status", "detail", "type_"),
    [
        (
            400,
            {"error": {"type": "t", "title": "T", "detail": "D"}, "status": "error", "status_message": "m"},
            400, "D", "t",
        ),
        (400, {"error": {"type": "t", "title": "T", "message": "M"}}, 400, "M", "t"),
        (400, {"error": {"type": "t", "title": "T", "detail": ["no text"]}}, 400, "T", "t"),
        (404, {"error": {"message": "Model not found: x"}}, 404, "Model not found: x", None),
        (400, REFUSED, 400, "The parameter `duration` is not valid", "model_response_error"),
        (502, UPSTREAM, 502, "Bad gateway", "upstream"),
        (200, UPSTREAM, 502, "Bad gateway", "upstream"),
        (200, {"title": "Bad gateway", "status": 502}, 502, "Bad gateway", None),
        (200, REFUSED, 400, "The parameter `duration` is not valid", "model_response_error"),
        (400, {"error": " text "}, 400, "text", None),
        (400, {"error": {}, "status_message": "m", "status_description": "d"}, 400, "d", "m"),
        (500, {"status_message": "m"}, 500, "m", "m"),
        (200, {"generations": [], "error": {"detail": "D"}}, 200, "D", None),
        (200, {"status": "error", "error_message": "E"}, 200, "E", None),
        (500, b"out of order", 500, "the server failed, and gave no reason: out of order", None),
    ],
)  # fmt: skip
def test_error_is_read_from_every_form(
    run: ClientRunner,
    server: RawServer,
    http_status: int,
    body: Any,
    status: int,
    detail: str,
    type_: str | None,
) -> None:
    """The status, text and type are found in every form in which the API returns errors."""
    server.responses[EDIT] = [Response(http_status, body)]
    error = run.expect_error(ox.APIError, edit, base_url=server.url)
    assert (error.status, error.detail, error.type) == (status, detail, type_)
    expected = ("ByteDance", "InvalidParameter", "bad_input", False) if body is REFUSED else UNKNOWN_SOURCE
    assert source(error) == expected
    assert len(server.requests) == 1


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("errors", "type_"),
    [
        ("full", "invalid_params"),
        ("message", None),
        ("provider", "model_response_error"),
        ("upstream", "upstream"),
        ("text", None),
    ],
)
def test_forms_of_the_stand_in_are_read(run: ClientRunner, errors: Any, type_: str | None) -> None:
    """Each form of the stand-in's errors has a text and the class of its status."""
    with Hub(dialect=Dialect(errors=errors)) as hub:
        error = run.expect_error(
            ox.BadRequestError,
            lambda oxen: oxen.run(edit_request(output_format="gif")),
            base_url=hub.url,
        )
    assert "output_format" in error.detail
    assert error.type == type_
    assert (error.provider is not None, error.retryable) == (
        errors == "provider",
        False if errors == "provider" else None,
    )


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "class_"),
    [
        (400, ox.BadRequestError),
        (401, ox.AuthenticationError),
        (402, ox.InsufficientCreditsAPIError),
        (403, ox.PermissionDeniedError),
        (404, ox.NotFoundError),
        (409, ox.ConflictError),
        (413, ox.PayloadTooLargeError),
        (418, ox.APIError),
        (422, ox.UnprocessableError),
        (426, ox.UpgradeRequiredError),
        (500, ox.ServerError),
        (524, ox.ServerError),
    ],
)
def test_status_has_a_class(
    run: ClientRunner, server: RawServer, status: int, class_: type[ox.APIError]
) -> None:
    """The class of an error is that of its status."""
    server.responses[EDIT] = [Response(status, {"error": {"message": "why"}})]
    error = run.expect_error(ox.APIError, edit, base_url=server.url)
    assert type(error) is class_


@pytest.mark.async_values
@pytest.mark.parametrize("status", [400, 402, 500])
def test_missing_credits_have_a_class(run: ClientRunner, server: RawServer, status: int) -> None:
    """Missing credits are recognized by the type of the error, whatever its status is."""
    refusal = {"error": {"type": "insufficient_credits", "title": "You have run out of credits."}}
    server.responses[EDIT] = [Response(status, refusal)]
    error = run.expect_error(ox.InsufficientCreditsError, edit, base_url=server.url)
    assert (type(error), error.status) == (ox.InsufficientCreditsAPIError, status)


CONTENT: list[tuple[dict[str, Any], bool]] = [
    ({"type": "content_policy_violation", "detail": "no"}, True),
    ({"type": "t", "provider_code": "InputTextSensitiveContentDetected", "detail": "no"}, True),
    ({"type": "t", "provider_code": "OutputVideoSensitiveContentDetected.PolicyViolation"}, True),
    ({"type": "t", "provider_code": "DataInspectionFailed", "detail": "no"}, True),
    ({"type": "t", "reason": "content_filter", "detail": "no"}, True),
    ({"message": "API error: 400 - DataInspectionFailed: Green net check failed for text (input)"}, True),
    ({"message": "The prompt was flagged by our safety system"}, True),
    ({"message": "Your request was rejected as a result of our safety system."}, True),
    ({"message": "The image violates our content policy"}, True),
    ({"message": "the input image may contain sensitive information"}, True),
    ({"message": "Request Moderated"}, True),
    ({"message": "the content of one of the images is not allowed"}, False),
    ({"message": "invalid content type"}, False),
    ({"message": "safety_tolerance must be at most 5"}, False),
    ({"message": "The image could not be moderated in time"}, False),
    ({"type": "model_response_error", "provider_code": "InvalidParameter", "detail": "no"}, False),
]


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(("parts", "is_rejected"), CONTENT)
def test_rejected_content_has_a_class(
    run: ClientRunner, server: RawServer, parts: dict[str, Any], is_rejected: bool
) -> None:
    """A content filter is recognized by known types, codes and texts, and not in doubt."""
    server.responses[EDIT] = [Response(400, {"error": parts})]
    error = run.expect_error(ox.APIError, edit, base_url=server.url)
    assert isinstance(error, ox.ContentRejectedError) == is_rejected
    assert (type(error) is ox.ContentRejectedAPIError, error.status) == (is_rejected, 400)


@pytest.mark.async_values
@pytest.mark.parametrize(("status", "is_rejected"), [(422, True), (429, False), (500, False)])
def test_failure_is_no_rejected_content(
    run: ClientRunner, server: RawServer, status: int, is_rejected: bool
) -> None:
    """A rate limit or a failure is not reported as rejected content, whatever its text is."""
    for parts in (CONTENT[0][0], CONTENT[-6][0]):
        server.responses[EDIT] = [Response(status, {"error": parts})]
        error = run.expect_error(ox.APIError, edit, base_url=server.url, max_retries=0)
        assert isinstance(error, ox.ContentRejectedError) == is_rejected


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("record", "class_"),
    [
        ({"error_message": "Insufficient credits"}, ox.InsufficientCreditsJobFailed),
        ({"error_message": "You have run out of credits."}, ox.InsufficientCreditsJobFailed),
        (
            {"error": {"type": "insufficient_credits", "title": "no"}},
            ox.InsufficientCreditsJobFailed,
        ),
        ({"error_message": "Insufficient credits", "error_provider": "fal"}, ox.JobFailed),
        ({"error_message": "the prompt is about insufficient credits"}, ox.JobFailed),
        ({"error_message": "Green net check failed"}, ox.ContentRejectedJobFailed),
        (
            {"error_message": "no", "error_provider_code": "InputImageSensitiveContentDetected"},
            ox.ContentRejectedJobFailed,
        ),
        ({"error_message": "an unexpected error occurred"}, ox.JobFailed),
        ({}, ox.JobFailed),
    ],
)
def test_failed_job_has_the_class_of_its_reason(
    run: ClientRunner, server: RawServer, record: dict[str, Any], class_: type[ox.JobFailed]
) -> None:
    """A failed job raises `JobFailed`, or the subclass for missing credits or rejected content."""
    server.responses[f"{QUEUE}/j"] = [Response(body={"generation_id": "j", "status": "failed", **record})]
    error = run.expect_error(ox.JobFailed, result_of_job, base_url=server.url)
    assert (type(error), error.status, error.generation_id) == (class_, "failed", "j")
    assert isinstance(error, ox.InsufficientCreditsError) == (class_ is ox.InsufficientCreditsJobFailed)
    assert isinstance(error, ox.ContentRejectedError) == (class_ is ox.ContentRejectedJobFailed)
    assert error.provider == record.get("error_provider")


def test_failed_job_names_the_provider(run: ClientRunner, server: RawServer) -> None:
    """A failed job has the provider, its code and whether to retry, from the record or the error in it."""
    record = {"generation_id": "j", "status": "failed"}
    flat = {
        "error_message": "why",
        "error_provider": "ByteDance",
        "error_provider_code": "InternalServiceError",
        "error_retryable": True,
    }
    server.responses[f"{QUEUE}/j"] = [Response(body={**record, **flat})]
    error = run.expect_error(ox.JobFailed, result_of_job, base_url=server.url)
    assert source(error) == ("ByteDance", "InternalServiceError", None, True)
    server.responses[f"{QUEUE}/j"] = [Response(body={**record, **REFUSED, "status": "failed"})]
    error = run.expect_error(ox.JobFailed, result_of_job, base_url=server.url)
    assert source(error) == ("ByteDance", "InvalidParameter", "bad_input", False)
    assert error.detail == "The parameter `duration` is not valid"


@pytest.mark.slow
def test_batch_records_failures_of_each_class(
    run: ClientRunner, server: RawServer, tmp_path: Path, fast_polls: None
) -> None:
    """A journal records a job that failed for missing credits as failed: it is not sent again."""
    server.responses[QUEUE] = [Response(body={"generations": [{"generation_id": "j", "status": "queued"}]})]
    record = {"generation_id": "j", "status": "failed", "error_message": "Insufficient credits"}
    server.responses[f"{QUEUE}/j"] = [Response(body=record)]

    async def collect(outcomes: Any) -> list[Any]:
        return [outcome async for outcome in outcomes]

    def run_batch(oxen: Any) -> Any:
        outcomes = oxen.run_many([REQUEST], journal=tmp_path / "journal")
        return collect(outcomes) if run.asynchronous else list(outcomes)

    for _ in range(2):  # the second run replays the journal
        [outcome] = run(run_batch, base_url=server.url)
        assert type(outcome.error) is ox.InsufficientCreditsJobFailed
        assert outcome.job_id == "j"
    assert [path for method, path, _ in server.requests if method == "POST"] == [QUEUE]


RETRIED = [408, 425, 429, 500, 502, 503, 504, 507, 520, 522, 524, 530]
AGAIN = {"retry-after": "0"}


@pytest.mark.async_values
@pytest.mark.parametrize("status", [*RETRIED, 400, 409, 418, 501, 505, 519, 531])
def test_read_is_retried_by_status(run: ClientRunner, server: RawServer, status: int) -> None:
    """A read is repeated after the statuses of a transient failure, and only after those."""
    server.responses[MODELS] = [Response(status, headers=AGAIN), Response(body={"data": []})]
    if status in RETRIED:
        assert run(lambda oxen: oxen.models.list(), base_url=server.url) == []
    else:
        run.expect_error(ox.APIError, lambda oxen: oxen.models.list(), base_url=server.url)
    assert len(server.requests) == 1 + (status in RETRIED)


@pytest.mark.async_values
@pytest.mark.parametrize("status", [*RETRIED, 403, 410, 501])
def test_download_is_retried_by_status(run: ClientRunner, server: RawServer, status: int) -> None:
    """A download is repeated after the same statuses."""
    server.serve_image_at("/result", Response(status, headers=AGAIN), Response(body=b"content"))

    def read(result: Any) -> Any:
        return result.images[0].read()

    if status in RETRIED:
        assert run(edit, read, base_url=server.url) == b"content"
    else:
        error = run.expect_error(ox.MediaError, edit, read, base_url=server.url)
        assert error.status == status
    assert len(server.requests) == 2 + (status in RETRIED)
