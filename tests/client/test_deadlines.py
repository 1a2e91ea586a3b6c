"""Every call ends at its timeout, and when the client is closed, however slowly the peer behaves."""

from __future__ import annotations

import asyncio
import io
import itertools
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import EDIT, QUEUE, wait_until
from helpers.scenario import Step, Steps, run_concurrently, scenario
from helpers.socket_server import Peer, Request, encode_head, encode_response, run_socket_server

TIMEOUT = 0.5
URL = "https://example.com/dog.png"
# An empty block of deflate, of which gzip yields nothing.
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"


def edit(oxen: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[URL])


def submit(oxen: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.submit(prompt="x", input_image=[URL])


def drip_headers(peer: Peer, _: Request) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\n")
    peer.drip(b"x: y\r\n" for _ in itertools.count())


def drip_first_line(peer: Peer, _: Request) -> None:
    peer.drip(bytes([byte]) for byte in b"HTTP/1.1 200 " + b"O" * 100_000)


def drip_interim_responses(peer: Peer, _: Request) -> None:
    peer.drip(encode_head(102) for _ in itertools.count())


def drip_chunk_extension(peer: Peer, _: Request) -> None:
    peer.send(encode_head(transfer_encoding="chunked"), b"1;a=")
    peer.drip(b"b" for _ in itertools.count())


def drip_body(peer: Peer, _: Request) -> None:
    peer.send(encode_head(content_length="1000000"))
    peer.drip(b" " for _ in itertools.count())


def drip_empty_gzip(peer: Peer, _: Request) -> None:
    peer.send(encode_head(content_length="1000000", content_encoding="gzip"), GZIP_HEAD)
    peer.drip(EMPTY_BLOCK for _ in itertools.count())


def send_nothing(peer: Peer, _: Request) -> None:
    peer.wait()


RESPONSES: list[Callable[[Peer, Request], None]] = [
    drip_headers,
    drip_first_line,
    drip_interim_responses,
    drip_chunk_extension,
    drip_body,
    drip_empty_gzip,
    send_nothing,
]
CALLS: dict[str, tuple[Step, type[Exception]]] = {
    "edit": (edit, ox.OutcomeUnknownTimeout),
    "refresh": (lambda oxen: oxen.job("g").refresh(), ox.HubTimeoutError),
    "cancel": (lambda oxen: oxen.job("g").cancel(), ox.HubTimeoutError),
    "models": (lambda oxen: oxen.models.list(), ox.HubTimeoutError),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("respond", "name"),
    [
        *((respond, "edit") for respond in RESPONSES),
        *((respond, name) for name in CALLS if name != "edit" for respond in (drip_headers, send_nothing)),
    ],
)
def test_slow_response_ends_at_the_timeout(
    run: ClientRunner, respond: Callable[[Peer, Request], None], name: str
) -> None:
    """A response that never ends raises at the timeout, although each part of it arrives in time."""
    call, kind = CALLS[name]
    with run_socket_server(respond) as server:
        error = run.expect_error(kind, call, base_url=server.url, timeout=TIMEOUT, max_retries=0)
    assert type(error) is kind
    assert ("may have been accepted" in str(error)) == (name == "edit")
    assert len(server.requests) == 1


@pytest.mark.slow
@pytest.mark.parametrize("respond", [drip_headers, drip_body])
def test_slow_submission_ends_at_the_timeout(
    run: ClientRunner, respond: Callable[[Peer, Request], None]
) -> None:
    """A submission raises at its timeout."""

    def respond_to_posts(peer: Peer, request: Request) -> None:
        if request.method == "POST":
            respond(peer, request)
        else:
            peer.send(encode_response({}, 404))

    with run_socket_server(respond_to_posts) as server:
        run.expect_error(ox.OutcomeUnknownTimeout, submit, base_url=server.url, timeout=TIMEOUT)
    assert server.count("POST") == 1


@pytest.mark.slow
@pytest.mark.parametrize("respond", [drip_headers, drip_body, send_nothing])
def test_slow_polls_end_with_the_wait(run: ClientRunner, respond: Callable[[Peer, Request], None]) -> None:
    """A wait ends at its timeout if neither a poll nor the event stream gets a response."""
    with run_socket_server(respond) as server:
        error = run.expect_error(
            ox.JobTimeout, lambda oxen: oxen.job("g").result(TIMEOUT), base_url=server.url
        )
    assert error.generation_id == "g"
    assert server.count("GET", f"{QUEUE}/g") >= 1


def read_slowly(peer: Peer) -> bool:
    """Read a request a few bytes at a time, and never completely."""
    while peer.receive(64):
        peer.drip([b""])
    return True


def read_nothing(peer: Peer) -> bool:
    peer.wait()
    return True


@pytest.mark.slow
@pytest.mark.parametrize("connect", [read_slowly, read_nothing])
def test_slow_upload_ends_at_the_timeout(run: ClientRunner, connect: Callable[[Peer], bool]) -> None:
    """A request that the server reads too slowly raises at the timeout, with an unknown outcome."""
    image = b"\x89PNG\r\n\x1a\n" + bytes(12_000_000)  # more than the buffers of the two sockets

    def upload(oxen: Any) -> Any:
        return oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[io.BytesIO(image)])

    with run_socket_server(send_nothing, connect) as server:
        run.expect_error(ox.OutcomeUnknownTimeout, upload, base_url=server.url, timeout=2 * TIMEOUT)
    assert (server.connections, server.requests) == (1, [])


