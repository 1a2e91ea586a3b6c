"""Property test: waits end on time and correctly under any combination of faults."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from oxen_models import OxenError

from jobs.scheduler.samples import NEVER, SERVER_ERROR, UNAUTHENTICATED, UNREACHABLE, rate_limited
from jobs.scheduler.simulation import FaultPlan, Job, Simulation, Wait


def tuples(
    elements: st.SearchStrategy[Any], max_size: int, min_size: int = 0
) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(elements, min_size=min_size, max_size=max_size).map(tuple)


def jobs() -> st.SearchStrategy[Job]:
    times = st.sampled_from([0.0, 0.0, 0.1, 2.0, 7.0, 50.0, 400.0])
    waits = st.builds(
        Wait,
        times,
        st.sampled_from([0.05, 5.0, 100.0, 6000.0]),
        st.sampled_from([NEVER, NEVER, NEVER, 0.0, 0.1, 4.0, 30.0]),
    )
    return st.builds(
        Job,
        media_type=st.sampled_from(["image", "video"]),
        sent=times,
        tracked=times,
        is_new=st.booleans(),
        ends=times | st.sampled_from([3.0, 14.0, 61.0, NEVER]),
        status=st.sampled_from(["succeeded", "failed", "cancelled"]),
        is_forgotten=st.booleans(),
        is_listed=st.booleans(),
        events=tuples(st.tuples(st.sampled_from([0.0, 0.0, 1.0, 20.0]), st.booleans()), 2),
        waits=tuples(waits, 3, min_size=1),
        refreshes=tuples(times, 1),
    )


def request_faults(max_size: int) -> st.SearchStrategy[tuple[Any, ...]]:
    errors: list[OxenError | None] = [
        None, None, UNREACHABLE, SERVER_ERROR, rate_limited(None), rate_limited(60.0), UNAUTHENTICATED,
    ]  # fmt: skip
    seconds = st.sampled_from([0.0, 0.1, 0.1, 4.0, 9.0, 25.0, NEVER])
    return tuples(st.tuples(st.sampled_from(errors), seconds), max_size)


PLANS = st.builds(
    FaultPlan,
    jobs=tuples(jobs(), 8, min_size=1),
    stream=tuples(st.tuples(st.sampled_from([0.0, 0.5, 12.0]), st.sampled_from([0.0, 3.0, 40.0, 500.0])), 4),
    polls=request_faults(8),
    lists=request_faults(4),
    closed_at=st.sampled_from([NEVER, NEVER, NEVER, NEVER, 0.0, 3.0, 8.5, 70.0]),
    seed=st.integers(0, 9),
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(plan=PLANS)
def test_every_wait_ends_on_time_and_correctly(plan: FaultPlan) -> None:
    """Each wait ends once, at the latest at its deadline, and no job stays in memory."""
    simulation = Simulation(plan)
    simulation.run()
    assert [ref() for ref in simulation.tracked if ref() is not None] == []
    assert not simulation.scheduler.has_open_jobs
