"""A server that sends bytes as a test prescribes, over plain TCP."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_DRIP_INTERVAL = 0.02
"""Seconds between two pieces of a slow response."""


@dataclass(frozen=True)
class Request:
    """A request as received."""

    method: str
    path: str
    headers: dict[str, str]
    """By name in lower case."""
    body: bytes


class Peer:
    """A connection of a client."""

    def __init__(self, connection: socket.socket, stopped: threading.Event) -> None:
        self._connection = connection
        self._stopped = stopped
        self._unread = b""

    def send(self, *parts: bytes) -> None:
        """Send bytes."""
        self._connection.sendall(b"".join(parts))

    def drip(self, parts: Iterable[bytes]) -> None:
        """Send parts slowly, until the client closes the connection or the server is stopped."""
        for part in parts:
            self.send(part)
            if self._stopped.wait(_DRIP_INTERVAL):
                return

    def wait(self) -> None:
        """Send nothing until the server is stopped."""
        self._stopped.wait()

    def close(self) -> None:
        """Close the connection."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def receive(self, size: int = 65_536) -> bytes:
        """Return the next bytes; none at the end of the connection."""
        received, self._unread = self._unread, b""
        return received or self._connection.recv(size)

    def read_request(self) -> Request | None:
        """Return the next complete request; None at the end of the connection."""
        received = bytearray()
        while b"\r\n\r\n" not in received:
            if not (chunk := self.receive()):
                return None
            received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(body) < length:
            if not (chunk := self.receive(2**20)):
                return None
            body += chunk
        self._unread = bytes(body[length:])
        method, path, _ = first.split(" ")
        return Request(method, path, headers, bytes(body[:length]))


Respond = Callable[[Peer, Request], object]


@dataclass
class SocketServer:
    """A running server."""

    port: int
    requests: list[Request] = field(default_factory=list[Request])
    """All complete requests."""
    connections: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def count(self, method: str, path: str = "") -> int:
        """Return the number of requests with a method and the beginning of a path."""
        return sum(
            request.method == method and request.path.startswith(path) for request in tuple(self.requests)
        )


@contextmanager
def run_socket_server(
    respond: Respond, connect: Callable[[Peer], object] | None = None
) -> Generator[SocketServer]:
    """Run a server while the `with` block runs.

    Args:
        respond: Responds to each request, several of which may arrive over one connection.
        connect: Handles each connection before its first request; a true result ends it.
    """
    stopped = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    server = SocketServer(listener.getsockname()[1])
    open_connections: set[socket.socket] = set()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        peer = Peer(connection, stopped)
        with connection, suppress(OSError):
            if connect is not None and connect(peer):
                return
            while (request := peer.read_request()) is not None:
                server.requests.append(request)
                respond(peer, request)
        open_connections.discard(connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            open_connections.add(connection)
            thread = threading.Thread(target=serve, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        stopped.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()
        for connection in tuple(open_connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def encode_response(body: object, status: int = 200, **headers: str) -> bytes:
    """Return a complete response; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return encode_head(status, content_length=str(len(content)), **headers) + content


def encode_head(status: int = 200, **headers: str) -> bytes:
    """Return the first line and the headers of a response."""
    lines = [f"HTTP/1.1 {status} Status"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()
