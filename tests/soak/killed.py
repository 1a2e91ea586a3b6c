"""A run with a journal, killed again and again: everything is told once, and nothing is paid for twice."""

from __future__ import annotations

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from subprocess import Popen
from typing import IO

from oxen_models import Oxen
from oxen_models.testing import Hub

from .child import started, text

_REQUESTS = 300
_LEAST_KILLS = 20
_MOST_KILLS = 40
_JOB_SECONDS = 0.3
_SECONDS = 60
_POLL_SECONDS = 0.002
_HALF_LINE = b'{"fact":"enqueued","index":0,"job_id":"00000000-'
_UNKNOWN = "OutcomeUnknownError"


@dataclass(frozen=True, slots=True)
class _Told:
    """An outcome, as a run told it."""

    job_id: str | None
    error: str | None
    files: tuple[str, ...]


@dataclass
class _Soak:
    hub: Hub
    folder: Path
    random: Random
    known: dict[int, _Told] = field(default_factory=dict[int, _Told])
    """What was told so far; no later run may say otherwise."""
    kills: int = 0
    runs: int = 0

    @property
    def journal(self) -> Path:
        return self.folder / "run.jsonl"

    def until_killed(self) -> bool:
        """Whether a run that is killed at some instant is through before it."""
        with (self.folder / "out").open("w+") as output, (self.folder / "err").open("w+") as errors:
            began = time.monotonic()
            posts = self._posts()
            # In any case later than nothing: some are killed while they read the journal.
            latest = 0.5 * self.random.random() if self.random.random() < 0.15 else _SECONDS
            process = self._started(output, errors, "wait")
            while process.poll() is None and self._posts() == posts and time.monotonic() < began + latest:
                time.sleep(_POLL_SECONDS)
            # Half of the instants are those at which the first requests are sent and written down.
            deadline = time.monotonic() + self.random.choice([0.1, 0.9]) * self.random.random()
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
            process.kill()
            code = process.wait()
            through = code == 0
            assert through or not text(errors), f"run {self.runs}: exit code {code}\n{text(errors)}"
            self.kills += not through
            self._learn(output)
            return through

    def to_the_end(self, unknown: str) -> dict[int, _Told]:
        """What a run tells that nobody kills."""
        with (self.folder / "out").open("w+") as output, (self.folder / "err").open("w+") as errors:
            code = self._started(output, errors, unknown).wait()
            assert code == 0, f"run {self.runs}: exit code {code}\n{text(errors)}"
            return self._learn(output, resent=unknown == "resend")

    def tear(self) -> None:
        """A crash of the machine may leave half of a line that nobody relied upon."""
        with self.journal.open("ab") as file:
            file.write(_HALF_LINE[: self.random.randrange(1, len(_HALF_LINE))])

    def _started(self, output: IO[str], errors: IO[str], unknown: str) -> Popen[bytes]:
        self.runs += 1
        client = "sync" if self.runs % 2 else "async"
        arguments = (client, self.hub.url, str(_REQUESTS), str(self.journal), unknown)
        return started("killed", *arguments, seconds=_SECONDS, output=output, errors=errors)

    def _posts(self) -> int:
        return self.hub.count("POST", "/api/ai/")

    def _learn(self, output: IO[str], *, resent: bool = False) -> dict[int, _Told]:
        told: dict[int, _Told] = {}
        for line in text(output).splitlines(keepends=True):
            if not line.endswith("\n"):  # killed while it told it
                continue
            index, job_id, error, files = json.loads(line)
            assert index not in told, f"run {self.runs} told {index} twice"
            told[index] = _Told(job_id, error, tuple(files))
            before = self.known.get(index)
            if before is None or (resent and before.error == _UNKNOWN):
                self.known[index] = told[index]
            else:
                assert told[index] == before, f"run {self.runs}: {told[index]}, and before: {before}"
        return told


def lines(random: Random) -> Iterator[str]:
    began = time.monotonic()
    with Hub(generation_time=_JOB_SECONDS) as hub, tempfile.TemporaryDirectory() as folder:
        soak = _Soak(hub, Path(folder), random)
        torn = 0
        while soak.kills < _MOST_KILLS and not soak.until_killed():
            if random.random() < 0.3 and soak.journal.exists():
                soak.tear()
                torn += 1
        assert soak.kills >= _LEAST_KILLS, f"through after {soak.kills} kills: too quick for this soak"
        last = soak.to_the_end("wait")
        _check(hub, last)
        unknown = [index for index, told in last.items() if told.error == _UNKNOWN]
        accepted = _accepted(hub)
        paid = sum(bool(accepted[index]) for index in unknown)
        resent = soak.to_the_end("resend")
        _check(hub, resent, resent=set(unknown))
        sidecar = sum(1 for _ in Path(f"{soak.journal}.media").iterdir())
    yield (
        f"{_REQUESTS} requests in {soak.runs} runs, {soak.kills} of them killed, {torn} times half a line; "
        f"none was sent twice, {len(unknown)} were unknown ({paid} of them had been accepted), {sidecar} "
        f"files beside the journal, {time.monotonic() - began:.0f} s"
    )


def _accepted(hub: Hub) -> dict[int, list[str]]:
    """What the hub took for each request: the jobs, or `audio` for a call."""
    accepted: dict[int, list[str]] = defaultdict(list)
    with Oxen("somebody-else", base_url=hub.url) as oxen:
        for job in oxen.generations(page_size=1000):
            accepted[int(str(job.prompt).split()[0])].append(job.generation_id)
    for each in hub.requests:
        if each.path == "/api/ai/audio/speech" and isinstance(each.body, dict):
            accepted[int(str(each.body["prompt"]).split()[0])].append("audio")
    return accepted


def _check(hub: Hub, told: dict[int, _Told], resent: Collection[int] = ()) -> None:
    """The outcomes are one of each, and they are what the hub says; what was resent may be there twice."""
    missing = set(range(_REQUESTS)) - set(told)
    assert not missing, f"not told: {sorted(missing)}"
    accepted = _accepted(hub)
    with Oxen("somebody-else", base_url=hub.url) as oxen:
        status = {job.generation_id: job.status for job in oxen.generations(page_size=1000)}
    for index, each in told.items():
        taken = accepted[index]
        most = 2 if index in resent else 1
        assert len(taken) <= most, f"{index} was sent {len(taken)} times: {each}"
        if each.error == _UNKNOWN:
            assert not resent, f"{index} was to be sent again: {each}"
            continue
        assert (each.job_id or "audio") in taken, f"{index}: {each}, and the hub has {taken}"
        expected = None if each.job_id is None or status[each.job_id] == "succeeded" else "JobFailed"
        assert each.error == expected, f"{index}: {each}, and the hub says {status[str(each.job_id)]}"
        if each.job_id is not None and each.error is None:
            assert each.job_id in each.files[0], f"{index} has the result of another: {each}"
    assert any(each.error == "JobFailed" for each in told.values()), "some had to fail"
