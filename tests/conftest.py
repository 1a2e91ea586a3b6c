"""What several test modules share."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import json
import pickle
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType, FunctionType, ModuleType, TracebackType
from typing import Any, Literal

import httpx
import oxen_models
import pytest
from oxen_models import AsyncOxen, Oxen
from oxen_models.testing import Hub

pytest_plugins = ["generating"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="take what is emitted for the golden files")
    parser.addoption("--live", action="store_true", help="record from the live hub, with OXEN_API_KEY")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """No test leaves this machine; a cassette that is being recorded may."""
    for item in items:
        item.add_marker(pytest.mark.block_network(allowed_hosts=["127.0.0.1"]))


@pytest.fixture(autouse=True)
def no_surroundings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the key nor the proxy of the machine reaches a test; the live hub needs them."""
    if request.config.getoption("--live"):
        return
    monkeypatch.delenv("OXEN_API_KEY", raising=False)
    # On loopback nobody shows a certificate, and to read all that are trusted takes most of a test's time.
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(Path(__file__).parent))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A stand-in hub of the test's own."""
    with Hub() as running:
        yield running


EDIT = "/api/ai/images/edit"


class Play:
    """Calls a client of either kind the same way, so that one test covers both."""

    KEY = "k3y-of-the-caller"

    def __init__(self, asynchronous: bool) -> None:
        self.asynchronous = asynchronous

    def __call__(self, *steps: Callable[[Any], Any], api_key: str | None = KEY, **arguments: Any) -> Any:
        """What the last step gives. The first is called with the client, each other with what the one
        before it gave; what is to be awaited is awaited."""
        if self.asynchronous:
            return asyncio.run(self._awaited(steps, api_key, arguments))
        with Oxen(api_key, **arguments) as client:
            return functools.reduce(lambda value, step: step(value), steps, client)

    async def _awaited(
        self, steps: tuple[Callable[[Any], Any], ...], api_key: str | None, arguments: dict[str, Any]
    ) -> Any:
        async with AsyncOxen(api_key, **arguments) as client:
            value: Any = client
            for step in steps:
                value = step(value)
                if inspect.isawaitable(value):
                    value = await value
            return value

    def failure(self, kind: Any, *steps: Callable[[Any], Any], **arguments: Any) -> Any:
        """The error of a call; whatever it is, it tells nobody the key and can go to another process."""
        with pytest.raises(kind) as caught:
            self(*steps, **arguments)
        error = caught.value
        assert isinstance(error, oxen_models.OxenError)
        leaks = [
            each for each in hanging_on(error) if isinstance(each, str | bytes) and self.KEY in str(each)
        ]
        assert leaks == []
        copied = pickle.loads(pickle.dumps(error))
        assert (type(copied), str(copied), vars(copied)) == (type(error), str(error), vars(error))
        return error

    def http_client(self, **arguments: Any) -> Any:
        """An httpx client that this kind of client sends with."""
        return httpx.AsyncClient(**arguments) if self.asynchronous else httpx.Client(**arguments)

    def public(self, name: str) -> Any:
        """The class of that name for this kind of client."""
        return getattr(oxen_models, f"Async{name}" if self.asynchronous else name)


def hanging_on(error: BaseException) -> Iterator[object]:
    """All that a debugger or a crash reporter reaches from an error, apart from code and its variables."""
    seen: dict[int, object] = {}
    todo: list[object] = [error]
    while todo:
        each = todo.pop()
        if id(each) in seen or isinstance(each, TracebackType | FrameType | FunctionType | ModuleType | type):
            continue
        seen[id(each)] = each
        yield each
        todo += gc.get_referents(each)


@pytest.fixture(params=["sync", "async"])
def play(request: pytest.FixtureRequest) -> Play:
    """Calls of the synchronous client, then of the asynchronous one."""
    return Play(request.param == "async")


@dataclass(frozen=True)
class Answer:
    """What a raw server answers: bytes as they are, everything else as JSON."""

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    how: Literal["whole", "half", "cut", "slow", "never"] = "whole"


@dataclass
class RawServer:
    """A server for what no hub should do: it answers half, or with nothing, or never."""

    url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict[str, list[Answer]])
    """By path; of several, the last one stays."""
    requests: list[tuple[str, str, dict[str, str]]] = field(
        default_factory=list[tuple[str, str, dict[str, str]]]
    )
    """Method, path and headers of all that arrived whole."""
    over: threading.Event = field(default_factory=threading.Event)

    def has_result_at(self, url: str, *more: Answer) -> None:
        """Answer an image edit with a picture at `url`; a path is one of this server's."""
        address = self.url + url if url.startswith("/") else url
        self.answers[EDIT] = [Answer(body={"images": [{"url": address}]})]
        if more:
            self.answers[url] = list(more)

    def next_answer(self, path: str) -> Answer:
        answers = self.answers.get(path, [Answer(404)])
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
            self.give(server.next_answer(self.path), server.over)

        do_GET = do_POST

        def give(self, answer: Answer, over: threading.Event) -> None:
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


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server in the place of the hub."""
    with serving() as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[RawServer]:
    """A server at another address than the hub's."""
    with serving() as running:
        yield running


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many values were compared with what jsonschema says of them."""
    passed: list[pytest.TestReport] = terminalreporter.getreports("passed")
    failed: list[pytest.TestReport] = terminalreporter.getreports("failed")
    compared = sum(
        int(str(count)) for report in passed for name, count in report.user_properties if name == "agreement"
    )
    disagreements = sum("test_agreement.py" in report.nodeid for report in failed)
    if compared or disagreements:
        terminalreporter.write_line(
            f"agreement with jsonschema: {compared:,} values, {disagreements} disagreements"
        )
