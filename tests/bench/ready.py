"""From nothing to a request that is ready to send, beside the same class written by hand."""

from __future__ import annotations

from .measure import PROGRAMS, Row, at_most, interleaved

_ROUNDS = 41


def rows(*, full: bool) -> list[Row]:
    programs = {name: [str(PROGRAMS / f"{name}.py")] for name in ("generated", "by_hand")}
    seconds = interleaved(programs, _ROUNDS)
    what = "process from import to request, to httpx and pydantic by hand"
    return [at_most(what, seconds["generated"], seconds["by_hand"], 1.15)]
