"""Files that are uploaded: by `upload`, and for requests that they are too large for."""

from __future__ import annotations

import io
import pickle
import secrets
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import QUEUE, open_client
from helpers.raw_server import RawServer
from helpers.scenario import Steps, collect, scenario
from oxen_models import (
    ConfigurationError,
    InvalidRequestError,
    MissingAPIKeyError,
    OutcomeUnknownError,
    ServerError,
    UploadError,
)
from oxen_models._runtime.values import map_scalars
from oxen_models.chat import ChatRequest
from oxen_models.images import QwenImage21Request, QwenImageEditPlusRequest
from oxen_models.testing import Hub

USER = "/api/users/me"
CONTEXT = "/api/repos/standin/playground/workbench/context"
SIGN = "/api/repos/standin/playground/file/presigned_url/main/*"
LIMIT = 2**16
"""Bytes: the lowest limit of files in requests."""
OPTIONS: dict[str, Any] = {"uploads": True, "max_inline": LIMIT}


@pytest.fixture
def content() -> bytes:
    """The content of a file above the limit, which no other test has."""
    return b"\x89PNG\r\n\x1a\n" + secrets.token_bytes(LIMIT)


@pytest.fixture
def path(content: bytes, tmp_path: Path) -> Path:
    """The path of the file."""
    path = tmp_path / "dog.png"
    path.write_bytes(content)
    return path


def count_uploads(hub: Hub) -> int:
    return hub.count("POST", CONTEXT)


def count_signed(hub: Hub) -> int:
    return hub.count("GET", SIGN.removesuffix("*"))


def count_billable(hub: Hub) -> int:
    return hub.count("POST", "/api/ai")


def edit(path: Path) -> QwenImageEditPlusRequest:
    return QwenImageEditPlusRequest(prompt="x", input_image=[path])


def upload(file: object) -> Callable[[Any], Any]:
    return lambda oxen: oxen.upload(file)


SOURCES: dict[str, Callable[[Path], Any]] = {
    "text": str,
    "path": lambda path: path,
    "bytes": lambda path: path.read_bytes(),
    "open file": lambda path: io.BytesIO(path.read_bytes()),
}


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("form", SOURCES)
def test_upload_returns_a_url(run: ClientRunner, hub: Hub, path: Path, form: str) -> None:
    """`upload` accepts what media parameters accept, and returns a URL that needs no key."""
    url = run(upload(SOURCES[form](path)), base_url=hub.url)
    file = httpx.get(url).raise_for_status()
    assert (file.content, file.headers["content-type"]) == (path.read_bytes(), "image/png")
    assert [(request.method, request.path) for request in hub.requests[:2]] == [
        ("GET", USER),
        ("POST", CONTEXT),
    ]
    assert count_signed(hub) == 1


@pytest.mark.slow
def test_small_file_and_document_are_uploaded(run: ClientRunner, hub: Hub) -> None:
    """`upload` does not depend on the size of the file, and accepts documents."""
    url = run(upload(b"%PDF-1.7 small"), base_url=hub.url)
    file = httpx.get(url)
    assert (file.content, file.headers["content-type"]) == (b"%PDF-1.7 small", "application/pdf")
    assert ".pdf?" in url


@pytest.mark.slow
def test_upload_goes_to_the_named_repository(run: ClientRunner, hub: Hub, path: Path) -> None:
    """A client with the name of a repository uploads to it, and requests no user."""
    with open_client(hub) as api:
        api.post("/api/repos/", json={"namespace": "studio", "name": "inputs"})
    url = run(upload(path), base_url=hub.url, uploads="studio/inputs")
    assert url.startswith(f"{hub.url}/api/repos/studio/inputs/file/main/")
    assert hub.count("GET", USER) == 0


@pytest.mark.slow
def test_same_content_is_uploaded_once(run: ClientRunner, hub: Hub, path: Path) -> None:
    """A second upload of the same content returns the same URL without a request."""

    @scenario
    def upload_twice(oxen: Any) -> Steps:
        first = yield oxen.upload(path)
        count = len(hub.requests)
        second = yield oxen.with_options(timeout=60).upload(path.read_bytes())
        assert (second, len(hub.requests)) == (first, count)

    run(upload_twice, base_url=hub.url)


