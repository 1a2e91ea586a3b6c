"""Measure, and print one table. A goal that is missed is not a failure: machines are noisy.

`python tests/bench/run.py` measures everything; with names, such as `ready calls`, that alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .measure import Row

# What a process may owe to the memory of this one is measured first, while that is small.
_BENCHES = ("generate", "catalogue", "diff", "imports", "ready", "jobs", "calls")
_HEAD = ("what", "median", "baseline", "ratio", "goal", "")


def main() -> None:
    parser = argparse.ArgumentParser(description="The figures, side by side with peers in one run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all, or some of: {', '.join(_BENCHES)}")
    parser.add_argument("--full", action="store_true", help="leave nothing to a sample; takes minutes more")
    options = parser.parse_args()
    names: list[str] = options.names
    if unknown := set(names) - set(_BENCHES):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    sys.path[0] = str(Path(__file__).parents[1])  # so that nothing can take these files for a library
    rows: list[Row] = []
    for name in _BENCHES:
        if name in names or not names:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += import_module(f"bench.{name}").rows(full=options.full)
    _show(rows)


def _show(rows: list[Row]) -> None:
    print(
        f"\nPython {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        "medians of runs in turns"
    )
    table = [
        _HEAD,
        *((row.what, row.median, row.baseline, row.ratio, row.goal, row.verdict) for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for number, line in enumerate(table):
        print("  ".join(map(str.ljust, line, widths)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths).rstrip())
    missed = [row.what for row in rows if row.met is False]
    if missed:
        print(f"\n!!! {len(missed)} MISSED: {'; '.join(missed)}\n!!! Repeat it on a quiet machine.")
    else:
        print("\nEvery goal is met.")


if __name__ == "__main__":
    main()
