"""`oxen-codegen fetch` reads models concurrently, and can be interrupted."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from oxen_codegen.cli import main


@pytest.mark.slow
def test_fetch_reads_eight_models_concurrently(schemas: Path) -> None:
    """Models are read concurrently, at most eight at a time."""

    class Handler(BaseHTTPRequestHandler):
        lock = threading.Lock()
        eight_active = threading.Event()
        active = max_active = 0

        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            with self.lock:
                Handler.active += 1
                Handler.max_active = max(Handler.max_active, Handler.active)
                if Handler.active == 8:
                    self.eight_active.set()
            self.eight_active.wait(60)  # the first response is sent when eight requests are active
            body = json.dumps({"id": name, "json_request_schema": None}).encode()
            with self.lock:
                Handler.active -= 1
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ids = [f"painter-{number}" for number in range(40)]
        arguments = ["--base-url", f"http://127.0.0.1:{server.server_port}", "--schemas", str(schemas)]
        done = CliRunner().invoke(main, ["fetch", *ids, *arguments])
        server.shutdown()
    assert "40 written" in done.stdout, done.output
    assert Handler.max_active == 8


@pytest.mark.slow
def test_fetch_ctrl_c_while_waiting(schemas: Path) -> None:
    """Ctrl-C ends the command while it waits for a response."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "oxen_codegen", "fetch", "painter", "--base-url", url]
        process = subprocess.Popen([*command, "--schemas", str(schemas)], stderr=subprocess.PIPE)
        connection, _ = silent.accept()
        with connection:  # the command waits for a response
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr == b"oxen-codegen: interrupted\n"
