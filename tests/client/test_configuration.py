"""Where the API key, the address and the headers of a client come from, and what works without a key."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL, EDIT, EVENTS
from helpers.raw_server import RawServer, Response
from helpers.scenario import Steps, collect, scenario, submit_edit
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Dialect, Hub

REQUEST = QwenImageEditPlusRequest(prompt="x", input_image=[DOG_URL])
PUBLIC = "http://example.com"
AUTHORIZE = "/api/authorize"


@pytest.fixture
def write_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A function that writes the login file of the vendor's command line."""
    monkeypatch.setenv("OXEN_CONFIG_DIR", str(tmp_path))

    def write(content: str) -> Path:
        path = tmp_path / "auth_config.toml"
        path.write_text(content, encoding="utf-8")
        return path

    return write


def format_login_file(url: str, key: str) -> str:
    host = f'[[host_configs]]\nhost = "{urlsplit(url).netloc}"\nauth_token = "{key}"\n'
    other = '[[host_configs]]\nhost = "other.example"\nauth_token = "of-another-host"\n'
    return f'default_host = "hub.oxen.ai"\n\n{other}\n{host}'


def base_url(oxen: Any) -> str:
    return str(repr(oxen)).rpartition(" of ")[2].rstrip(">")


def check_key(oxen: Any) -> Any:
    return oxen.check_key()


def find_sent_key(hub: Hub) -> str | None:
    return hub.requests[-1].headers.get("authorization")


@pytest.mark.slow
def test_key_sources_have_an_order(
    run: ClientRunner, hub: Hub, write_login: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is the argument, else OXEN_API_KEY, else the one in the login file; blank ones are unset."""
    write_login(format_login_file(hub.url, " of-the-file "))
    sent: list[str | None] = []
    for variable in (None, " ", " of-the-variable\n"):
        if variable is not None:
            monkeypatch.setenv("OXEN_API_KEY", variable)
        for argument in (None, "", "of-the-argument"):
            run(check_key, api_key=argument, base_url=hub.url)
            sent.append(find_sent_key(hub))
    file, variable, argument = (f"Bearer of-the-{name}" for name in ("file", "variable", "argument"))
    assert sent == [file, file, argument, file, file, argument, variable, variable, argument]


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("entry", "url", "is_found"),
    [
        ("hub.example", "https://hub.example", True),
        ("Hub.Example", "https://hub.example/api/ai", True),
        ("hub.example:443", "https://hub.example", True),
        ("hub.example", "https://hub.example:443", True),
        ("hub.example:80", "http://hub.example", True),
        ("hub.example", "https://hub.example:8443", False),
        ("hub.example:8443", "https://hub.example:8443", True),
        ("hub.example:443", "http://hub.example", False),
        ("hub.example", "https://www.hub.example", False),
    ],
)
def test_login_is_found_by_host_and_port(
    run: ClientRunner, write_login: Callable[[str], Path], entry: str, url: str, is_found: bool
) -> None:
    """The entry of the login file is the one of the host with its port, which may be the scheme's own."""
    write_login(f'[[host_configs]]\nhost = "{entry}"\nauth_token = "file-key"\n')
    sent: list[str | None] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("authorization"))
        return httpx.Response(200, json={"data": []})

    http = run.make_http_client(transport=httpx.MockTransport(respond))
    run(lambda oxen: oxen.models.list(), api_key=None, base_url=url, http_client=http)
    assert sent == ["Bearer file-key" if is_found else None]