def drip_handshake(peer: Peer) -> bool:
    """Send a TLS record that never ends."""
    peer.send(b"\x16\x03\x03\x40\x00")
    peer.drip(b"\x02" for _ in itertools.count())
    return True


@pytest.mark.parametrize("connect", [read_nothing, drip_handshake])
def test_slow_tls_handshake_sends_nothing(run: ClientRunner, connect: Callable[[Peer], object]) -> None:
    """A server that does not complete the TLS handshake in time was sent nothing."""
    with run_socket_server(send_nothing, connect) as server:
        url = server.url.replace("http:", "https:")
        error = run.expect_error(ox.HubTimeoutError, edit, base_url=url, timeout=TIMEOUT, max_retries=0)
    assert str(error).endswith("nothing was sent")


@pytest.mark.slow
@pytest.mark.parametrize("respond", [drip_headers, drip_interim_responses, send_nothing])
def test_slow_proxy_sends_nothing(run: ClientRunner, respond: Callable[[Peer, Request], None]) -> None:
    """A proxy that does not open a tunnel in time was not sent the request."""
    with run_socket_server(respond) as proxy:
        http = run.make_http_client(proxy=proxy.url)
        error = run.expect_error(
            ox.HubTimeoutError,
            edit,
            base_url="https://hub.example",
            timeout=TIMEOUT,
            max_retries=0,
            http_client=http,
        )
    assert str(error).endswith("nothing was sent")
    assert {request.method for request in proxy.requests} == {"CONNECT"}


