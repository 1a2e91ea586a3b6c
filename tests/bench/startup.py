"""From the start of a process to a request that is ready to send, beside the same class written by hand."""

from __future__ import annotations

from collections.abc import Iterator

from .measure import PROGRAMS, Row, compare_times, measure_in_turns

_ROUNDS = 41


def measure(*, full: bool) -> Iterator[Row]:
    """Measure both programs from start to exit."""
    programs = {name: [str(PROGRAMS / f"{name}_request.py")] for name in ("generated", "handwritten")}
    seconds = measure_in_turns(programs, _ROUNDS)
    name = "process from import to request, to httpx and pydantic by hand"
    yield compare_times(name, seconds["generated"], seconds["handwritten"], 1.15)
