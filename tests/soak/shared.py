"""One client in several threads and event loops at once, and in one loop after the other."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from oxen_models.testing import Hub

from .child import run


def lines(random: Random) -> Iterator[str]:
    with Hub(generation_time=0.2) as hub:
        hub.inject_fault("events-cut-every", 0.5)
        found = run("shared", hub.url, seconds=60)
    yield (
        f"{found['jobs']} jobs in {found['threads']} threads of one Oxen and {found['loops']} event loops of "
        f"one AsyncOxen, two in each thread, {found['seconds']:.0f} s"
    )
