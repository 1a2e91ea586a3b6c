"""Fork while threads submit and wait; the child uses the client of its parent."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
import warnings
from random import Random
from typing import NoReturn

from oxen_models import Oxen

from . import exit_after

JOBS = 10
# Covers opening connections, submitting jobs, running them, and their end.
MAX_DELAY = 0.5
CHILD_TIMEOUT = 120

# Python warns since 3.12; this program tests that the client survives it.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)


def run_job(oxen: Oxen, prompt: str) -> None:
    """Run a job and check that the result is its own."""
    job = oxen.images.qwen_image.submit(prompt=prompt)
    result = job.result(CHILD_TIMEOUT)
    assert job.id in str(result.images[0].url), f"{prompt} has the result of another job"


def fork_once(oxen: Oxen, number: int, random: Random) -> None:
    """Fork at a random instant of some jobs, and check that child and parent receive their results."""
    finished: list[int] = []

    def work(job: int) -> None:
        run_job(oxen, f"parent {number} {job}")
        finished.append(job)

    workers = [threading.Thread(target=work, args=(job,), daemon=True) for job in range(JOBS)]
    for worker in workers:
        worker.start()
    time.sleep(MAX_DELAY * random.random() ** 2)
    child = os.fork()
    if not child:
        run_child(oxen, number)
    for worker in workers:
        worker.join(CHILD_TIMEOUT)
    run_job(oxen, f"parent {number} afterwards")
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code == 0, f"child {number}: exit code {code}"
    assert len(finished) == JOBS, f"round {number}: only {len(finished)} of {JOBS} jobs of the parent ended"


def run_child(oxen: Oxen, number: int) -> NoReturn:
    """Run a job in the forked child and end the process, each time in another way."""
    exit_after(CHILD_TIMEOUT)
    try:
        run_job(oxen, f"child {number}")
        if number % 3 == 1:
            oxen.close()
    except BaseException:
        traceback.print_exc()
        os._exit(2)
    if number % 3:
        os._exit(0)
    # A normal exit, at which the interpreter also ends threads that exist in the parent only.
    sys.exit(0)


def main(url: str, rounds: int, seed: int) -> None:
    """Fork once in each round, check the hub's jobs, and print their number."""
    random = Random(seed)
    started = time.monotonic()
    with Oxen("soak", base_url=url) as oxen:
        # Import all modules first, because Python cannot fork while a thread imports.
        run_job(oxen, "before")
    for number in range(rounds):
        with Oxen("soak", base_url=url) as oxen:
            _ = (
                oxen.images.qwen_image
            )  # before the fork: on 3.11 `cached_property` has a lock for all instances
            fork_once(oxen, number, random)
    with Oxen("soak", base_url=url) as oxen:
        jobs = sum(str(job.prompt).startswith("parent") for job in oxen.generations(page_size=1000))
        children = sum(str(job.prompt).startswith("child") for job in oxen.generations(page_size=1000))
    assert (jobs, children) == (rounds * (JOBS + 1), rounds), f"the hub has {jobs} and {children} jobs"
    print(json.dumps({"jobs": jobs, "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
