"""A server for responses that no hub should send: truncated, late or malformed."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

from helpers.hub_api import EDIT

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
    """Run a raw server while the `with` block runs."""
    servers: list[RawServer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            [server] = servers
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.requests.append((self.command, self.path, headers))
            if self.command == "POST":
                server.bodies.append(body)
            self.deliver(server.next_response(self.path), server.stopped)

        do_GET = do_POST

        def deliver(self, response: Response, stopped: threading.Event) -> None:
            if response.delivery == "never":
                stopped.wait()
            if response.delivery in ("never", "cut"):
                return
            content = (
                response.body if isinstance(response.body, bytes) else json.dumps(response.body).encode()
            )
            slow_bytes = _SLOW_BYTES if response.delivery == "slow" else 0
            content = b" " * slow_bytes + content
            self.send_response_only(response.status)
            for name, value in {"Content-Length": str(len(content)), **response.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for _ in range(slow_bytes):
                self.wfile.write(b" ")
                stopped.wait(_SLOW_INTERVAL)
            self.wfile.write(content[slow_bytes : len(content) // 2 if response.delivery == "half" else None])

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Listener(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore errors of closed connections: tests close them on purpose."""

    with Listener(("127.0.0.1", 0), Handler) as listener:
        servers.append(RawServer(f"http://127.0.0.1:{listener.server_port}"))
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield servers[0]
        servers[0].stopped.set()
        listener.shutdown()
        thread.join()
