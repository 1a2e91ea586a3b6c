"""Responses that are errors, or that contain no result."""

from __future__ import annotations

from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import EDIT
from helpers.media_inputs import URL, edit
from helpers.raw_server import RawServer, Response

KEY = ClientRunner.KEY
DONE = Response(body={"images": [{"url": URL}]})


def envelope(detail: str = "why", kind: str = "invalid_params", **more: Any) -> dict[str, Any]:
    error = {"type": kind, "title": "a title", "detail": detail, **more}
    return {"error": error, "status": "error", "status_message": "the message"}


PAGE = b"<html><style>p{}</style><body><h1>502 Bad\nGateway</h1></body></html>"
ERRORS: list[tuple[int, object, type[ox.APIError], str | None, str]] = [
    (400, envelope(), ox.BadRequestError, "invalid_params", "why"),
    (401, envelope("no", "unauthenticated"), ox.AuthenticationError, "unauthenticated", "no"),
    (403, envelope(), ox.PermissionDeniedError, "invalid_params", "why"),
    (404, {"error": {"message": "Model not found: x"}}, ox.NotFoundError, None, "Model not found: x"),
    (408, {"error": "too slow"}, ox.APIError, None, "too slow"),
    (409, envelope(message="less"), ox.ConflictError, "invalid_params", "why"),
    (422, envelope(" ", message="more"), ox.UnprocessableError, "invalid_params", "more"),
    (422, envelope(""), ox.UnprocessableError, "invalid_params", "a title"),
    (500, {"error": "it broke"}, ox.ServerError, None, "it broke"),
    (500, {"status_message": "unknown_error"}, ox.ServerError, "unknown_error", "unknown_error"),
    (
        502,
        PAGE,
        ox.ServerError,
        None,
        "a proxy of the server could not reach it, and gave no reason: 502 Bad Gateway",
    ),
    (503, {"status_description": "more", "status_message": "less"}, ox.ServerError, "less", "more"),
    (
        503,
        b"",
        ox.ServerError,
        None,
        "a proxy of the server could not reach it, and gave no reason: an empty body",
    ),
    (
        504,
        b"[" * 100_000,
        ox.ServerError,
        None,
        "a proxy of the server could not reach it, and gave no reason",
    ),
    (
        418,
        {"error": {"detail": ["odd"]}},
        ox.APIError,
        None,
        "the server rejected the request, and gave no reason",
    ),
    (200, envelope("not today", images=[]), ox.APIError, "invalid_params", "not today"),
]


@pytest.mark.async_values
@pytest.mark.parametrize(("status", "body", "kind", "type_", "detail"), ERRORS)
def test_error_response_raises_typed_error(
    run: ClientRunner, server: RawServer,
    status: int, body: object, kind: type[ox.APIError], type_: str | None, detail: str,
) -> None:  # fmt: skip
    """Each status and envelope raises its class with the most specific text, and is not retried."""
    server.responses[EDIT] = [Response(status, body, {"X-Request-Id": "r-1", "Retry-After": "0"}), DONE]
    error = run.expect_error(kind, edit(), base_url=server.url)
    assert type(error) is kind
    assert (error.status, error.type, error.request_id, error.retry_after) == (status, type_, "r-1", 0.0)
    assert error.detail.startswith(detail)
    for part in (detail, f"HTTP {status}", type_ or "", "r-1"):
        assert part in str(error)
    assert len(str(error)) < 500
    assert len(server.requests) == 1


def test_error_has_response_without_the_key(run: ClientRunner, server: RawServer) -> None:
    """The response of an error is the one received, except that the API key is replaced."""
    body = {"error": f"bad key {KEY}", "code": 7}
    server.responses[EDIT] = [Response(401, body, {"X-Request-Id": "r-1", "X-Echo": f"Bearer {KEY}"})]
    response = run.expect_error(ox.AuthenticationError, edit(), base_url=server.url).response
    assert (response.status, response.request_id) == (401, "r-1")
    assert response.json == {"error": "bad key [key]", "code": 7}
    assert response.headers["X-ECHO"] == response.headers["x-echo"] == "Bearer [key]"


@pytest.mark.async_values
@pytest.mark.parametrize(("status", "body"), [(500, PAGE), (200, PAGE), (200, [])])
def test_error_without_json_object_has_response(
    run: ClientRunner, server: RawServer, status: int, body: object
) -> None:
    """An error whose body is not a JSON object has a response with an empty `json`."""
    server.responses[EDIT] = [Response(status, body, {"X-Request-Id": "r-1"})]
    response = run.expect_error(ox.OxenError, edit(), base_url=server.url).response
    assert (response.status, response.request_id, response.json) == (status, "r-1", {})


NO_RESULT: list[tuple[object, str]] = [
    (b"<h1>All is well</h1>", "All is well"),
    (b"", "an empty body"),
    ([], "[]"),
    ({"model": "m", "created": 1}, "no images; it has: model, created"),
    ({"images": []}, "no images"),
    ({"images": {"url": URL}}, "no images"),
    ({"images": [None, 5, {}, {"url": ""}, {"url": 5}]}, "no images"),
]


@pytest.mark.async_values
@pytest.mark.parametrize(("body", "expected"), NO_RESULT)
def test_response_without_result_raises(
    run: ClientRunner, server: RawServer, body: object, expected: str
) -> None:
    """A successful response that contains no result raises UnexpectedResponseError."""
    server.responses[EDIT] = [Response(200, body), DONE]
    assert expected in str(run.expect_error(ox.UnexpectedResponseError, edit(), base_url=server.url))
    assert len(server.requests) == 1
