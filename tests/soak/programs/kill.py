"""Run requests with a journal and print each outcome, until all are done or this process is killed."""

from __future__ import annotations

import base64
import json
import sys
from hashlib import sha256

from oxen_models import AsyncOutcome, AsyncOxen, Outcome, Oxen, Request
from oxen_models.audio import BytedanceSeedAudio10Request
from oxen_models.images import QwenImageEditPlusRequest, QwenImageRequest
from oxen_models.videos import WanAiWan21T2v13bDiffusersRequest

from . import run

IN_FLIGHT = 8
# Not an image: the queue accepts it, and the job fails.
BROKEN = "data:image/png;base64,b3hlbg=="


def make_request(index: int) -> Request:
    """Return a request whose prompt begins with its index."""
    prompt = f"{index} an ox"
    match index % 15:
        case 0 | 7:
            return BytedanceSeedAudio10Request(prompt=prompt)
        case 3 | 4 | 11:
            return WanAiWan21T2v13bDiffusersRequest(prompt=prompt)
        case 5:
            return QwenImageEditPlusRequest(prompt=prompt, input_image=[BROKEN])
        case _:
            return QwenImageRequest(prompt=prompt)


def print_outcome(outcome: Outcome | AsyncOutcome) -> None:
    """Print index, job id, error, and the URLs or digests of the media as a line of JSON."""
    files: list[str] = []
    for medium in outcome.result.media if outcome.result is not None else ():
        content = medium.b64_json
        files.append(
            sha256(base64.b64decode(content)).hexdigest() if content is not None else str(medium.url)
        )
    error = None if outcome.error is None else type(outcome.error).__name__
    print(json.dumps([outcome.index, outcome.job_id, error, files]), flush=True)


def run_sync(url: str, requests: list[Request], journal: str, unknown: str) -> None:
    with Oxen("soak", base_url=url) as oxen:
        outcomes = oxen.run_many(
            requests,
            max_in_flight=IN_FLIGHT,
            journal=journal,
            resend_unknown=unknown == "resend",
            reconcile=unknown == "reconcile",
        )
        for outcome in outcomes:
            print_outcome(outcome)


async def run_async(url: str, requests: list[Request], journal: str, unknown: str) -> None:
    async with AsyncOxen("soak", base_url=url) as oxen:
        outcomes = oxen.run_many(
            requests,
            max_in_flight=IN_FLIGHT,
            journal=journal,
            resend_unknown=unknown == "resend",
            reconcile=unknown == "reconcile",
        )
        async for outcome in outcomes:
            print_outcome(outcome)


def main(client: str, url: str, count: int, journal: str, unknown: str) -> None:
    """Run `count` requests with the client of that kind."""
    requests = [make_request(index) for index in range(count)]
    if client == "sync":
        run_sync(url, requests, journal, unknown)
    else:
        run(run_async(url, requests, journal, unknown))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5])
