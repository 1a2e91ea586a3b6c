"""Tests of the life of a hub, of its log of requests and of its command line."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import inf, nan
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.hub_api import (
    AUTH_HEADERS,
    EDIT,
    EDIT_BODY,
    QUEUE,
    WAIT_TIMEOUT,
    enqueue,
    get_job,
    list_ids,
    open_client,
    open_stream,
    stop_hub,
    wait_for_end,
)
from helpers.lean import python_path
from helpers.models import make_model
from helpers.program_server import COMMAND_LINE, ProgramServer
from oxen_models import Oxen
from oxen_models.testing import Hub
from oxen_models.testing.__main__ import main

ENVIRONMENT = {**os.environ, "PYTHONPATH": python_path(*sys.path)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one model."""
    (tmp_path / "m.json").write_text(json.dumps(make_model()))
    return tmp_path


@pytest.mark.slow
def test_requests_are_logged(hub: Hub, api: httpx.Client) -> None:
    """The log has the method, path, headers and body of each request."""
    api.post(f"{EDIT}?page=1", json=EDIT_BODY)
    httpx.get(f"{hub.url}/nope%20here")
    post, get = hub.requests
    assert (post.method, post.path, post.body) == ("POST", EDIT, EDIT_BODY)
    assert post.headers["authorization"] == AUTH_HEADERS["authorization"]
    assert (get.method, get.path, get.body) == ("GET", "/nope here", None)


@pytest.mark.slow
def test_clear_removes_faults_and_requests(hub: Hub, api: httpx.Client) -> None:
    """`clear` removes planned responses, faults and logged requests, and keeps jobs."""
    [id] = enqueue(api)
    hub.respond_next(500, times=None)
    hub.inject_fault("job-not-found")
    hub.inject_fault("cut-before-body", path="/api/events")
    assert api.get(QUEUE).status_code == 500
    hub.clear()
    assert (hub.requests, hub.count("GET", "/"), hub.count("POST", "/")) == ([], 0, 0)
    with open_stream(hub):
        assert wait_for_end(api, id)["status"] == "succeeded"
    assert {request.path for request in hub.requests} == {"/api/events", f"{QUEUE}/{id}"}


def test_repr_has_the_url() -> None:
    """The repr of a hub has its URL while it runs."""
    hub = Hub()
    assert repr(hub) == "<Hub (not running)>"
    with hub:
        assert repr(hub) == f"<Hub at {hub.url}>"


@pytest.mark.slow
def test_hub_runs_once_at_a_time(hub: Hub) -> None:
    """A hub that runs cannot be started again."""
    with pytest.raises(RuntimeError, match="already running"):
        hub.__enter__()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"port": 65_536}, "port must be an integer from 0 to 65535, got 65536"),
        ({"port": "80"}, "port must be an integer from 0 to 65535, got '80'"),
        ({"speed": 0}, "speed must be a positive number, got 0"),
        ({"speed": nan}, "speed must be a positive number, got nan"),
        ({"generation_time": -1}, "generation_time must be a number of seconds, got -1"),
        ({"generation_time": inf}, "generation_time must be a number of seconds, got inf"),
        ({"dialect": "bare"}, "dialect must be a Dialect, got 'bare'"),
    ],
)
def test_unusable_argument_raises(arguments: dict[str, Any], message: str) -> None:
    """An argument that a hub cannot use raises an error before the hub runs."""
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
        Hub(**arguments)


