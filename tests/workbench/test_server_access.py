"""Who may use the server: hosts, origins, the token, the cookie and methods, on real sockets."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.workbench import KEY, Page, serve_page
from oxen_models._workbench.app import MAX_BODY_SIZE
from oxen_models.testing import Hub
from pytest_recording.network import blocking_context

PATHS = ["/api/session", "/api/runs", "/api/runs/x/events", "/api/history"]
POSTS = ["/api/runs", "/api/runs/x/cancel", "/api/media"]


@pytest.fixture(scope="module")
def page(module_hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with serve_page(module_hub.url, tmp_path_factory.mktemp("workbench")) as served:
        yield served


def read_status(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("LOCALHOST:{port}", 200),
        ("[::1]:{port}", 200),
        ("127.0.0.1", 403),
        ("127.0.0.1:1", 403),
        ("attacker.example:{port}", 403),
        ("attacker.example", 403),
        ("127.0.0.1.attacker.example:{port}", 403),
        ("localhost:{port}@attacker.example", 403),
        ("", 403),
    ],
)
def test_foreign_host_is_rejected(page: Page, host: str, status: int) -> None:
    """A page whose host resolves to this machine (DNS rebinding) reaches nothing, even with the secrets."""
    name = host.format(port=page.port)
    head = f"Host: {name}\nX-Workbench-Token: {page.session.token}\nCookie: {page.cookie}"
    for path in ("/", "/api/session"):
        response = page.send_raw(f"GET {path} HTTP/1.1\n{head}")
        assert read_status(response) == status
        assert (page.session.token.encode() in response) == (status == 200 and path == "/")


def test_request_without_host_is_rejected(page: Page) -> None:
    """HTTP/1.0 permits a request without the header; two of them are ambiguous."""
    token = f"X-Workbench-Token: {page.session.token}"
    assert read_status(page.send_raw(f"GET /api/session HTTP/1.0\n{token}")) == 403
    hosts = f"Host: 127.0.0.1:{page.port}\nHost: attacker.example"
    assert read_status(page.send_raw(f"GET /api/session HTTP/1.1\n{hosts}\n{token}")) in (400, 403)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://localhost:{port}"}, 200),
        ({"Origin": "https://127.0.0.1:{port}"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://attacker.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_foreign_origin_is_rejected(page: Page, headers: dict[str, str], status: int) -> None:
    """A page of another origin reaches nothing, not even with the secrets."""
    sent = {name: value.format(port=page.port) for name, value in headers.items()}
    assert page.client.get("/api/session", headers=sent).status_code == status
    assert page.client.get("/", headers={**sent, "Cookie": page.cookie}).status_code == status


def test_cross_origin_post_has_no_effect(page: Page, module_hub: Hub) -> None:
    """A form of another page cannot send a request that costs money, and no response permits CORS."""
    before = page.read("/api/runs")
    module_hub.clear()
    body = json.dumps({"model": "z-image-turbo", "values": {"prompt": "x"}})
    for headers in ({"Origin": "http://attacker.example"}, {"X-Workbench-Token": ""}):
        sent = {"Content-Type": "text/plain", "Cookie": page.cookie, **headers}
        response = page.client.post("/api/runs", content=body, headers=sent)
        assert response.status_code == 403
        assert not [name for name in response.headers if name.startswith("access-control")]
    preflight = {"Origin": "http://attacker.example", "Access-Control-Request-Method": "POST"}
    response = page.client.options("/api/runs", headers=preflight)
    assert response.status_code == 403
    assert not [name for name in response.headers if name.startswith("access-control")]
    assert (page.read("/api/runs"), module_hub.count("POST", "/")) == (before, 0)


@pytest.mark.parametrize("token", ["", "wrong", "{token}x", "{cookie}", "ü"])
def test_wrong_token_is_rejected(page: Page, token: str) -> None:
    """Each request to the interface needs the token; the cookie does not replace it."""
    given = token.format(token=page.session.token, cookie=page.session.cookie).encode()
    headers = {b"X-Workbench-Token": given, b"Cookie": page.cookie.encode()}
    for method, paths in (("GET", PATHS), ("POST", POSTS)):
        for path in paths:
            response = page.client.request(method, path, headers=headers)
            assert (response.status_code, response.json()["error"]["kind"]) == (403, "forbidden")


@pytest.mark.slow
def test_address_sets_the_cookie_once(page: Page) -> None:
    """The address with the token leads to the page by a cookie that scripts and other sites cannot use."""
    response = page.client.get("/", params={"token": page.session.token}, headers={"X-Workbench-Token": ""})
    assert (response.status_code, response.headers["location"]) == (303, "/")
    name, *attributes = response.headers["set-cookie"].split("; ")
    assert name == page.cookie
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(attributes)
    assert page.session.token not in response.headers["set-cookie"]
    for token in ("", "wrong", page.session.cookie):
        response = page.client.get("/", params={"token": token})
        assert (response.status_code, "set-cookie" in response.headers) == (403, False)


@pytest.mark.parametrize("cookie", ["", "{name}=wrong", "{name}={token}", "other={value}"])
def test_page_requires_the_cookie(page: Page, cookie: str) -> None:
    """Without the cookie, neither the page with the token nor a file is sent."""
    name, _, value = page.cookie.partition("=")
    sent = cookie.format(name=name, value=value, token=page.session.token)
    for path in ("/", "/files/x.png"):
        response = page.client.get(path, headers={"Cookie": sent})
        assert response.status_code == 403
        assert page.session.token not in response.text


def test_page_has_the_session_and_its_policy(page: Page) -> None:
    """The page has the token but no key, allows no frame, and only the scripts that it contains."""
    response = page.client.get("/", headers={"Cookie": page.cookie})
    found = re.search('<script type="application/json" id="session">(.*?)</script>', response.text)
    assert found is not None
    assert json.loads(found[1]) == {"token": page.session.token, **page.read("/api/session")}
    policy = response.headers["content-security-policy"]
    assert policy.endswith("; frame-ancestors 'none'")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert response.headers["x-frame-options"] == "DENY"
    assert KEY not in response.text


def test_session_in_the_page_is_data(module_hub: Hub, tmp_path: Path) -> None:
    """The name of a folder does not end or open an element."""
    folder = tmp_path / "<!--<script>"
    folder.mkdir()
    with serve_page(module_hub.url, folder) as page:
        text = page.client.get("/", headers={"Cookie": page.cookie}).text
        _, _, rest = text.partition('id="session">')
        state, _, _ = rest.partition("<")
        assert json.loads(state)["folder"] == str(folder / "output")


def test_each_response_forbids_frames_and_sniffing(page: Page) -> None:
    """Errors have the same headers as other responses, and no response is cached."""
    for path in ("/", "/api/session", "/api/nothing", "/files/nothing.png", "/?token=wrong"):
        headers = page.client.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/media"),
        ("GET", "/api/runs/x/cancel"),
        ("HEAD", "/api/runs/x/cancel"),
        ("DELETE", "/api/runs"),
        ("PUT", "/api/media"),
        ("POST", "/"),
        ("POST", "/files/x.png"),
        ("POST", "/api/session"),
    ],
)
def test_other_method_is_rejected(page: Page, method: str, path: str) -> None:
    """A request that changes something is a POST, and a header does not replace the method."""
    headers = {"X-HTTP-Method-Override": "POST", "Cookie": page.cookie}
    assert page.client.request(method, path, headers=headers).status_code == 405


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"model": "z-image-turbo", "values": {"prompt": NaN}}',
        b"[" * 100_000,
        b'{"model": "z-image-turbo"}',
        b'{"model": 1, "values": {}}',
        b'{"model": "z-image-turbo", "values": []}',
        b'{"model": "z-image-turbo", "values": {}, "count": 0}',
        b'{"model": "z-image-turbo", "values": {}, "count": 5}',
        b'{"model": "z-image-turbo", "values": {}, "count": true}',
        b'{"model": "z-image-turbo", "values": {}, "is_confirmed": 1}',
        b'{"model": "z-image-turbo", "values": {}, "other": 1}',
        b'{"model": "z-image-turbo", "values": {"prompt": ' + b"[" * 900 + b"]" * 900 + b"}}",
    ],
)
def test_invalid_body_is_rejected(page: Page, body: bytes) -> None:
    """What is not a run is an error of the request."""
    response = page.client.post("/api/runs", content=body)
    assert (response.status_code, response.json()["error"]["kind"]) == (400, "request")


def test_large_body_is_rejected(page: Page) -> None:
    """The memory for a body is limited, whether or not its size is stated."""
    for content in (bytes(MAX_BODY_SIZE + 1), iter([b" " * 2**16] * 17)):
        response = page.client.post("/api/runs", content=content)
        assert (response.status_code, response.json()["error"]["kind"]) == (413, "size")


def test_unknown_path_and_run_are_missing(page: Page) -> None:
    """Errors are JSON."""
    for method, path in (("GET", "/api/nothing"), ("GET", PATHS[2]), ("POST", POSTS[1])):
        response = page.client.request(method, path)
        assert (response.status_code, response.json()["error"]["kind"]) == (404, "missing")


def test_server_listens_on_loopback_only(page: Page) -> None:
    """No other address of this machine reaches it."""
    with blocking_context(allowed_hosts=["127.0.0.2"]), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", page.port))
