"""Run many jobs while another client cancels some, and compare every outcome with the hub's record."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter

from oxen_models import AsyncOutcome, AsyncOxen, JobCancelled, JobFailed, Outcome, Oxen, Request
from oxen_models.videos import WanAiWan21T2v13bDiffusersRequest, WanV26ImageToVideoRequest

from . import run

IN_FLIGHT = 250
# Not an image: the queue accepts it, and the job fails.
BROKEN = "data:image/png;base64,b3hlbg=="
# A job whose event was dropped is found in the list after the next cut, not by the next poll, which comes 12
# seconds later. On a busy machine all results are late, so the limit grows with the median.
MAX_DELAY = 7.0
MAX_MEDIAN_RATIO = 5


def make_request(index: int) -> Request:
    """Return a request whose prompt holds its index and its expected status."""
    # All are videos, because the polls for images would hide a missing list after a cut.
    match index % 10:
        case 0:
            return WanV26ImageToVideoRequest(prompt=f"{index} failed", input_image=BROKEN)
        case 1:
            return WanAiWan21T2v13bDiffusersRequest(prompt=f"{index} cancelled")
        case _:
            return WanAiWan21T2v13bDiffusersRequest(prompt=f"{index} succeeded")


def cancel_jobs(url: str, stopped: threading.Event) -> None:
    """Cancel the jobs that are to be cancelled, from another client, until `stopped` is set."""
    with Oxen("other", base_url=url) as oxen:
        while not stopped.wait(0.2):
            for job in oxen.jobs():
                if job.generation is not None and str(job.generation.prompt).endswith("cancelled"):
                    job.cancel()


def run_sync(url: str, requests: list[Request]) -> list[tuple[float, Outcome]]:
    """Return each outcome with the time of its arrival."""
    with Oxen("soak", base_url=url) as oxen:
        outcomes = oxen.run_many(requests, max_in_flight=IN_FLIGHT)
        return [(time.time(), outcome) for outcome in outcomes]


async def run_async(url: str, requests: list[Request]) -> list[tuple[float, AsyncOutcome]]:
    """Return each outcome with the time of its arrival."""
    async with AsyncOxen("soak", base_url=url) as oxen:
        outcomes = oxen.run_many(requests, max_in_flight=IN_FLIGHT)
        return [(time.time(), outcome) async for outcome in outcomes]


def main(client: str, url: str, count: int) -> None:
    """Run all requests, check each outcome, and print counts and delays."""
    stopped = threading.Event()
    canceller = threading.Thread(target=cancel_jobs, args=(url, stopped))
    canceller.start()
    requests = [make_request(index) for index in range(count)]
    started = time.monotonic()
    try:
        received = run_sync(url, requests) if client == "sync" else run(run_async(url, requests))
    finally:
        stopped.set()
        canceller.join()
    seconds = time.monotonic() - started

    assert sorted(outcome.index for _, outcome in received) == list(range(count)), "not one outcome for each"
    with Oxen("other", base_url=url) as oxen:
        jobs = {job.generation_id: job for job in oxen.generations(page_size=1000)}
    assert len(jobs) == count, f"the hub has {len(jobs)} jobs for {count} requests"
    found: Counter[str] = Counter()
    delays: list[float] = []
    for arrival, outcome in received:
        assert outcome.job_id is not None, f"{outcome.index}: {outcome.error!r}"
        job = jobs.pop(outcome.job_id)
        assert job.prompt == outcome.request.body()["prompt"], f"{outcome.index} has another job"
        assert job.status == get_status(outcome), f"{outcome.index}: {outcome.error!r}, but it {job.status}"
        expected = str(job.prompt).split()[1]
        # The cancellation may come too late.
        assert job.status in (expected, expected.replace("cancelled", "succeeded")), (
            f"{job.prompt}, but it {job.status}"
        )
        found[job.status] += 1
        # The hub reports whole seconds.
        delays.append(max(arrival - (job.completed_at or 0) - 0.5, 0.0))
    assert found["cancelled"], "no job was cancelled"
    delays.sort()
    median, slow = delays[count // 2], delays[count * 95 // 100]
    assert slow < MAX_DELAY + MAX_MEDIAN_RATIO * median, f"delays: median {median:.1f} s, 95 % {slow:.1f} s"
    print(json.dumps({**found, "seconds": seconds, "delays": [median, slow]}))


def get_status(outcome: Outcome | AsyncOutcome) -> str:
    """Return the status of the outcome's job, or its error if that is unexpected."""
    if outcome.result is not None:
        [medium] = outcome.result.media
        assert str(outcome.job_id) in str(medium.url), (
            f"{outcome.index} has the result of another job: {medium.url}"
        )
        return "succeeded"
    match outcome.error:
        case JobFailed(detail=str(detail)) if "image" in detail:
            return "failed"
        case JobCancelled():
            return "cancelled"
        case other:
            return repr(other)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