def test_default_login_file_is_in_the_home(
    run: ClientRunner, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without OXEN_CONFIG_DIR, the login file is `~/.config/oxen/auth_config.toml`."""
    monkeypatch.setenv("OXEN_CONFIG_DIR", " ")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    folder = tmp_path / ".config" / "oxen"
    folder.mkdir(parents=True)
    (folder / "auth_config.toml").write_text(format_login_file(hub.url, "of-the-home"))
    assert run(check_key, api_key=None, base_url=hub.url).name == "standin"
    assert find_sent_key(hub) == "Bearer of-the-home"


@pytest.mark.async_values
@pytest.mark.parametrize("folder", ["~/.config/oxen", "~/absent", " "])
def test_missing_key_names_the_login_file(
    run: ClientRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """The error for a missing key names the login file that was read."""
    monkeypatch.setenv("OXEN_CONFIG_DIR", folder)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    error = run.expect_error(ox.MissingAPIKeyError, check_key, api_key=None, base_url=PUBLIC)
    file = os.path.join(folder, "auth_config.toml") if folder != " " else "~/.config/oxen/auth_config.toml"
    assert f"`oxen config --auth` ({file})" in str(error)


SECRET = "s3cret-of-the-file"


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f'auth_token = "{SECRET}', "must be a TOML file"),
        (f'host_configs = "{SECRET}"', "host_configs must be a list of tables"),
        (f'host_configs = ["{SECRET}"]', "each table of host_configs must have"),
        ('[[host_configs]]\nhost = 3\nauth_token = "k"', "each table of host_configs must have"),
        ('[[host_configs]]\nhost = "a"\nauth_token = 5', "each table of host_configs must have"),
        (format_login_file(PUBLIC, "kéy"), "must consist of printable ASCII characters"),
    ],
)
def test_invalid_login_file_is_an_error(
    run: ClientRunner, write_login: Callable[[str], Path], content: str, message: str
) -> None:
    """An invalid login file is a `ConfigurationError` that names the file and does not quote it."""
    path = write_login(content)
    error = run.expect_error(ox.ConfigurationError, api_key=None, base_url=PUBLIC)
    assert message in str(error)
    assert str(path) in str(error)
    assert SECRET not in str(error)
    run(base_url=PUBLIC)  # the file is not read if there is another key


def test_unreadable_login_file_is_an_error(
    run: ClientRunner, write_login: Callable[[str], Path], tmp_path: Path
) -> None:
    """A login file that cannot be read is an error; a missing one, or one without a key, is none."""
    run(api_key=None, base_url=PUBLIC)
    write_login(f'[[host_configs]]\nhost = "{urlsplit(PUBLIC).netloc}"\n')
    run.expect_error(ox.MissingAPIKeyError, check_key, api_key=None, base_url=PUBLIC)
    (tmp_path / "auth_config.toml").write_bytes(b"\xff")
    assert "UTF-8" in str(run.expect_error(ox.ConfigurationError, api_key=None, base_url=PUBLIC))
    (tmp_path / "auth_config.toml").unlink()
    (tmp_path / "auth_config.toml").mkdir()
    assert "cannot be read" in str(run.expect_error(ox.ConfigurationError, api_key=None, base_url=PUBLIC))


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("argument", "url", "host", "expected"),
    [
        (None, None, None, "https://hub.oxen.ai"),
        (None, None, "hub.example", "https://hub.example"),
        (None, None, " hub.example:443 ", "https://hub.example:443"),
        (None, None, "hub.example:3001", "http://hub.example:3001"),
        (None, None, "localhost", "http://localhost"),
        (None, None, "localhost:443", "http://localhost:443"),
        (None, None, "127.0.0.1:3001", "http://127.0.0.1:3001"),
        (None, None, "[::1]:3001", "http://[::1]:3001"),
        (None, "https://a.example/api/ai/", "hub.example", "https://a.example"),
        (None, "http://a.example:1", "hub.example", "http://a.example:1"),
        (None, " ", " ", "https://hub.oxen.ai"),
        ("https://b.example", "https://a.example", "hub.example", "https://b.example"),
    ],
)
def test_address_sources_have_an_order(
    run: ClientRunner,
    monkeypatch: pytest.MonkeyPatch,
    argument: str | None,
    url: str | None,
    host: str | None,
    expected: str,
) -> None:
    """The address is the argument, else OXEN_BASE_URL, else OXEN_HOST, else the default."""
    for name, value in (("OXEN_BASE_URL", url), ("OXEN_HOST", host)):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert run(base_url, base_url=argument) == expected


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OXEN_BASE_URL", "hub.example"),
        ("OXEN_BASE_URL", "https://u:p@hub.example"),
        *(("OXEN_HOST", host) for host in ("https://hub.example", "a/b", "u@a", "a:b", "a b", ":80", "a?b")),
    ],
)
def test_invalid_address_names_its_variable(
    run: ClientRunner, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """An invalid address in the environment is an error that names the variable."""
    monkeypatch.setenv(name, value)
    assert str(run.expect_error(ox.ConfigurationError)).startswith(f"{name} must be ")
    assert run(base_url, base_url=PUBLIC) == PUBLIC


def test_check_key_returns_the_user(run: ClientRunner, hub: Hub) -> None:
    """`check_key` returns the user of the key, from one request."""
    user = run(check_key, base_url=hub.url)
    assert user == ox.User("standin", "standin@example.invalid")
    assert [(request.method, request.path) for request in hub.requests] == [("GET", AUTHORIZE)]


def test_check_key_raises_for_a_wrong_key(run: ClientRunner, server: RawServer) -> None:
    """A rejected key and a response without a user are errors."""
    refusal = {"error": {"type": "unauthenticated", "title": "You must be authenticated"}}
    server.responses[AUTHORIZE] = [Response(401, refusal), Response(body={"user": {"id": 3}})]
    error = run.expect_error(ox.AuthenticationError, check_key, base_url=server.url)
    assert "OXEN_API_KEY" in str(error)
    assert "auth_config.toml" in str(error)
    run.expect_error(ox.UnexpectedResponseError, check_key, base_url=server.url)


@pytest.mark.slow
def test_default_headers_are_sent(run: ClientRunner, hub: Hub) -> None:
    """Default headers are part of each request; those of a call and the client's own replace them."""

    @scenario
    def steps(oxen: Any) -> Steps:
        yield oxen.check_key()
        yield oxen.with_options(timeout=60).run(REQUEST, extra_headers={"x-TRACE": "of-the-call"})
        job = yield submit_edit(oxen)
        yield job.result()

    run(steps, base_url=hub.url, default_headers={"X-Trace": "default", "Accept": "x/y"})
    traces = {(request.path, request.headers.get("x-trace")) for request in hub.requests}
    assert {(AUTHORIZE, "default"), (EDIT, "of-the-call"), (EVENTS, "default")} <= traces
    assert {trace for path, trace in traces if path != EDIT} == {"default"}
    [events] = [request for request in hub.requests if request.path == EVENTS]
    assert events.headers["accept"] == "text/event-stream"


def test_default_headers_stay_on_own_host(
    run: ClientRunner, server: RawServer, other_server: RawServer
) -> None:
    """A download from another host has no default headers."""
    other_server.responses["/a"] = [Response(body=b"content")]
    server.serve_image_at(f"{other_server.url}/a")

    def read(result: Any) -> Any:
        return result.images[0].read()

    run(lambda oxen: oxen.run(REQUEST), read, base_url=server.url, default_headers={"x-trace": "t"})
    assert [headers.get("x-trace") for _, _, headers in server.requests] == ["t"]
    assert ["x-trace" in headers for _, _, headers in other_server.requests] == [False]


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Authorization": "x"}, "'Authorization' is set by the client; use api_key="),
        ({"User-Agent": "x"}, "'User-Agent' is set by the client"),
        ({"a b": "x"}, "must be an ASCII name with an ASCII value"),
        ({"x-a": "a\r\nb"}, "must be an ASCII name with an ASCII value"),
        ("x-a", "must be a mapping of names to values, got str"),
    ],
)
def test_invalid_default_headers_are_rejected(
    run: ClientRunner, headers: dict[str, str], message: str
) -> None:
    """Default headers are validated as `extra_headers` are."""
    error = run.expect_error(ox.ConfigurationError, base_url=PUBLIC, default_headers=headers)
    assert str(error).startswith("default_headers: ")
    assert message in str(error)


