"""Calls over real sockets: results, retries and connections."""

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
from helpers.media_inputs import HAT, URL, edit
from helpers.raw_server import RawServer, Response
from oxen_models.testing import Hub

DONE = Response(body={"images": [{"url": URL}]})
RATE_LIMITED = Response(429, headers={"Retry-After": "0"})
INVALID_DELAY = Response(429, headers={"Retry-After": "a while"})
INVALID_DATE = Response(429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 +999999999999999"})


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


@pytest.mark.async_values
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
    assert len(repr(result)) < 600

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
    assert body == {"model": "qwen-image-edit-plus", **HAT, **extra}


def test_results_keep_their_order(run: ClientRunner, server: RawServer) -> None:
    """The media are in the order of the response, with the model and the time."""
    items = [{"url": "data:image/png;base64,bmV3"}, {"b64_json": "bmV3"}, {"url": "https://a.example"}]
    server.responses[EDIT] = [Response(body={"model": "m", "created": 7, "images": items, "error": None})]
    result = run(edit(), base_url=server.url)
    outputs = [(image.url, image.b64_json) for image in result.images]
    assert outputs == [(item.get("url"), item.get("b64_json")) for item in items]
    assert (result.model, result.created) == ("m", 7)


@pytest.mark.async_values
@pytest.mark.parametrize("created", [None, "soon", True, [], float("nan"), float("inf")])
def test_invalid_date_does_not_lose_the_result(run: ClientRunner, server: RawServer, created: object) -> None:
    """A result whose time of creation is missing or invalid is returned without it."""
    server.responses[EDIT] = [Response(body={"images": [{"url": URL}], "created": created})]
    result = run(edit(), base_url=server.url)
    assert (result.images[0].url, result.created, result.model) == (URL, None, None)


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


@pytest.mark.async_values
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
