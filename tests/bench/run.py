"""Run benchmarks and print each row of the table as soon as it is measured.

`python tests/bench/run.py` runs all; with names, such as `startup calls`, only these. Exit code 1 means that
a benchmark failed. A missed goal is no failure, because a busy machine can cause it.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

_BENCHMARKS = (
    "lines",
    "generate",
    "update",
    "diff",
    "imports",
    "startup",
    "command_line",
    "jobs",
    "batch",
    "tables",
    "calls",
    "media",
    "journal",
    "choose",
)
_HEAD = ("name", "value", "baseline", "ratio", "goal", "")
_WIDTHS = (75, 26, 10, 12, 21, 6)


def main() -> int:
    """Run the benchmarks that are named on the command line."""
    parser = argparse.ArgumentParser(
        description="Measure speed and memory, side by side with other packages."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all, or some of: {', '.join(_BENCHMARKS)}")
    parser.add_argument("--full", action="store_true", help="measure everything instead of a sample")
    options = parser.parse_args()
    names: list[str] = options.names or list(_BENCHMARKS)
    if unknown := set(names) - set(_BENCHMARKS):
        parser.error(f"unknown benchmark {min(unknown)!r}; expected some of {', '.join(_BENCHMARKS)}")
    sys.path[0] = str(Path(__file__).parents[1])  # so that no module here shadows a library
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}; medians of all runs")
    _print_line(*_HEAD)
    _print_line(*("-" * width for width in _WIDTHS))
    missed: list[str] = []
    failed: list[str] = []
    for name in filter(names.__contains__, _BENCHMARKS):
        # In a process of its own, because the programs that it starts inherit its peak memory.
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            try:
                missed += process.submit(_run_benchmark, name, full=options.full).result()
            except Exception:
                failed.append(name)
                _print_line(name, "FAILED")
                traceback.print_exc()
    if missed:
        print(f"\n{len(missed)} goals missed; repeat on an idle machine: {'; '.join(missed)}")
    if failed:
        print(f"\n{len(failed)} benchmarks failed: {', '.join(failed)}")
        return 1
    return 0


def _run_benchmark(name: str, *, full: bool) -> list[str]:
    """Print the rows of a benchmark and return the names of those that miss their goals."""
    missed: list[str] = []
    for row in import_module(f"bench.{name}").measure(full=full):
        _print_line(row.name, row.value, row.baseline, row.ratio, row.goal, row.verdict)
        if row.met is False:
            missed.append(row.name.strip())
    return missed


def _print_line(*cells: str) -> None:
    print("  ".join(map(str.ljust, cells, _WIDTHS)).rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
