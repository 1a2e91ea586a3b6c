"""A server that discards requests and serves a large file, by a URL or in its response."""

import json
import os
import sys
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

SIZE = int(sys.argv[1])
CHUNK = os.urandom(2**18)
INLINE = json.dumps({"images": [{"b64_json": b64encode(os.urandom(SIZE)).decode()}]}).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        left = int(self.headers["content-length"])
        is_inline = False
        while left:
            chunk = self.rfile.read(min(left, len(CHUNK)))
            left -= len(chunk)
            is_inline = is_inline or b"inline" in chunk
        if is_inline:
            self.respond(INLINE)
            return
        self.respond(
            json.dumps({"images": [{"url": f"http://127.0.0.1:{listener.server_port}/made"}]}).encode()
        )

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        left = SIZE
        while left:
            left -= self.wfile.write(CHUNK[:left])

    def respond(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
Thread(target=listener.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{listener.server_port}", flush=True)
sys.stdin.read()
os._exit(0)
