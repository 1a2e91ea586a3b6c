"""Options of a client and of one call, its `repr`, its log and its pickle."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL, EVENTS, QUEUE, submit_via_httpx
from helpers.raw_server import RawServer, Response
from helpers.scenario import Steps, close, collect, scenario, submit_edit
from oxen_models.testing import Hub

KEY = ClientRunner.KEY
REQUEST: dict[str, Any] = {"prompt": "x", "input_image": [DOG_URL]}


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub whose jobs end after 20 ms."""
    with Hub(generation_time=0.02) as running:
        yield running


def edit(oxen: Any, **options: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.edit(**REQUEST, **options)


@pytest.mark.slow
def test_with_options_applies_to_its_client_only(run: ClientRunner, hub: Hub) -> None:
    """Options of `with_options` apply to the calls of the returned client; omitted ones are kept."""
    hub.respond_next(429, headers={"retry-after": "0"}, times=None, method="POST")

    @scenario
    def steps(oxen: Any) -> Steps:
        counts: list[int] = []
        for client in (oxen.with_options(max_retries=0), oxen.with_options(timeout=60), oxen):
            before = hub.count("POST", "/")
            for call in (edit, submit_edit):
                with pytest.raises(ox.RateLimitError):
                    yield call(client)
            counts.append(hub.count("POST", "/") - before)
        return counts

    assert run(steps, base_url=hub.url, max_retries=1) == [2, 4, 4]


def test_timeout_of_options_and_call(run: ClientRunner) -> None:
    """The timeout of a client or a call replaces that of the original client."""
    timeouts: list[float] = []

    def handle(request: httpx.Request) -> httpx.Response:
        timeouts.append(round(request.extensions["timeout"]["read"]))
        raise httpx.ReadTimeout("too slow")

    @scenario
    def steps(oxen: Any) -> Steps:
        other = oxen.with_options(timeout=50)
        for call in (edit, partial(edit, timeout=40)):
            for client in (oxen, other, other.with_options(max_retries=1)):
                with pytest.raises(ox.OutcomeUnknownTimeout):
                    yield call(client)

    http = run.make_http_client(transport=httpx.MockTransport(handle))
    run(steps, base_url="http://127.0.0.1", timeout=600, http_client=http)
    assert timeouts == [600, 50, 50, 40, 40, 40]


@pytest.mark.slow
def test_with_options_shares_the_connections(run: ClientRunner, hub: Hub) -> None:
    """Both clients use one event stream, and closing one closes both."""

    @scenario
    def steps(oxen: Any) -> Steps:
        other = oxen.with_options(timeout=60)
        for client in (oxen, other):
            job = yield submit_edit(client)
            yield job.result()
        yield close(other)
        with pytest.raises(ox.HubUnreachableError, match="closed"):
            yield edit(oxen)
        return type(other) is type(oxen), repr(other)

    same, shown = run(steps, base_url=hub.url)
    assert (same, hub.count("GET", EVENTS), hub.url in shown) == (True, 1, True)


@pytest.mark.async_values
@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": "1"},
        {"download_timeout": 0},
        {"download_timeout": "1"},
        {"max_retries": -1},
        {"max_retries": True},
    ],
)
def test_invalid_option_raises(run: ClientRunner, hub: Hub, options: dict[str, Any]) -> None:
    """An invalid option raises on creation and in `with_options`, with its name."""
    error = run.expect_error(
        ox.ConfigurationError, lambda oxen: oxen.with_options(**options), base_url=hub.url
    )
    assert next(iter(options)) in str(error)
    with pytest.raises(ox.ConfigurationError):
        run(base_url=hub.url, **options)


def test_http_client_of_the_wrong_kind_raises(run: ClientRunner, hub: Hub) -> None:
    """An `http_client` that is not an httpx client of the right kind raises on creation."""
    other = ClientRunner(not run.asynchronous)
    for given in (other.make_http_client(), "http", hub):
        error = run.expect_error(ox.ConfigurationError, base_url=hub.url, http_client=given)
        assert f"httpx.{'AsyncClient' if run.asynchronous else 'Client'}, got a value of type" in str(error)


