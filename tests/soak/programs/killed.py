"""Run requests with a journal and tell each outcome, until this process is killed or all is done."""

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
# A picture that is none: the queue takes it, and the job fails.
BROKEN = "data:image/png;base64,b3hlbg=="


def request(index: int) -> Request:
    prompt = f"{index} an ox"
    match index % 15:
        case 0:
            return BytedanceSeedAudio10Request(prompt=prompt)
        case 7:  # as base64 in the answer, and so a file beside the journal
            return BytedanceSeedAudio10Request(prompt=prompt, response_format="b64_json")
        case 3 | 4 | 11:
            return WanAiWan21T2v13bDiffusersRequest(prompt=prompt)
        case 5:
            return QwenImageEditPlusRequest(prompt=prompt, input_image=[BROKEN])
        case _:
            return QwenImageRequest(prompt=prompt)


def tell(outcome: Outcome | AsyncOutcome) -> None:
    files: list[str] = []
    for medium in outcome.result.media if outcome.result is not None else ():
        content = medium.b64_json
        files.append(
            sha256(base64.b64decode(content)).hexdigest() if content is not None else str(medium.url)
        )
    error = None if outcome.error is None else type(outcome.error).__name__
    print(json.dumps([outcome.index, outcome.job_id, error, files]), flush=True)


def outcomes(url: str, requests: list[Request], journal: str, resend_unknown: bool) -> None:
    with Oxen("soak", base_url=url) as oxen:
        many = oxen.run_many(
            requests, max_in_flight=IN_FLIGHT, journal=journal, resend_unknown=resend_unknown
        )
        for each in many:
            tell(each)


async def async_outcomes(url: str, requests: list[Request], journal: str, resend_unknown: bool) -> None:
    async with AsyncOxen("soak", base_url=url) as oxen:
        many = oxen.run_many(
            requests, max_in_flight=IN_FLIGHT, journal=journal, resend_unknown=resend_unknown
        )
        async for each in many:
            tell(each)


def main(client: str, url: str, count: int, journal: str, resend_unknown: bool) -> None:
    requests = [request(index) for index in range(count)]
    if client == "sync":
        outcomes(url, requests, journal, resend_unknown)
    else:
        run(async_outcomes(url, requests, journal, resend_unknown))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5] == "resend")
