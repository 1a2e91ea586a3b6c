"""Clients that are closed while jobs are waited for: at once, and nothing of them stays."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from oxen_models.testing import Hub

from .child import run

_ROUNDS = 20
_JOBS = 50


def lines(random: Random) -> Iterator[str]:
    for client in ("sync", "async"):
        with Hub(generation_time=3600) as hub:
            seed = str(random.randrange(10**6))
            found = run("closed", client, hub.url, str(_ROUNDS), str(_JOBS), seed, seconds=100)
        yield (
            f"{client}: {_ROUNDS} clients closed with {_JOBS} jobs each, the slowest in "
            f"{found['slowest']:.2f} s; no {'thread' if client == 'sync' else 'task'} and no socket is left"
        )
