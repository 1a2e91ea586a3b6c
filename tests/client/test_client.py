"""Both clients over real sockets: results, errors and retries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import EDIT
from helpers.raw_server import RawServer, Response
from oxen_models.testing import Hub

URL = "https://example.com/dog.png"
KEY = ClientRunner.KEY
OLD, NEW = b"the old picture", b"the new picture" * 1000
DONE = Response(body={"images": [{"url": URL}]})
RATE_LIMITED = Response(429, headers={"Retry-After": "0"})
INVALID_DELAY = Response(429, headers={"Retry-After": "a while"})
INVALID_DATE = Response(429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 +999999999999999"})


def edit(**parameters: Any) -> Callable[[Any], Any]:
    return lambda oxen: oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[URL], **parameters)


def read(result: Any) -> Any:
    return result.media[0].read()


def save(path: str | Path) -> Callable[[Any], Any]:
    return lambda result: result.media[0].save(path)


CALLS: list[tuple[str, str, dict[str, Any], str, bytes]] = [
    ("images", "qwen_image_edit_plus.edit", {"prompt": "x", "input_image": [URL]}, "Image", b"PNG"),
    ("images", "qwen_image.generate", {"prompt": "x"}, "Image", b"JFIF"),
    ("videos", "bytedance_seedance_2_0_text_to_video.generate", {"prompt": "x"}, "Video", b"ftyp"),
    ("audio", "bytedance_seed_audio_1_0.speak", {"prompt": "x"}, "Audio", b"ID3"),
]


@pytest.mark.slow
@pytest.mark.parametrize("response_format", ["url", "b64_json"])
@pytest.mark.parametrize(("family", "call", "parameters", "kind", "magic"), CALLS)
def test_call_returns_typed_result(
    run: ClientRunner, hub: Hub, tmp_path: Path,
    family: str, call: str, parameters: dict[str, Any], kind: str, magic: bytes, response_format: str,
) -> None:  # fmt: skip
    """Each verb sends its parameters and returns a result of its family, which can be read and saved."""
    sent = {**parameters, "response_format": response_format}

    def generate(oxen: Any) -> Any:
        return attrgetter(f"{family}.{call}")(oxen)(**sent)

    started = int(time.time())
    result = run(generate, base_url=hub.url)
    model = call.partition(".")[0].replace("_", "-")
    assert hub.requests[0].body == {"model": model, **sent}
    assert type(result) is run.get_class(f"{kind}Result")
    assert result.model == model
    assert started <= result.created <= time.time()
    [medium] = getattr(result, f"{kind.lower()}s")
    assert type(medium) is run.get_class(kind)
    assert (medium.url is None, medium.b64_json is None) == (
        response_format != "url",
        response_format == "url",
    )
    assert len(repr(result)) < 300

    content = run(generate, read, base_url=hub.url)
    assert magic in content[:16]
    path = run(generate, save(tmp_path / "result"), base_url=hub.url)
    assert (path, path.read_bytes()) == (tmp_path / "result", content)


def test_extra_body_is_sent_unchanged(run: ClientRunner, hub: Hub) -> None:
    """Properties of `extra_body` are added to the request body."""
    hub.respond_next(200, body=DONE.body)
    extra = {"seed": 7, "nested": {"a": [None]}}
    run(edit(extra_body=extra), base_url=f"{hub.url}/")
    body = hub.requests[0].body
    assert body == {"model": "qwen-image-edit-plus", "prompt": "x", "input_image": [URL], **extra}


def test_results_keep_their_order(run: ClientRunner, server: RawServer) -> None:
    """The media are in the order of the response, with the model and the time."""
    items = [{"url": "data:image/png;base64,bmV3"}, {"b64_json": "bmV3"}, {"url": "https://a.example"}]
    server.responses[EDIT] = [Response(body={"model": "m", "created": 7, "images": items, "error": None})]
    result = run(edit(), base_url=server.url)
    outputs = [(image.url, image.b64_json) for image in result.images]
    assert outputs == [(item.get("url"), item.get("b64_json")) for item in items]
    assert (result.model, result.created) == ("m", 7)


@pytest.mark.slow
@pytest.mark.parametrize(
    "item", [{"url": "data:image/png;base64,bmV3"}, {"url": "data:,new"}, {"b64_json": "bmV3"}]
)
def test_content_in_the_response_is_read(
    run: ClientRunner, server: RawServer, tmp_path: Path, item: object
) -> None:
    """Base64 content and data: URLs are read and saved without a download."""
    server.responses[EDIT] = [Response(body={"images": [item]})]
    assert run(edit(), read, base_url=server.url) == b"new"
    assert run(edit(), save(tmp_path / "hat.png"), base_url=server.url).read_bytes() == b"new"


@pytest.mark.slow
@pytest.mark.parametrize(
    "item",
    [
        *({"b64_json": broken} for broken in ("@@@@", "AAA", "\N{SNOWMAN}")),
        *({"url": f"data:image/png;base64{broken}"} for broken in ("", ",@@@@", ",AAA", ",\N{SNOWMAN}")),
    ],
)
def test_invalid_content_raises_media_error(
    run: ClientRunner, server: RawServer, tmp_path: Path, item: object
) -> None:
    """Invalid base64 content or an invalid data: URL raises MediaError, and no file is left."""
    server.responses[EDIT] = [Response(body={"images": [item]})]
    for use in (read, save(tmp_path / "hat.png")):
        run.expect_error(ox.MediaError, edit(), use, base_url=server.url)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("created", [None, "soon", True, [], float("nan"), float("inf")])
def test_invalid_date_does_not_lose_the_result(run: ClientRunner, server: RawServer, created: object) -> None:
    """A result whose time of creation is missing or invalid is returned without it."""
    server.responses[EDIT] = [Response(body={"images": [{"url": URL}], "created": created})]
    result = run(edit(), base_url=server.url)
    assert (result.images[0].url, result.created, result.model) == (URL, None, None)


@pytest.mark.slow
@pytest.mark.parametrize("old", [{}, {"hat.png": OLD}])
def test_interrupted_save_leaves_no_file(
    run: ClientRunner, server: RawServer, tmp_path: Path, old: dict[str, bytes]
) -> None:
    """A truncated download leaves an existing file unchanged, and no other file."""
    for name, content in old.items():
        (tmp_path / name).write_bytes(content)
    server.serve_image_at("/file", Response(body=NEW, delivery="half"))
    for use in (read, save(tmp_path / "hat.png")):
        run.expect_error(ox.MediaError, edit(), use, base_url=server.url)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == old


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hat.png", f"{'h' * 246}.png"], ids=["short", "long"])
def test_save_replaces_an_existing_file(
    run: ClientRunner, server: RawServer, tmp_path: Path, name: str
) -> None:
    """`save` replaces the file at the path, whose name may have the maximum length."""
    (tmp_path / name).write_bytes(OLD)
    server.serve_image_at("/file", Response(body=NEW))
    path = run(edit(), save(str(tmp_path / name)), base_url=server.url)
    assert (path, path.read_bytes()) == (tmp_path / name, NEW)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
@pytest.mark.parametrize("target", ["missing/hat.png", "file/hat.png", "missing/", "file/"])
def test_save_to_invalid_path_raises(
    run: ClientRunner, server: RawServer, tmp_path: Path, target: str
) -> None:
    """A path at which no file can be created raises MediaError with the path."""
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "folder").mkdir()
    server.serve_image_at("/file", Response(body=NEW))
    error = run.expect_error(ox.MediaError, edit(), save(f"{tmp_path}/{target}"), base_url=server.url)
    assert f"{tmp_path}/{target}" in str(error)
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["file", "folder"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "response",
    [
        *(Response(status) for status in (403, 404, 500, 302, 304)),
        Response(302, headers={"Location": "/file"}),
        Response(302, headers={"Location": "http://[::1"}),
        Response(body=NEW, delivery="cut"),
    ],
    ids="403 404 500 no-location 304 loop invalid-location cut".split(),
)
def test_failed_download_raises_media_error(
    run: ClientRunner, server: RawServer, tmp_path: Path, response: Response
) -> None:
    """A rejected, redirected or interrupted download raises MediaError, and no file is left."""
    server.serve_image_at("/file", response)
    for use in (read, save(tmp_path / "hat.png")):
        run.expect_error(ox.MediaError, edit(), use, base_url=server.url, max_retries=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["file", "ftp://a/b", "http://[::1", "http://127.0.0.1:99999", "http://a:b"])
def test_invalid_result_url_raises_media_error(run: ClientRunner, server: RawServer, url: str) -> None:
    """A result whose URL cannot be requested raises MediaError when it is read."""
    server.serve_image_at(url)
    run.expect_error(ox.MediaError, edit(), read, base_url=server.url)


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


@pytest.mark.parametrize(("body", "expected"), NO_RESULT)
def test_response_without_result_raises(
    run: ClientRunner, server: RawServer, body: object, expected: str
) -> None:
    """A successful response that contains no result raises UnexpectedResponseError."""
    server.responses[EDIT] = [Response(200, body), DONE]
    assert expected in str(run.expect_error(ox.UnexpectedResponseError, edit(), base_url=server.url))
    assert len(server.requests) == 1


UNKNOWN = "may have been accepted"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("responses", "posts", "kind"),
    [
        ([RATE_LIMITED, Response(500), DONE], 2, ox.ServerError),
        ([INVALID_DELAY, INVALID_DATE, DONE], 3, None),
    ],
)
def test_only_429_of_a_billable_request_is_retried(
    run: ClientRunner,
    server: RawServer,
    responses: list[Response],
    posts: int,
    kind: type[Exception] | None,
) -> None:
    """After a 429 a billable request is sent again, whatever Retry-After contains; after a 500 it is not."""
    server.responses[EDIT] = list(responses)
    if kind is None:
        assert run(edit(), base_url=server.url).images[0].url == URL
    else:
        assert type(run.expect_error(kind, edit(), base_url=server.url)) is kind
    assert [request[:2] for request in server.requests] == [("POST", EDIT)] * posts


@pytest.mark.slow
def test_response_that_does_not_end_in_time_raises(run: ClientRunner, server: RawServer) -> None:
    """A response whose bytes arrive too slowly raises at the timeout, although httpx's own restarts."""
    server.responses[EDIT] = [Response(body=DONE.body, delivery="slow"), DONE]
    error = run.expect_error(ox.OutcomeUnknownTimeout, edit(timeout=1), base_url=server.url)
    assert (UNKNOWN in str(error), isinstance(error, TimeoutError)) == (True, True)
    assert [request[:2] for request in server.requests] == [("POST", EDIT)]


