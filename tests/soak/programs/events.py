"""Run many jobs, while somebody else cancels some; every outcome has to be what the hub says."""

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
# A picture that is none: the queue takes it, and the job fails.
BROKEN = "data:image/png;base64,b3hlbg=="
# A job that no event tells of is heard of after the next cut, not with the next poll, which is 12 seconds
# off. Where the machine is busy, the others are late, too.
SOON = 7.0
TIMES_MEDIAN = 5


def requests(count: int) -> list[Request]:
    return [request(index) for index in range(count)]


def request(index: int) -> Request:
    # All videos: for pictures the queue is listed so often that nobody needs the list after a cut.
    match index % 10:
        case 0:
            return WanV26ImageToVideoRequest(prompt=f"{index} failed", input_image=BROKEN)
        case 1:
            return WanAiWan21T2v13bDiffusersRequest(prompt=f"{index} cancelled")
        case _:
            return WanAiWan21T2v13bDiffusersRequest(prompt=f"{index} succeeded")


def cancel(url: str, over: threading.Event) -> None:
    with Oxen("somebody-else", base_url=url) as oxen:
        while not over.wait(0.2):
            for job in oxen.jobs():
                if job.generation is not None and str(job.generation.prompt).endswith("cancelled"):
                    job.cancel()


def outcomes(url: str, count: int) -> list[tuple[float, Outcome]]:
    with Oxen("soak", base_url=url) as oxen:
        return [(time.time(), each) for each in oxen.run_many(requests(count), max_in_flight=IN_FLIGHT)]


async def async_outcomes(url: str, count: int) -> list[tuple[float, AsyncOutcome]]:
    async with AsyncOxen("soak", base_url=url) as oxen:
        many = oxen.run_many(requests(count), max_in_flight=IN_FLIGHT)
        return [(time.time(), each) async for each in many]


def main(client: str, url: str, count: int) -> None:
    over = threading.Event()
    canceller = threading.Thread(target=cancel, args=(url, over))
    canceller.start()
    began = time.monotonic()
    try:
        heard = outcomes(url, count) if client == "sync" else run(async_outcomes(url, count))
    finally:
        over.set()
        canceller.join()
    seconds = time.monotonic() - began

    assert sorted(outcome.index for _, outcome in heard) == list(range(count)), "an outcome each"
    with Oxen("somebody-else", base_url=url) as oxen:
        jobs = {job.generation_id: job for job in oxen.generations(page_size=1000)}
    assert len(jobs) == count, f"the hub has {len(jobs)} jobs for {count} requests"
    found: Counter[str] = Counter()
    late: list[float] = []
    for at, outcome in heard:
        assert outcome.job_id is not None, f"{outcome.index}: {outcome.error!r}"
        job = jobs.pop(outcome.job_id)
        assert job.prompt == outcome.request.body()["prompt"], f"{outcome.index} has the job of another"
        assert job.status == status(outcome), f"{outcome.index}: {outcome.error!r}, and it {job.status}"
        expected = str(job.prompt).split()[1]
        # Whoever cancels may come too late.
        assert job.status in (expected, expected.replace("cancelled", "succeeded")), (
            f"{job.prompt}, and it {job.status}"
        )
        found[job.status] += 1
        # The hub's own times have no fractions.
        late.append(max(at - (job.completed_at or 0) - 0.5, 0.0))
    assert found["cancelled"], "some had to be cancelled"
    late.sort()
    middle, most = late[count // 2], late[count * 95 // 100]
    assert most < SOON + TIMES_MEDIAN * middle, f"heard of {middle:.1f} s, and {most:.1f} s, after the end"
    print(json.dumps({**found, "seconds": seconds, "late": [middle, most]}))


def status(outcome: Outcome | AsyncOutcome) -> str:
    if outcome.result is not None:
        [medium] = outcome.result.media
        assert str(outcome.job_id) in str(medium.url), (
            f"{outcome.index} has the result of another: {medium.url}"
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
