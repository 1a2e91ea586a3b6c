"""One blocking call over loopback, beside the same POST with httpx alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from .measure import PROGRAMS, Row, at_most, python

_CALLS = 2000
_HUB_CALLS = 100


def rows(*, full: bool) -> list[Row]:
    from oxen_models.testing import Hub

    with _server() as url:
        fixed = _timed(url, _CALLS)
    with Hub() as hub:
        made = _timed(hub.url, _HUB_CALLS)
    shown = at_most("  the same to the stand-in hub, which makes an image", *made, 1.15)
    return [
        at_most(f"blocking call, p50 of {_CALLS}, to httpx alone", *fixed, 1.15),
        Row(shown.what, shown.median, shown.baseline, shown.ratio),
    ]


def _timed(url: str, calls: int) -> tuple[float, float]:
    """Median seconds of our calls and of httpx's."""
    ours, theirs = json.loads(python(str(PROGRAMS / "calls.py"), url, str(calls)).output)
    return ours, theirs


@contextmanager
def _server() -> Generator[str]:
    """The address of a server that does as little as one can, in a process of its own."""
    command = [sys.executable, str(PROGRAMS / "server.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # It goes when its input ends: at the end of this block, or of this process however that ends.
        yield process.stdout.readline().strip()
