"""An HTTP server that sends the same response to every request, at the least cost that Python allows."""

import json
import os
import socket
import sys
from threading import Thread

BODY = json.dumps(
    {
        "model": "qwen-image-edit-plus",
        "created": 1_780_000_000,
        "images": [{"url": "https://example.com/files/0123456789abcdef.png"}],
    }
).encode()
RESPONSE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
    % (len(BODY), BODY)
)  # fmt: skip


def serve(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    while chunk := connection.recv(65_536):
        received += chunk
        head, end, body = received.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            received = b""
            connection.sendall(RESPONSE)


def accept(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        Thread(target=serve, args=(connection,), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
Thread(target=accept, args=(listener,), daemon=True).start()
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
sys.stdin.read()
# Threads blocked in accept() and recv() would delay a normal exit.
os._exit(0)
