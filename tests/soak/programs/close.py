"""Close clients while jobs are submitted and waited for, and check that nothing of them is left."""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from random import Random

from oxen_models import AsyncOxen, Oxen, OxenError

from . import run

# By then all jobs are waited for. Most clients are closed far earlier, while connections are opened.
MAX_DELAY = 0.8
# Closing may take this long, plus some times as long as opening, using and closing an idle client.
CLOSE_TIMEOUT = 1.0
MAX_IDLE_RATIO = 10
# Requests under way are completed, so their threads and sockets may outlive the client a little.
LEFTOVER_TIMEOUT = 30.0


def list_sockets() -> list[str]:
    """Return the sockets of this process, on systems that list them."""
    found: list[str] = []
    folder = Path("/proc/self/fd")
    for path in folder.iterdir() if folder.exists() else ():
        try:
            found.append(os.readlink(path))
        except FileNotFoundError:  # the descriptor of the listing itself
            continue
    return sorted(name for name in found if name.startswith("socket:"))


def run_sync_round(url: str, jobs: int, random: Random) -> float:
    """Close a client with jobs in threads, and return the seconds that closing took."""
    started = time.monotonic()
    with Oxen("soak", base_url=url) as idle:
        idle.jobs()
    idle_seconds = time.monotonic() - started
    before: set[object] = {*threading.enumerate(), *list_sockets()}
    ends: Counter[str] = Counter()
    oxen = Oxen("soak", base_url=url)

    def wait(number: int) -> None:
        try:
            oxen.images.qwen_image.submit(prompt=f"{number} an ox").result()
        except OxenError:
            ends["error"] += 1
        except BaseException as error:
            ends[repr(error)] += 1
        else:
            ends["result"] += 1

    for number in range(jobs):
        threading.Thread(target=wait, args=(number,), daemon=True).start()
    time.sleep(MAX_DELAY * random.random() ** 3)
    started = time.monotonic()
    oxen.close()
    seconds = time.monotonic() - started
    deadline = time.monotonic() + LEFTOVER_TIMEOUT
    while (left := {*threading.enumerate(), *list_sockets()} - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    check(seconds, idle_seconds, left, ends, jobs)
    return seconds


async def run_async_round(url: str, jobs: int, random: Random) -> float:
    """Close a client with jobs in tasks, and return the seconds that closing took."""
    started = time.monotonic()
    async with AsyncOxen("soak", base_url=url) as idle:
        await idle.jobs()
    idle_seconds = time.monotonic() - started
    before: set[object] = {*asyncio.all_tasks(), *list_sockets()}
    ends: Counter[str] = Counter()
    oxen = AsyncOxen("soak", base_url=url)

    async def wait(number: int) -> None:
        try:
            job = await oxen.images.qwen_image.submit(prompt=f"{number} an ox")
            await job.result()
        except OxenError:
            ends["error"] += 1
        except BaseException as error:
            ends[repr(error)] += 1
        else:
            ends["result"] += 1

    tasks = [asyncio.create_task(wait(number)) for number in range(jobs)]
    await asyncio.sleep(MAX_DELAY * random.random() ** 3)
    started = time.monotonic()
    await oxen.aclose()
    seconds = time.monotonic() - started
    deadline = time.monotonic() + LEFTOVER_TIMEOUT
    while (left := {*asyncio.all_tasks(), *list_sockets()} - before) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    check(seconds, idle_seconds, left, ends, len(tasks))
    return seconds


def check(
    seconds: float, idle_seconds: float, left: Collection[object], ends: Counter[str], jobs: int
) -> None:
    """Check that every wait ended with an error, that nothing is left, and that closing did not wait."""
    if left:
        faulthandler.dump_traceback()
    assert not left, f"left after closing: {left}; ends of the waits: {dict(ends)}"
    assert ends == {"error": jobs}, f"ends of the waits: {dict(ends)}"
    limit = CLOSE_TIMEOUT + MAX_IDLE_RATIO * idle_seconds
    assert seconds < limit, f"closing took {seconds:.2f} s, more than {limit:.2f} s"


async def run_async_rounds(url: str, rounds: int, jobs: int, random: Random) -> float:
    """Return the seconds of the slowest round."""
    return max([await run_async_round(url, jobs, random) for _ in range(rounds)])


def main(client: str, url: str, rounds: int, jobs: int, seed: int) -> None:
    """Run all rounds and print the slowest."""
    random = Random(seed)
    if client == "sync":
        slowest = max(run_sync_round(url, jobs, random) for _ in range(rounds))
    else:
        slowest = run(run_async_rounds(url, rounds, jobs, random))
    print(json.dumps({"slowest": slowest}))


if __name__ == "__main__":
    client, url, *numbers = sys.argv[1:]
    main(client, url, *map(int, numbers))
