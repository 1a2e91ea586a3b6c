"""Use one client of each kind in many threads at once, each with one event loop after the other."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
import time
from collections.abc import Callable

from oxen_models import AsyncOxen, Oxen

from . import run
from .closed import sockets

THREADS = 4
JOBS = 25
LOOPS = 2
PATIENCE = 30.0


def sync_jobs(oxen: Oxen, name: str) -> None:
    for number in range(JOBS):
        job = oxen.images.qwen_image.submit(prompt=f"{name} {number}")
        assert job.id in str(job.result(PATIENCE).images[0].url), f"{job} has the result of another"


async def async_job(oxen: AsyncOxen, prompt: str) -> None:
    job = await oxen.images.qwen_image.submit(prompt=prompt)
    result = await job.result(PATIENCE)
    assert job.id in str(result.images[0].url), f"{job} has the result of another"


async def async_jobs(oxen: AsyncOxen, name: str) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(JOBS):
            group.create_task(async_job(oxen, f"{name} {number}"))


def in_threads(*works: Callable[[], None]) -> None:
    """All at once; what one of them raises is raised."""
    errors: list[BaseException] = []

    def work(each: Callable[[], None]) -> None:
        try:
            each()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(each,)) for each in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


async def closed(oxen: AsyncOxen) -> None:
    await oxen.aclose()


def main(url: str) -> None:
    began = time.monotonic()
    before = set(threading.enumerate()), sockets()
    oxen = Oxen("soak", base_url=url)
    async_oxen = AsyncOxen("soak", base_url=url)

    def sync_work() -> None:
        sync_jobs(oxen, f"sync {threading.get_ident()}")

    def async_work() -> None:
        for turn in range(LOOPS):
            run(async_jobs(async_oxen, f"async {threading.get_ident()} {turn}"))

    in_threads(*[sync_work] * THREADS, *[async_work] * THREADS)
    # The loop of the main thread comes last, with the same client.
    run(async_jobs(async_oxen, "main 0"))
    run(async_jobs(async_oxen, "main 1"))
    prompts = [job.prompt for job in oxen.generations(status="succeeded", page_size=1000)]
    jobs = JOBS * (THREADS + LOOPS * THREADS + 2)
    assert len(prompts) == len(set(prompts)) == jobs, f"the hub has {len(prompts)} jobs and not {jobs}"
    oxen.close()
    run(closed(async_oxen))
    gc.collect()
    left = set(threading.enumerate()) - before[0], sorted(set(sockets()) - set(before[1]))
    assert not any(left), f"left after closing: {left}"
    print(
        json.dumps(
            {
                "jobs": jobs,
                "threads": THREADS,
                "loops": LOOPS * THREADS + 2,
                "seconds": time.monotonic() - began,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
