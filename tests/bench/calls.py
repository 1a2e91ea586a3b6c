"""A blocking call over loopback, beside the same POST with httpx alone, without and with keep-alive."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from .measure import PROGRAMS, Row, compare_times, run_python

_CALLS = 2000
_HUB_CALLS = 100


def measure(*, full: bool) -> Iterator[Row]:
    """Measure calls to a minimal server and to the stand-in hub."""
    from oxen_models.testing import Hub

    with _run_server() as url:
        ours, without_keepalive, with_keepalive = _time_calls(url, _CALLS)
        name = f"blocking call, p50 of {_CALLS}, to httpx without keep-alive"
        yield compare_times(name, ours, without_keepalive, 1.75)
        yield compare_times("  the same, to httpx with keep-alive", ours, with_keepalive)
    with Hub() as hub:
        ours, without_keepalive, _ = _time_calls(hub.url, _HUB_CALLS)
        name = "  the same to the stand-in hub, which makes an image"
        yield compare_times(name, ours, without_keepalive)


def _time_calls(url: str, calls: int) -> tuple[float, float, float]:
    """Return the median seconds of calls with the package, and with httpx without and with keep-alive."""
    ours, without, with_ = json.loads(run_python(str(PROGRAMS / "calls.py"), url, str(calls)).output)
    return ours, without, with_


@contextmanager
def _run_server() -> Generator[str]:
    """Run a minimal server in its own process and yield its address."""
    command = [sys.executable, str(PROGRAMS / "server.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # The server ends with its input: at the end of this block, or when this process ends.
        yield process.stdout.readline().strip()
