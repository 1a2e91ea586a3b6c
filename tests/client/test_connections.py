"""Connections: one per request, without cookies, and with limits of the size of responses."""

from __future__ import annotations

import gc
import gzip
import json
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from functools import cache
from itertools import chain
from typing import Any

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner, reachable_objects
from helpers.hub_api import EVENTS, QUEUE
from helpers.scenario import Steps, collect, scenario, submit_edit
from helpers.socket_server import Peer, Request, encode_head, encode_response, run_socket_server
from oxen_models import AsyncOxen, Oxen
from oxen_models.testing import Hub

URL = "https://example.com/dog.png"
DONE = encode_response({"images": [{"url": URL}]})
STRAY = [encode_response({"error": "too many"}, 429, retry_after="0"), DONE, b"HTTP/1.1 200 OK\r\n", b"\r\n"]


def edit(oxen: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[URL])


@pytest.fixture(params=["own pool", "http_client"])
def make_options(request: pytest.FixtureRequest) -> Callable[[ClientRunner], dict[str, Any]]:
    """Return the options of a client with its own connections, then with those of the caller."""
    is_shared = request.param == "http_client"

    def make(run: ClientRunner) -> dict[str, Any]:
        return {"http_client": run.make_http_client()} if is_shared else {}

    return make


def close_http(run: ClientRunner, options: dict[str, Any]) -> Any:
    """Return the step that closes the caller's connections after a test."""
    http: Any = options.get("http_client")

    async def close_async(value: Any) -> Any:
        await http.aclose()
        return value

    def close_sync(value: Any) -> Any:
        if http is not None:
            http.close()
        return value

    return close_async if run.asynchronous and http is not None else close_sync


@pytest.mark.parametrize("stray", STRAY)
def test_stray_response_is_not_taken_for_the_next(
    run: ClientRunner, make_options: Callable[[ClientRunner], dict[str, Any]], stray: bytes
) -> None:
    """Bytes after a response are not taken for the response to the next request, which is sent once."""
    bodies: list[bytes] = []

    def respond(peer: Peer, request: Request) -> None:
        bodies.append(request.body)
        peer.send(encode_response({"images": [{"url": f"{URL}?{len(bodies)}"}]}), stray)

    with run_socket_server(respond) as server:

        @scenario
        def steps(oxen: Any) -> Steps:
            results: list[Any] = []
            for prompt in "abc":
                call = oxen.images.qwen_image_edit_plus.edit
                results.append((yield call(prompt=prompt, input_image=[URL])))
            return [result.images[0].url for result in results]

        options = make_options(run)
        urls = run(steps, close_http(run, options), base_url=server.url, **options)
    assert urls == [f"{URL}?{number}" for number in (1, 2, 3)]
    assert [json.loads(body)["prompt"] for body in bodies] == ["a", "b", "c"]
    assert server.connections == 3


def test_connection_that_was_used_is_refused(run: ClientRunner) -> None:
    """A connection that the caller's own requests left in the pool is closed without being used."""
    with run_socket_server(lambda peer, _: peer.send(DONE, STRAY[0])) as server:
        http = run.make_http_client()

        @scenario
        def steps(oxen: Any) -> Steps:
            for _ in range(3):
                yield http.get(server.url)
            result = yield edit(oxen)
            yield http.aclose() if run.asynchronous else http.close()
            return result

        assert len(run(steps, base_url=server.url, http_client=http).images) == 1
    assert [request.method for request in server.requests] == ["GET", "GET", "GET", "POST"]


@pytest.mark.slow
def test_server_that_closes_after_each_response(
    run: ClientRunner, make_options: Callable[[ClientRunner], dict[str, Any]]
) -> None:
    """No request is lost if the server closes its connection right after a response without saying so."""

    def respond(peer: Peer, _: Request) -> None:
        peer.send(DONE)
        peer.close()

    with run_socket_server(respond) as server:

        @scenario
        def steps(oxen: Any) -> Steps:
            for _ in range(20):
                yield edit(oxen)

        options = make_options(run)
        run(steps, close_http(run, options), base_url=server.url, **options)
    assert server.count("POST") == 20


