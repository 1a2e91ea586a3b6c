"""Measure runs of tables beside a hand-written loop, and actors of Ray beside `run_many`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .measure import PROGRAMS, Row, compare_memory, compare_times, run_python, run_server

_SAMPLE = 2000
_FULL = 20_000
_SMALL_SHARE = 10


@dataclass(frozen=True, slots=True)
class _RowRun:
    """A run of many rows."""

    seconds: float
    """Without start-up."""
    cpu_seconds: float
    """Of the program, which the server does not slow down."""
    megabytes: float


def measure(*, full: bool) -> Iterator[Row]:
    """Run rows with either client and with a loop that has the same number of requests in flight."""
    count = _FULL if full else _SAMPLE
    with tempfile.TemporaryDirectory() as temporary, run_server("queue_server.py") as url:
        folder = Path(temporary)
        kinds = ("loop", "run_many", "async", "sync")
        runs = {kind: _run_rows(folder, url, "tables.py", kind, count) for kind in kinds}
        loop, many = runs["loop"], runs["run_many"]
        for kind in ("async", "sync"):
            run = runs[kind]
            name = f"{count:,} rows with tables.run, {kind}, to a hand-written loop, "
            yield compare_times(f"{name}time", run.seconds, loop.seconds)
            yield compare_times("  CPU time", run.cpu_seconds, loop.cpu_seconds)
            yield compare_memory("  memory", run.megabytes, loop.megabytes)
        yield compare_times("  CPU time, async, to run_many", runs["async"].cpu_seconds, many.cpu_seconds)
        if find_spec("ray") is None:
            return
        small = count // _SMALL_SHARE
        seconds = [_run_rows(folder, url, "actors.py", "ray", number).seconds for number in (small, count)]
        each = (seconds[1] - seconds[0]) / (count - small)  # without the start of the actors
        yield compare_times("a row in 2 actors of Ray, to run_many in 1 process", each, many.seconds / count)


def _run_rows(folder: Path, url: str, program: str, kind: str, count: int) -> _RowRun:
    run = run_python(str(PROGRAMS / program), kind, url, str(count), cwd=folder)
    seconds, cpu_seconds = map(float, run.output.splitlines()[-1].split())
    return _RowRun(seconds, cpu_seconds, run.megabytes)
