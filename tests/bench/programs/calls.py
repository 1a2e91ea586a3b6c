"""Call a server with the package and with httpx alone, in turns; print both medians as JSON."""

import json
import sys
from statistics import median
from time import perf_counter

import httpx
from oxen_models import Oxen

PROMPT = "Add a funny hat"
PICTURES = ["https://example.com/dog.png"]
BODY = {"model": "qwen-image-edit-plus", "prompt": PROMPT, "input_image": PICTURES}
WARM_UP = 50

url, calls = sys.argv[1], int(sys.argv[2])
oxen = Oxen(api_key="any", base_url=url)
edit = oxen.images.qwen_image_edit_plus.edit
client = httpx.Client(headers={"authorization": "Bearer any", "user-agent": "bench"})
address = f"{url}/api/ai/images/edit"

ours: list[float] = []
bare: list[float] = []
for _ in range(WARM_UP + calls):
    started = perf_counter()
    result = edit(prompt=PROMPT, input_image=PICTURES)
    between = perf_counter()
    response = client.post(address, json=BODY)
    payload = json.loads(response.content)
    ended = perf_counter()
    assert len(result.images) == len(payload["images"]) == 1
    ours.append(between - started)
    bare.append(ended - between)

print(json.dumps([median(ours[WARM_UP:]), median(bare[WARM_UP:])]))
