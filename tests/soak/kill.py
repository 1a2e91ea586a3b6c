"""Kill a run with a journal many times: each outcome is reported once, no request is paid for twice."""

from __future__ import annotations

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from subprocess import Popen
from typing import IO

from oxen_models import Oxen
from oxen_models.testing import Hub

from .jobs import list_jobs
from .process import read_text, start_program

_REQUESTS = 300
_MIN_KILLS = 20
_MAX_KILLS = 40
_JOB_DURATION = 0.3
_RUN_TIMEOUT = 300
_POLL_INTERVAL = 0.002
_UNKNOWN = "OutcomeUnknownError"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """An outcome as a run reported it."""

    job_id: str | None
    error: str | None
    files: tuple[str, ...]


@dataclass
class _Soak:
    hub: Hub
    folder: Path
    random: Random
    known: dict[int, _Outcome] = field(default_factory=dict[int, _Outcome])
    """The outcomes that were reported so far; every later run must report the same."""
    kills: int = 0
    runs: int = 0

    @property
    def journal(self) -> Path:
        return self.folder / "run.db"

    def run_and_kill(self) -> bool:
        """Start a run, kill it at a random instant, and return whether it had finished before."""
        with (self.folder / "out").open("w+") as output, (self.folder / "err").open("w+") as errors:
            started = time.monotonic()
            posts = self._count_posts()
            # Some runs are killed after a short time in any case, while they read the journal.
            max_wait = 0.5 * self.random.random() if self.random.random() < 0.15 else _RUN_TIMEOUT
            process = self._start(output, errors, "wait")
            while (
                process.poll() is None
                and self._count_posts() == posts
                and time.monotonic() < started + max_wait
            ):
                time.sleep(_POLL_INTERVAL)
            # Half of the runs are killed while the first requests are sent and recorded.
            deadline = time.monotonic() + self.random.choice([0.1, 0.9]) * self.random.random()
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(_POLL_INTERVAL)
            process.kill()
            code = process.wait()
            finished = code == 0
            assert finished or not read_text(errors), (
                f"run {self.runs}: exit code {code}\n{read_text(errors)}"
            )
            self.kills += not finished
            self._read_outcomes(output)
            return finished

    def run_to_end(self, unknown: str) -> dict[int, _Outcome]:
        """Return the outcomes of a run that is not killed."""
        with (self.folder / "out").open("w+") as output, (self.folder / "err").open("w+") as errors:
            code = self._start(output, errors, unknown).wait()
            assert code == 0, f"run {self.runs}: exit code {code}\n{read_text(errors)}"
            return self._read_outcomes(output, may_resolve=unknown != "wait")

    def _start(self, output: IO[str], errors: IO[str], unknown: str) -> Popen[bytes]:
        self.runs += 1
        client = "sync" if self.runs % 2 else "async"
        arguments = (client, self.hub.url, str(_REQUESTS), str(self.journal), unknown)
        return start_program("kill", *arguments, timeout=_RUN_TIMEOUT, output=output, errors=errors)

    def _count_posts(self) -> int:
        return self.hub.count("POST", "/api/ai/")

    def _read_outcomes(self, output: IO[str], *, may_resolve: bool = False) -> dict[int, _Outcome]:
        """Return the reported outcomes, and check that they agree with those of earlier runs."""
        outcomes: dict[int, _Outcome] = {}
        for line in read_text(output).splitlines(keepends=True):
            if not line.endswith("\n"):  # killed while it printed the line
                continue
            index, job_id, error, files = json.loads(line)
            assert index not in outcomes, f"run {self.runs} reported {index} twice"
            outcomes[index] = _Outcome(job_id, error, tuple(files))
            known = self.known.get(index)
            if known is None or (may_resolve and known.error == _UNKNOWN):
                self.known[index] = outcomes[index]
            else:
                assert outcomes[index] == known, f"run {self.runs}: {outcomes[index]}, but before {known}"
        return outcomes


def run(random: Random) -> Iterator[str]:
    """Kill runs until one finishes, check all outcomes, and yield a report."""
    started = time.monotonic()
    with Hub(generation_time=_JOB_DURATION) as hub, tempfile.TemporaryDirectory() as folder:
        soak = _Soak(hub, Path(folder), random)
        while soak.kills < _MAX_KILLS and not soak.run_and_kill():
            pass
        assert soak.kills >= _MIN_KILLS, f"finished after {soak.kills} kills, which are too few"
        last = soak.run_to_end("wait")
        _check(hub, last)
        unknown = [index for index, outcome in last.items() if outcome.error == _UNKNOWN]
        accepted = _list_accepted(hub)
        paid = sum(bool(accepted[index]) for index in unknown)
        reconciled = soak.run_to_end("reconcile")
        _check(hub, reconciled)
        found = len(unknown) - sum(outcome.error == _UNKNOWN for outcome in reconciled.values())
        assert found == paid, f"{paid} unknown requests had been accepted, and the jobs of {found} were found"
        resent = soak.run_to_end("resend")
        _check(hub, resent)
        assert _UNKNOWN not in {outcome.error for outcome in resent.values()}
    yield (
        f"{_REQUESTS} requests in {soak.runs} runs, {soak.kills} of them killed; {len(unknown)} were "
        f"unknown, {paid} of them had been accepted, and all {found} jobs were found; none was sent twice, "
        f"{time.monotonic() - started:.0f} s"
    )


def _list_accepted(hub: Hub) -> dict[int, list[str]]:
    """Return what the hub accepted for each request: the ids of its jobs."""
    accepted: dict[int, list[str]] = defaultdict(list)
    for id, prompt in list_jobs(hub).items():
        accepted[int(prompt.split()[0])].append(id)
    return accepted


def _check(hub: Hub, outcomes: dict[int, _Outcome]) -> None:
    """Check that each request has one outcome, as the hub has it, and at most one job."""
    missing = set(range(_REQUESTS)) - set(outcomes)
    assert not missing, f"not reported: {sorted(missing)}"
    accepted = _list_accepted(hub)
    with Oxen("other", base_url=hub.url) as oxen:
        statuses = {job.generation_id: job.status for job in oxen.generations(page_size=1000)}
    for index, outcome in outcomes.items():
        jobs = accepted[index]
        assert len(jobs) <= 1, f"{index} was sent {len(jobs)} times: {outcome}"
        if outcome.error == _UNKNOWN:
            continue
        assert outcome.job_id in jobs, f"{index}: {outcome}, but the hub has {jobs}"
        status = statuses[outcome.job_id]
        expected = None if status == "succeeded" else "JobFailed"
        assert outcome.error == expected, f"{index}: {outcome}, but the hub says {status}"
        if outcome.error is None:
            assert outcome.job_id in outcome.files[0], f"{index} has the result of another job: {outcome}"
    assert any(outcome.error == "JobFailed" for outcome in outcomes.values()), "no job failed"
