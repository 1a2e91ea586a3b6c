"""The event stream under servers, hooks and transports that misbehave."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import EVENTS, QUEUE
from helpers.scenario import Step, Steps, collect, scenario, submit_edit
from helpers.socket_server import Peer, Request, encode_head, encode_response, run_socket_server
from oxen_models.testing import Hub

ID = "5e1b4a4e-0000-4000-8000-000000000000"
RECORD = {"generation_id": ID, "status": "failed", "error_message": "no paint"}
JOB = encode_response({"generations": [{"generation_id": ID, "status": "queued"}]})
HEAD = encode_head(content_type="text/event-stream")


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconnect after a hundredth of the delay."""
    monkeypatch.setattr("oxen_models._runtime.retries.INITIAL_DELAY", 0.005)


def encode_event(line_end: str = "\n") -> bytes:
    """Return the event of the job."""
    lines = ["event: media_generation_completed", f"data: {json.dumps(RECORD)}", "", ""]
    return line_end.join(lines).encode()


def read_events(oxen: Any, number: int = 1) -> Any:
    """Return the ids of the jobs of the next events."""
    return collect(oxen.events(), number)


@pytest.mark.async_values
@pytest.mark.usefixtures("no_polls")
@pytest.mark.parametrize("split", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b": hello"])
def test_line_ends_and_byte_order_mark(run: ClientRunner, line_end: str, start: bytes, split: bool) -> None:
    """Each form of the standard is read: all line ends, a byte order mark, and any split of the bytes."""
    lines = start + (line_end.encode() if start.startswith(b":") else b"")
    content = lines + encode_event(line_end) + encode_event(line_end)

    def respond(peer: Peer, _: Request) -> None:
        peer.send(HEAD)
        for part in [bytes([byte]) for byte in content] if split else [content]:
            peer.send(part)
        peer.wait()

    with run_socket_server(respond) as server:
        events = run(lambda oxen: read_events(oxen, 2), base_url=server.url)
    assert [(event.generation_id, event.error) for event in events] == [(ID, "no paint")] * 2


def test_events_raise_in_another_loop() -> None:
    """An iteration over events that is continued in another event loop raises a clear error, and ends."""

    def respond(peer: Peer, _: Request) -> None:
        peer.send(HEAD + encode_event())
        peer.wait()

    with run_socket_server(respond) as server, asyncio.Runner() as runner:
        oxen = ox.AsyncOxen("key", base_url=server.url)
        events = oxen.events()

        async def read_next() -> str:
            return (await anext(events)).generation_id

        assert runner.run(read_next()) == ID
        with pytest.raises(RuntimeError, match="events began in another event loop"):
            asyncio.run(read_next())
        runner.run(oxen.aclose())


def send_long_line(peer: Peer) -> None:
    while True:
        peer.send(b"data: " + b"x" * 65_536)


def send_long_comment(peer: Peer) -> None:
    peer.send(b":")
    while True:
        peer.send(b"x" * 65_536)


def send_many_data_lines(peer: Peer) -> None:
    while True:
        peer.send(b"data:\n" * 10_000)


def send_long_header(peer: Peer) -> None:
    while True:
        peer.send(b"event: " + b"x" * 65_536)


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("send", [send_long_line, send_long_comment, send_many_data_lines, send_long_header])
def test_endless_event_raises(
    run: ClientRunner, monkeypatch: pytest.MonkeyPatch, send: Callable[[Peer], None]
) -> None:
    """A line or an event without an end raises in `events()` instead of filling the memory."""
    monkeypatch.setattr("oxen_models._runtime.event_decoder.MAX_EVENT_SIZE", 2**18)
    for package in ("_sync", "_async"):
        monkeypatch.setattr(f"oxen_models._runtime.{package}.event_stream.MAX_FAILURES", 2)
        monkeypatch.setattr(f"oxen_models._runtime.{package}.event_stream.MIN_CONNECTION_TIME", 0.0)

    def respond(peer: Peer, _: Request) -> None:
        peer.send(HEAD)
        send(peer)

    with run_socket_server(respond) as server:
        error = run.expect_error(ox.UnexpectedResponseError, read_events, base_url=server.url)
    assert "an event is larger than 262,144 bytes" in str(error)