@pytest.mark.slow
def test_threads_start_and_stop_one_hub(folder: Path) -> None:
    """Threads that start and stop the same hub at the same time neither wait forever nor leave a server."""
    hub = Hub(folder)

    def restart() -> None:
        for _ in range(10):
            with suppress(RuntimeError):
                hub.start()
            hub.stop()

    threads = [threading.Thread(target=restart, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_TIMEOUT)
        assert not thread.is_alive()
    with hub, open_client(hub) as api:
        body = {"model": "m", "prompt": "x"}
        [generation] = api.post(QUEUE, json=body).json()["generations"]
        assert wait_for_end(api, generation["generation_id"])["status"] == "succeeded"


@pytest.mark.slow
def test_stop_aborts_a_generation(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A generation takes `generation_time`, and a stop aborts it without an error in the log."""
    with Hub(folder, generation_time=3600) as hub, open_client(hub) as api:
        body = {"model": "m", "prompt": "x"}
        with pytest.raises(httpx.ReadTimeout):
            api.post("/api/ai/images/generate", json=body, timeout=httpx.Timeout(10, read=0.3))
        assert stop_hub(hub)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.slow
def test_stop_closes_connections(hub: Hub, api: httpx.Client) -> None:
    """A hub stops although a connection is open, and has no URL afterwards."""
    api.get("/api/ai/models")
    url = hub.url
    assert stop_hub(hub)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    with pytest.raises(RuntimeError, match="not running"):
        print(hub.url)


def test_stop_closes_streams_and_jobs() -> None:
    """A hub stops although a stream is open and jobs are queued."""
    with Hub(generation_time=3600) as hub, open_client(hub) as api, open_stream(hub) as stream:
        enqueue(api, num_generations=4)
        assert stop_hub(hub)
        with pytest.raises(httpx.TransportError):
            stream.read_frame()


def test_restart_fails_active_jobs() -> None:
    """Jobs are kept when a hub is restarted, and those that were active fail."""
    hub = Hub(generation_time=3600)
    with hub, open_client(hub) as api:
        [id] = enqueue(api)
    with hub, open_client(hub) as api:
        assert (get_job(api, id)["status"], list_ids(api)) == ("failed", [])


@pytest.mark.slow
def test_hubs_share_nothing(folder: Path, hub: Hub, api: httpx.Client) -> None:
    """A hub serves many threads, and another hub receives none of their requests."""

    def post(number: int) -> str:
        images = api.post(EDIT, json={**EDIT_BODY, "prompt": str(number)}).json()["images"]
        return str(images[0]["url"])

    with Hub(folder) as other, ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(post, range(24)))) > 1
        assert (len(hub.requests), other.requests) == (24, [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--schemas /no/such/folder", "/no/such/folder: No such file or directory"),
        ("--port BUSY", "port BUSY: Address already in use\n"),
        ("--port 65536", "must be a port from 0 to 65535, got '65536'"),
        ("--port http", "must be a port from 0 to 65535, got 'http'"),
        ("--dialect lists=none", "lists must be one of both, old, old-bare, got 'none'"),
        ("--dialect list", "must be NAME=VALUE with a NAME of schema_key, "),
    ],
)
def test_command_line_rejects_arguments(
    hub: Hub, capsys: pytest.CaptureFixture[str], arguments: str, message: str
) -> None:
    """An argument that is not usable ends the command with exit code 2 and a message."""
    port = hub.url.rpartition(":")[2]
    with pytest.raises(SystemExit) as exit:
        main(arguments.replace("BUSY", port).split())
    assert exit.value.code == 2
    assert message.replace("BUSY", port) in capsys.readouterr().err


def test_command_line_stops_without_a_reader(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ends with a message if nothing reads its `export` lines."""
    reader, writer = os.pipe()
    os.close(reader)
    with suppress(BrokenPipeError), os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(SystemExit) as exit:
            main(["--schemas", str(folder)])
        assert exit.value.code == 2
    assert "error: the standard output cannot be written: " in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one child")
def test_command_line_prints_exports(programs: ProgramServer) -> None:
    """The command prints two `export` lines that a client can use, and serves until it is interrupted."""
    program = COMMAND_LINE.replace("oxen_models", "oxen_models.testing")
    with programs.start(program, "--dialect", "detail=wrapped") as process:
        lines = [process.stdout.readline().strip() for _ in range(2)]
        exported = dict(line.removeprefix("export ").split("=") for line in lines)
        with Oxen(exported["OXEN_API_KEY"], base_url=exported["OXEN_BASE_URL"]) as oxen:
            model = oxen.models.get("qwen-image-edit-plus")
        process.send_signal(signal.SIGINT)
        code, output, errors = process.finish()
    assert all(line.startswith("export ") for line in lines)
    assert model.id == "qwen-image-edit-plus"
    assert (code, output, errors.count("\n")) == (0, "", 1)


@pytest.mark.slow
def test_missing_extra_is_named() -> None:
    """Without the extra, the import raises an error that says what to install."""
    code = "import sys; sys.modules['PIL'] = None; import oxen_models.testing"
    run = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True)
    assert run.stderr.rstrip().endswith("pip install '.[testing]' in a clone")
