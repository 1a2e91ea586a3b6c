"""Measure the memory and the time of a run of many requests of 1 MB."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from .measure import PROGRAMS, Row, compare_memory, compare_times, run_python, run_server

_SAMPLE = 400
_FULL = 20_000
_BASELINE_SHARE = 4
_MAX_RATIO = 1.25


def measure(*, full: bool) -> Iterator[Row]:
    """Run requests with both clients, and compare them with a run of a quarter of the requests."""
    count = _FULL if full else _SAMPLE
    with tempfile.TemporaryDirectory() as folder, run_server("queue_server.py") as url:
        for client in ("sync", "async"):
            small, large = (
                run_python(str(PROGRAMS / "batch.py"), client, url, str(number), cwd=Path(folder))
                for number in (count // _BASELINE_SHARE, count)
            )
            name = f"run of {count:,} requests of 1 MB, {client}, to a quarter of them, "
            yield compare_memory(f"{name}memory", large.megabytes, small.megabytes, _MAX_RATIO)
            seconds = (large.seconds / count, small.seconds / (count // _BASELINE_SHARE))
            yield compare_times("  time for each", *seconds)
