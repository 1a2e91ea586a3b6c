"""The API key is in no variable that a traceback shows, and in no text that the server repeats."""

from __future__ import annotations

import asyncio
import sys
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from html import escape
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner, find_in_frame, find_in_variables
from helpers.hub_api import DOG_URL, EDIT, QUEUE
from helpers.raw_server import RawServer, Response
from oxen_models.images import QwenImageEditPlusRequest
from pydantic import SecretBytes, SecretStr

REQUEST = QwenImageEditPlusRequest(prompt="x", input_image=[DOG_URL])
JOB = f"{QUEUE}/j"
KEY = ClientRunner.KEY
# A key of each kind of character that an encoding changes.
HARD_KEY = "sk+live/AB_c-d9.~x='\"<&%>\\k"


def edit(oxen: Any) -> Any:
    return oxen.run(REQUEST)


def wait(oxen: Any) -> Any:
    return oxen.job("j").result(timeout=1)


def next_event(oxen: Any) -> Any:
    events = oxen.events()
    return anext(events) if hasattr(events, "__anext__") else next(events)


ERRORS: list[tuple[dict[str, list[Response]], Callable[[Any], Any]]] = [
    ({EDIT: [Response(401, {"error": {"detail": "no"}})]}, edit),
    ({EDIT: [Response(422, {"error": {"detail": "no"}})]}, edit),
    ({EDIT: [Response(500, b"<html>no</html>")]}, edit),
    ({EDIT: [Response(200, b"<html>no</html>")]}, edit),
    ({EDIT: [Response(delivery="cut")]}, edit),
    ({EDIT: [Response(delivery="half", body=b"{}" * 9)]}, edit),
    ({EDIT: [Response(delivery="never")]}, lambda oxen: oxen.run(REQUEST, timeout=0.2)),
    ({JOB: [Response(body={"generation_id": "j", "status": "failed"})]}, wait),
    ({JOB: [Response(body={"generation_id": "j", "status": "cancelled"})]}, wait),
    ({JOB: [Response(404)]}, wait),
    ({"/api/events": [Response(403, {"error": {"detail": "no"}})]}, next_event),
    ({"/api/events": [Response(200, b"no stream")]}, next_event),
    ({}, lambda oxen: oxen.run(REQUEST, extra_headers={"a": "\n"})),
    ({}, lambda oxen: oxen.run(REQUEST, extra_body={"a": object()})),
    ({}, lambda oxen: oxen.images.qwen_image_edit_plus.edit(prompt=3, input_image=3)),
    ({}, lambda oxen: oxen.model("x").load()),
    ({}, lambda oxen: oxen.models.get("x")),
    ({}, lambda oxen: oxen.with_options(timeout=-1)),
]


@pytest.mark.parametrize(("responses", "call"), ERRORS)
def test_traceback_of_an_error_hides_the_key(
    run: ClientRunner, server: RawServer, responses: dict[str, list[Response]], call: Callable[[Any], Any]
) -> None:
    """No variable of a frame contains the key, whatever the error (`expect_error` checks it)."""
    server.responses.update(responses)
    run.expect_error(ox.OxenError, call, base_url=server.url, max_retries=0)


def test_traceback_of_a_refused_call_hides_the_key(run: ClientRunner) -> None:
    """No variable of a frame contains the key if there is no connection."""
    run.expect_error(ox.HubUnreachableError, edit, base_url="http://127.0.0.1:1", max_retries=0)


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": f"{KEY}\n{KEY}"},
        {"api_key": f"{KEY}é".encode()},
        {"timeout": -1},
        {"base_url": "x"},
        {"default_headers": {"authorization": "x"}},
        {"http_client": object()},
    ],
)
def test_traceback_of_an_option_hides_the_key(run: ClientRunner, options: dict[str, Any]) -> None:
    """No variable of a frame contains the key if a client cannot be created."""
    run.expect_error(ox.ConfigurationError, **options)


