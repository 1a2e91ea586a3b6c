"""Generate and use bindings of the JSON-Schema-Test-Suite and of random models, and print one that fails.

    python tests/fuzz/run.py [--suite FILE] [--examples N] [--seconds S] [--seed X]

The suite is read from a source distribution of `jsonschema`; without it, there are random models only.

After the fix, add the schema of the model to tests/codegen/golden.
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

from hypothesis import HealthCheck, Phase, given, seed as seeded, settings, strategies as st
from hypothesis.errors import HypothesisWarning

_ROUND_SIZE = 1_000
_SUITE_SHARE = 0.6  # of the time, which the suite needs on a slow machine only


class _TimeoutReached(KeyboardInterrupt):
    """The time is over. Hypothesis does not catch a KeyboardInterrupt."""


def main() -> int:
    """Check random models; return 1 if one fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--suite", type=Path, help="the source distribution of jsonschema")
    parser.add_argument("--examples", type=int, default=2_000, help="the maximal number of models")
    parser.add_argument("--seconds", type=float, default=600.0, help="the maximal time of all")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="defaults to a random one")
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from fuzz.responses import Count, check, model_objects

    warnings.simplefilter("ignore", HypothesisWarning)  # about the length of its descriptions
    count, deadline = Count(), time.monotonic() + options.seconds
    if not run_suite(options.suite, time.monotonic() + options.seconds * _SUITE_SHARE):
        return 1
    failing: list[dict[str, Any]] = []
    failed: BaseException | None = None
    # In rounds, because Hypothesis keeps every example of a run in memory.
    for seed in range(options.seed, options.seed + options.examples, _ROUND_SIZE):

        @seeded(seed)
        @settings(
            max_examples=min(_ROUND_SIZE, options.seed + options.examples - seed),
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
        @given(model=model_objects, drawn=st.integers(0, 2**32))
        def check_model(model: dict[str, Any], drawn: int) -> None:
            if time.monotonic() > deadline and not failing:
                raise _TimeoutReached
            try:
                check(model, Random(drawn), count)
            except Exception:
                failing[:] = [model]
                raise

        try:
            check_model()
        except _TimeoutReached:
            break
        except Exception as error:
            failed = error
            # The notes of Hypothesis have the text of whole strategies.
            print(*(f"{line:.3000}" for line in traceback.format_exception(error)), sep="")
            break
    print(
        f"fuzz: seed {options.seed}: {count.models:,} models, {count.rejected:,} of them rejected, "
        f"{count.packages:,} whole packages, {count.values:,} values compared, "
        f"{int(failed is not None)} failed"
    )
    for model in failing:
        print("for tests/codegen/golden:", json.dumps(model, indent=2), sep="\n")
    return int(failed is not None)


def run_suite(archive: Path | None, deadline: float) -> bool:
    """Check the JSON-Schema-Test-Suite if there is one; return whether nothing failed."""
    from fuzz import suite

    if archive is None:
        print("suite: skipped, because there is no source distribution of jsonschema")
        return True
    count = suite.Count()
    failure = None
    try:
        suite.check_suite(archive, count, lambda: time.monotonic() > deadline)
    except Exception as error:
        failure = error
        traceback.print_exception(error)
    print(
        f"suite: {count.schemas:,} schemas, {count.skipped:,} more with references to other documents, "
        f"{count.values:,} values compared in 3 ways, {count.strict:,} of them strictly, "
        f"{int(failure is not None)} failed{', cut off by the time' if count.is_cut_off else ''}"
    )
    return failure is None


if __name__ == "__main__":
    sys.exit(main())