def test_cookies_are_neither_kept_nor_sent(
    run: ClientRunner, make_options: Callable[[ClientRunner], dict[str, Any]]
) -> None:
    """Cookies of the server and of the caller's http_client are not sent, and none is added to the latter."""

    def respond(peer: Peer, _: Request) -> None:
        body: dict[str, Any] = {"data": [], "images": [{"url": URL}]}
        peer.send(encode_response(body, set_cookie="session=secret; Path=/"))

    with run_socket_server(respond) as server:

        @scenario
        def steps(oxen: Any) -> Steps:
            yield edit(oxen)
            yield oxen.models.list()
            yield edit(oxen)
            if http := options.get("http_client"):
                assert list(http.cookies) == ["own"]

        options = make_options(run)
        if http := options.get("http_client"):
            http.cookies.set("own", "x")
        run(steps, close_http(run, options), base_url=server.url, **options)
    assert len(server.requests) == 3
    assert not any("cookie" in request.headers for request in server.requests)


def test_cookie_header_of_the_caller_is_sent(run: ClientRunner) -> None:
    """A cookie that the caller sets as a header is sent."""
    with run_socket_server(lambda peer, _: peer.send(DONE)) as server:
        run(edit, base_url=server.url, default_headers={"Cookie": "a=b"})
    assert server.requests[0].headers["cookie"] == "a=b"


