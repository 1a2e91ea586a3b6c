"""Kill a process that writes a journal at each of its system calls: no fact is lost."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

_TESTS = Path(__file__).parents[1]


def run(_: Random) -> Iterator[str]:
    """Run the program that kills, and yield a report."""
    if sys.platform != "linux":
        return
    started = time.monotonic()
    command = [sys.executable, "-m", "batch.journal.kill_program", "1", "0"]
    process = subprocess.run(command, capture_output=True, text=True, cwd=_TESTS, check=False)
    assert process.returncode == 0, process.stderr
    yield f"killed at {int(process.stdout)} system calls, no fact lost, {time.monotonic() - started:.0f} s"
