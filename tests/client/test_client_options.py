"""What a client is told once or for one call, what it shows, and what it keeps to itself."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Iterator
from functools import partial
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL, EDIT, EVENTS, QUEUE, submit_via_httpx
from helpers.raw_server import RawServer, Response
from helpers.scenario import Steps, close, collect, scenario, submit_edit
from oxen_models.testing import Hub

KEY = ClientRunner.KEY
REQUEST: dict[str, Any] = {"prompt": "x", "input_image": [DOG_URL]}


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub whose jobs are over soon."""
    with Hub(generation_time=0.02) as running:
        yield running


def edit(oxen: Any, **more: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.edit(**REQUEST, **more)


def test_other_settings_for_some_calls(run: ClientRunner, hub: Hub) -> None:
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


def test_other_time_limit(run: ClientRunner, hub: Hub) -> None:
    hub.inject_fault("slow", 20, path=EDIT)  # an answer to whoever has the client's own limit

    @scenario
    def steps(oxen: Any) -> Steps:
        hasty = oxen.with_options(timeout=0.05)
        with pytest.raises(ox.OutcomeUnknownTimeout):
            yield edit(hasty)
        with pytest.raises(ox.OutcomeUnknownTimeout):
            yield edit(hasty.with_options(max_retries=1))
        with pytest.raises(ox.OutcomeUnknownTimeout):
            yield edit(oxen, timeout=0.05)

    run(steps, base_url=hub.url, timeout=600)


def test_options_share_the_connections(run: ClientRunner, hub: Hub) -> None:
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


@pytest.mark.parametrize(
    "options", [{"timeout": 0}, {"timeout": "1"}, {"max_retries": -1}, {"max_retries": True}]
)
def test_options_that_cannot_be(run: ClientRunner, hub: Hub, options: dict[str, Any]) -> None:
    error = run.expect_error(
        ox.ConfigurationError, lambda oxen: oxen.with_options(**options), base_url=hub.url
    )
    assert next(iter(options)) in str(error)
    with pytest.raises(ox.ConfigurationError):
        run(base_url=hub.url, **options)


def test_connections_of_the_other_kind(run: ClientRunner, hub: Hub) -> None:
    other = ClientRunner(not run.asynchronous)
    for given in (other.make_http_client(), "http", hub):
        error = run.expect_error(ox.ConfigurationError, base_url=hub.url, http_client=given)
        assert f"httpx.{'AsyncClient' if run.asynchronous else 'Client'}, got a value of type" in str(error)


def test_headers_beside_the_client_s_own(run: ClientRunner, hub: Hub) -> None:
    extra = {"X-Trace": "t-1"}

    @scenario
    def steps(oxen: Any) -> Steps:
        yield edit(oxen, extra_headers=extra)
        job = yield submit_edit(oxen, extra_headers=extra)
        yield job.refresh()

    run(steps, base_url=hub.url)
    sent = {(each.method, each.path.rpartition("/")[2]): each.headers for each in hub.requests}
    traced = {name for name, headers in sent.items() if headers.get("x-trace") == "t-1"}
    assert traced == {("POST", "edit"), ("POST", "queue")}
    for name, headers in sent.items():
        assert headers["authorization"] == f"Bearer {KEY}"
        assert name not in traced or headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "headers",
    [
        *({name: "x"} for name in ("", "a b", "a:", "ö", "a\n", 5)),
        *({"x-a": value} for value in ("a\r\nb", "ö", 5, None, b"x", " x", "x ", "\t")),
    ],
)
def test_headers_that_cannot_be_sent(run: ClientRunner, hub: Hub, headers: Any) -> None:
    for call in (edit, submit_edit):
        called = partial(call, extra_headers=headers)
        run.expect_error(ox.ConfigurationError, called, base_url=hub.url)
    assert hub.count("POST", "/") == 0


OURS = ["Authorization", "content-type", "User-Agent", "Content-Length", "Transfer-Encoding", "Host"]


