"""Kill a worker of a local Ray half-way: each row has one outcome, and no request is paid for twice."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from oxen_models.testing import Hub

from .jobs import list_jobs
from .process import read_text, start_program

_ROWS = 2000
_BATCH_SIZE = 100
_OTHER_BATCH_SIZE = 130
_TIMEOUT = 900
_POLL_INTERVAL = 0.01
_SPEED = 50


def run(random: Random) -> Iterator[str]:
    """Kill a worker after half of the requests, check all rows, repeat the run, and yield a report."""
    if find_spec("ray") is None:
        yield "skipped, because Ray is not installed"
        return
    started = time.monotonic()
    with Hub(speed=_SPEED) as hub, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "workers").mkdir()
        rows = _run_rows(
            hub, folder, _BATCH_SIZE, "", kill_after=random.randint(_ROWS * 2 // 5, _ROWS * 3 // 5)
        )
        jobs = _check(hub, rows)
        unknown = {row["id"] for row in rows if row["status"] == "unknown"}
        assert Counter(row["status"] for row in rows)["succeeded"] == _ROWS - len(unknown)
        assert not unknown & jobs.keys(), "a row is unknown, although the hub has its job"
        assert len(list((folder / "workers").iterdir())) == 3, "the killed worker was not replaced"
        again = _run_rows(hub, folder, _OTHER_BATCH_SIZE, "resend")
        assert {row["status"] for row in again} == {"succeeded"}
        known = {row["id"]: row["job_id"] for row in rows if row["id"] not in unknown}
        assert {row["id"]: row["job_id"] for row in again if row["id"] in known} == known
        _check(hub, again)
    yield (
        f"{_ROWS} rows in 2 actors, one of them killed: 0 duplicates, 0 lost, {len(unknown)} not sent and "
        f"unknown, which a run with other batches sent; {time.monotonic() - started:.0f} s"
    )


def _run_rows(
    hub: Hub, folder: Path, batch_size: int, resend: str, kill_after: int | None = None
) -> list[dict[str, Any]]:
    """Return the rows of a run, of which a worker is killed once the hub has received so many requests."""
    output = folder / "rows.jsonl"
    output.unlink(missing_ok=True)
    arguments = (hub.url, str(folder), str(_ROWS), str(batch_size), resend)
    with (folder / "out").open("w+") as out, (folder / "err").open("w+") as errors:
        process = start_program("actors", *arguments, timeout=_TIMEOUT, output=out, errors=errors)
        try:
            while process.poll() is None:
                if kill_after is not None and hub.count("POST", "/api/ai/queue") >= kill_after:
                    worker = min((folder / "workers").iterdir(), key=lambda file: int(file.name))
                    os.kill(int(worker.name), signal.SIGKILL)
                    kill_after = None
                time.sleep(_POLL_INTERVAL)
        finally:
            process.kill()
            process.wait()
        assert output.exists(), f"exit code {process.returncode}\n{read_text(out)}\n{read_text(errors)}"
    assert kill_after is None, "the run ended before a worker was killed"
    return [json.loads(line) for line in output.read_text().splitlines()]


def _check(hub: Hub, rows: list[dict[str, Any]]) -> dict[int, str]:
    """Check that each row is there once and has at most one job, and return the jobs by row."""
    assert Counter(row["id"] for row in rows) == Counter(range(_ROWS))
    jobs: dict[int, str] = {}
    for id, prompt in list_jobs(hub).items():
        number = int(prompt.split()[0])
        assert number not in jobs, f"row {number} was paid twice: {jobs[number]} and {id}"
        jobs[number] = id
    for row in rows:
        assert row["status"] != "succeeded" or row["job_id"] == jobs[row["id"]], row
    return jobs
