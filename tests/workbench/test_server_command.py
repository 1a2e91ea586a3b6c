"""The command `oxen-models workbench`."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from helpers.docs import ROOT
from helpers.held_queue import run_held_queue
from helpers.program_server import COMMAND_LINE, Program, ProgramServer
from helpers.workbench import KEY, MODEL
from oxen_models._cli.main import cli
from oxen_models._cli.workbench import workbench_command
from oxen_models.testing import Hub


def fail(*arguments: str) -> str:
    """Run the command, which exits with the code for wrong usage, and return the error."""
    result = CliRunner().invoke(cli, ["workbench", "--no-browser", *arguments])
    assert result.exit_code == 2, result.output
    return result.stderr


@contextmanager
def run_command(
    programs: ProgramServer, *arguments: str, **environment: str
) -> Generator[tuple[Program, httpx.Client]]:
    """Run the command in a process, and open the page."""
    with programs.start(
        COMMAND_LINE,
        *("workbench", "--no-browser", *arguments),
        environment={"PATH": os.environ["PATH"], **environment},
    ) as process:
        address = httpx.URL(process.stdout.readline().strip())
        headers = {"X-Workbench-Token": address.params["token"]}
        with httpx.Client(
            base_url=address.copy_with(query=None), headers=headers, trust_env=False, verify=False
        ) as client:
            page = client.get(address, follow_redirects=True)
            assert f'"token": "{address.params["token"]}"' in page.text
            yield process, client


def start_run(client: httpx.Client) -> dict[str, Any]:
    response = client.post("/api/runs", json={"model": MODEL, "values": {"prompt": "A hat"}})
    assert response.status_code == 201, response.text
    run: dict[str, Any] = response.json()["run"]
    return run


def test_guide_lists_the_options() -> None:
    """The table of the guide has each option of the command, and the examples have no other ones."""
    guide = (ROOT / "docs" / "workbench.md").read_text(encoding="utf-8")
    options = {name for parameter in workbench_command.params for name in parameter.opts}
    assert set(re.findall(r"^\| `(--[a-z][a-z-]+)", guide, re.MULTILINE)) == options - {"--base-url"}
    assert {name for name in re.findall(r"--[a-z][a-z-]*", guide) if name != "--sidecar"} <= options


def test_port_in_use_is_explained(tmp_path: Path) -> None:
    """Another server on the port is an error with advice."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        error = fail("--port", str(port), "--output-dir", str(tmp_path))
    assert f"port {port} of 127.0.0.1 cannot be used: Address already in use" in error
    assert "--port" in error


def test_impossible_output_folder_is_explained(tmp_path: Path) -> None:
    """The folder is checked before a run costs money."""
    (tmp_path / "file").touch()
    assert f"{tmp_path}/file/out cannot be created: Not a directory" in fail(
        "--output-dir", f"{tmp_path}/file/out"
    )


def test_demo_excludes_another_api() -> None:
    """A stand-in and the address of an API contradict each other."""
    assert "--demo and --base-url exclude each other" in fail("--demo", "--base-url", "http://hub.example")


@pytest.mark.parametrize(
    ("package", "option", "extra"), [("starlette", "", "workbench"), ("PIL", "--demo", "testing")]
)
def test_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, package: str, option: str, extra: str
) -> None:
    """Without its packages, the command names the extra."""
    prefixes = (package, "oxen_models._workbench", "oxen_models.testing")
    for name in [name for name in sys.modules if name.startswith(prefixes)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    assert f".[{extra}]" in fail(*filter(None, [option]))


@pytest.mark.slow
def test_interruption_names_jobs_that_continue(programs: ProgramServer, hub: Hub, tmp_path: Path) -> None:
    """Ctrl-C ends the command while a stream is open; the job is named with the command for its result."""
    hub.inject_fault("job-stuck")
    options = ("--output-dir", str(tmp_path), "--base-url", hub.url)
    with run_command(programs, *options, OXEN_API_KEY=KEY) as (process, client):
        run = start_run(client)
        with client.stream("GET", f"/api/runs/{run['id']}/events") as events:
            lines = events.iter_lines()
            assert next(lines) == "event: run"
            process.send_signal(signal.SIGINT)
            assert list(lines)[-1] == ""  # the stream ends
        code, output, errors = process.finish()
    [id] = [job["id"] for job in run["jobs"]]
    assert (code, output) == (130, "")
    assert f"jobs that continue: {id}\n" in errors
    assert f"oxen-models result {id} -o {tmp_path}\n" in errors
    assert "Traceback" not in errors
    assert KEY not in errors


@pytest.mark.slow
@pytest.mark.parametrize("is_patient", [True, False])
def test_interruption_waits_for_a_submission(
    programs: ProgramServer, tmp_path: Path, is_patient: bool
) -> None:
    """A request that is being sent is waited for, because it may be billed; a second Ctrl-C does not wait."""
    with run_held_queue() as queue, ThreadPoolExecutor() as threads:
        queue.hold()
        options = ("--output-dir", str(tmp_path), "--base-url", queue.url)
        with run_command(programs, *options, OXEN_API_KEY=KEY) as (process, client):
            threads.submit(start_run, client)
            queue.wait_for_submissions(1)
            process.send_signal(signal.SIGINT)
            assert process.stderr.readline().startswith("serving on this machine only")
            assert process.stderr.readline().startswith("waiting for a request that is being sent")
            if is_patient:
                queue.released.set()
            else:
                process.send_signal(signal.SIGINT)
            code, _, errors = process.finish()
    assert code == (130 if is_patient else 5)
    expected = (
        f"oxen-models result job-0 -o {tmp_path}" if is_patient else "may have been accepted and billed"
    )
    assert expected in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_demo_needs_no_key_and_sends_none(programs: ProgramServer, hub: Hub, tmp_path: Path) -> None:
    """The stand-in of the demo is used, whatever the environment has; its files go with the process."""
    environment = {"OXEN_API_KEY": KEY, "OXEN_BASE_URL": hub.url, "TMPDIR": str(tmp_path)}
    with run_command(programs, "--demo", **environment) as (process, client):
        session = client.get("/api/session").json()
        assert (session["demo"], session["has_key"]) == (True, True)
        run = start_run(client)
        with client.stream("GET", f"/api/runs/{run['id']}/events") as events:
            assert '"status": "succeeded"' in list(events.iter_lines())[-2]
        assert Path(session["folder"]).is_relative_to(tmp_path)
        assert len(client.get("/api/history").json()["items"]) == 1
        process.send_signal(signal.SIGTERM)
        code, output, errors = process.finish()
    assert (code, output, "Traceback" in errors) == (0, "", False)
    assert hub.requests == []
    assert list(tmp_path.iterdir()) == []
