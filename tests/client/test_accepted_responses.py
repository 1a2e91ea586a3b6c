"""Responses that accept a billable request and look like an error, responses that do neither, and the forms
of lists and records.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import EDIT
from helpers.raw_server import RawServer, Response, run_raw_server

QUEUE = "/api/ai/queue"
PARAMETERS: dict[str, Any] = {"prompt": "Add a hat", "input_image": ["https://example.com/dog.png"]}
JOB = {"generation_id": "job-1", "status": "queued"}
ERROR = {"error": {"detail": "one image was rejected", "type": "bad_input"}}
IMAGES = {"images": [{"url": "https://example.com/hat.png"}]}

ACCEPTING_RESPONSES = [
    Response(200, {"generations": [JOB], **ERROR}),
    Response(200, {"generations": [JOB], "status": "error"}),
    Response(200, {"generations": [JOB], "status": 500, "error": "late"}),
    Response(207, {"generations": [{"error": "no"}, JOB], **ERROR}),
    Response(200, {"generation": JOB}),
    Response(201, JOB),
    Response(302, {"generations": [JOB]}, {"Location": "/login"}),
    Response(303, {"generations": [JOB]}, {"Location": "/jobs/1"}),
    Response(409, {"generations": [JOB], **ERROR}),
    Response(429, {"generations": [JOB], **ERROR}, {"Retry-After": "0"}),
    Response(502, {"generations": [JOB], **ERROR}),
]
UNKNOWN_RESPONSES = [
    Response(200, {}),
    Response(200, ERROR),
    Response(200, {"status": "error"}),
    Response(200, {"generations": []}),
    Response(200, {"generations": [{"status": "queued"}], **ERROR}),
    Response(202, b"<p>Thank you</p>"),
    Response(204),
    Response(302, b"", {"Location": "/login"}),
    Response(303, {"ok": True}, {"Location": "/jobs/1"}),
    Response(304),
]


@pytest.fixture
def server() -> Iterator[RawServer]:
    with run_raw_server() as server:
        yield server


def submit(oxen: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.submit(**PARAMETERS)


def edit(oxen: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.edit(**PARAMETERS)


def count_posts(server: RawServer) -> int:
    return sum(method == "POST" for method, _, _ in server.requests)


@pytest.mark.async_values
@pytest.mark.parametrize("response", ACCEPTING_RESPONSES, ids=lambda response: f"{response.status}")
def test_response_with_a_job_is_accepted(run: ClientRunner, server: RawServer, response: Response) -> None:
    """A submission whose response names a job has a job, whatever else the response says."""
    server.responses[QUEUE] = [response]
    job = run(submit, base_url=server.url)
    assert (job.id, count_posts(server)) == ("job-1", 1)


@pytest.mark.async_values
@pytest.mark.parametrize("response", UNKNOWN_RESPONSES, ids=lambda response: f"{response.status}")
def test_response_without_a_job_is_unknown(run: ClientRunner, server: RawServer, response: Response) -> None:
    """A submission whose response neither names a job nor rejects it has an unknown outcome."""
    server.responses[QUEUE] = [response]
    error = run.expect_error(ox.OutcomeUnknownError, submit, base_url=server.url)
    assert error.response.status == response.status
    assert count_posts(server) == 1


@pytest.mark.async_values
@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize("error", [ERROR, {"status": "error", "message": "one image was rejected"}])
def test_files_beside_an_error_are_returned(
    run: ClientRunner, server: RawServer, status: int, error: dict[str, Any]
) -> None:
    """The images of a blocking call are returned although there is an error beside them, which is exposed."""
    server.responses[EDIT] = [Response(status, {**IMAGES, **error})]
    result = run(edit, base_url=server.url)
    assert [image.url for image in result.images] == ["https://example.com/hat.png"]
    assert result.error == "one image was rejected"


def test_result_without_an_error_has_none(run: ClientRunner, server: RawServer) -> None:
    """The error of a result is None if the response has none."""
    server.responses[EDIT] = [Response(200, IMAGES)]
    assert run(edit, base_url=server.url).error is None


def test_error_without_files_raises(run: ClientRunner, server: RawServer) -> None:
    """A blocking call whose response has an error and no files raises; its URLs are not results."""
    server.responses[EDIT] = [Response(200, {**ERROR, "images": [], "url": "https://example.com/errors"})]
    error = run.expect_error(ox.APIError, edit, base_url=server.url)
    assert error.detail == "one image was rejected"


@pytest.mark.async_values
@pytest.mark.parametrize("body", [[{"id": "a"}], {"data": [{"id": "a"}]}, {"models": [{"id": "a"}]}])
def test_list_of_models_is_read_in_each_form(run: ClientRunner, server: RawServer, body: object) -> None:
    """A list of models may be a bare array, or the value of `data` or `models`."""
    server.responses["/api/ai/models"] = [Response(200, body)]
    models = run(lambda oxen: oxen.models.list(), base_url=server.url)
    assert [model.id for model in models] == ["a"]


def test_job_with_object_around_it_is_read(run: ClientRunner, server: RawServer) -> None:
    """The record of a job may be the value of `generation`, as in the history."""
    record = {"generation_id": "job-1", "status": "succeeded", "media_type": "image", **IMAGES}
    server.responses[f"{QUEUE}/job-1"] = [Response(200, {"generation": record})]
    result = run(lambda oxen: oxen.job("job-1").result(), base_url=server.url)
    assert [image.url for image in result.images] == ["https://example.com/hat.png"]
