"""A process that forks in the middle of everything: child and parent both go on with the one client."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

from oxen_models.testing import Hub

from .child import run

_ROUNDS = 20


def lines(random: Random) -> Iterator[str]:
    if not hasattr(os, "fork"):
        yield "SKIPPED: this system cannot fork"
        return
    with Hub(generation_time=0.3) as hub:
        found = run("forked", hub.url, str(_ROUNDS), str(random.randrange(10**6)), seconds=60)
    yield (
        f"{_ROUNDS} forks while {found['jobs']} jobs were under way; each child had its result and "
        f"its parent all of its own, {found['seconds']:.0f} s"
    )
