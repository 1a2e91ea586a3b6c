"""Leave runs early in every way: no job is lost, and no request is paid for twice."""

from __future__ import annotations

import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

from oxen_models import Oxen
from oxen_models.images import QwenImageRequest
from oxen_models.journal import read
from oxen_models.testing import Hub

from .jobs import list_jobs
from .process import read_text, start_program
from .programs.leave import COUNT, WAYS

_ROUNDS = 1
_RUN_TIMEOUT = 60
_QUEUE = "/api/ai/queue"
_INTERRUPTS = {"ctrl_c": 1, "two_ctrl_c": 2}
_EXIT_CODES = {"ctrl_c": {1, -signal.SIGINT}, "two_ctrl_c": {1, -signal.SIGINT}, "exit": {3}}


def run(random: Random) -> Iterator[str]:
    """Leave a run in each way, and yield a report."""
    for client, ways in WAYS.items():
        started = time.monotonic()
        left = accepted = 0
        for way in ways:
            for _ in range(_ROUNDS):
                accepted += _leave(client, way, random)
                left += 1
        yield (
            f"{client}: {left} runs left by {', '.join(ways)}; {accepted} jobs had been accepted by then, "
            f"0 lost, 0 paid twice, {time.monotonic() - started:.0f} s"
        )


def _leave(client: str, way: str, random: Random) -> int:
    """Leave a run, continue it, and return the number of jobs that had been accepted in between."""
    name = f"{client} {way}"
    with Hub() as hub, tempfile.TemporaryDirectory() as folder:
        journal = Path(folder, "run.db")
        hub.inject_fault("slow", 0.3 * random.random(), probability=0.7, method="POST", path=_QUEUE)
        with Path(folder, "out").open("w+") as output, Path(folder, "err").open("w+") as errors:
            process = start_program(
                "leave",
                client,
                way,
                hub.url,
                str(journal),
                timeout=_RUN_TIMEOUT,
                output=output,
                errors=errors,
            )
            if way in _INTERRUPTS:
                while process.poll() is None and hub.count("POST", _QUEUE) < COUNT // 3:
                    time.sleep(0.002)
                time.sleep(0.1 * random.random())
                for _ in range(_INTERRUPTS[way]):
                    process.send_signal(signal.SIGINT)
                    time.sleep(0.1 * random.random())
            code = process.wait()
            assert code in _EXIT_CODES.get(way, {0}), f"{name}: exit code {code}\n{read_text(errors)}"
        jobs = list_jobs(hub)
        recorded = {entry.job_id for entry in read(journal)}
        assert set(jobs) <= recorded, f"{name}: lost {set(jobs) - recorded}"
        requests = [QwenImageRequest(prompt=f"number {index}") for index in range(COUNT)]
        with Oxen("soak", base_url=hub.url) as oxen:
            outcomes = list(oxen.run_many(requests, journal=journal))
        failed = [outcome.error for outcome in outcomes if outcome.error]
        assert not failed, f"{name}: {failed[0]}"
        repeated = [prompt for prompt, count in Counter(list_jobs(hub).values()).items() if count > 1]
        assert not repeated, f"{name}: paid twice: {repeated}"
        return len(jobs)