@pytest.mark.slow
@pytest.mark.async_values
@pytest.mark.parametrize(("stated", "assumed"), [(60, 3600), (7200, 60)])
def test_expiring_url_is_signed_again(
    run: ClientRunner, hub: Hub, path: Path, monkeypatch: pytest.MonkeyPatch, stated: int, assumed: float
) -> None:
    """A URL that may expire soon is replaced by another one of the same upload, which requests accept."""
    monkeypatch.setattr("oxen_models._runtime.uploads.URL_LIFETIME", assumed)

    @scenario
    def upload_twice(oxen: Any) -> Steps:
        hub.inject_fault("url-seconds", stated, times=1)
        first = yield oxen.upload(path)
        yield oxen.run(edit(path))
        assert (count_uploads(hub), count_signed(hub)) == (1, 2)
        [sent] = find_urls(hub.requests[-1].body)
        assert sent != first
        assert sent.partition("?")[0] == first.partition("?")[0]

    run(upload_twice, base_url=hub.url, **OPTIONS)


@pytest.mark.slow
def test_renewed_upload_is_forgotten_last(
    run: ClientRunner, hub: Hub, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that remembers two uploads forgets the one that was not used for the longest time."""
    monkeypatch.setattr("oxen_models._runtime.uploads.MAX_REMEMBERED", 2)
    first, second, third = (content + bytes([number]) for number in range(3))

    @scenario
    def upload_in_turn(oxen: Any) -> Steps:
        hub.inject_fault("url-seconds", 60, times=1)
        for file in (first, second, first, third, first):
            yield oxen.upload(file)
        assert count_uploads(hub) == 3
        yield oxen.upload(second)
        assert count_uploads(hub) == 4

    run(upload_in_turn, base_url=hub.url)


@pytest.mark.slow
def test_deleted_file_is_uploaded_again(run: ClientRunner, hub: Hub, path: Path) -> None:
    """A file that the server does not have any more is uploaded again."""

    @scenario
    def upload_twice(oxen: Any) -> Steps:
        hub.inject_fault("url-seconds", 60, times=1)
        yield oxen.upload(path)
        hub.respond_next(404, path=SIGN)
        url = yield oxen.upload(path)
        assert count_uploads(hub) == 2
        assert httpx.get(url).content == path.read_bytes()

    run(upload_twice, base_url=hub.url)


def test_unusable_file_sends_nothing(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """A value that is not a file of media raises before anything is sent."""
    text = tmp_path / "notes.txt"
    text.write_text("notes")
    for file, expected in [
        (text, "must be an image, a video"),
        (tmp_path / "none.png", "none.png'): the file cannot be read: No such file"),
        ("https://example.com/dog.png", "must be a path"),
        (5, "must be a path"),
    ]:
        error = run.expect_error(ConfigurationError, upload(file), base_url=hub.url)
        assert expected in str(error)
    assert hub.requests == []


def test_upload_requires_a_key(run: ClientRunner, hub: Hub, path: Path) -> None:
    """Without a key nothing is uploaded, and the error is the one of other calls."""
    calls: list[Callable[[Any], Any]] = [upload(path), lambda oxen: CALLS["verb"](oxen, path)]
    for call in calls:
        run.expect_error(MissingAPIKeyError, call, base_url=hub.url, api_key=None, **OPTIONS)
    assert hub.requests == []


def chat_messages(path: Path) -> Any:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": path}}]}]


@scenario
def stream_chat(oxen: Any, path: Path) -> Steps:
    yield collect(oxen.chat.stream(model="claude-sonnet-5", messages=chat_messages(path)))


CALLS: dict[str, Callable[[Any, Path], Any]] = {
    "verb": lambda oxen, path: oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[path]),
    "verb to the queue": lambda oxen, path: oxen.images.qwen_image_edit_plus.submit(
        prompt="x", input_image=[path]
    ),
    "run": lambda oxen, path: oxen.run(edit(path)),
    "submit": lambda oxen, path: oxen.submit(edit(path), num_generations=2),
    "run_many": lambda oxen, path: collect(oxen.run_many([edit(path)])),
    "by id": lambda oxen, path: oxen.model("qwen-image-edit-plus").edit(prompt="x", input_image=[path]),
    "chat": lambda oxen, path: oxen.chat.complete(model="claude-sonnet-5", messages=chat_messages(path)),
    "chat stream": stream_chat,
    "run of a chat": lambda oxen, path: oxen.run(
        ChatRequest(model="claude-sonnet-5", messages=chat_messages(path))
    ),
}


def find_urls(body: Any) -> list[str]:
    """Return the URLs in the JSON of a request."""
    texts: list[str] = []
    map_scalars(body, lambda value, _: texts.append(str(value)))
    return [text for text in texts if text.startswith(("http:", "data:"))]


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_large_file_is_uploaded_by_each_call(run: ClientRunner, hub: Hub, path: Path, call: str) -> None:
    """Every way of calling sends the URL of a large file, which is uploaded before."""
    run(lambda oxen: CALLS[call](oxen, path), base_url=hub.url, **OPTIONS)
    [received] = [request for request in hub.requests if request.path.startswith("/api/ai") and request.body]
    [url] = find_urls(received.body)
    assert httpx.get(url).content == path.read_bytes()
    assert (count_uploads(hub), count_billable(hub)) == (1, 1)


@pytest.mark.slow
def test_only_files_above_the_limit_are_uploaded(run: ClientRunner, hub: Hub) -> None:
    """Files up to the limit stay in the request, in their places."""
    limit = 100_000
    files = [b"\x89PNG\r\n\x1a\n".ljust(size, b"\0") for size in (100, limit + 1, limit)]
    request = QwenImageEditPlusRequest(prompt="x", input_image=files)
    run(lambda oxen: oxen.submit(request), base_url=hub.url, uploads=True, max_inline=limit)
    urls = find_urls(hub.requests[-1].body)
    assert [url.partition(":")[0] for url in urls] == ["data", "http", "data"]


@pytest.mark.parametrize("uploads", [False, True])
def test_document_of_a_chat_is_sent_inline(run: ClientRunner, hub: Hub, uploads: bool) -> None:
    """A document has a limit of its own, because the API accepts no URL in its place."""
    document = {"type": "file", "file": {"file_data": b"%PDF-1.7" + bytes(LIMIT)}}
    messages: Any = [{"role": "user", "content": [document]}]
    run(
        lambda oxen: oxen.chat.complete(model="claude-sonnet-5", messages=messages),
        base_url=hub.url,
        uploads=uploads,
        max_inline=LIMIT,
    )
    [url] = find_urls(hub.requests[-1].body)
    assert url.startswith("data:application/pdf;base64,")
    assert count_uploads(hub) == 0


@pytest.mark.async_values
@pytest.mark.parametrize("call", CALLS)
def test_large_file_is_rejected_without_uploads(run: ClientRunner, hub: Hub, path: Path, call: str) -> None:
    """A client that does not upload raises before anything is sent, and names both options."""

    @scenario
    def send(oxen: Any) -> Steps:
        done = yield CALLS[call](oxen, path)
        if call == "run_many":
            raise done[0].error

    error = run.expect_error(InvalidRequestError, send, base_url=hub.url, max_inline=LIMIT)
    [problem] = error.problems
    assert "uploads=True" in problem.expected
    assert "max_inline" in problem.expected
    assert (count_uploads(hub), count_billable(hub)) == (0, 0)


FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "user": ({"status": 403, "path": USER}, "HTTP 403"),
    "no user": ({"status": 200, "body": {}, "path": USER}, "does not name the user"),
    "forbidden": ({"status": 403, "path": CONTEXT}, "HTTP 403"),
    "failure": ({"status": 500, "path": CONTEXT}, "HTTP 500"),
    "no path": ({"status": 200, "body": {"asset_path": "../x"}, "path": CONTEXT}, "no usable asset_path"),
    "not found": ({"status": 404, "path": SIGN}, "HTTP 404"),
    "relative URL": ({"status": 200, "body": {"url": "/relative"}, "path": SIGN}, "no URL of the file"),
    "URL that is not text": (
        {"status": 200, "body": {"url": "http://\ud800"}, "path": SIGN},
        "no URL of the file",
    ),
    "path that is not text": (
        {"status": 200, "body": {"asset_path": "\ud800"}, "path": CONTEXT},
        "asset_path",
    ),
}


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "failure"),
    [*(("run", failure) for failure in FAILURES), ("submit", "forbidden"), ("run_many", "forbidden")],
)
def test_failed_upload_sends_no_request(
    run: ClientRunner, hub: Hub, path: Path, failure: str, call: str
) -> None:
    """If a file cannot be uploaded, the error says so, and no billable request is sent."""
    response, expected = FAILURES[failure]
    hub.respond_next(**response, times=None)

    @scenario
    def send(oxen: Any) -> Steps:
        done = yield CALLS[call](oxen, path)
        raise done[0].error

    error = run.expect_error(UploadError, send, base_url=hub.url, max_retries=0, **OPTIONS)
    assert expected in str(error)
    assert "no request was sent" in str(error)
    assert count_billable(hub) == 0


def test_upload_error_has_its_cause(run: ClientRunner, hub: Hub, path: Path) -> None:
    """The cause and the response of an upload that failed are those of the server's error."""
    hub.respond_next(500, path=CONTEXT, headers={"x-request-id": "r1"})
    error = run.expect_error(UploadError, upload(path), base_url=hub.url, max_retries=0)
    assert isinstance(error.__cause__, ServerError)
    assert error.request_id == "r1"


@pytest.mark.slow
def test_upload_is_sent_again_after_failures(run: ClientRunner, hub: Hub, path: Path) -> None:
    """An upload costs nothing, so that it is sent again after each transient failure."""
    hub.respond_next(503, path=CONTEXT, headers={"retry-after": "0"})
    hub.inject_fault("cut-before-response", times=1, path=CONTEXT)
    url = run(upload(path), base_url=hub.url)
    assert count_uploads(hub) == 3
    assert httpx.get(url).content == path.read_bytes()
    assert len([name for name in hub.uploads if name in url]) == 1


@pytest.mark.slow
def test_redirect_of_an_upload_is_not_followed(
    run: ClientRunner, hub: Hub, other_server: RawServer, path: Path
) -> None:
    """Neither the file nor the key goes to another host."""
    for place in (CONTEXT, SIGN, USER):
        hub.clear()
        hub.respond_next(307, path=place, headers={"location": f"{other_server.url}/private"})
        run.expect_error(UploadError, upload(path), base_url=hub.url)
    assert other_server.requests == []


def test_changed_file_is_not_uploaded(run: ClientRunner, hub: Hub, path: Path) -> None:
    """A file that changed after the request was made raises, and nothing is sent."""
    request = edit(path)
    path.write_bytes(path.read_bytes()[:-1])
    error = run.expect_error(InvalidRequestError, lambda oxen: oxen.run(request), base_url=hub.url, **OPTIONS)
    assert "changed" in str(error)
    assert hub.requests == []


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("uploads", "name"),
        ("uploads", "a/.."),
        ("uploads", 1),
        ("max_inline", 2**16 - 1),
        ("max_inline", "20 MB"),
    ],
)
def test_option_of_uploads_is_validated(run: ClientRunner, option: str, value: object) -> None:
    """An option that is not usable raises when the client is created."""
    options: Any = {option: value}
    with pytest.raises(ConfigurationError, match=option):
        run(lambda oxen: oxen, base_url="http://127.0.0.1", **options)


