"""Processes that are timed, and the rows that are shown."""

from __future__ import annotations

import atexit
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "programs"

# Bytecode for all, as an installer leaves it: a checkout may have none, and none may be allowed to it.
_BYTECODE = tempfile.TemporaryDirectory()
atexit.register(_BYTECODE.cleanup)
_ENVIRONMENT = {**os.environ, "PYTHONPYCACHEPREFIX": _BYTECODE.name, "PYTHONDONTWRITEBYTECODE": ""}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure."""

    what: str
    median: str
    baseline: str = ""
    ratio: str = ""
    goal: str = ""
    met: bool | None = None
    """None where there is no goal."""

    @property
    def verdict(self) -> str:
        return {None: "", True: "ok", False: "MISSED"}[self.met]


@dataclass(frozen=True, slots=True)
class Run:
    """What a process took."""

    seconds: float
    megabytes: float
    """Peak memory: of the process or of one that it started, whichever is larger."""
    output: str


def python(*arguments: str, cwd: Path | None = None) -> Run:
    """A fresh Python, from start to exit.

    Raises:
        RuntimeError: It failed.
    """
    # Files, because a full pipe would hold the process up.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=output, stderr=errors, cwd=cwd, env=_ENVIRONMENT
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: exit code {process.returncode}\n{errors.read()}")
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return Run(seconds, usage.ru_maxrss / unit, output.read())


def interleaved(programs: Mapping[str, Sequence[str]], rounds: int) -> dict[str, float]:
    """Median seconds of Python programs, run in turns so that noise hits all of them."""
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        for arguments in programs.values():
            python(*arguments, cwd=cwd)  # caches are warm from here on
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(rounds):
            # In any order: what comes after a heavy one finds the processor's caches cold.
            for name in random.sample(list(programs), len(programs)):
                seconds[name].append(python(*programs[name], cwd=cwd).seconds)
    return {name: median(values) for name, values in seconds.items()}


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"


def at_most(what: str, ours: float, theirs: float, factor: float) -> Row:
    """How many times longer than the baseline, which has a limit."""
    ratio = ours / theirs
    return Row(
        what, milliseconds(ours), milliseconds(theirs), f"{ratio:.2f}x", f"<= {factor}x", ratio <= factor
    )