def test_traceback_of_a_login_file_hides_the_key(
    run: ClientRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No variable of a frame contains the content of an invalid login file or variable."""
    monkeypatch.setenv("OXEN_CONFIG_DIR", str(tmp_path))
    for content in (
        f"key = {KEY}".encode(),
        f"x = '{KEY}'\n\xff".encode("latin-1"),
        f'host_configs="{KEY}"'.encode(),
    ):
        (tmp_path / "auth_config.toml").write_bytes(content)
        run.expect_error(ox.ConfigurationError, api_key=None)
    monkeypatch.setenv("OXEN_API_KEY", f"{KEY}\n{KEY}")
    run.expect_error(ox.MissingAPIKeyError, api_key=None)


def test_traceback_of_a_cancelled_call_hides_the_key(server: RawServer) -> None:
    """A cancelled task raises an error whose traceback has no request of httpx."""
    server.responses[EDIT] = [Response(delivery="never")]

    async def cancel() -> asyncio.CancelledError:
        async with ox.AsyncOxen(KEY, base_url=server.url) as oxen:
            task = asyncio.ensure_future(oxen.run(REQUEST))
            while not server.requests:
                await asyncio.sleep(0.001)
            task.cancel("enough")
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            return caught.value

    error = asyncio.run(cancel())
    assert error.args == ("enough",)
    assert find_in_variables(error, KEY) == []


def test_traceback_of_a_hook_hides_the_key(run: ClientRunner, server: RawServer) -> None:
    """The error of a hook of the caller is raised unchanged, without the key in a variable of httpx."""

    def fail(_: httpx.Response) -> None:
        raise ZeroDivisionError

    async def fail_async(_: httpx.Response) -> None:
        raise ZeroDivisionError

    http_client = run.make_http_client(event_hooks={"response": [fail_async if run.asynchronous else fail]})
    with pytest.raises(ZeroDivisionError) as caught:
        run(edit, base_url=server.url, http_client=http_client)
    assert find_in_variables(caught.value, KEY) == []


def test_stacks_of_all_threads_hide_the_key(server: RawServer) -> None:
    """No variable of a thread that waits for a response contains the key."""
    server.responses[EDIT] = [Response(delivery="never")]
    with ox.Oxen(KEY, base_url=server.url) as oxen:

        def call() -> None:
            with suppress(ox.OxenError):
                oxen.run(REQUEST)

        caller = threading.Thread(target=call)
        caller.start()
        while not server.requests:
            caller.join(0.001)
        found = [
            name
            for thread, frame in sys._current_frames().items()  # pyright: ignore[reportPrivateUsage]
            if thread != threading.get_ident()
            for current in _outer_frames(frame)
            for name in find_in_frame(current, current.f_lineno, KEY, set())
        ]
        assert found == []
        server.stopped.set()
        caller.join()


def _outer_frames(innermost: FrameType) -> Iterator[FrameType]:
    frame: FrameType | None = innermost
    while frame is not None:
        yield frame
        frame = frame.f_back


@pytest.mark.async_values
@pytest.mark.parametrize(
    "key", [KEY.encode(), SecretStr(KEY), SecretBytes(KEY.encode()), f" {KEY}\n"], ids=repr
)
def test_key_of_another_type_is_sent(run: ClientRunner, server: RawServer, key: Any) -> None:
    """The key may be bytes or a secret of pydantic."""
    run.expect_error(ox.NotFoundError, edit, api_key=key, base_url=httpx.URL(server.url))
    assert {headers["authorization"] for _, _, headers in server.requests} == {f"Bearer {KEY}"}


def test_key_of_an_unusable_type_is_an_error(run: ClientRunner) -> None:
    """A key of another type is a `MissingAPIKeyError` that names the type."""
    error = run.expect_error(ox.MissingAPIKeyError, api_key=3)
    assert str(error) == "api_key must be a string, got a value of type int"


def test_authentication_of_an_http_client_stays_unused(run: ClientRunner, server: RawServer) -> None:
    """The key is sent to the API even if the `http_client` of the caller has credentials of its own."""
    run.expect_error(
        ox.NotFoundError, edit, base_url=server.url, http_client=run.make_http_client(auth=("a", "b"))
    )
    assert {headers["authorization"] for _, _, headers in server.requests} == {f"Bearer {KEY}"}


def unicode_escape(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in text)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda key: key.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/"),
    "unicode": unicode_escape,
    "unicode of some": lambda key: key.replace("+", "\\u002B").replace("\\k", "\\u005ck"),
    "json in json": lambda key: unicode_escape(key).replace("\\", "\\\\"),
    "percent": lambda key: quote(key, safe=""),
    "percent of all": lambda key: "".join(f"%{ord(char):02x}" for char in key),
    "percent twice": lambda key: quote(quote(key, safe=""), safe=""),
    "html": escape,
    "html numbers": lambda key: "".join(f"&#{ord(char)};" for char in key),
    "html hex": lambda key: "".join(f"&#x{ord(char):X};" for char in key),
    "python": lambda key: "".join(f"\\x{ord(char):02x}" for char in key),
    "hex": lambda key: key.encode().hex(),
    "upper-case hex": lambda key: key.encode().hex().upper(),
    "base64": lambda key: b64encode(key.encode()).decode(),
    "base64 of the header": lambda key: b64encode(f"Bearer {key}".encode()).decode(),
    "base64 after two": lambda key: b64encode(f"a:{key}".encode()).decode(),
    "base64url": lambda key: urlsafe_b64encode(key.encode()).decode(),
}


@pytest.mark.async_values
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_repeated_key_is_removed_in_each_encoding(
    run: ClientRunner, server: RawServer, encoding: str
) -> None:
    """A key that the server repeats in an encoding is neither in the error nor in its response."""
    for key in (KEY, HARD_KEY):
        repeat_key(run, server, key, encoding)


def repeat_key(run: ClientRunner, server: RawServer, key: str, encoding: str) -> None:
    """Check the errors of responses that repeat a key in an encoding."""
    repeated = ENCODINGS[encoding](key)
    in_header = repeated.replace("\n", "")
    body = b'{"error": {"detail": "for %s, no", "x": "<b>%s"}}' % ((_json(repeated),) * 2)
    server.responses[EDIT] = [Response(401, body, {"x-request-id": f"r {in_header} s"})]
    error = run.expect_error(ox.AuthenticationError, edit, api_key=key, base_url=server.url)
    shown = [str(error), repr(error), error.detail, str(error.response.json), error.request_id]
    for text in (key, repeated):
        assert [value for value in shown if text.strip("=") in value] == []
    assert "no (HTTP 401" in str(error)
    server.responses[EDIT] = [Response(500, f"<p>for {repeated}, no".encode())]
    error = run.expect_error(ox.ServerError, edit, api_key=key, base_url=server.url)
    assert key not in str(error)
    assert "[key]" in str(error)


def _json(text: str) -> bytes:
    """Return a text for a JSON string, in which it is the escape sequences of JSON that encode it."""
    return text.replace('\\\\"', '\\"').encode() if "\\" in text else text.replace('"', '\\"').encode()


HOSTILE = "a\x1b[2Jb\x9b31mc\rd\x07e\u202ef\u2066g\u2028h\ud800i\x7fj"


def has_controls(text: str) -> bool:
    return any(char in text for char in HOSTILE if not char.isprintable())


@pytest.mark.slow
def test_control_sequences_are_escaped_in_errors(run: ClientRunner, server: RawServer) -> None:
    """Escape sequences and bidirectional overrides of a server reach no text of an error."""
    server.responses[EDIT] = [Response(400, {"error": {"detail": HOSTILE, "type": HOSTILE}})]
    error = run.expect_error(ox.BadRequestError, edit, base_url=server.url)
    assert error.detail == HOSTILE
    assert "a\\x1b[2Jb\\x9b31mc\\rd\\x07e\\u202ef\\u2066g\\u2028h\\ud800i\\x7fj" in str(error)
    server.responses[EDIT] = [Response(500, b"<p>\x1b[2Jhi\xc2\x9b")]
    errors = [error, run.expect_error(ox.ServerError, edit, base_url=server.url)]
    server.responses[JOB] = [Response(body={"generation_id": "j", "status": "failed", "error": HOSTILE})]
    errors.append(run.expect_error(ox.JobFailed, wait, base_url=server.url))
    assert not any(has_controls(str(error)) or has_controls(repr(error)) for error in errors)


def test_control_sequences_are_escaped_in_jobs(run: ClientRunner, server: RawServer) -> None:
    """Escape sequences of a server do not reach the `repr` of a job, which is one line."""
    record = {"generation_id": f"j\n{HOSTILE}", "status": f"\n{HOSTILE}"}
    server.responses[f"{QUEUE}"] = [Response(body={"generations": [record]})]
    text = run(lambda oxen: oxen.jobs(), repr, base_url=server.url)
    assert not has_controls(text)
    assert "\n" not in text
