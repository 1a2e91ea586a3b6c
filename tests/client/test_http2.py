"""Calls over HTTP/2, with an `http_client` of the caller: they share a connection and have deadlines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import oxen_models as ox
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL
from helpers.scenario import Steps, scenario
from helpers.socket_server import Peer, Request, SocketServer, run_socket_server
from oxen_models.images import QwenImageEditPlusRequest

REQUEST = QwenImageEditPlusRequest(prompt="x", input_image=[DOG_URL])
BODY = json.dumps({"images": [{"url": DOG_URL}]}).encode()
SILENT_PATH = b"/api/ai/models"


def ignore(peer: Peer, request: Request) -> None:
    """Handle no request: `serve` handles the connection."""


@pytest.fixture
def server() -> Iterator[SocketServer]:
    """A server that responds to each request over HTTP/2, except for the list of models."""
    paths: dict[int, bytes] = {}

    def serve(peer: Peer) -> bool:
        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        peer.send(connection.data_to_send())
        while data := peer.receive():
            for event in connection.receive_data(data):
                if isinstance(event, RequestReceived):
                    paths[event.stream_id] = dict(event.headers)[b":path"]
                elif isinstance(event, StreamEnded) and paths[event.stream_id] != SILENT_PATH:
                    connection.send_headers(event.stream_id, [(":status", "200")])
                    connection.send_data(event.stream_id, BODY, end_stream=True)
            peer.send(connection.data_to_send())
        return True

    with run_socket_server(ignore, serve) as running:
        yield running


@pytest.mark.slow
def test_calls_share_a_connection(run: ClientRunner, server: SocketServer) -> None:
    """Several calls use one connection of HTTP/2."""
    http_client = run.make_http_client(http1=False, http2=True)

    @scenario
    def steps(oxen: Any) -> Steps:
        urls: list[str] = []
        for _ in range(3):
            result = yield oxen.run(REQUEST)
            urls.append(result.images[0].url)
        yield http_client.aclose() if run.asynchronous else http_client.close()
        return urls

    assert run(steps, base_url=server.url, http_client=http_client) == [DOG_URL] * 3
    assert server.connections == 1


def test_call_without_a_response_ends(run: ClientRunner, server: SocketServer) -> None:
    """A call over HTTP/2 ends at its deadline, and the key is in no variable of its traceback."""
    http_client = run.make_http_client(http1=False, http2=True)

    @scenario
    def steps(oxen: Any) -> Steps:
        try:
            yield oxen.with_options(timeout=0.3, max_retries=0).models.list()
        finally:
            yield http_client.aclose() if run.asynchronous else http_client.close()

    run.expect_error(ox.HubTimeoutError, steps, base_url=server.url, http_client=http_client)