@pytest.mark.parametrize(
    ("fault", "tries", "kind"),
    [
        (httpx.ConnectTimeout("slow"), 3, ox.HubTimeoutError),
        (httpx.WriteTimeout("stuck"), 1, ox.OutcomeUnknownTimeout),
        (httpx.WriteError("half gone"), 1, ox.OutcomeUnknownError),
        (httpx.DecodingError("not gzip"), 1, ox.OutcomeUnknownError),
    ],
)
def test_transport_error_is_mapped(
    run: ClientRunner, fault: httpx.HTTPError, tries: int, kind: type[Exception]
) -> None:
    """A billable request is retried only if its connection failed; otherwise its outcome is unknown."""
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise fault

    http = run.make_http_client(transport=httpx.MockTransport(handle))
    error = run.expect_error(kind, edit(), base_url="http://127.0.0.1", http_client=http)
    assert (type(error), len(sent)) == (kind, tries)
    assert ("nothing was sent" in str(error), UNKNOWN in str(error)) == (tries == 3, tries == 1)


@pytest.mark.parametrize(
    "url",
    [
        *("a.b", "ftp://a", "http://", "http://[::1", "http://a:b", "http://a:99999", "https://u:p@a"),
        *("https://a/?", "https://a/?q=1", "https://a#f", "https://a b", "https://a\0b", ""),
    ],
)
def test_invalid_base_url_raises(run: ClientRunner, url: str) -> None:
    """An invalid base URL raises when the client is created."""
    with pytest.raises(ValueError, match="base_url"):
        run(base_url=url)


def test_http_client_of_the_caller_stays_open(run: ClientRunner, server: RawServer) -> None:
    """Closing a client closes its own connections, but not an http_client that was passed in."""
    server.responses[EDIT] = [DONE]
    http = run.make_http_client()
    run(edit(), base_url=server.url, http_client=http)
    assert not http.is_closed
    asyncio.run(http.aclose()) if run.asynchronous else http.close()
    clients: list[Any] = []

    def close(client: Any) -> Any:
        clients.append(client)
        return client.aclose() if run.asynchronous else client.close()

    with pytest.raises(ox.HubUnreachableError, match="closed"):
        run(close, lambda _: edit()(clients[0]), base_url=server.url)
    assert len(server.requests) == 1
