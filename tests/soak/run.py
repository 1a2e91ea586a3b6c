"""Everything that may go wrong while jobs are under way, for minutes. Exit code 1 if anything does.

`python tests/soak/run.py` runs all parts; with names, such as `events killed`, those alone.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path

_PARTS = ("events", "killed", "closed", "forked", "shared", "updated")


def main() -> int:
    parser = argparse.ArgumentParser(description="What only long runs find.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all, or some of: {', '.join(_PARTS)}")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeat a run's chances")
    options = parser.parse_args()
    names: list[str] = options.names
    if unknown := set(names) - set(_PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    sys.path[0] = str(Path(__file__).parents[1])  # so that nothing can take these files for a library
    # It would warn of what the hub still sends to clients that were killed.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    print(f"seed {options.seed}", flush=True)
    failed: list[str] = []
    for name in _PARTS:
        if name in names or not names:
            began = time.monotonic()
            try:
                for line in import_module(f"soak.{name}").lines(random.Random(options.seed)):
                    print(f"{name}: {line}", flush=True)
            except Exception:
                traceback.print_exc()
                failed.append(name)
                print(f"{name}: FAILED after {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        print(f"\n!!! FAILED: {', '.join(failed)}; again with --seed {options.seed}")
        return 1
    print("\nEverything ended as it must.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
