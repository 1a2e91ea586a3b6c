"""Fork while threads submit and wait; the child uses the client that it finds."""

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

from . import watched

JOBS = 10
# While the connections are made, while jobs are submitted, while they run, and around their end.
LATEST = 0.5
CHILD_SECONDS = 15

# Python's own advice since 3.12, which is right: here it is done all the same.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)


def one(oxen: Oxen, prompt: str) -> None:
    job = oxen.images.qwen_image.submit(prompt=prompt)
    result = job.result(CHILD_SECONDS)
    assert job.id in str(result.images[0].url), f"{prompt} has the result of another"


def round(oxen: Oxen, number: int, random: Random) -> None:
    over: list[str] = []

    def work(each: int) -> None:
        one(oxen, f"parent {number} {each}")
        over.append(threading.current_thread().name)

    workers = [threading.Thread(target=work, args=(each,), daemon=True) for each in range(JOBS)]
    for worker in workers:
        worker.start()
    time.sleep(LATEST * random.random() ** 2)
    child = os.fork()
    if not child:
        in_child(oxen, number)
    for worker in workers:
        worker.join(CHILD_SECONDS)
    one(oxen, f"parent {number} afterwards")
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code == 0, f"child {number}: exit code {code}"
    assert len(over) == JOBS, f"round {number}: only {len(over)} of {JOBS} jobs of the parent ended"


def in_child(oxen: Oxen, number: int) -> NoReturn:
    watched(CHILD_SECONDS)
    try:
        one(oxen, f"child {number}")
        if number % 3 == 1:
            oxen.close()
    except BaseException:
        traceback.print_exc()
        os._exit(2)
    if number % 3:
        os._exit(0)
    # By the long way, on which the interpreter ends what it thinks is this process's own.
    sys.exit(0)


def main(url: str, rounds: int, seed: int) -> None:
    random = Random(seed)
    began = time.monotonic()
    with Oxen("soak", base_url=url) as oxen:
        # No module is imported while a thread forks: Python itself would not stand that.
        one(oxen, "before")
    for number in range(rounds):
        with Oxen("soak", base_url=url) as oxen:
            _ = oxen.images.qwen_image  # on 3.11, by a lock that all instances share
            round(oxen, number, random)
    with Oxen("soak", base_url=url) as oxen:
        jobs = sum(str(job.prompt).startswith("parent") for job in oxen.generations(page_size=1000))
        children = sum(str(job.prompt).startswith("child") for job in oxen.generations(page_size=1000))
    assert (jobs, children) == (rounds * (JOBS + 1), rounds), f"the hub has {jobs} and {children} jobs"
    print(json.dumps({"jobs": jobs, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
