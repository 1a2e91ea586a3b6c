"""Do the same as jobs.py with httpx alone: poll each job every 3 seconds, as the vendor's example does."""

import asyncio
import json
import random
import sys
import time

import httpx

POLL_INTERVAL = 3.0
BODY = {
    "model": "qwen-image-edit-plus",
    "prompt": "Add a funny hat",
    "input_image": ["https://example.com/dog.png"],
}


async def main(address: str, count: int) -> None:
    received: dict[str, float] = {}
    # As many concurrent requests as the package sends; a pool with a thousand waiters is slow.
    limiter = asyncio.Semaphore(50)
    async with httpx.AsyncClient(headers={"authorization": "Bearer any"}, timeout=60) as client:

        async def submit() -> str:
            async with limiter:
                response = await client.post(address, json=BODY)
            id: str = response.json()["generations"][0]["generation_id"]
            return id

        async def wait(id: str) -> None:
            # All jobs take equally long, so a random start spreads their ends over the interval.
            await asyncio.sleep(random.uniform(0, POLL_INTERVAL))
            while True:
                async with limiter:
                    response = await client.get(f"{address}/{id}")
                if response.json()["status"] == "succeeded":
                    break
                await asyncio.sleep(POLL_INTERVAL)
            received[id] = time.monotonic()

        ids = await asyncio.gather(*(submit() for _ in range(count)))
        submitted = time.monotonic()
        await asyncio.gather(*map(wait, ids))
    print(json.dumps([submitted, received]))


asyncio.run(main(f"{sys.argv[1]}/api/ai/queue", int(sys.argv[2])))
