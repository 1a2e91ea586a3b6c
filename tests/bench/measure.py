"""Run processes, measure them, and describe the results as rows of a table."""

from __future__ import annotations

import atexit
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "programs"
PACKAGE = ROOT / "generated" / "oxen_models"
SCHEMAS = PACKAGE / "schemas"

# All programs have compiled modules, as after an installation; a checkout may have none or be read-only.
_BYTECODE = tempfile.TemporaryDirectory()
atexit.register(_BYTECODE.cleanup)
_ENVIRONMENT = {**os.environ, "PYTHONPYCACHEPREFIX": _BYTECODE.name, "PYTHONDONTWRITEBYTECODE": ""}


@dataclass(frozen=True, slots=True)
class Row:
    """A measured value, what it is compared with, and its goal."""

    name: str
    value: str
    baseline: str = ""
    ratio: str = ""
    goal: str = ""
    met: bool | None = None
    """Whether the goal is met; None for a value without a goal."""

    @property
    def verdict(self) -> str:
        """The last column of the table."""
        return {None: "", True: "ok", False: "MISSED"}[self.met]


@dataclass(frozen=True, slots=True)
class Run:
    """The resources that a process used."""

    seconds: float
    cpu_seconds: float
    """Of the process and of its children."""
    megabytes: float
    """Peak memory of the process or of its largest child, whichever is larger."""
    output: str


def run_python(
    *arguments: str, cwd: Path | None = None, environment: Mapping[str, str] = MappingProxyType({})
) -> Run:
    """Run a new Python process and measure it from start to exit.

    Raises:
        RuntimeError: Its exit code is not 0.
    """
    # Files, because the process would block on a full pipe.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=output,
            stderr=errors,
            cwd=cwd,
            env={**_ENVIRONMENT, **environment},
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: exit code {process.returncode}\n{errors.read()}")
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, output.read())


@contextmanager
def run_server(program: str, *arguments: str) -> Generator[str]:
    """Run a server in its own process and yield its address."""
    command = [sys.executable, str(PROGRAMS / program), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # The server ends with its input: at the end of this block, or when this process ends.
        yield process.stdout.readline().strip()


def measure_in_turns(programs: Mapping[str, Sequence[str]], rounds: int) -> dict[str, float]:
    """Return the median seconds of Python programs, run in turns so that noise affects all of them."""
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        for arguments in programs.values():
            run_python(*arguments, cwd=cwd)  # not counted: fills the caches
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(rounds):
            # In random order, because a heavy program leaves cold processor caches to the next one.
            for name in random.sample(list(programs), len(programs)):
                seconds[name].append(run_python(*programs[name], cwd=cwd).seconds)
    return {name: median(values) for name, values in seconds.items()}


def format_seconds(seconds: float) -> str:
    """Return a duration with its unit."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def format_megabytes(megabytes: float) -> str:
    """Return a size of memory with its unit."""
    return f"{megabytes:.0f} MB"


def compare_times(name: str, seconds: float, baseline: float, max_ratio: float | None = None) -> Row:
    """Return a row whose goal is to take at most `max_ratio` times as long as the baseline."""
    return _compare(name, format_seconds(seconds), format_seconds(baseline), seconds / baseline, max_ratio)


def compare_memory(name: str, megabytes: float, baseline: float, max_ratio: float | None = None) -> Row:
    """Return a row whose goal is to use at most `max_ratio` times the memory of the baseline."""
    return _compare(
        name, format_megabytes(megabytes), format_megabytes(baseline), megabytes / baseline, max_ratio
    )


def _compare(name: str, value: str, baseline: str, ratio: float, max_ratio: float | None) -> Row:
    if max_ratio is None:
        return Row(name, value, baseline, f"{ratio:.2f}x")
    return Row(name, value, baseline, f"{ratio:.2f}x", f"<= {max_ratio}x", ratio <= max_ratio)


def compare_speedup(name: str, seconds: float, baseline: float, min_ratio: float | None = None) -> Row:
    """Return a row whose goal is to be at least `min_ratio` times as fast as the baseline."""
    ratio = baseline / seconds
    row = (name, format_seconds(seconds), format_seconds(baseline), f"{ratio:.0f}x faster")
    return Row(*row) if min_ratio is None else Row(*row, f">= {min_ratio}x faster", ratio >= min_ratio)