def test_connection_has_tcp_keepalive(run: ClientRunner) -> None:
    """TCP keep-alive is on, because a router may forget a connection that is silent for minutes."""
    options: list[int] = []

    def inspect(response: httpx.Response) -> None:
        connected: socket.socket = response.extensions["network_stream"].get_extra_info("socket")
        options.append(connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    async def inspect_async(response: httpx.Response) -> None:
        inspect(response)

    with run_socket_server(lambda peer, _: peer.send(DONE)) as server:
        hooks = {"response": [inspect_async if run.asynchronous else inspect]}
        http = {"http_client": run.make_http_client(event_hooks=hooks)}
        run(edit, close_http(run, http), base_url=server.url, **http)
    assert options == [1]


@cache
def compress(size: int, times: int = 1) -> bytes:
    """Return zeros that are compressed with gzip, once or several times."""
    compressor = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    piece = bytes(2**20)
    content = b"".join([*(compressor.compress(piece) for _ in range(size // 2**20)), compressor.flush()])
    for _ in range(times - 1):
        content = gzip.compress(content)
    return content


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
def test_gzip_bomb_raises(run: ClientRunner, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """A response that expands beyond the limit raises, and memory stays near the limit."""
    limit = 4 * 2**20
    for package in ("_sync", "_async"):
        monkeypatch.setattr(f"oxen_models._runtime.{package}.contents.MAX_RESPONSE_SIZE", limit)
    bomb = encode_response(compress(24 * 2**20, encoding.count("gzip")), content_encoding=encoding)
    with run_socket_server(lambda peer, _: peer.send(bomb)) as server:
        tracemalloc.start()
        try:
            run.expect_error(ox.OutcomeUnknownError, edit, base_url=server.url)
            run.expect_error(ox.UnexpectedResponseError, lambda oxen: oxen.models.list(), base_url=server.url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 4 * limit
    assert (server.count("POST"), server.count("GET")) == (1, 1)  # neither is repeated


def test_endless_response_raises(run: ClientRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response without an end raises when it is larger than the limit."""
    for package in ("_sync", "_async"):
        monkeypatch.setattr(f"oxen_models._runtime.{package}.contents.MAX_RESPONSE_SIZE", 2**20)

    def respond(peer: Peer, _: Request) -> None:
        peer.send(encode_head(transfer_encoding="chunked"))
        while True:
            peer.send(b"10000\r\n", bytes(2**16), b"\r\n")

    with run_socket_server(respond) as server:
        error = run.expect_error(
            ox.UnexpectedResponseError, lambda oxen: oxen.models.list(), base_url=server.url
        )
    assert "larger than 1,048,576 bytes" in str(error)


@pytest.mark.async_values
@pytest.mark.parametrize("wbits", [16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS])
def test_compressed_response_is_decoded(run: ClientRunner, wbits: int) -> None:
    """Responses with gzip and both forms of deflate are decoded."""
    compressor = zlib.compressobj(wbits=wbits)
    body = json.dumps({"images": [{"url": URL}]}).encode()
    content = compressor.compress(body) + compressor.flush()
    encoding = "gzip" if wbits > 16 else "deflate"
    with run_socket_server(
        lambda peer, _: peer.send(encode_response(content, content_encoding=encoding))
    ) as server:
        assert run(edit, base_url=server.url).images[0].url == URL
    assert server.requests[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("encoding", "content"), [("br", b"x"), ("gzip", b"not gzip"), ("deflate", b"\xff" * 9)]
)
def test_invalid_encoding_raises(run: ClientRunner, encoding: str, content: bytes) -> None:
    """A response that cannot be decoded raises; whether a request was accepted is unknown."""
    with run_socket_server(
        lambda peer, _: peer.send(encode_response(content, content_encoding=encoding))
    ) as server:
        run.expect_error(ox.OutcomeUnknownError, edit, base_url=server.url)
    assert server.count("POST") == 1


@pytest.mark.slow
def test_submit_with_one_connection(run: ClientRunner, fast_polls: None) -> None:
    """With max_connections=1 the event stream gives way: jobs are submitted and polled."""
    with Hub(generation_time=0.02) as hub:

        @scenario
        def steps(oxen: Any) -> Steps:
            for _ in range(2):
                job = yield submit_edit(oxen)
                yield job.result()
            with pytest.raises(ox.HubUnreachableError, match="no connection for the event stream"):
                yield collect(oxen.events(), 1)
            yield http.aclose() if run.asynchronous else http.close()

        http = run.make_http_client(limits=httpx.Limits(max_connections=1))
        run(steps, base_url=hub.url, http_client=http)
        assert (hub.count("POST", QUEUE), hub.count("GET", EVENTS)) == (2, 1)


def test_events_end_if_a_request_needs_the_connection(run: ClientRunner) -> None:
    """With max_connections=1 a request ends an iteration over events, with an error that says why."""
    with run_socket_server(send_events_or_models) as server:

        @scenario
        def steps(oxen: Any) -> Steps:
            events = oxen.events()
            next_event = anext if run.asynchronous else next
            yield next_event(events)
            models = yield oxen.models.list()
            with pytest.raises(ox.HubUnreachableError, match="no connection for the event stream"):
                yield next_event(events)
            yield http.aclose() if run.asynchronous else http.close()
            return models

        http = run.make_http_client(limits=httpx.Limits(max_connections=1))
        assert run(steps, base_url=server.url, http_client=http) == []


def send_events_or_models(peer: Peer, request: Request) -> None:
    """Respond with a stream of one event, or with a list of no models."""
    if request.path != EVENTS:
        peer.send(encode_response({"data": []}))
        return
    event = {"generation_id": "g", "status": "failed"}
    peer.send(encode_head(content_type="text/event-stream"))
    peer.send(b"event: media_generation_completed\ndata: ", json.dumps(event).encode(), b"\n\n")
    peer.wait()


@pytest.mark.slow
@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("runner", ["run", "loop"])
def test_finished_event_loop_leaves_no_warning(
    hub: Hub, runner: str, recwarn: pytest.WarningsRecorder
) -> None:
    """The connections of a client that is used in one event loop after another are closed with each loop."""
    import asyncio

    oxen = AsyncOxen("any", base_url=hub.url)

    async def use() -> None:
        job = await submit_edit(oxen)
        result = await job.result()
        await result.images[0].read()
        await oxen.models.list()

    for _ in range(2):
        if runner == "run":
            asyncio.run(use())
        else:
            # As test plugins do, which do not cancel the tasks that are left.
            loop = asyncio.new_event_loop()
            loop.run_until_complete(use())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
        gc.collect()
    asyncio.run(oxen.aclose())
    gc.collect()
    assert [str(warning.message) for warning in recwarn.list] == []


def find_free_locks(client: Oxen) -> list[Any]:
    """Return the locks that the package's objects of a client have, and that no thread holds."""
    locks: dict[int, Any] = {}
    for owner in reachable_objects(client):
        if type(owner).__module__.startswith("oxen_models."):
            attributes: list[Any] = gc.get_referents(owner)
            mappings: list[dict[Any, Any]] = [value for value in attributes if isinstance(value, dict)]
            values = chain(attributes, *(mapping.values() for mapping in mappings))
            locks |= {id(value): value for value in values if isinstance(value, type(threading.Lock()))}
    return [lock for lock in locks.values() if not lock.locked()]


@pytest.mark.slow
@pytest.mark.usefixtures("small_heap")
def test_finalizer_takes_no_lock() -> None:
    """A client that is collected while its own locks are held ends without a deadlock."""
    with Hub(generation_time=3600) as hub:
        oxen = Oxen("any", base_url=hub.url)
        submit_edit(oxen)
        locks = find_free_locks(oxen)
        assert len(locks) >= 3  # of the connections, the jobs and the event stream
        for lock in locks:
            assert lock.acquire(timeout=60)
        collected = threading.Event()
        holder = [oxen]
        del oxen

        def collect_client() -> None:
            holder.clear()
            gc.collect()
            collected.set()

        threading.Thread(target=collect_client, daemon=True).start()
        is_collected = collected.wait(60)
        for lock in locks:
            lock.release()
    assert is_collected
