"""Measure the journal of a batch run beside bare SQLite with the same settings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from .measure import PROGRAMS, Row, Run, compare_memory, compare_times, run_python

_SAMPLE = 300
_FULL = 20_000
_ROUNDS = 3


def measure(*, full: bool) -> Iterator[Row]:
    """Record requests, each with three durable facts, and compare time and memory."""
    count = _FULL if full else _SAMPLE
    with tempfile.TemporaryDirectory() as folder:
        runs: dict[str, list[Run]] = {"journal": [], "sqlite": []}
        # In turns, because the speed of the disk varies.
        for _ in range(1 if full else _ROUNDS):
            for kind, results in runs.items():
                program = str(PROGRAMS / "journal.py")
                results.append(run_python(program, kind, str(count), cwd=Path(folder)))
    seconds = {kind: median(float(run.output) / count for run in results) for kind, results in runs.items()}
    memory = {kind: median(run.megabytes for run in results) for kind, results in runs.items()}
    name = f"journal of {count:,} requests, "
    yield compare_times(f"{name}each (bare SQLite)", seconds["journal"], seconds["sqlite"], 2)
    yield compare_memory(f"{name}memory (bare SQLite)", memory["journal"], memory["sqlite"])
