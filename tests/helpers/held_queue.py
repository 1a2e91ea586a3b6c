"""A queue that holds submissions back until a test releases them."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

QUEUE = "/api/ai/queue"


@dataclass
class HeldQueue:
    """The state of the queue. A job with the prompt "done" has succeeded, all others are being processed."""

    url: str
    prompts: list[str] = field(default_factory=list[str])
    """The prompts of the submissions that arrived."""
    jobs: dict[str, str] = field(default_factory=dict[str, str])
    """The prompt of each accepted job, by its id."""
    is_done: bool = False
    """Whether all jobs have succeeded."""
    released: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def hold(self) -> None:
        """Hold the next submissions back."""
        self.released.clear()

    def wait_for_submissions(self, count: int) -> None:
        """Wait until this number of submissions has arrived since the start."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.prompts) >= count, timeout=60)

    def submit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Accept a submission, once it is released."""
        with self.changed:
            self.prompts.append(body["prompt"])
            self.changed.notify_all()
        assert self.released.wait(60)
        with self.changed:
            id = f"job-{len(self.jobs)}"
            self.jobs[id] = body["prompt"]
        return {"generations": [{"generation_id": id, "status": "queued"}]}

    def record(self, id: str) -> dict[str, Any]:
        """Return the record of a job."""
        if self.jobs.get(id) == "done" or self.is_done:
            return {
                "generation_id": id,
                "status": "succeeded",
                "media_type": "image",
                "images": [{"url": f"{self.url}/{id}.png"}],
            }
        return {"generation_id": id, "status": "processing"}


@contextmanager
def run_held_queue() -> Generator[HeldQueue]:
    """Run a queue, which holds nothing back at first, while the `with` block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            self.respond(200, queue.submit(json.loads(content)))

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == QUEUE:
                records = [queue.record(id) for id in list(queue.jobs)]
                active = [record for record in records if record["status"] == "processing"]
                self.respond(200, {"count": len(active), "generations": active})
            elif path.startswith(f"{QUEUE}/"):
                self.respond(200, queue.record(path.rpartition("/")[2]))
            else:
                self.respond(404, {"error": "not found"})

        def respond(self, status: int, body: object) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Listener(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore errors of closed connections: tests close them on purpose."""

    with Listener(("127.0.0.1", 0), Handler) as listener:
        queue = HeldQueue(f"http://127.0.0.1:{listener.server_port}")
        queue.released.set()
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        yield queue
        queue.released.set()
        listener.shutdown()
        thread.join()