def test_pickled_client_keeps_default_headers(
    run: ClientRunner, hub: Hub, write_login: Callable[[str], Path]
) -> None:
    """A pickled client has its default headers and no key; the key of the login file is found again."""
    write_login(format_login_file(hub.url, "of-the-file"))
    packed = run(pickle.dumps, api_key=None, base_url=hub.url, default_headers={"x-trace": "t"})
    assert b"of-the-file" not in packed

    @scenario
    def steps(_: Any) -> Steps:
        client = pickle.loads(packed)
        yield client.check_key()
        yield client.aclose() if run.asynchronous else client.close()

    run(steps, base_url=hub.url)
    assert (find_sent_key(hub), hub.requests[-1].headers["x-trace"]) == ("Bearer of-the-file", "t")


PUBLIC_READS: list[Callable[[Any], Any]] = [
    lambda oxen: oxen.models.list(),
    lambda oxen: oxen.models.search("qwen"),
    lambda oxen: oxen.models.featured(),
    lambda oxen: oxen.models.get("qwen-image"),
    lambda oxen: oxen.model("qwen-image").load(),
    lambda oxen: oxen.model("gpt-4o").load(),
]


@pytest.mark.async_values
@pytest.mark.parametrize("read", PUBLIC_READS)
def test_models_are_read_without_a_key(run: ClientRunner, hub: Hub, read: Callable[[Any], Any]) -> None:
    """The lists of models need no key; a configured key is sent."""
    run(read, api_key=None, base_url=hub.url)
    assert find_sent_key(hub) is None
    run(read, base_url=hub.url)
    assert find_sent_key(hub) == f"Bearer {run.KEY}"