@pytest.mark.slow
def test_extra_headers_are_sent_with_the_call(run: ClientRunner, hub: Hub) -> None:
    """`extra_headers` are sent with the POST of the call and with no other request."""
    extra = {"X-Trace": "t-1"}

    @scenario
    def steps(oxen: Any) -> Steps:
        yield edit(oxen, extra_headers=extra)
        job = yield submit_edit(oxen, extra_headers=extra)
        yield job.refresh()

    run(steps, base_url=hub.url)
    sent = {(request.method, request.path.rpartition("/")[2]): request.headers for request in hub.requests}
    traced = {name for name, headers in sent.items() if headers.get("x-trace") == "t-1"}
    assert traced == {("POST", "edit"), ("POST", "queue")}
    for name, headers in sent.items():
        assert headers["authorization"] == f"Bearer {KEY}"
        assert name not in traced or headers["content-type"] == "application/json"


@pytest.mark.async_values
@pytest.mark.parametrize(
    "headers",
    [
        *({name: "x"} for name in ("", "a b", "a:", "ö", "a\n", 5)),
        *({"x-a": value} for value in ("a\r\nb", "ö", 5, None, b"x", " x", "x ", "\t")),
        "x-a",
        5,
    ],
)
def test_invalid_extra_headers_raise(run: ClientRunner, hub: Hub, headers: Any) -> None:
    """Header names and values that are not plain ASCII text raise before anything is sent."""
    for call in (edit, submit_edit):
        called = partial(call, extra_headers=headers)
        run.expect_error(ox.ConfigurationError, called, base_url=hub.url)
    assert hub.count("POST", "/") == 0


RESERVED = ["Authorization", "content-type", "User-Agent", "Content-Length", "Transfer-Encoding", "Host"]


@pytest.mark.async_values
@pytest.mark.parametrize("name", RESERVED)
def test_reserved_extra_headers_raise(run: ClientRunner, hub: Hub, name: str) -> None:
    """Headers that the client sets itself cannot be overridden."""
    for call in (edit, submit_edit):
        called = partial(call, extra_headers={name: "3"})
        error = run.expect_error(ox.ConfigurationError, called, base_url=hub.url)
        assert f"{name!r} is set by the client" in str(error)
        assert ("api_key=" in str(error)) == (name == "Authorization")
    assert hub.count("POST", "/") == 0


CALLS: list[tuple[str, str, str, dict[str, Any], str]] = [
    ("images", "qwen_image_edit_plus", "edit", REQUEST, "Image"),
    ("images", "qwen_image", "generate", {"prompt": "x"}, "Image"),
    ("videos", "wan_v2_7_text_to_video", "generate", {"prompt": "x"}, "Video"),
    ("audio", "bytedance_seed_audio_1_0", "speak", {"prompt": "x"}, "Audio"),
]


@pytest.mark.async_values
@pytest.mark.parametrize(("family", "model", "call", "parameters", "kind"), CALLS)
def test_result_of_a_call_has_its_response(
    run: ClientRunner, hub: Hub, family: str, model: str, call: str, parameters: dict[str, Any], kind: str
) -> None:
    """Status, headers and the JSON body as received stand beside the result."""
    result = run(
        lambda oxen: getattr(getattr(getattr(oxen, family), model), call)(**parameters), base_url=hub.url
    )
    assert type(result) is run.get_class(f"{kind}Result")
    response = result.response
    assert type(response) is ox.Response
    assert (response.status, response.headers["Content-Type"]) == (200, "application/json")
    assert response.json[f"{kind.lower()}s"] == [{"url": result.media[0].url}]
    assert (response.request_id, len(repr(response)) < 100) == (None, True)
    assert pickle.loads(pickle.dumps(result)).response == response


def test_response_is_the_last_one_without_the_key(run: ClientRunner, hub: Hub) -> None:
    """After a retry it is the response to the retry; the API key is replaced wherever it is quoted."""
    hub.respond_next(429, headers={"retry-after": "0", "x-request-id": "r-1"})
    done = {"images": [{"url": DOG_URL}], "quoted": KEY}
    hub.respond_next(200, body=done, headers={"X-Request-Id": "r-2", "X-Quoted": KEY})
    response = run(edit, base_url=hub.url).response
    assert (response.status, response.request_id, response.headers["x-request-id"]) == (200, "r-2", "r-2")
    assert response.headers["x-quoted"] == "[key]"
    assert response.json == {**done, "quoted": "[key]"}


@pytest.mark.parametrize("call", [edit, submit_edit])
def test_call_with_an_unknown_option_raises(run: ClientRunner, hub: Hub, call: Any) -> None:
    """A name that is neither a parameter nor an option is a TypeError, as with any function."""
    for name, suggestion in (("aspect_ration", "; did you mean 'aspect_ratio'?"), ("colour", "")):
        with pytest.raises(TypeError) as caught:
            run(partial(call, **{name: 1}), base_url=hub.url)
        expected = f"QwenImageEditPlus got an unexpected keyword argument {name!r}{suggestion}"
        assert str(caught.value) == expected
    assert hub.requests == []


