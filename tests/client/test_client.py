"""Calls over real sockets: results, retries and connections."""

from __future__ import annotations

import time
from operator import attrgetter
from pathlib import Path
from typing import Any

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import EDIT
from helpers.media_inputs import HAT, URL, edit, read, save
from helpers.raw_server import RawServer, Response
from oxen_models.testing import Hub

DONE = Response(body={"images": [{"url": URL}]})


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
