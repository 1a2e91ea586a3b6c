"""1,000 jobs while the event stream loses events and is cut, and somebody else cancels some."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from oxen_models.testing import Hub

from .child import run

_JOBS = 1000
_CUT_EVERY = 1.0
# So that each job sees several cuts.
_JOB_SECONDS = 4.0


def lines(random: Random) -> Iterator[str]:
    for client in ("sync", "async"):
        with Hub(generation_time=_JOB_SECONDS) as hub:
            hub.inject_fault("events-cut-every", _CUT_EVERY)
            hub.inject_fault("events-dropped", probability=0.2, seed=random.randrange(10**6))
            found = run("events", client, hub.url, str(_JOBS), seconds=100)
            streams = hub.count("GET", "/api/events")
            assert streams > _JOB_SECONDS / _CUT_EVERY, f"the stream was cut only {streams - 1} times"
            asked = [each for each in hub.requests if each.headers.get("authorization") == "Bearer soak"]
        middle, most = found["late"]
        yield (
            f"{client}: {_JOBS} jobs, {found['cancelled']} of them cancelled and {found['failed']} failed; "
            f"{streams - 1} cuts, {len(asked) / _JOBS:.2f} requests per job; half were heard of within "
            f"{middle:.1f} s of their end and 95 % within {most:.1f} s; {found['seconds']:.0f} s"
        )