@pytest.mark.parametrize("name", OURS)
def test_headers_of_the_client_s_own_are_refused(run: ClientRunner, hub: Hub, name: str) -> None:
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
    """After a retry it is the response to the retry; the API key is blanked out wherever it is quoted."""
    hub.respond_next(429, headers={"retry-after": "0", "x-request-id": "r-1"})
    done = {"images": [{"url": DOG_URL}], "told": KEY}
    hub.respond_next(200, body=done, headers={"X-Request-Id": "r-2", "X-Quoted": KEY})
    response = run(edit, base_url=hub.url).response
    assert (response.status, response.request_id, response.headers["x-request-id"]) == (200, "r-2", "r-2")
    assert response.headers["x-quoted"] == "[key]"
    assert response.json == {**done, "told": "[key]"}


def test_error_has_the_response(run: ClientRunner, hub: Hub) -> None:
    """An error of the API has the response that it was made from."""
    call = partial(edit, extra_body={"negative_prompt": 5})
    error = run.expect_error(ox.BadRequestError, call, base_url=hub.url)
    assert (error.response.status, error.response.json["error"]["type"]) == (400, "invalid_params")


@pytest.mark.parametrize("call", [edit, submit_edit])
def test_call_with_an_unknown_option_raises(run: ClientRunner, hub: Hub, call: Any) -> None:
    """A name that is neither a parameter nor an option is a TypeError, as with any function."""
    for name, suggestion in (("aspect_ration", "; did you mean 'aspect_ratio'?"), ("colour", "")):
        with pytest.raises(TypeError) as caught:
            run(partial(call, **{name: 1}), base_url=hub.url)
        said = f"QwenImageEditPlus got an unexpected keyword argument {name!r}{suggestion}"
        assert str(caught.value) == said
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


def test_log_tells_what_is_done_and_not_the_key(
    run: ClientRunner, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
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
    ours = [record.getMessage() for record in caplog.records if record.name == "oxen_models"]
    for told in ("POST /queue: HTTP 200", f"GET /queue/{id}: HTTP 503", f"DELETE /queue/{id}: HTTP 200"):
        assert any(text.startswith(told) for text in ours)
    assert any("event stream is open" in text for text in ours)
    assert KEY not in caplog.text
    assert {record.levelno for record in caplog.records if record.name == "oxen_models"} == {logging.DEBUG}


@pytest.mark.parametrize("place", ["answer", "event"])
def test_key_that_the_hub_quotes_is_not_passed_on(run: ClientRunner, server: RawServer, place: str) -> None:
    told = {"generation_id": "g", "status": "failed", "error_message": f"no paint for {KEY}"}
    server.responses[QUEUE] = [Response(body={"generations": [{"generation_id": "g"}]})]
    server.responses[f"{QUEUE}/g"] = [Response(body=told)]
    if place == "event":
        stream = f"event: media_generation_completed\ndata: {json.dumps(told)}\n\n".encode()
        server.responses[EVENTS] = [Response(body=stream, headers={"Content-Type": "text/event-stream"})]

    @scenario
    def steps(oxen: Any) -> Steps:
        job = (yield submit_edit(oxen)) if place == "event" else oxen.job("g")
        yield job.result()

    error = run.expect_error(ox.JobFailed, steps, base_url=server.url)
    assert error.detail == "no paint for [key]"


def test_client_pickles_without_the_key(run: ClientRunner, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = run(pickle.dumps, base_url=hub.url, timeout=7, max_retries=5)
    assert KEY.encode() not in packed

    @scenario
    def steps(_: Any) -> Steps:
        client = pickle.loads(packed)
        with pytest.raises(ox.MissingAPIKeyError):
            yield edit(client)
        monkeypatch.setenv("OXEN_API_KEY", "of-the-other-process")
        yield edit(client)
        yield close(client)
        return type(client), repr(client)

    kind = run.get_class("Oxen")
    assert run(steps, base_url=hub.url) == (kind, f"<{kind.__name__} of {hub.url}>")
    assert [request.headers["authorization"] for request in hub.requests] == ["Bearer of-the-other-process"]


def test_client_with_connections_of_its_owner_s_does_not_pickle(run: ClientRunner, hub: Hub) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        [id] = submit_via_httpx(hub)
        for each in (oxen, oxen.job(id), (yield oxen.job(id).result())):
            with pytest.raises(TypeError, match="http_client"):
                pickle.dumps(each)

    http = run.make_http_client()
    run(
        steps,
        lambda _: http.aclose() if run.asynchronous else http.close(),
        base_url=hub.url,
        http_client=http,
    )
