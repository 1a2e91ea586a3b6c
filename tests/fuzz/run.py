"""Random answers of a hub, each built and used: the one that breaks something is printed as JSON.

    python tests/fuzz/run.py [--examples N] [--seconds S] [--seed X]

Whatever it finds is to be mended, and its schema to be put to tests/codegen/golden.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
import traceback
import warnings
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning

_A_ROUND = 1_000


class _TimeIsOver(KeyboardInterrupt):
    """Which is what Hypothesis lets through."""


def main() -> int:
    """Look for what breaks; 1 where something does."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=2_000, help="answers to try, at most")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long to try, at most")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="left out, another each time")
    asked = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from fuzz.answers import Count, answers, check

    warnings.simplefilter("ignore", HypothesisWarning)  # that its descriptions of the strategies are long
    count, until = Count(), time.monotonic() + asked.seconds
    failing: list[dict[str, Any]] = []
    failed: BaseException | None = None
    # In rounds, because Hypothesis remembers all that it tried in one.
    for seed in range(asked.seed, asked.seed + asked.examples, _A_ROUND):

        @seeded(seed)
        @settings(
            max_examples=min(_A_ROUND, asked.seed + asked.examples - seed),
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.filter_too_much,
                HealthCheck.data_too_large,
            ],
            print_blob=False,
            report_multiple_bugs=False,
        )
        @given(answer=answers, drawn=st.integers(0, 2**32))
        def look(answer: dict[str, Any], drawn: int) -> None:
            if time.monotonic() > until and not failing:
                raise _TimeIsOver
            try:
                check(answer, Random(drawn), count)
            except Exception:
                failing[:] = [answer]
                raise

        try:
            look()
        except _TimeIsOver:
            break
        except Exception as error:
            failed = error
            # Hypothesis writes whole strategies into its notes.
            print(*(f"{line:.3000}" for line in traceback.format_exception(error)), sep="")
            break
    print(
        f"fuzz: seed {asked.seed}: {count.answers:,} answers, {count.rejected:,} of them rejected, "
        f"{count.packages:,} whole packages, {count.values:,} values compared, "
        f"{int(failed is not None)} failed"
    )
    for answer in failing:
        print("for tests/codegen/golden:", json.dumps(answer, indent=2), sep="\n")
    return int(failed is not None)


if __name__ == "__main__":
    sys.exit(main())