@pytest.fixture
def hanging_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Make the name server hang until the event is set."""
    released = threading.Event()

    def getaddrinfo(*args: Any, **kwargs: Any) -> Any:
        released.wait()
        raise socket.gaierror("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield released
    released.set()


def test_slow_name_server_sends_nothing(run: ClientRunner, hanging_resolver: threading.Event) -> None:
    """A host name that is not resolved in time raises at the timeout."""

    @scenario
    def steps(oxen: Any) -> Steps:
        try:
            yield edit(oxen)
        finally:
            hanging_resolver.set()  # an event loop waits for its threads

    url = "http://hub.example"
    error = run.expect_error(ox.HubTimeoutError, steps, base_url=url, timeout=TIMEOUT, max_retries=0)
    assert str(error).endswith("nothing was sent")


def close_after(oxen: Any, condition: Callable[[], Any]) -> Callable[[], Any]:
    """Return a call that closes the client when a condition is true."""
    if isinstance(oxen, ox.Oxen):

        def close_sync() -> None:
            wait_until(condition)
            oxen.close()

        return close_sync

    async def close_async() -> None:
        await asyncio.to_thread(wait_until, condition)
        await oxen.aclose()

    return close_async


@pytest.mark.parametrize("is_shared", [False, True], ids=["own pool", "http_client"])
@pytest.mark.parametrize("respond", [drip_headers, drip_body, send_nothing])
def test_close_ends_calls(
    run: ClientRunner, respond: Callable[[Peer, Request], None], is_shared: bool
) -> None:
    """Closing the client ends its calls, with an error that says whether a request may have been accepted."""
    with run_socket_server(respond) as server:

        @scenario
        def steps(oxen: Any) -> Steps:
            calls = [lambda: edit(oxen), oxen.job("g").refresh, lambda: oxen.job("g").result()]
            is_sent = close_after(oxen, lambda: server.count("POST") and server.count("GET", QUEUE) == 2)
            return (yield run_concurrently(oxen, *calls, is_sent))

        options = {"http_client": run.make_http_client()} if is_shared else {}
        *errors, closed = run(steps, base_url=server.url, **options)
    assert closed is None
    assert [type(error) for error in errors] == [ox.OutcomeUnknownError, *[ox.HubUnreachableError] * 2]
    assert all("the client was closed" in str(error) for error in errors)


def test_close_ends_a_retry_delay(run: ClientRunner, caplog: pytest.LogCaptureFixture) -> None:
    """Closing the client ends the delay before a retry."""
    caplog.set_level(logging.DEBUG, "oxen_models")

    def is_delayed() -> bool:
        return any("retrying in" in record.getMessage() for record in list(caplog.records))

    def rate_limit(peer: Peer, _: Request) -> None:
        peer.send(encode_response({}, 429, retry_after="50"))

    with run_socket_server(rate_limit) as server:

        @scenario
        def steps(oxen: Any) -> Steps:
            return (yield run_concurrently(oxen, lambda: edit(oxen), close_after(oxen, is_delayed)))

        error, _ = run(steps, base_url=server.url)
    assert isinstance(error, ox.HubUnreachableError)
    assert server.count("POST", EDIT) == 1


@pytest.mark.parametrize("is_connect", [True, False], ids=["CONNECT", "forward"])
def test_close_ends_calls_through_a_proxy(run: ClientRunner, is_connect: bool) -> None:
    """Closing the client ends a call that waits for a proxy."""
    with run_socket_server(send_nothing) as proxy:

        @scenario
        def steps(oxen: Any) -> Steps:
            is_sent = close_after(oxen, lambda: proxy.requests)
            return (yield run_concurrently(oxen, lambda: edit(oxen), is_sent))

        http = run.make_http_client(proxy=proxy.url)
        url = f"{'https' if is_connect else 'http'}://hub.example"
        error, _ = run(steps, base_url=url, http_client=http)
    assert type(error) is (ox.HubUnreachableError if is_connect else ox.OutcomeUnknownError)


def test_close_leaves_calls_of_another_client(run: ClientRunner) -> None:
    """Closing one of two clients with the same http_client ends its calls only."""
    release = threading.Event()

    def respond(peer: Peer, _: Request) -> None:
        release.wait()
        peer.send(encode_response({"images": [{"url": URL}]}))

    with run_socket_server(respond) as server:
        http = run.make_http_client()

        @scenario
        def steps(oxen: Any) -> Steps:
            other = run.get_class("Oxen")("any", base_url=server.url, http_client=http)
            first = close_after(other, lambda: len(server.requests) == 2)

            def release_later() -> Any:
                if isinstance(oxen, ox.Oxen):
                    first()
                    return release.set()

                async def wait() -> None:
                    await first()
                    release.set()

                return wait()

            calls = [lambda: edit(other), lambda: edit(oxen), release_later]
            error, result, _ = yield run_concurrently(oxen, *calls)
            yield http.aclose() if run.asynchronous else http.close()
            return error, result

        error, result = run(steps, base_url=server.url, http_client=http)
    assert type(error) is ox.OutcomeUnknownError
    assert len(result.images) == 1
