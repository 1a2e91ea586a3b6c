"""Fork a process while it submits jobs: child and parent both keep using the same client."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

from oxen_models.testing import Hub

from .process import run_program

_ROUNDS = 20


def run(random: Random) -> Iterator[str]:
    """Run the program and yield a report."""
    if not hasattr(os, "fork"):
        yield "SKIPPED: this system has no fork"
        return
    with Hub(generation_time=0.3) as hub:
        found = run_program("fork", hub.url, str(_ROUNDS), str(random.randrange(10**6)), timeout=300)
    yield (
        f"{_ROUNDS} forks while {found['jobs']} jobs were under way; each child received its result and the "
        f"parent all of its own, {found['seconds']:.0f} s"
    )
