"""A run in a process that may start only a few threads: no job is lost, and the error says what happened."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.hub_api import list_ids, open_client
from oxen_models import Oxen
from oxen_models.images import QwenImageRequest
from oxen_models.journal import read
from oxen_models.testing import Hub

COUNT = 8
STATUSES = ("queued", "processing", "succeeded", "failed")
# Starting a thread fails as it does if the operating system does not permit another one.
PROGRAM = """
import _thread, asyncio, json, sys, threading

kind, url, path, count, threads = sys.argv[1:]
limit = sys.maxsize

def limited(start):
    def start_thread(*args, **options):
        if threading.active_count() > limit:  # the new one is counted
            raise RuntimeError("can't start new thread")
        return start(*args, **options)
    return start_thread

_thread.start_new_thread = limited(_thread.start_new_thread)
for attribute in ("_start_new_thread", "_start_joinable_thread"):
    if hasattr(threading, attribute):
        setattr(threading, attribute, limited(getattr(threading, attribute)))

from oxen_models import AsyncOxen, Oxen, OxenError
from oxen_models.images import QwenImageRequest

requests = [QwenImageRequest(prompt=f"number {index}") for index in range(int(count))]

def name(outcome):
    return outcome.error and type(outcome.error).__name__

def limit_threads():
    global limit
    limit = threading.active_count() + int(threads)

def run_sync():
    with Oxen("key", base_url=url) as oxen:
        list(oxen.jobs())
        limit_threads()
        return list(map(name, oxen.run_many(requests, journal=path)))

async def run_async():
    global limit
    async with AsyncOxen("key", base_url=url) as oxen:
        await oxen.jobs()
        limit_threads()
        try:
            return [name(outcome) async for outcome in oxen.run_many(requests, journal=path)]
        finally:  # asyncio starts a thread when the loop ends
            limit = sys.maxsize

try:
    print(json.dumps(run_sync() if kind == "sync" else asyncio.run(run_async())))
except OxenError as error:
    print(json.dumps(f"{type(error).__name__}: {error}"))
"""


def accepted_jobs(hub: Hub) -> set[str]:
    """Return the ids of all jobs of the hub."""
    with open_client(hub) as api:
        return {id for status in STATUSES for id in list_ids(api, status=status)}


@pytest.mark.parametrize("threads", [0, 1, 3, 6, 12, 40])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_run_with_few_threads_loses_nothing(own_hub: Hub, tmp_path: Path, kind: str, threads: int) -> None:
    """With any number of threads, a run succeeds or raises, and another run continues it."""
    path = tmp_path / "run.db"
    command = [sys.executable, "-c", PROGRAM, kind, own_hub.url, str(path), str(COUNT), str(threads)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    outcome: Any = json.loads(process.stdout)
    if threads == 40:
        assert outcome == [None] * COUNT
    elif isinstance(outcome, str):
        assert "thread" in outcome
    recorded = {str(entry.job_id) for entry in read(path)} if path.exists() else set[str]()
    assert accepted_jobs(own_hub) <= recorded
    requests = [QwenImageRequest(prompt=f"number {index}") for index in range(COUNT)]
    with Oxen("key", base_url=own_hub.url) as oxen:
        outcomes = list(oxen.run_many(requests, journal=path))
    assert [outcome.error for outcome in outcomes] == [None] * COUNT
    assert accepted_jobs(own_hub) == {str(outcome.job_id) for outcome in outcomes}
