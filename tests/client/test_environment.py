"""Each error of a call is an `OxenError` in one plain sentence, also with invalid proxies or certificates."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certifi
import oxen_models as ox
import pytest
from helpers.chat import collect
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL, EDIT
from helpers.raw_server import RawServer, Response
from helpers.socket_server import encode_head, run_socket_server
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Hub

REQUEST = QwenImageEditPlusRequest(prompt="x", input_image=[DOG_URL])
PASSWORD = "p4ssword"
# A server that no test reaches.
REMOTE = "https://hub.invalid"


def edit(oxen: Any) -> Any:
    return oxen.run(REQUEST)


def run_many(oxen: Any) -> Any:
    return oxen.run_many([REQUEST])


def check_sentence(error: ox.OxenError) -> None:
    """Check that an error is one short line without a password."""
    text = str(error)
    assert PASSWORD not in text
    assert "\n" not in text
    assert len(text) < 300


@pytest.fixture(autouse=True)
def remove_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove proxies and certificates from the environment."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.async_values
@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1", REMOTE])
@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("HTTPS_PROXY", f"foo://u:{PASSWORD}@proxy", "HTTPS_PROXY must be the URL of a proxy"),
        ("http_proxy", f":{PASSWORD}:", "http_proxy must be the URL of a proxy"),
        ("ALL_PROXY", "socks4://proxy", "ALL_PROXY must be the URL of a proxy"),
        ("NO_PROXY", "[::1]", "NO_PROXY must be host names and addresses"),
        ("no_proxy", "a:b:c", "no_proxy must be host names and addresses"),
        ("SSL_CERT_FILE", "/missing", "the certificates of SSL_CERT_FILE cannot be loaded: No such file"),
        ("SSL_CERT_FILE", os.devnull, "the certificates of SSL_CERT_FILE cannot be loaded"),
    ],
)
def test_invalid_variable_is_named(
    run: ClientRunner, monkeypatch: pytest.MonkeyPatch, name: str, value: str, text: str, base_url: str
) -> None:
    """A call with an invalid variable raises a `ConfigurationError` that names it and not its value."""
    monkeypatch.setenv(name, value)
    calls: list[Callable[[Any], Any]] = [
        edit,
        lambda oxen: oxen.submit(REQUEST),
        lambda oxen: oxen.models.list(),
        lambda oxen: oxen.jobs(),
    ]
    for call in calls:
        error = run.expect_error(ox.ConfigurationError, call, base_url=base_url)
        assert text in str(error)
        assert "nothing was sent" in str(error)
        check_sentence(error)


@pytest.mark.slow
def test_certificates_are_loaded_once(
    run: ClientRunner, hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A run uses the certificates that its client loaded before, although their file is gone."""
    file = tmp_path / "certificates.pem"
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----")
    file.write_text(first + end, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    clients: list[Any] = []

    def check_key(oxen: Any) -> Any:
        clients.append(oxen)
        return oxen.check_key()

    def run_all(_: object) -> Any:
        file.unlink()
        return collect(clients[0].run_many([REQUEST]))

    [outcome] = run(check_key, run_all, base_url=hub.url)
    assert outcome.error is None


def test_socks_proxy_without_its_package_is_an_error(
    run: ClientRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SOCKS proxy requires a package, which the error names."""
    monkeypatch.setitem(__import__("sys").modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", f"socks5://u:{PASSWORD}@proxy")
    error = run.expect_error(ox.ConfigurationError, edit, base_url=REMOTE)
    assert "ALL_PROXY is a SOCKS proxy, which requires a package: pip install 'httpx[socks]'" in str(error)
    check_sentence(error)


@pytest.mark.parametrize("status", [403, 407, 502])
def test_refusal_of_a_proxy_is_explained(
    run: ClientRunner, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A proxy that refuses a connection is named as the cause, and nothing was sent to the server."""
    with run_socket_server(lambda peer, _: peer.send(encode_head(status, content_length="0"))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://u:{PASSWORD}@127.0.0.1:{proxy.port}")
        error = run.expect_error(ox.HubUnreachableError, edit, base_url=REMOTE, max_retries=0)
        [request] = proxy.requests
    assert request.method == "CONNECT"
    assert "authorization" not in request.headers
    assert f"the proxy refused the connection to {REMOTE}: {status} Status; nothing was sent" in str(error)
    check_sentence(error)


@pytest.mark.slow
def test_proxy_is_used(run: ClientRunner, monkeypatch: pytest.MonkeyPatch, server: RawServer) -> None:
    """A call goes through the proxy of the environment, unless NO_PROXY excludes the server."""
    monkeypatch.setenv("HTTP_PROXY", server.url)
    run.expect_error(ox.NotFoundError, edit, base_url="http://hub.invalid")
    assert server.requests[0][1] == f"http://hub.invalid{EDIT}"
    monkeypatch.setenv("NO_PROXY", "hub.invalid,::1")
    run.expect_error(ox.HubUnreachableError, edit, base_url="http://hub.invalid", max_retries=0)


NO_REASON = ", and gave no reason: an empty body"
TOO_MANY = Response(429, {"error": {"detail": "too many"}}, {"Retry-After": "90"})


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("response", "text"),
    [
        (Response(401), f"the server rejected the API key{NO_REASON} (HTTP 401); check the API key: set "),
        (Response(404), f"the server has no such page{NO_REASON} (HTTP 404); check base_url"),
        (Response(429), f"the server limits the rate of requests{NO_REASON} (HTTP 429)"),
        (TOO_MANY, "too many (HTTP 429); send it again after 90 seconds"),
        (Response(500, b"<style>x</style><h1>No"), "the server failed, and gave no reason: No (HTTP 500)"),
        (Response(502), f"a proxy of the server could not reach it{NO_REASON} (HTTP 502)"),
        (Response(413), f"the server rejected the request as too large{NO_REASON} (HTTP 413)"),
        (Response(307, headers={"Location": "/"}), "the server redirects, which is not followed"),
    ],
)
def test_response_is_explained(run: ClientRunner, server: RawServer, response: Response, text: str) -> None:
    """An error says what happened, and what to do, even if the response does not say it."""
    server.responses["/api/ai/models/x"] = [response]
    error = run.expect_error(
        ox.APIError, lambda oxen: oxen.models.get("x"), base_url=server.url, max_retries=0
    )
    assert text in str(error)
    check_sentence(error)


@pytest.mark.async_values
@pytest.mark.parametrize(
    "url",
    [
        *("a.b", "ftp://a", "http://", "http://[::1", "http://a:b", "http://a:99999", "https://a b"),
        *("https://a/?", "https://a/?q=1", "https://a#f", "https://a\0b", "", 3, f"https://u:{PASSWORD}@a"),
    ],
)
def test_bad_base_url_is_explained(run: ClientRunner, url: Any) -> None:
    """A `base_url` that is not usable is quoted, unless it may contain a password or a token."""
    error = run.expect_error(ox.ConfigurationError, base_url=url)
    assert "base_url must be an http:// or https:// URL" in str(error)
    assert (f"got {url!r}" in str(error)) == set(str(url)).isdisjoint("@?#")
    check_sentence(error)
