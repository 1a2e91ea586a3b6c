"""Use one client in several threads and event loops at once, and in one loop after another."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from oxen_models.testing import Hub

from .process import run_program


def run(random: Random) -> Iterator[str]:
    """Run the program and yield a report."""
    with Hub(generation_time=0.2) as hub:
        hub.inject_fault("events-cut-every", 0.5)
        found = run_program("share", hub.url, timeout=300)
    yield (
        f"{found['jobs']} jobs in {found['threads']} threads of one Oxen and {found['loops']} event loops of "
        f"one AsyncOxen, two in each thread, {found['seconds']:.0f} s"
    )
