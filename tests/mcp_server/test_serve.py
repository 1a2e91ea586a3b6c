"""The server as a process on the standard streams, and over HTTP."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from click.testing import CliRunner
from helpers.agent import Agent
from helpers.held_queue import run_held_queue
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from oxen_models import Oxen
from oxen_models._cli.loopback import bind_loopback
from oxen_models._cli.main import cli
from oxen_models._mcp.serve import create_app
from oxen_models._mcp.server import create_server
from oxen_models._runner.destinations import Destination
from oxen_models._runner.runner import Runner
from oxen_models.testing import Hub
from starlette.testclient import TestClient

TOKEN = "a-token-of-a-test"
PORT = 8123
INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


# Records the output, the errors and the exit code of a command.
RECORD = '{ "$@" 2> errors; echo $? > code; } | tee output'


@pytest.mark.slow
def test_stdio_serves_the_client_of_the_sdk(hub: Hub, tmp_path: Path) -> None:
    """A process finds, rejects and runs models, and keeps to its budget.

    Each line of its output is a message of the protocol, and it ends with its input.
    """
    options = ("--base-url", hub.url, "--output-dir", str(tmp_path / "files"), "--budget", "0.01")
    server = StdioServerParameters(
        command="sh",
        args=["-c", RECORD, "sh", sys.executable, "-m", "oxen_models", "mcp", *options],
        env={"OXEN_API_KEY": "any", "PYTHONPATH": _path()},
        cwd=tmp_path,
    )
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(stdio_client(server))) as client,
    ):
        agent = Agent(client, portal)
        run = {"model": "z-image-turbo", "parameters": {"prompt": "A hat"}}
        assert agent.read("find_models", query="z-image-turbo")["models"]
        assert "is required" in agent.fail("run_model", **{**run, "parameters": {}})
        [job] = agent.read("run_model", **run)["jobs"]
        assert Path(job["files"][0]).parent == tmp_path / "files"
        assert "of the budget of $0.01" in agent.fail("run_model", **run)
    messages = [json.loads(line) for line in (tmp_path / "output").read_text().splitlines()]
    assert {message["jsonrpc"] for message in messages} == {"2.0"}
    assert len(messages) > 4
    assert [(tmp_path / name).read_text() for name in ("errors", "code")] == ["", "0\n"]


def _path() -> str:
    return ":".join(path for path in sys.path if path.endswith("generated"))


@pytest.fixture
def http(oxen: Oxen, tmp_path: Path) -> Iterator[TestClient]:
    server = create_server(Runner(oxen), Destination(tmp_path))
    with TestClient(create_app(server, TOKEN, PORT), base_url=f"http://127.0.0.1:{PORT}") as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": f"http://localhost:{PORT}"}, 200),
        ({"Authorization": f"bearer  {TOKEN}"}, 200),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": TOKEN}, 401),
        ({"Origin": "https://example.com"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": f"example.com:{PORT}"}, 421),
    ],
)
def test_http_checks_token_origin_and_host(http: TestClient, headers: dict[str, str], status: int) -> None:
    """Pages of a browser and processes without the token do not reach the server."""
    accepted = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"}
    response = http.post("/mcp", json=INITIALIZE, headers=accepted | headers)
    assert response.status_code == status
    assert ("oxen-models" in response.text) == (status == 200)


@pytest.mark.slow
def test_http_ends_after_the_calls(tmp_path: Path) -> None:
    """An interruption waits for a call, so that the client receives the id of the job that it paid for."""
    with run_held_queue() as queue, ThreadPoolExecutor() as threads:
        queue.hold()
        with bind_loopback(0, "--http") as bound:
            port = bound.getsockname()[1]
        options = ("--http", str(port), "--output-dir", str(tmp_path), "--base-url", queue.url)
        with subprocess.Popen(
            [sys.executable, "-m", "oxen_models", "mcp", *options, "--allow-unpriced"],
            env={"OXEN_API_KEY": "any", "PYTHONPATH": _path(), "OXEN_MCP_TOKEN": TOKEN},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            assert "serving at" in process.stderr.readline()
            call = threads.submit(run_over_http, port)
            queue.wait_for_submissions(1)
            process.send_signal(signal.SIGINT)
            assert "waiting for calls that have not ended" in process.stderr.readline()
            queue.released.set()
            assert "job-0" in call.result()
            process.communicate()
    assert process.returncode == 130


def run_over_http(port: int) -> str:
    """Run a model without waiting for its job, and return the text of the response."""
    arguments = {"model": "z-image-turbo", "parameters": {"prompt": "A hat"}, "wait_seconds": 0}
    version = "2026-07-28"
    meta = {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    parameters = {"name": "run_model", "arguments": arguments, "_meta": meta}
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": version,
        "Mcp-Method": "tools/call",
        "Mcp-Name": "run_model",
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": parameters}
    with httpx.Client(trust_env=False, verify=False, timeout=60) as client:
        return client.post(f"http://127.0.0.1:{port}/mcp", json=message, headers=headers).text


def test_http_port_in_use_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another server on the port is an error with advice, before the address is printed."""
    monkeypatch.setenv("OXEN_MCP_TOKEN", TOKEN)
    monkeypatch.setenv("OXEN_API_KEY", "any")
    with bind_loopback(0, "--http") as bound:
        port = bound.getsockname()[1]
        result = CliRunner().invoke(cli, ["mcp", "--http", str(port)])
    assert (result.exit_code, "serving" in result.stderr) == (2, False)
    assert f"port {port} of 127.0.0.1 cannot be used: Address already in use; choose" in result.stderr


def test_http_requires_a_long_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on HTTP does not start without a token."""
    monkeypatch.setenv("OXEN_MCP_TOKEN", "short")
    result = CliRunner().invoke(cli, ["mcp", "--http", "8000"])
    assert (result.exit_code, "requires a token of 16 characters" in result.stderr) == (2, True)


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the SDK, the command names the extra."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "mcp"]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith("oxen_models._mcp.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    result = CliRunner().invoke(cli, ["mcp"])
    assert (result.exit_code, ".[mcp]" in result.stderr) == (2, True)
