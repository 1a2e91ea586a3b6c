"""As jobs.py, with httpx alone: each job is asked for every 3 seconds, as the vendor's example does it."""

import asyncio
import json
import random
import sys
import time

import httpx

SECONDS = 3.0
BODY = {
    "model": "qwen-image-edit-plus",
    "prompt": "Add a funny hat",
    "input_image": ["https://example.com/dog.png"],
}


async def main(address: str, count: int) -> None:
    there: dict[str, float] = {}
    # A pool whose connections a thousand wait for is slow: at once only as many as ours.
    gate = asyncio.Semaphore(50)
    async with httpx.AsyncClient(headers={"authorization": "Bearer any"}, timeout=60) as client:

        async def submit() -> str:
            async with gate:
                response = await client.post(address, json=BODY)
            id: str = response.json()["generations"][0]["generation_id"]
            return id

        async def wait(id: str) -> None:
            # All jobs take equally long here: where in its 3 seconds one ends has to be left to chance.
            await asyncio.sleep(random.uniform(0, SECONDS))
            while True:
                async with gate:
                    response = await client.get(f"{address}/{id}")
                if response.json()["status"] == "succeeded":
                    break
                await asyncio.sleep(SECONDS)
            there[id] = time.monotonic()

        ids = await asyncio.gather(*(submit() for _ in range(count)))
        submitted = time.monotonic()
        await asyncio.gather(*map(wait, ids))
    print(json.dumps([submitted, there]))


asyncio.run(main(f"{sys.argv[1]}/api/ai/queue", int(sys.argv[2])))
