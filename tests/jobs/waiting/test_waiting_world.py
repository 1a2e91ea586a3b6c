"""How waits end in any world."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from oxen_models import OxenError

from jobs.waiting.news import BROKEN, FAILED, NEVER, REFUSED, limited
from jobs.waiting.world import Job, Plan, Wait, World


def several(each: st.SearchStrategy[Any], most: int, least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(each, min_size=least, max_size=most).map(tuple)


def jobs() -> st.SearchStrategy[Job]:
    moments = st.sampled_from([0.0, 0.0, 0.1, 2.0, 7.0, 50.0, 400.0])
    waits = st.builds(
        Wait, moments, st.sampled_from([0.05, 5.0, 100.0, 6000.0]),
        st.sampled_from([NEVER, NEVER, NEVER, 0.0, 0.1, 4.0, 30.0]),
    )  # fmt: skip
    return st.builds(
        Job,
        media=st.sampled_from(["image", "video"]),
        sent=moments,
        known=moments,
        is_new=st.booleans(),
        ends=moments | st.sampled_from([3.0, 14.0, 61.0, NEVER]),
        status=st.sampled_from(["succeeded", "failed", "cancelled"]),
        is_forgotten=st.booleans(),
        is_listed=st.booleans(),
        events=several(st.tuples(st.sampled_from([0.0, 0.0, 1.0, 20.0]), st.booleans()), 2),
        waits=several(waits, 3, least=1),
        refreshes=several(moments, 1),
    )


def troubles(most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    errors: list[OxenError | None] = [None, None, BROKEN, FAILED, limited(None), limited(60.0), REFUSED]
    return several(
        st.tuples(st.sampled_from(errors), st.sampled_from([0.0, 0.1, 0.1, 4.0, 9.0, 25.0, NEVER])), most
    )


PLANS = st.builds(
    Plan,
    jobs=several(jobs(), 8, least=1),
    stream=several(st.tuples(st.sampled_from([0.0, 0.5, 12.0]), st.sampled_from([0.0, 3.0, 40.0, 500.0])), 4),
    polls=troubles(8),
    lists=troubles(4),
    closes=st.sampled_from([NEVER, NEVER, NEVER, NEVER, 0.0, 3.0, 8.5, 70.0]),
    seed=st.integers(0, 9),
)


@settings(max_examples=200, deadline=None)
@given(plan=PLANS)
def test_every_wait_ends_once_and_right(plan: Plan) -> None:
    world = World(plan)
    world.run()
    assert [each() for each in world.forgotten if each() is not None] == []
    assert not world.waiting.has_open_jobs
