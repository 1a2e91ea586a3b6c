"""Run requests during outages and rate limits: no job is lost, and no request is paid for twice."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from oxen_models import AsyncOxen, Oxen
from oxen_models.images import QwenImageRequest
from oxen_models.journal import read
from oxen_models.testing import Hub

from .jobs import list_jobs

_REQUESTS = [QwenImageRequest(prompt=f"number {index}") for index in range(100)]
_IN_FLIGHT = 16
_QUEUE = "/api/ai/queue"
# The status, its headers, and the seconds for which the server responds with it.
_FAULTS: tuple[tuple[int, dict[str, str], float], ...] = (
    (502, {}, 3.0),
    (502, {}, 60.0),
    (429, {}, 60.0),
    (429, {"Retry-After": "90"}, 85.0),
)


def run(_: Random) -> Iterator[str]:
    """Run all faults at once with both clients, and yield a report of each."""
    cases = list(product(_FAULTS, ("sync", "async")))
    with ThreadPoolExecutor(len(cases)) as pool:
        yield from pool.map(_run_case, cases)


def _run_case(case: tuple[tuple[int, dict[str, str], float], str]) -> str:
    (status, headers, seconds), client = case
    started = time.monotonic()
    with Hub() as hub, tempfile.TemporaryDirectory() as folder:
        journal = Path(folder, "run.db")
        hub.inject_fault("slow", 0.05, path=_QUEUE)
        timer = threading.Timer(1.0, _break, (hub, status, headers, seconds))
        timer.start()
        errors = Counter(
            type(outcome.error).__name__ for outcome in _run_all(hub, journal, client) if outcome.error
        )
        timer.join()
        hub.clear()
        outcomes = _run_all(hub, journal, client, is_continued=True)
        resent = hub.count("POST", _QUEUE)
        jobs = list_jobs(hub)
        recorded = {entry.job_id for entry in read(journal)}
    failed = [outcome for outcome in outcomes if outcome.error]
    assert not failed, f"{status} {headers}, {client}: {failed[0].error}"
    assert set(errors) <= {"ServerError"}, f"{status} {headers}, {client}: {errors}"
    assert errors.total() <= _IN_FLIGHT, f"{status} {headers}, {client}: {errors}"
    assert set(jobs) == recorded, f"{status} {headers}, {client}: lost jobs"
    repeated = [prompt for prompt, count in Counter(jobs.values()).items() if count > 1]
    assert not repeated, f"{status} {headers}, {client}: paid twice: {repeated}"
    header = "".join(f", {name}: {value}" for name, value in headers.items())
    return (
        f"{client}, {seconds:g} s of {status}{header}: {errors.total()} of {len(_REQUESTS)} requests unknown "
        f"and sent by the next run ({resent} POSTs), 0 lost, 0 paid twice, "
        f"{time.monotonic() - started:.0f} s"
    )


def _break(hub: Hub, status: int, headers: dict[str, str], seconds: float) -> None:
    hub.clear()
    method = None if status >= 500 else "POST"
    hub.respond_next(status, headers=headers, times=None, method=method, path=f"{_QUEUE}*")
    time.sleep(seconds)
    hub.clear()


def _run_all(hub: Hub, journal: Path, client: str, *, is_continued: bool = False) -> list[Any]:
    def iterate() -> list[Any]:
        with Oxen("soak", base_url=hub.url) as oxen:
            run = oxen.run_many(
                _REQUESTS,
                max_in_flight=_IN_FLIGHT,
                journal=journal,
                reconcile=is_continued,
                resend_unknown=is_continued,
            )
            return list(run)

    async def iterate_async() -> list[Any]:
        async with AsyncOxen("soak", base_url=hub.url) as oxen:
            run = oxen.run_many(
                _REQUESTS,
                max_in_flight=_IN_FLIGHT,
                journal=journal,
                reconcile=is_continued,
                resend_unknown=is_continued,
            )
            return [outcome async for outcome in run]

    return iterate() if client == "sync" else asyncio.run(iterate_async())
