"""A server for responses that no hub should send: truncated, late or malformed."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from helpers.hub_api import EDIT
from helpers.socket_server import Peer, Request, run_socket_server

_SLOW_BYTES = 100
"""Number of spaces that a slow response sends first, one every `_SLOW_INTERVAL` seconds."""
_SLOW_INTERVAL = 0.1


@dataclass(frozen=True)
class Response:
    """A response of a raw server: bytes are sent unchanged, any other body as JSON."""

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delivery: Literal["whole", "half", "cut", "slow", "never"] = "whole"


@dataclass
class RawServer:
    """The responses of a server by path, and the requests that it received."""

    url: str
    responses: dict[str, list[Response]] = field(default_factory=dict[str, list[Response]])
    """The responses of each path, in order; the last one is repeated."""
    requests: list[tuple[str, str, dict[str, str]]] = field(
        default_factory=list[tuple[str, str, dict[str, str]]]
    )
    """Method, path and headers of every complete request."""
    bodies: list[bytes] = field(default_factory=list[bytes])
    """The bodies of the POST requests."""
    stopped: threading.Event = field(default_factory=threading.Event)

    def serve_image_at(self, url: str, *responses: Response) -> None:
        """Respond to an image edit with a picture at `url`; a path is one of this server's."""
        address = self.url + url if url.startswith("/") else url
        self.responses[EDIT] = [Response(body={"images": [{"url": address}]})]
        if responses:
            self.responses[url] = list(responses)

    def next_response(self, path: str) -> Response:
        """Return the next response of a path, 404 where it has none."""
        responses = self.responses.get(path, [Response(404)])
        return responses.pop(0) if len(responses) > 1 else responses[0]


@contextmanager
def run_raw_server() -> Generator[RawServer]:
    """Run a raw server while the `with` block runs. Each connection serves one request."""

    def respond(peer: Peer, request: Request) -> None:
        raw.requests.append((request.method, request.path, request.headers))
        if request.method == "POST":
            raw.bodies.append(request.body)
        _deliver(peer, raw.next_response(request.path), raw.stopped)
        peer.close()

    with run_socket_server(respond) as server:
        raw = RawServer(server.url)
        try:
            yield raw
        finally:
            raw.stopped.set()


def _deliver(peer: Peer, response: Response, stopped: threading.Event) -> None:
    if response.delivery == "never":
        stopped.wait()
    if response.delivery in ("never", "cut"):
        return
    content = response.body if isinstance(response.body, bytes) else json.dumps(response.body).encode()
    slow_bytes = _SLOW_BYTES if response.delivery == "slow" else 0
    headers = {"Content-Length": str(slow_bytes + len(content)), **response.headers}
    lines = [f"HTTP/1.0 {response.status} Status", *(f"{name}: {value}" for name, value in headers.items())]
    peer.send("\r\n".join([*lines, "", ""]).encode("latin-1"))
    for _ in range(slow_bytes):
        peer.send(b" ")
        stopped.wait(_SLOW_INTERVAL)
    peer.send(content[: len(content) // 2] if response.delivery == "half" else content)
