"""Use one client of each kind in many threads at once, each with one event loop after another."""

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
from .close import list_sockets

THREADS = 4
JOBS = 25
LOOPS = 2
RESULT_TIMEOUT = 120.0


def run_sync_jobs(oxen: Oxen, name: str) -> None:
    """Run jobs one after another and check that each result belongs to its job."""
    for number in range(JOBS):
        job = oxen.images.qwen_image.submit(prompt=f"{name} {number}")
        assert job.id in str(job.result(RESULT_TIMEOUT).images[0].url), f"{job} has the result of another job"


async def run_async_job(oxen: AsyncOxen, prompt: str) -> None:
    """Run a job and check that the result is its own."""
    job = await oxen.images.qwen_image.submit(prompt=prompt)
    result = await job.result(RESULT_TIMEOUT)
    assert job.id in str(result.images[0].url), f"{job} has the result of another job"


async def run_async_jobs(oxen: AsyncOxen, name: str) -> None:
    """Run jobs concurrently."""
    async with asyncio.TaskGroup() as group:
        for number in range(JOBS):
            group.create_task(run_async_job(oxen, f"{name} {number}"))


def run_in_threads(*functions: Callable[[], None]) -> None:
    """Run functions in threads of their own, and raise the first error."""
    errors: list[BaseException] = []

    def work(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


async def close(oxen: AsyncOxen) -> None:
    """Close the client in a loop of its own."""
    await oxen.aclose()


def main(url: str) -> None:
    """Run all jobs, check that each has its own prompt, and that nothing is left after closing."""
    started = time.monotonic()
    before = set(threading.enumerate()), list_sockets()
    oxen = Oxen("soak", base_url=url)
    async_oxen = AsyncOxen("soak", base_url=url)

    def sync_work() -> None:
        run_sync_jobs(oxen, f"sync {threading.get_ident()}")

    def async_work() -> None:
        for turn in range(LOOPS):
            run(run_async_jobs(async_oxen, f"async {threading.get_ident()} {turn}"))

    run_in_threads(*[sync_work] * THREADS, *[async_work] * THREADS)
    # Loops of the main thread use the same client afterwards.
    run(run_async_jobs(async_oxen, "main 0"))
    run(run_async_jobs(async_oxen, "main 1"))
    prompts = [job.prompt for job in oxen.generations(status="succeeded", page_size=1000)]
    jobs = JOBS * (THREADS + LOOPS * THREADS + 2)
    assert len(prompts) == len(set(prompts)) == jobs, f"the hub has {len(prompts)} jobs, expected {jobs}"
    oxen.close()
    run(close(async_oxen))
    gc.collect()
    left = set(threading.enumerate()) - before[0], sorted(set(list_sockets()) - set(before[1]))
    assert not any(left), f"left after closing: {left}"
    print(
        json.dumps(
            {
                "jobs": jobs,
                "threads": THREADS,
                "loops": LOOPS * THREADS + 2,
                "seconds": time.monotonic() - started,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
