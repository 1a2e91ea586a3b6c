"""Jobs by the thousand, beside somebody who polls for each."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import dataclass
from statistics import mean, median, quantiles

from .measure import PROGRAMS, Row, milliseconds, python

# Longer than the pause between two polls that go on beside the events: shorter ones would never need any.
_SECONDS = 15
_JOBS = 1000
_MANY = 10_000
_ASYNC, _SYNC, _POLLING = "jobs.py", "jobs_sync.py", "polling.py"


@dataclass(frozen=True, slots=True)
class _Waited:
    """What it took to see jobs to their end."""

    seconds: float
    megabytes: float
    """Peak memory."""
    requests: int
    """Beside those that enqueued the jobs."""
    at_once: int
    """Jobs that were under way when the last had been submitted."""
    late: list[float]
    """Seconds from the end of each job to its result."""


def rows(*, full: bool) -> list[Row]:
    waited: dict[str, list[_Waited]] = {_ASYNC: [], _SYNC: [], _POLLING: []}
    bare: dict[str, float] = {}
    for program in waited:
        _waited(program, 1, 0)  # caches are warm from here on
        bare[program] = _waited(program, 0, 0).megabytes
    for _ in range(3 if full else 1):
        for program in random.sample(list(waited), len(waited)):
            waited[program].append(_waited(program, _JOBS, _SECONDS))
    return [
        *_beside_polling("", _ASYNC, waited, bare),
        *_beside_polling(", without asyncio", _SYNC, waited, bare),
        *_many(60 if full else 30),  # to submit them all takes some 20, on a busy machine more
    ]


def _beside_polling(
    how: str, program: str, waited: dict[str, list[_Waited]], bare: dict[str, float]
) -> list[Row]:
    ours, theirs = waited[program], waited[_POLLING]
    at_once = min(each.at_once for each in ours)
    requests, polls = (mean(each.requests for each in them) / _JOBS for them in (ours, theirs))
    late, polled = (
        quantiles([late for each in them for late in each.late], n=100) for them in (ours, theirs)
    )
    memory, pollers = (median(each.megabytes for each in them) for them in (ours, theirs))
    return [
        Row(
            f"requests a job, {at_once} at once of {_SECONDS} s{how}, to polling",
            f"{requests:.3f}",
            f"{polls:.2f}",
            f"{polls / requests:.0f}x fewer",
            "<= 0.2",
            requests <= 0.2,
        ),
        Row(
            "  from the end of a job to its result, p50",
            milliseconds(late[49]),
            f"{polled[49]:.1f} s",
            f"{polled[49] / late[49]:.0f}x faster",
            "<= 20 ms",
            late[49] <= 0.02,
        ),
        Row("  p99", milliseconds(late[98]), f"{polled[98]:.1f} s", f"{polled[98] / late[98]:.0f}x faster"),
        Row(
            "  peak memory, and what the jobs add to it",
            f"{memory:.0f} MB, +{memory - bare[program]:.0f}",
            f"{pollers:.0f} MB, +{pollers - bare[_POLLING]:.0f}",
            f"{memory / pollers:.2f}x",
        ),
    ]


def _many(seconds: float) -> list[Row]:
    ours = _waited(_ASYNC, _MANY, seconds)
    return [
        Row(
            f"peak memory with {_MANY} jobs, {ours.at_once} at once",
            f"{ours.megabytes:.0f} MB",
            goal="<= 300 MB",
            met=ours.megabytes <= 300,
        ),
        Row(f"  to submit and see them to their end, {seconds} s each", f"{ours.seconds:.0f} s"),
    ]


def _waited(program: str, jobs: int, seconds: float) -> _Waited:
    """A program that submits jobs and waits for them, on a hub of its own that takes so long for each."""
    command = [sys.executable, str(PROGRAMS / "hub.py"), str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdout is not None
        url = hub.stdout.readline().strip()
        try:
            run = python(str(PROGRAMS / program), url, str(jobs))
        finally:
            told, _ = hub.communicate()  # its input ends, and so it does
    asked = json.loads(told)
    over: dict[str, float] = asked["over"]
    submitted, there = json.loads(run.output)
    assert len(there) == len(over) == asked["posts"] == jobs
    return _Waited(
        run.seconds,
        run.megabytes,
        asked["gets"],
        sum(end > submitted for end in over.values()),
        [there[job] - end for job, end in over.items()],
    )
