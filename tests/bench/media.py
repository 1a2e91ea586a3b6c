"""A large file in and out, beside the same transfers with httpx alone."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from .measure import PROGRAMS, Row, compare_times, format_megabytes, format_seconds, run_python, run_server

_SIZE = 100_000_000
_MAX_MEMORY = 1.5 * _SIZE / 2**20
_MAX_PAUSE = 0.05
# The description of each transfer and the same transfer with httpx.
_TRANSFERS = {
    "send_path": ("send a path", "send_with_httpx"),
    "send_bytes": ("send bytes", "send_with_httpx"),
    "save": ("save", "save_with_httpx"),
    "read": ("read", "read_with_httpx"),
    "read_inline": ("read a response", "read_inline_with_httpx"),
}


def measure(*, full: bool) -> Iterator[Row]:
    """Measure transfers of 100 MB with both clients: time, peak memory and pauses of the event loop."""
    with tempfile.TemporaryDirectory() as folder, run_server("media_server.py", str(_SIZE)) as url:
        source = Path(folder, "source.png")
        source.write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(_SIZE - 8))

        def run(name: str) -> list[float]:
            program = str(PROGRAMS / "media.py")
            outputs = [
                json.loads(run_python(program, url, name, str(source), str(Path(folder, "target"))).output)
                for _ in range(5 if full else 3)
            ]
            return [median(values) for values in zip(*outputs, strict=True)]

        for suffix, kind in (("", "sync"), ("_async", "async")):
            for name, (title, baseline) in _TRANSFERS.items():
                yield from _compare(f"{title} of 100 MB, {kind}", run(name + suffix), run(baseline + suffix))
        [_, _, pause] = run("idle_async")
        yield Row("  longest pause of an idle event loop", format_seconds(pause))


def _compare(name: str, ours: list[float], bare: list[float]) -> Iterator[Row]:
    yield compare_times(f"{name}, to httpx alone", ours[0], bare[0])
    memory, bare_memory = (format_megabytes(values[1]) for values in (ours, bare))
    if "response" in name:  # its JSON, the base64 in it and the content
        yield Row("  peak memory", memory, bare_memory)
    else:
        goal = f"<= {_MAX_MEMORY:.0f} MB"
        yield Row("  peak memory", memory, bare_memory, "", goal, ours[1] <= _MAX_MEMORY)
    if len(ours) > 2:
        pause, bare_pause = (format_seconds(values[2]) for values in (ours, bare))
        goal = f"<= {format_seconds(_MAX_PAUSE)}"
        yield Row("  longest pause of the event loop", pause, bare_pause, "", goal, ours[2] <= _MAX_PAUSE)