def drip_headers(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\n")
    peer.drip(b"x: y\r\n" for _ in itertools.count())


def send_nothing(peer: Peer) -> None:
    peer.wait()


def close(peer: Peer) -> None:
    peer.close()


@pytest.mark.async_values
@pytest.mark.parametrize("send", [drip_headers, send_nothing, close])
def test_stream_that_does_not_open_raises(
    run: ClientRunner, monkeypatch: pytest.MonkeyPatch, send: Callable[[Peer], None]
) -> None:
    """`events()` raises if the stream is not opened, however slowly the server responds."""
    for package in ("_sync", "_async"):
        monkeypatch.setattr(f"oxen_models._runtime.{package}.streams.CONNECT_TIMEOUT", 0.3)
    with run_socket_server(lambda peer, _: send(peer)) as server:
        run.expect_error((ox.HubUnreachableError, ox.HubTimeoutError), read_events, base_url=server.url)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rejection", "kind", "attempts"),
    [(b"", ox.HubUnreachableError, 8), (encode_response({}, 403), ox.PermissionDeniedError, 1)],
    ids=["closed", "403"],
)
def test_stream_that_cannot_be_reopened_raises(
    run: ClientRunner, rejection: bytes, kind: type[ox.OxenError], attempts: int
) -> None:
    """`events()` raises after several failures to open the stream again, or one rejection."""

    def respond(peer: Peer, _: Request) -> None:
        peer.send(*([HEAD, encode_event()] if len(server.requests) == 1 else [rejection]))
        peer.close()

    with run_socket_server(respond) as server:
        run.expect_error(kind, lambda oxen: read_events(oxen, 2), base_url=server.url)
    assert len(server.requests) == 1 + attempts


class BrokenHookError(BaseException):
    """An error that is no `Exception`, as the failures of some test libraries are."""


def fail_for_events(error: type[BaseException]) -> tuple[Any, Any]:
    """Return a sync and an async hook that raise for requests of the event stream."""

    def check(request: httpx.Request) -> None:
        if request.url.path == EVENTS:
            raise error("the hook is broken")

    async def check_async(request: httpx.Request) -> None:
        check(request)

    return check, check_async


