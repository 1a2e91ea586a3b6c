"""Close clients while jobs are submitted and waited for, and look for what they left."""

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

# All jobs are waited for by then. Most instants are far earlier: while all of it is being opened.
LATEST = 0.8
MOST_SECONDS = 1.0
# Requests that were under way are brought to their end.
MORE_SECONDS = 2.0


def sockets() -> list[str]:
    """The sockets of this process, where the system tells them."""
    found: list[str] = []
    folder = Path("/proc/self/fd")
    for path in folder.iterdir() if folder.exists() else ():
        try:
            found.append(os.readlink(path))
        except FileNotFoundError:  # that of the listing
            continue
    return sorted(each for each in found if each.startswith("socket:"))


def sync_round(url: str, jobs: int, random: Random) -> float:
    before: set[object] = {*threading.enumerate(), *sockets()}
    ends: Counter[str] = Counter()
    oxen = Oxen("soak", base_url=url)

    def wait(number: int) -> None:
        try:
            oxen.images.qwen_image.submit(prompt=f"{number} an ox").result()
        except OxenError:
            ends["as it must"] += 1
        except BaseException as error:
            ends[repr(error)] += 1
        else:
            ends["a result"] += 1

    for number in range(jobs):
        threading.Thread(target=wait, args=(number,), daemon=True).start()
    time.sleep(LATEST * random.random() ** 3)
    began = time.monotonic()
    oxen.close()
    seconds = time.monotonic() - began
    until = time.monotonic() + MORE_SECONDS
    while (left := {*threading.enumerate(), *sockets()} - before) and time.monotonic() < until:
        time.sleep(0.01)
    check(seconds, left, ends, jobs)
    return seconds


async def async_round(url: str, jobs: int, random: Random) -> float:
    before: set[object] = {*asyncio.all_tasks(), *sockets()}
    ends: Counter[str] = Counter()
    oxen = AsyncOxen("soak", base_url=url)

    async def wait(number: int) -> None:
        try:
            job = await oxen.images.qwen_image.submit(prompt=f"{number} an ox")
            await job.result()
        except OxenError:
            ends["as it must"] += 1
        except BaseException as error:
            ends[repr(error)] += 1
        else:
            ends["a result"] += 1

    tasks = [asyncio.create_task(wait(number)) for number in range(jobs)]
    await asyncio.sleep(LATEST * random.random() ** 3)
    began = time.monotonic()
    await oxen.aclose()
    seconds = time.monotonic() - began
    until = time.monotonic() + MORE_SECONDS
    while (left := {*asyncio.all_tasks(), *sockets()} - before) and time.monotonic() < until:
        await asyncio.sleep(0.01)
    check(seconds, left, ends, len(tasks))
    return seconds


def check(seconds: float, left: Collection[object], ends: Counter[str], jobs: int) -> None:
    if left:
        faulthandler.dump_traceback()
    assert not left, f"left after closing: {left}; the waits ended so: {dict(ends)}"
    assert ends == {"as it must": jobs}, f"the waits ended so: {dict(ends)}"
    assert seconds < MOST_SECONDS, f"closing took {seconds:.2f} s"


async def async_rounds(url: str, rounds: int, jobs: int, random: Random) -> float:
    return max([await async_round(url, jobs, random) for _ in range(rounds)])


def main(client: str, url: str, rounds: int, jobs: int, seed: int) -> None:
    random = Random(seed)
    if client == "sync":
        slowest = max(sync_round(url, jobs, random) for _ in range(rounds))
    else:
        slowest = run(async_rounds(url, rounds, jobs, random))
    print(json.dumps({"slowest": slowest}))


if __name__ == "__main__":
    client, url, *numbers = sys.argv[1:]
    main(client, url, *map(int, numbers))
