"""Do the same as jobs.py without asyncio: submit one job after another, then wait for one after another."""

import json
import sys
import time

from oxen_models import Oxen

url, count = sys.argv[1], int(sys.argv[2])
received: dict[str, float] = {}
with Oxen(api_key="any", base_url=url) as oxen:
    model = oxen.images.qwen_image_edit_plus
    pictures = ["https://example.com/dog.png"]
    jobs = [model.submit(prompt="Add a funny hat", input_image=pictures) for _ in range(count)]
    submitted = time.monotonic()
    for job in jobs:
        job.result()
        received[job.id] = time.monotonic()
print(json.dumps([submitted, received]))
