"""Run all parts of the soak, for minutes; the exit code is 1 if one of them fails.

`python tests/soak/run.py` runs all parts; with names, such as `events kill`, only these.
"""

from __future__ import annotations

import argparse
import logging
import random
import signal
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path

_PARTS = (
    "events",
    "kill",
    "journal",
    "disk",
    "leave",
    "outage",
    "close",
    "fork",
    "share",
    "actors",
    "update",
    "examples",
)


def main() -> int:
    """Run the parts that are named on the command line."""
    parser = argparse.ArgumentParser(description="Run jobs with faults, kills and forks for minutes.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all, or some of: {', '.join(_PARTS)}")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeat an earlier run")
    options = parser.parse_args()
    names: list[str] = options.names
    if unknown := set(names) - set(_PARTS):
        parser.error(f"unknown part {min(unknown)!r}; expected some of {', '.join(_PARTS)}")
    sys.path[0] = str(Path(__file__).parents[1])  # so that no module here shadows a library
    # asyncio would warn about responses to clients that were killed.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    # A shell ignores it for background processes, and so would the programs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print(f"seed {options.seed}", flush=True)
    failed: list[str] = []
    for name in _PARTS:
        if name in names or not names:
            started = time.monotonic()
            try:
                for line in import_module(f"soak.{name}").run(random.Random(options.seed)):
                    print(f"{name}: {line}", flush=True)
            except Exception:
                traceback.print_exc()
                failed.append(name)
                print(f"{name}: FAILED after {time.monotonic() - started:.0f} s", flush=True)
    if failed:
        print(f"\n{len(failed)} parts failed: {', '.join(failed)}; repeat with --seed {options.seed}")
        return 1
    print("\nAll parts passed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