@pytest.mark.slow
def test_lists_that_need_a_key_say_so(run: ClientRunner) -> None:
    """A hub whose lists are not public raises an error that names the ways to pass a key."""
    with Hub(dialect=Dialect(list_access="key")) as hub:
        for read in PUBLIC_READS:
            error = run.expect_error(ox.AuthenticationError, read, api_key=None, base_url=hub.url)
            assert "OXEN_API_KEY" in str(error)


def test_favorites_are_those_of_the_user(run: ClientRunner, hub: Hub) -> None:
    """`favorites` sends the key if there is one; the hub rejects the request without one."""
    favorite = f"{hub.url}/api/ai/models/qwen-image/favorite"
    httpx.post(favorite, headers={"authorization": "Bearer any"})
    models = run(lambda oxen: oxen.models.favorites(), base_url=hub.url)
    assert [model.id for model in models] == ["qwen-image"]
    run.expect_error(
        ox.AuthenticationError, lambda oxen: oxen.models.favorites(), api_key=None, base_url=hub.url
    )


def test_list_filters_are_sent(run: ClientRunner, server: RawServer) -> None:
    """The filters of the list have the API's names, and those that are None are not sent."""
    path = "/api/ai/models?developer_name=a+b&provider_name=c&action=image_generation"
    server.responses = {path: [Response(body={"data": []})], "/api/ai/models": [Response(body={"data": []})]}
    filters = {"developer": "a b", "provider": "c", "action": "image_generation"}
    assert run(lambda oxen: oxen.models.list(**filters), base_url=server.url) == []
    assert run(lambda oxen: oxen.models.list(), base_url=server.url) == []
    assert [sent for _, sent, _ in server.requests] == [path, "/api/ai/models"]


KEYED: list[Callable[[Any], Any]] = [
    check_key,
    lambda oxen: oxen.run(REQUEST),
    lambda oxen: oxen.submit(REQUEST),
    lambda oxen: oxen.job("any").refresh(),
    lambda oxen: oxen.job("any").result(),
    lambda oxen: oxen.job("any").cancel(),
    lambda oxen: oxen.jobs(),
    lambda oxen: collect(oxen.generations()),
    lambda oxen: collect(oxen.events()),
    lambda oxen: collect(oxen.run_many([REQUEST])),
    lambda oxen: oxen.model("qwen-image").generate(prompt="x"),
    lambda oxen: oxen.model("qwen-image").submit(prompt="x"),
    lambda oxen: oxen.models.activate("any"),
]


@pytest.mark.async_values
@pytest.mark.parametrize("call", KEYED)
def test_call_without_a_key_sends_nothing(run: ClientRunner, hub: Hub, call: Callable[[Any], Any]) -> None:
    """A call that needs a key raises before anything is sent, and names the ways to pass one."""
    error = run.expect_error(ox.MissingAPIKeyError, call, api_key=None, base_url=hub.url)
    assert "OXEN_API_KEY" in str(error)
    assert "auth_config.toml" in str(error)
    assert hub.requests == []


@pytest.mark.slow
def test_result_is_downloaded_without_a_key(
    run: ClientRunner, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A download needs no key, because a result's URL may be signed."""
    server.serve_image_at("/result", Response(body=b"content"))

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.run(REQUEST)
        copied = pickle.loads(pickle.dumps(result))
        return (yield copied.images[0].read())

    assert run(steps, base_url=server.url) == b"content"
    assert "authorization" not in server.requests[-1][2]


@pytest.mark.slow
def test_import_does_not_load_tomllib() -> None:
    """The parser of the login file is loaded only if that file is read."""
    code = (
        "import sys, oxen_models; oxen_models.Oxen('k'); assert 'tomllib' not in sys.modules;"
        "oxen_models.Oxen(); assert 'tomllib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], env=os.environ, check=True)