def test_part_of_a_client_shows_its_name(run: ClientRunner, hub: Hub) -> None:
    """Each part of a client shows its class and the address of the hub."""

    def shown(oxen: Any) -> list[str]:
        parts = (oxen, oxen.models, oxen.generations(), oxen.images, oxen.images.qwen_image_edit_plus)
        return [*map(repr, parts)]

    prefix = "Async" if run.asynchronous else ""
    names = [f"{prefix}{name}" for name in ("Oxen", "Models", "Generations")]
    names += ["Images", "QwenImageEditPlus"]
    assert run(shown, base_url=hub.url) == [f"<{name} of {hub.url}>" for name in names]


@pytest.mark.slow
def test_log_has_requests_without_the_key(
    run: ClientRunner, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    """The debug log contains each request with its status, and never the API key."""
    caplog.set_level(logging.DEBUG)
    hub.inject_fault("url-downloads", 0, times=1)
    hub.respond_next(503, headers={"retry-after": "0"}, method="GET", path=f"{QUEUE}/*")

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        result = yield job.result()
        yield result.images[0].read()
        yield collect(oxen.generations())
        yield oxen.job(job.id).cancel()
        return job.id

    id = run(steps, base_url=hub.url)
    log = [record.getMessage() for record in caplog.records if record.name == "oxen_models"]
    for message in ("POST /queue: HTTP 200", f"GET /queue/{id}: HTTP 503", f"DELETE /queue/{id}: HTTP 200"):
        assert any(text.startswith(message) for text in log)
    assert any("event stream is open" in text for text in log)
    assert KEY not in caplog.text
    assert {record.levelno for record in caplog.records if record.name == "oxen_models"} == {logging.DEBUG}


@pytest.mark.parametrize("source", ["record", "event"])
def test_key_repeated_by_the_server_is_redacted(run: ClientRunner, server: RawServer, source: str) -> None:
    """The API key is replaced in the text of an error, whether it comes from a record or an event."""
    record = {"generation_id": "g", "status": "failed", "error_message": f"no paint for {KEY}"}
    server.responses[QUEUE] = [Response(body={"generations": [{"generation_id": "g"}]})]
    server.responses[f"{QUEUE}/g"] = [Response(body=record)]
    if source == "event":
        stream = f"event: media_generation_completed\ndata: {json.dumps(record)}\n\n".encode()
        server.responses[EVENTS] = [Response(body=stream, headers={"Content-Type": "text/event-stream"})]

    @scenario
    def steps(oxen: Any) -> Steps:
        job = (yield submit_edit(oxen)) if source == "event" else oxen.job("g")
        yield job.result()

    error = run.expect_error(ox.JobFailed, steps, base_url=server.url)
    assert error.detail == "no paint for [key]"


def test_pickled_client_has_no_key(run: ClientRunner, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickled client contains no API key and uses the one of the environment in the other process."""
    pickled = run(pickle.dumps, base_url=hub.url, timeout=7, max_retries=5)
    assert KEY.encode() not in pickled

    @scenario
    def steps(_: Any) -> Steps:
        client = pickle.loads(pickled)
        with pytest.raises(ox.MissingAPIKeyError):
            yield edit(client)
        monkeypatch.setenv("OXEN_API_KEY", "of-the-other-process")
        yield edit(client)
        yield close(client)
        return type(client), repr(client)

    kind = run.get_class("Oxen")
    assert run(steps, base_url=hub.url) == (kind, f"<{kind.__name__} of {hub.url}>")
    assert [request.headers["authorization"] for request in hub.requests] == ["Bearer of-the-other-process"]


@pytest.mark.slow
def test_client_with_http_client_is_not_picklable(run: ClientRunner, hub: Hub) -> None:
    """Neither a client with an `http_client` nor its jobs and results can be pickled."""

    @scenario
    def steps(oxen: Any) -> Steps:
        [id] = submit_via_httpx(hub)
        for value in (oxen, oxen.job(id), (yield oxen.job(id).result())):
            with pytest.raises(TypeError, match="http_client"):
                pickle.dumps(value)

    http = run.make_http_client()
    run(
        steps,
        lambda _: http.aclose() if run.asynchronous else http.close(),
        base_url=hub.url,
        http_client=http,
    )
