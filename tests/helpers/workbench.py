"""A server of the Workbench in this process, and requests to it."""

from __future__ import annotations

import json
import socket
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from oxen_models import Oxen
from oxen_models._cli.loopback import bind_loopback
from oxen_models._runner.limits import Limits
from oxen_models._runner.runner import Runner
from oxen_models._workbench.serve import Workbench
from oxen_models._workbench.session import Session

KEY = "oxen-secret-key-of-a-test"
MODEL = "z-image-turbo"
"""A model whose only required parameter is a prompt, with a price."""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@dataclass(frozen=True)
class Page:
    """What the page of a server does.

    Args:
        session: The session of the server.
        server: The server.
        thread: The thread in which the server runs.
        client: An HTTP client, with the token.
    """

    session: Session
    server: Workbench
    thread: Thread
    client: httpx.Client

    def start(self, values: Mapping[str, Any], model: str = MODEL, **rest: Any) -> httpx.Response:
        """Return the response to a request that starts a run."""
        body = json.dumps({"model": model, "values": values, **rest})  # in ASCII, unlike that of httpx
        return self.client.post("/api/runs", content=body)

    def run(self, values: Mapping[str, Any], model: str = MODEL, **rest: Any) -> dict[str, Any]:
        """Start a run and return it when it has ended."""
        started = self.start(values, model, **rest)
        assert started.status_code == 201, started.text
        return list(self.watch(started.json()["run"]["id"]))[-1]

    def watch(self, id: str) -> Iterator[dict[str, Any]]:
        """Yield the states of a run until it ends."""
        with self.client.stream("GET", f"/api/runs/{id}/events") as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            for line in response.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def read(self, path: str) -> Any:
        """Return the JSON at a path."""
        response = self.client.get(path)
        assert response.status_code == 200, response.text
        return json.loads(response.text, parse_constant=pytest.fail)  # of numbers that are not finite

    def read_file(self, url: str, **headers: str) -> httpx.Response:
        """Return the response to a request of a browser for a file."""
        return self.client.get(url, headers={"Cookie": self.cookie, **headers})

    @property
    def port(self) -> int:
        """The port of the server."""
        return httpx.URL(self.server.url).port or 0

    @property
    def cookie(self) -> str:
        """The header of the cookie."""
        return f"workbench-{self.port}={self.session.cookie}"

    def send_raw(self, head: str, body: bytes = b"") -> bytes:
        """Return the response to a request as it is on the wire.

        Args:
            head: The request line and the headers, without the empty line.
            body: What follows.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            lines = [*head.splitlines(), "Connection: close", "", ""]
            connection.sendall("\r\n".join(lines).encode("latin-1") + body)
            return b"".join(iter(lambda: connection.recv(2**16), b""))


@contextmanager
def serve_page(
    url: str, folder: Path, limits: Limits | None = None, *, key: str | None = KEY
) -> Generator[Page]:
    """Serve the Workbench during a block.

    Args:
        url: The URL of the API.
        folder: Where the output folder and that of the page's files are.
        limits: The limits of the runner; by default none.
        key: The API key.
    """
    output, media = folder / "output", folder / "media"
    for path in (output, media):
        path.mkdir()
    with Oxen(key, base_url=url, max_retries=0) as oxen:
        runner = Runner(oxen, replace(limits or Limits(), input_folders=(media, output)))
        session = Session(runner, output, media)
        server = Workbench(session, bind_loopback(0, "--port"))
        thread = Thread(target=server.serve_until_exit)
        thread.start()
        headers = {"X-Workbench-Token": session.token}
        try:
            with httpx.Client(
                base_url=server.url, headers=headers, timeout=60, trust_env=False, verify=False
            ) as client:
                yield Page(session, server, thread, client)
        finally:
            server.should_exit = True
            thread.join()
            oxen.close()
            server.runs.close()
