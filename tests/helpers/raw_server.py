"""A server that sends what no hub should: truncated, late or malformed responses."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

EDIT = "/api/ai/images/edit"


@dataclass(frozen=True)
class Response:
    """What a raw server answers: bytes as they are, everything else as JSON."""

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    how: Literal["whole", "half", "cut", "slow", "never"] = "whole"


@dataclass
class RawServer:
    """A server for what no hub should do: it answers half, or with nothing, or never."""

    url: str
    responses: dict[str, list[Response]] = field(default_factory=dict[str, list[Response]])
    """By path; of several, the last one stays."""
    requests: list[tuple[str, str, dict[str, str]]] = field(
        default_factory=list[tuple[str, str, dict[str, str]]]
    )
    """Method, path and headers of all that arrived whole."""
    over: threading.Event = field(default_factory=threading.Event)

    def has_result_at(self, url: str, *more: Response) -> None:
        """Response an image edit with a picture at `url`; a path is one of this server's."""
        address = self.url + url if url.startswith("/") else url
        self.responses[EDIT] = [Response(body={"images": [{"url": address}]})]
        if more:
            self.responses[url] = list(more)

    def next_response(self, path: str) -> Response:
        answers = self.responses.get(path, [Response(404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def serving() -> Generator[RawServer]:
    """A raw server for as long as the `with` block runs."""
    served: list[RawServer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            [server] = served
            self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.requests.append((self.command, self.path, headers))
            self.give(server.next_response(self.path), server.over)

        do_GET = do_POST

        def give(self, answer: Response, over: threading.Event) -> None:
            if answer.how == "never":
                over.wait()
            if answer.how in ("never", "cut"):
                return
            content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            slowly = 100 if answer.how == "slow" else 0
            content = b" " * slowly + content
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(content)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for _ in range(slowly):
                self.wfile.write(b" ")
                over.wait(0.1)
            self.wfile.write(content[slowly : len(content) // 2 if answer.how == "half" else None])

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Listener(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that has gone is no matter."""

    with Listener(("127.0.0.1", 0), Handler) as listener:
        served.append(RawServer(f"http://127.0.0.1:{listener.server_port}"))
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served[0]
        served[0].over.set()
        listener.shutdown()
        thread.join()
