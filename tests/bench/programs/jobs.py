"""Submit jobs and wait for all of them; print the times of the last submission and of each result."""

import asyncio
import json
import sys
import time

from oxen_models import AsyncImageResult, AsyncJob, AsyncOxen


async def main(url: str, count: int) -> None:
    received: dict[str, float] = {}

    async def wait(job: AsyncJob[AsyncImageResult]) -> None:
        await job.result()
        received[job.id] = time.monotonic()

    async with AsyncOxen(api_key="any", base_url=url) as oxen:
        model = oxen.images.qwen_image_edit_plus
        pictures = ["https://example.com/dog.png"]
        jobs = await asyncio.gather(
            *(model.submit(prompt="Add a funny hat", input_image=pictures) for _ in range(count))
        )
        submitted = time.monotonic()
        await asyncio.gather(*map(wait, jobs))
    print(json.dumps([submitted, received]))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