@pytest.mark.slow
def test_options_of_uploads_are_pickled(
    run: ClientRunner, hub: Hub, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client from a pickle uploads as the original does."""
    monkeypatch.setenv("OXEN_API_KEY", "key")

    @scenario
    def send(oxen: Any) -> Steps:
        copied = pickle.loads(pickle.dumps(oxen))
        yield copied.run(edit(path))
        yield copied.aclose() if run.asynchronous else copied.close()

    run(send, base_url=hub.url, **OPTIONS)
    assert count_uploads(hub) == 1


@pytest.mark.slow
def test_batch_uploads_each_file_once(run: ClientRunner, hub: Hub, path: Path) -> None:
    """The requests of a run that have the same file share its upload."""
    requests = [QwenImageEditPlusRequest(prompt=f"{n}", input_image=[path]) for n in range(6)]
    outcomes = run(lambda oxen: collect(oxen.run_many(requests)), base_url=hub.url, **OPTIONS)
    assert [outcome.error for outcome in outcomes] == [None] * 6
    assert (count_uploads(hub), count_signed(hub), hub.count("GET", USER)) == (1, 1, 1)
    sent = [find_urls(request.body) for request in hub.requests if request.path == QUEUE and request.body]
    assert sent == [sent[0]] * 6


@pytest.mark.slow
def test_batch_waits_for_a_limited_upload(run: ClientRunner, hub: Hub, path: Path) -> None:
    """A rate limit of uploads pauses the run, as one of requests does."""
    hub.respond_next(429, path=CONTEXT, headers={"retry-after": "0"}, times=2)
    [outcome] = run(
        lambda oxen: collect(oxen.run_many([edit(path)])), base_url=hub.url, max_retries=1, **OPTIONS
    )
    assert outcome.error is None
    assert (count_uploads(hub), count_billable(hub)) == (3, 1)


@pytest.mark.slow
def test_journal_identifies_the_file(run: ClientRunner, hub: Hub, path: Path, tmp_path: Path) -> None:
    """A run continues with the content of a file as its identity, not with a URL. A failed upload leaves
    nothing to be billed twice.
    """
    journal = tmp_path / "runs.db"

    @scenario
    def run_all(oxen: Any) -> Steps:
        return (yield collect(oxen.run_many([edit(path)], journal=journal)))

    hub.respond_next(403, path=CONTEXT)
    [failed] = run(run_all, base_url=hub.url, **OPTIONS)
    assert isinstance(failed.error, UploadError)
    assert count_billable(hub) == 0
    [done] = run(run_all, base_url=hub.url, **OPTIONS)
    [replayed] = run(run_all, base_url=hub.url, **OPTIONS)
    assert (done.error, replayed.error, replayed.job_id) == (None, None, done.job_id)
    assert (count_uploads(hub), count_billable(hub)) == (2, 1)


@pytest.mark.slow
def test_failed_upload_spends_no_budget(run: ClientRunner, hub: Hub, path: Path) -> None:
    """A request whose file could not be uploaded does not count in the budget."""
    hub.respond_next(403, path=CONTEXT)
    requests = [QwenImage21Request(prompt=f"{n}", input_images=[path]) for n in range(2)]
    estimate = requests[0].estimate()
    assert estimate
    outcomes = run(
        lambda oxen: collect(oxen.run_many(requests, max_in_flight=1, budget=estimate.high)),
        base_url=hub.url,
        **OPTIONS,
    )
    assert [type(outcome.error) for outcome in outcomes] == [UploadError, type(None)]


@pytest.mark.slow
def test_job_with_an_upload_is_reconciled(run: ClientRunner, hub: Hub, path: Path, tmp_path: Path) -> None:
    """The job of a request of unknown outcome is found by the digest in the URL of its file."""
    journal = tmp_path / "runs.db"
    hub.inject_fault("cut-before-response", times=1, method="POST", path=QUEUE)

    @scenario
    def run_and_reconcile(oxen: Any) -> Steps:
        [outcome] = yield collect(oxen.run_many([edit(path)], journal=journal))
        assert isinstance(outcome.error, OutcomeUnknownError)
        found = yield oxen.reconcile(journal)
        assert (len(found.adopted), found.unresolved) == (1, ())

    run(run_and_reconcile, base_url=hub.url, **OPTIONS)


class Recorder(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """Accepts an upload, and records the largest chunk that it was sent in."""

    largest = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        for chunk in request.stream:
            self.largest = max(self.largest, len(chunk))
        return self.respond(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for chunk in request.stream:
            self.largest = max(self.largest, len(chunk))
        return self.respond(request)

    def respond(self, request: httpx.Request) -> httpx.Response:
        body = {"url": "https://example.com/x", "asset_path": "x", "user": {"username": "x"}}
        return httpx.Response(200, json=body)


@pytest.mark.slow
def test_upload_is_streamed_from_the_disk(run: ClientRunner, tmp_path: Path) -> None:
    """An upload needs little memory beside the file."""
    path, size = tmp_path / "large.png", 2**24
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(size)  # takes no room on the disk
    recorder = Recorder()
    tracemalloc.start()
    try:
        run(upload(path), http_client=run.make_http_client(transport=recorder))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert recorder.largest < 2**20
    assert peak < size / 8