@pytest.mark.slow
@pytest.mark.usefixtures("fast_polls")
@pytest.mark.parametrize("error", [ValueError, RuntimeError, AssertionError, BrokenHookError])
def test_reader_survives_errors_of_hooks(
    run: ClientRunner, hub: Hub, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    """An error of a hook is reported once, jobs are polled, and `events()` raises."""
    check, check_async = fail_for_events(error)
    hooks = {"request": [check_async if run.asynchronous else check]}
    http = run.make_http_client(event_hooks=hooks)

    @scenario
    def steps(oxen: Any) -> Steps:
        for _ in range(2):
            job = yield submit_edit(oxen)
            assert (yield job.wait()) == "succeeded"
        with pytest.raises(ox.HubUnreachableError, match="the hook is broken"):
            yield read_events(oxen)
        yield http.aclose() if run.asynchronous else http.close()

    run(steps, base_url=hub.url, http_client=http)
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert f"{error.__name__}: the hook is broken" in warnings[0]


@pytest.mark.slow
def test_stream_is_opened_beside_an_idle_connection(run: ClientRunner, hub: Hub) -> None:
    """An idle connection of the caller's client is not used, and is not a failure of the stream."""
    http = run.make_http_client()

    @scenario
    def steps(oxen: Any) -> Steps:
        yield http.get(f"{hub.url}/api/ai/models/qwen-image")
        job = yield submit_edit(oxen)
        assert (yield job.wait()) == "succeeded"
        yield http.aclose() if run.asynchronous else http.close()

    run(steps, base_url=hub.url, http_client=http)
    assert [request.path for request in hub.requests[1:3]] == [EVENTS, QUEUE]


@pytest.mark.usefixtures("fast_polls")
def test_reader_survives_errors_of_transports(run: ClientRunner, caplog: pytest.LogCaptureFixture) -> None:
    """A transport of the caller that raises for the event stream does not end the wait."""

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == EVENTS:
            raise LookupError("not mocked")
        if request.method == "POST":
            return httpx.Response(200, json={"generations": [{"generation_id": ID, "status": "queued"}]})
        return httpx.Response(200, json=RECORD)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        return (yield job.wait())

    http = run.make_http_client(transport=httpx.MockTransport(respond))
    assert run(steps, base_url="http://hub.example", http_client=http) == "failed"
    assert sum("not mocked" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.usefixtures("fast_polls")
def test_errors_of_hooks_are_failed_polls(run: ClientRunner, hub: Hub) -> None:
    """A hook that raises for polls ends the wait after three of them, with an error that names the job."""

    def check(request: httpx.Request) -> None:
        if request.url.path.startswith(f"{QUEUE}/"):
            raise ValueError("the hook is broken")

    async def check_async(request: httpx.Request) -> None:
        check(request)

    hub.inject_fault("events-silent")
    http = run.make_http_client(event_hooks={"request": [check_async if run.asynchronous else check]})

    @scenario
    def steps(oxen: Any) -> Steps:
        try:
            yield oxen.job(ID).wait()
        finally:
            yield http.aclose() if run.asynchronous else http.close()

    error = run.expect_error(ox.HubUnreachableError, steps, base_url=hub.url, http_client=http)
    assert (error.generation_id, "ValueError: the hook is broken" in str(error)) == (ID, True)


@pytest.mark.parametrize("is_listed", [False, True], ids=["poll", "list"])
def test_event_ends_a_wait_during_a_hanging_poll(
    run: ClientRunner, monkeypatch: pytest.MonkeyPatch, is_listed: bool
) -> None:
    """An event that arrives while a poll, or a list of the queue, hangs ends the wait at once."""
    if is_listed:
        monkeypatch.setattr("oxen_models._runtime.scheduler.MIN_JOBS_FOR_LIST", 1)
    monkeypatch.setattr("oxen_models._runtime.scheduler.POLL_INTERVALS", {"image": 0.0})
    streams: list[Peer] = []

    def respond(peer: Peer, request: Request) -> None:
        if request.path == EVENTS:
            streams.append(peer)
            peer.send(HEAD)
        elif request.method == "POST":
            peer.send(JOB)
        else:
            assert (request.path == QUEUE) == is_listed
            streams[0].send(encode_event())
            peer.wait()

    # The wait would otherwise end after 600 s; the poll after 10 s, with the event.
    for package in ("_sync", "_async"):
        monkeypatch.setattr(f"oxen_models._runtime.{package}.job_tracker.POLL_TIMEOUT", 500.0)
        monkeypatch.setattr(f"oxen_models._runtime.{package}.job_tracker.LIST_TIMEOUT", 500.0)
    with run_socket_server(respond) as server:

        @scenario
        def steps(oxen: Any) -> Steps:
            job = yield submit_edit(oxen)
            return (yield job.wait())

        assert run(steps, base_url=server.url) == "failed"


@pytest.mark.slow
@pytest.mark.usefixtures("fast_polls")
def test_record_of_another_job_is_a_failed_poll(run: ClientRunner, hub: Hub) -> None:
    """A poll that returns another job's record has failed; the job's own record ends the wait."""
    other = {**RECORD, "generation_id": "another", "error_message": "not mine"}
    hub.respond_next(404, times=None, path=EVENTS)
    hub.respond_next(200, body=other, times=2, path=f"{QUEUE}/{ID}")
    hub.respond_next(200, body=RECORD, path=f"{QUEUE}/{ID}")
    error = run.expect_error(ox.JobFailed, lambda oxen: oxen.job(ID).result(), base_url=hub.url)
    assert (error.generation_id, error.detail) == (ID, "no paint")


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.usefixtures("fast_polls")
@pytest.mark.parametrize("method", ["refresh", "wait", "result"])
def test_record_of_another_job_raises(run: ClientRunner, hub: Hub, method: str) -> None:
    """If only another job's record is returned, the call raises with the id of its own job."""
    hub.respond_next(404, times=None, path=EVENTS)
    hub.respond_next(200, body={**RECORD, "generation_id": "another"}, times=None, path=f"{QUEUE}/{ID}")
    error = run.expect_error(
        ox.UnexpectedResponseError, lambda oxen: getattr(oxen.job(ID), method)(), base_url=hub.url
    )
    assert (error.generation_id, "another job: 'another'" in str(error)) == (ID, True)


def test_history_of_another_job_raises(run: ClientRunner, hub: Hub) -> None:
    """`generation(id)` raises if the server returns another job."""
    hub.respond_next(200, body={"generation": {**RECORD, "generation_id": "another"}})
    error = run.expect_error(ox.UnexpectedResponseError, lambda oxen: oxen.generation(ID), base_url=hub.url)
    assert error.generation_id == ID


@pytest.mark.slow
def test_record_of_another_model_raises(run: ClientRunner, hub: Hub) -> None:
    """A model whose record is another one's is not used with its schema."""
    hub.respond_next(200, body={"id": "another-model", "object": "model"}, times=None, method="GET")
    calls: list[Step] = [
        lambda oxen: oxen.models.get("qwen-image"),
        lambda oxen: oxen.model("qwen-image").load(),
    ]
    for call in calls:
        error = run.expect_error(ox.UnexpectedResponseError, call, base_url=hub.url)
        assert "'another-model', expected 'qwen-image'" in str(error)
    assert hub.count("POST", "/") == 0


@pytest.mark.slow
@pytest.mark.usefixtures("small_heap")
def test_events_of_a_temporary_client(run: ClientRunner) -> None:
    """The iteration over events keeps its client alive."""

    def respond(peer: Peer, _: Request) -> None:
        peer.send(HEAD)
        peer.drip(encode_event() for _ in itertools.count())

    with run_socket_server(respond) as server:

        @scenario
        def steps(oxen: Any) -> Steps:
            events = run.get_class("Oxen")("any", base_url=server.url).events()
            found: list[str] = []
            for _ in range(3):
                gc.collect()
                event = yield (anext if run.asynchronous else next)(events)
                found.append(event.generation_id)
            yield events.aclose() if run.asynchronous else events.close()
            return found

        assert run(steps, base_url=server.url) == [ID] * 3
