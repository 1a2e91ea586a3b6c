"""A run in a process that may start only a few threads: no job is lost, and the error says what happened."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from helpers.chat import CHAT_PATH
from helpers.hub_api import list_ids, open_client
from oxen_models import Oxen
from oxen_models.images import ZImageTurboRequest
from oxen_models.journal import read
from oxen_models.testing import Hub

COUNT = 6
STATUSES = ("queued", "processing", "succeeded", "failed")
LimitedRun: TypeAlias = Callable[..., Any]
# Starting a thread fails as it does if the operating system does not permit another one.
PROGRAM = """
import _thread, asyncio, json, sys, threading

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

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
import httpx
from oxen_models import AsyncOxen, Oxen, OxenError
from oxen_models.chat import ChatRequest
from oxen_models.images import ZImageTurboRequest

requests = [ZImageTurboRequest(prompt=f"number {index}") for index in range(int(sys.argv[1]))]
budget = Decimal("0.01") * len(requests)  # exactly their cost

def name(outcome):
    return outcome.error and type(outcome.error).__name__

def limit_threads(number):
    global limit
    limit = threading.active_count() + number

def run_sync(url, path, threads):
    with Oxen("key", base_url=url) as oxen:
        list(oxen.jobs())
        limit_threads(threads)
        with oxen.run_many(requests, journal=path, budget=budget) as run:  # and close the journal
            return list(map(name, run))

async def run_async(url, path, threads):
    global limit
    async with AsyncOxen("key", base_url=url) as oxen:
        await oxen.jobs()
        limit_threads(threads)
        try:
            async with oxen.run_many(requests, journal=path, budget=budget) as run:
                return [name(outcome) async for outcome in run]
        finally:  # asyncio starts a thread when the loop ends
            limit = sys.maxsize

async def run_chat(url):
    # No further thread is permitted from the first response to a billable request on.
    async def on_response(response):
        if response.request.method == "POST":
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())  # without threads
            limit_threads(0)

    messages = [[{"role": "user", "content": request.prompt}] for request in requests]
    chats = [ChatRequest(model="claude-sonnet-5", messages=message) for message in messages]
    hooks = {"response": [on_response]}
    async with httpx.AsyncClient(event_hooks=hooks) as http:
        async with AsyncOxen("key", base_url=url, http_client=http).run_many(chats) as run:
            return [name(outcome) async for outcome in run]

for line in sys.stdin:
    kind, *case = json.loads(line)
    try:
        match kind:
            case "sync":
                outcome = run_sync(*case)
            case "async":
                outcome = asyncio.run(run_async(*case))
            case _:
                outcome = asyncio.run(run_chat(*case))
    except OxenError as error:
        outcome = f"{type(error).__name__}: {error}"
    finally:
        limit = sys.maxsize
    print(json.dumps(outcome), flush=True)
"""


@pytest.fixture(scope="module")
def limited_run() -> Iterator[LimitedRun]:
    """A function that runs requests in another process, which may start a number of further threads."""
    command = [sys.executable, "-c", PROGRAM, str(COUNT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def run(*case: Any) -> Any:
            print(json.dumps(case), file=stdin, flush=True)
            line = stdout.readline()
            assert line, "the process has ended"
            return json.loads(line)

        yield run
        stdin.close()


def accepted_jobs(hub: Hub) -> set[str]:
    """Return the ids of all jobs of the hub."""
    with open_client(hub) as api:
        return {id for status in STATUSES for id in list_ids(api, status=status)}


@pytest.mark.slow
@pytest.mark.parametrize("threads", [0, 1, 3, 6, 40])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_run_with_few_threads_loses_nothing(
    own_hub: Hub,
    tmp_path: Path,
    limited_run: LimitedRun,
    kind: str,
    threads: int,
) -> None:
    """With any number of threads, a run succeeds or raises, and another run continues it."""
    path = tmp_path / "run.db"
    outcome = limited_run(kind, own_hub.url, str(path), threads)
    if threads == 40:
        assert outcome == [None] * COUNT
    elif isinstance(outcome, str):
        assert "thread" in outcome
    recorded = {str(entry.job_id) for entry in read(path)} if path.exists() else set[str]()
    assert accepted_jobs(own_hub) <= recorded
    requests = [ZImageTurboRequest(prompt=f"number {index}") for index in range(COUNT)]
    with Oxen("key", base_url=own_hub.url) as oxen:
        outcomes = list(oxen.run_many(requests, journal=path))
    assert [outcome.error for outcome in outcomes] == [None] * COUNT
    assert accepted_jobs(own_hub) == {str(outcome.job_id) for outcome in outcomes}


@pytest.mark.slow
def test_thread_error_after_a_response_is_no_retry(own_hub: Hub, limited_run: LimitedRun) -> None:
    """A long response is parsed in the event loop if no thread can be started, and no request is repeated."""
    own_hub.chat("x" * 2**20, times=None)
    assert limited_run("chat", own_hub.url) == [None] * COUNT
    assert own_hub.count("POST", CHAT_PATH) == COUNT
