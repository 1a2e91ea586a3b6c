"""Compare the forms of the workbench with the request classes, and print how many values were compared.

    python tests/workbench/compare_forms.py [--values N] [--schemas N] [--seed X]

For each model: random values, and every edge case in place of each parameter of its example. Then forms of
random schemas. The first difference ends the program with an error that has the values.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import Phase, given, seed as seeded, settings, strategies as st

VALUES_PER_SCHEMA = 40


def main() -> None:
    """Compare forms and print the counts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--values", type=int, default=300, help="random values of each model")
    parser.add_argument("--schemas", type=int, default=200, help="random schemas")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="defaults to a random one")
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from codegen.test_agreement import combined_schemas, schemas
    from oxen_models import catalog

    from workbench.conftest import Workbench
    from workbench.forms import EDGES, SUPPRESSED, Count, compare_model, compare_random_form

    print(f"--seed {options.seed}")
    random, models, others = Random(options.seed), Count(), Count()

    @seeded(options.seed)
    @settings(
        max_examples=options.schemas,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=SUPPRESSED,
    )
    @given(schema=schemas | combined_schemas, seed=st.integers(0, 2**32))
    def compare(schema: dict[str, Any], seed: int) -> None:
        nonlocal others
        others += compare_random_form(workbench, schema, Random(seed), VALUES_PER_SCHEMA)

    with Workbench() as workbench:
        for model in catalog.models(typed=True):
            if model.module:
                models += compare_model(workbench, model, random, options.values, len(EDGES))
        print(f"models: {models}")
        compare()
        print(f"random schemas: {others}")


if __name__ == "__main__":
    main()
