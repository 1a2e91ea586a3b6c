"""Close clients while jobs are waited for: every wait ends, and no thread, task or socket is left."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from oxen_models.testing import Hub

from .process import run_program

_ROUNDS = 20
_JOBS = 50


def run(random: Random) -> Iterator[str]:
    """Run both kinds of client and yield a report of each."""
    for client in ("sync", "async"):
        with Hub(generation_time=3600) as hub:
            seed = str(random.randrange(10**6))
            found = run_program("close", client, hub.url, str(_ROUNDS), str(_JOBS), seed, timeout=300)
        yield (
            f"{client}: {_ROUNDS} clients closed with {_JOBS} jobs each, the slowest in "
            f"{found['slowest']:.2f} s; no {'thread' if client == 'sync' else 'task'} and no socket is left"
        )
