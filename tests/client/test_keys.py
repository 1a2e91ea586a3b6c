"""The API key of a call: where it comes from, and which hosts receive it."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import EDIT
from helpers.media_inputs import read
from helpers.raw_server import RawServer, Response

URL = "https://example.com/dog.png"
KEY = ClientRunner.KEY
CONTENT = b"the picture"
DONE = Response(body={"images": [{"url": URL}]})


def edit(oxen: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[URL])


@pytest.mark.async_values
@pytest.mark.parametrize("key", [None, "", " ", "k\ny", "kéy", "k\u2603"])
def test_missing_or_invalid_key_raises(run: ClientRunner, server: RawServer, key: str | None) -> None:
    """Without a valid API key, nothing is sent."""
    with pytest.raises(ox.MissingAPIKeyError, match="key") as caught:
        run(edit, api_key=key, base_url=server.url)
    assert ("OXEN_API_KEY" in str(caught.value)) == (not (key or "").strip())
    assert server.requests == []


def test_key_argument_overrides_environment(
    run: ClientRunner, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OXEN_API_KEY is used, stripped, if no key is passed."""
    monkeypatch.setenv("OXEN_API_KEY", " from-outside\n")
    server.responses[EDIT] = [DONE]
    for given in (None, "given"):
        run(edit, api_key=given, base_url=server.url)
    sent = [headers["authorization"] for _, _, headers in server.requests]
    assert sent == ["Bearer from-outside", "Bearer given"]


def test_key_replaces_that_of_the_http_client(run: ClientRunner) -> None:
    """A call and a download from the same host, whose port may be stated, have the key of the client only."""
    keys: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        keys.extend(request.headers.get_list("authorization"))
        if request.method == "GET":
            return httpx.Response(200, content=CONTENT)
        return httpx.Response(200, json={"images": [{"url": "http://127.0.0.1:80/file"}]})

    http = run.make_http_client(
        headers={"Authorization": "Bearer other"}, transport=httpx.MockTransport(respond)
    )
    run(edit, read, base_url="http://127.0.0.1", http_client=http)
    assert keys == [f"Bearer {KEY}"] * 2


@pytest.mark.parametrize("url", ["OWN/to-elsewhere", "http://OTHER/file", "OWN@OTHER/file"])
def test_key_is_sent_to_own_host_only(
    run: ClientRunner, server: RawServer, other_server: RawServer, url: str
) -> None:
    """A download from another host, or a redirect to one, is requested without the API key."""
    other = other_server.url.removeprefix("http://")
    server.serve_image_at(url.replace("OWN", server.url).replace("OTHER", other))
    server.responses["/to-elsewhere"] = [Response(302, headers={"Location": f"{other_server.url}/file"})]
    other_server.responses["/file"] = [Response(body=CONTENT)]
    assert run(edit, read, base_url=server.url) == CONTENT
    assert {headers.get("authorization") for _, _, headers in server.requests} == {f"Bearer {KEY}"}
    [(_, path, headers)] = other_server.requests
    assert (path, KEY in str(headers)) == ("/file", False)
    # The API rejects user agents that contain "oxen", because it treats them as its own CLI.
    for _, _, headers in server.requests + other_server.requests:
        assert "oxen" not in headers["user-agent"].lower()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_call_does_not_follow_redirects(
    run: ClientRunner, server: RawServer, other_server: RawServer, status: int
) -> None:
    """A redirected call raises OutcomeUnknownError, even if the http_client follows redirects."""
    other_server.responses[EDIT] = [DONE]
    server.responses[EDIT] = [Response(status, headers={"Location": f"{other_server.url}{EDIT}"})]
    http = run.make_http_client(follow_redirects=True)
    error = run.expect_error(ox.OutcomeUnknownError, edit, base_url=server.url, http_client=http)
    assert (error.response.status, "redirect" in str(error)) == (status, True)
    assert (len(server.requests), other_server.requests) == (1, [])


@pytest.mark.slow
def test_key_is_not_in_repr_or_log(
    run: ClientRunner, server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the `repr` of client and result nor the log contains the API key."""
    caplog.set_level(logging.DEBUG)
    server.serve_image_at("/file", Response(body=CONTENT))
    shown: list[str] = []

    def show(value: Any) -> Any:
        shown.append(f"{value!r} {value}")
        return value

    run(show, edit, show, read, base_url=server.url)
    assert [server.url in text for text in shown] == [True, True]
    assert KEY not in "".join(shown) + caplog.text
