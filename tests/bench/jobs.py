"""Thousands of jobs, beside a program that polls for each of them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean, median, quantiles

from .measure import (
    PROGRAMS,
    Row,
    compare_memory,
    compare_speedup,
    run_python,
)

# Longer than the interval of the polls beside the event stream, so that these are counted, too.
_JOB_DURATION = 15
_JOBS = 1000
_MANY_JOBS = 10_000
_ASYNC, _SYNC, _POLLING = "jobs.py", "jobs_sync.py", "polling.py"


@dataclass(frozen=True, slots=True)
class _JobRun:
    """The measurements of a program that submits jobs and waits for all of them."""

    seconds: float
    megabytes: float
    """Peak memory."""
    requests: int
    """Requests other than those that submit jobs."""
    concurrent: int
    """Jobs that were under way when the last one had been submitted."""
    delays: list[float]
    """Seconds from the end of each job to its result."""


def measure(*, full: bool) -> Iterator[Row]:
    """Measure waiting with and without asyncio, and the memory of very many jobs."""
    runs: dict[str, list[_JobRun]] = {_ASYNC: [], _SYNC: [], _POLLING: []}
    idle_memory: dict[str, float] = {}
    for program in runs:
        _run_jobs(program, 1, 0)  # not counted: fills the caches
        idle_memory[program] = _run_jobs(program, 0, 0).megabytes
    for _ in range(3 if full else 1):
        for program in random.sample(list(runs), len(runs)):
            runs[program].append(_run_jobs(program, _JOBS, _JOB_DURATION))
    yield from _compare_with_polling("", _ASYNC, runs, idle_memory)
    yield from _compare_with_polling(", without asyncio", _SYNC, runs, idle_memory)
    yield from _measure_many(60 if full else 30, idle_memory[_ASYNC])  # submitting them takes about 20 s


def _compare_with_polling(
    suffix: str, program: str, runs: dict[str, list[_JobRun]], idle_memory: dict[str, float]
) -> Iterator[Row]:
    ours, polling = runs[program], runs[_POLLING]
    concurrent = min(run.concurrent for run in ours)
    requests, polls = (mean(run.requests for run in group) / _JOBS for group in (ours, polling))
    yield Row(
        f"requests a job, {concurrent} at once of {_JOB_DURATION} s{suffix}, to polling",
        f"{requests:.3f}",
        f"{polls:.2f}",
        f"{polls / requests:.0f}x fewer",
        ">= 14x fewer",
        polls >= 14 * requests,
    )
    delays, poll_delays = (
        quantiles([delay for run in group for delay in run.delays], n=100) for group in (ours, polling)
    )
    yield compare_speedup("  from the end of a job to its result, p50", delays[49], poll_delays[49], 75)
    yield compare_speedup("  p99", delays[98], poll_delays[98])
    memory, poll_memory = (median(run.megabytes for run in group) for group in (ours, polling))
    yield Row(
        "  peak memory, and what the jobs add to it",
        f"{memory:.0f} MB, +{memory - idle_memory[program]:.0f}",
        f"{poll_memory:.0f} MB, +{poll_memory - idle_memory[_POLLING]:.0f}",
        f"{memory / poll_memory:.2f}x",
    )


def _measure_many(seconds: float, idle_memory: float) -> Iterator[Row]:
    run = _run_jobs(_ASYNC, _MANY_JOBS, seconds)
    name = f"peak memory with {_MANY_JOBS} jobs, {run.concurrent} at once, to no job"
    yield compare_memory(name, run.megabytes, idle_memory, 4)
    yield Row(f"  to submit and see them to their end, {seconds} s each", f"{run.seconds:.0f} s")


def _run_jobs(program: str, jobs: int, seconds: float) -> _JobRun:
    """Run a program on a new hub whose jobs take so many seconds."""
    command = [sys.executable, str(PROGRAMS / "hub.py"), str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdout is not None
        url = hub.stdout.readline().strip()
        try:
            run = run_python(str(PROGRAMS / program), url, str(jobs))
        finally:
            report, _ = hub.communicate()  # closes its input, which ends it
    counts = json.loads(report)
    ended: dict[str, float] = counts["ended"]
    submitted, received = json.loads(run.output)
    assert len(received) == len(ended) == counts["posts"] == jobs
    return _JobRun(
        run.seconds,
        run.megabytes,
        counts["gets"],
        sum(end > submitted for end in ended.values()),
        [received[job] - end for job, end in ended.items()],
    )
