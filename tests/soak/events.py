"""Run 1,000 jobs while the event stream loses events and is cut, and another client cancels some of them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from oxen_models.testing import Hub

from .process import run_program

_JOBS = 1000
_CUT_INTERVAL = 1.0
# Several times the interval, so that the stream is cut several times during each job.
_JOB_DURATION = 4.0


def run(random: Random) -> Iterator[str]:
    """Run both kinds of client and yield a report of each."""
    for client in ("sync", "async"):
        with Hub(generation_time=_JOB_DURATION) as hub:
            hub.inject_fault("events-cut-every", _CUT_INTERVAL)
            hub.inject_fault("events-dropped", probability=0.2, seed=random.randrange(10**6))
            found = run_program("events", client, hub.url, str(_JOBS), timeout=300)
            streams = hub.count("GET", "/api/events")
            assert streams > _JOB_DURATION / _CUT_INTERVAL, f"the stream was cut only {streams - 1} times"
            sent = [item for item in hub.requests if item.headers.get("authorization") == "Bearer soak"]
        median, slow = found["delays"]
        yield (
            f"{client}: {_JOBS} jobs, {found['cancelled']} of them cancelled and {found['failed']} failed; "
            f"{streams - 1} cuts, {len(sent) / _JOBS:.2f} requests per job; the median result came "
            f"{median:.1f} s after its job's end, 95 % came within {slow:.1f} s; {found['seconds']:.0f} s"
        )
