"""Call a server with the package, and with httpx without and with keep-alive; print the medians as JSON."""

import json
import sys
from collections.abc import Callable
from functools import partial
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
headers = {"authorization": "Bearer any", "user-agent": "bench"}
without_keepalive = httpx.Client(headers=headers, limits=httpx.Limits(max_keepalive_connections=0))
with_keepalive = httpx.Client(headers=headers)
address = f"{url}/api/ai/images/edit"


def call_with_package() -> None:
    assert len(edit(prompt=PROMPT, input_image=PICTURES).images) == 1


def call_with_httpx(client: httpx.Client) -> None:
    response = client.post(address, json=BODY)
    assert len(json.loads(response.content)["images"]) == 1


programs: tuple[Callable[[], None], ...] = (
    call_with_package,
    partial(call_with_httpx, without_keepalive),
    partial(call_with_httpx, with_keepalive),
)
seconds: list[list[float]] = [[] for _ in programs]
for _ in range(WARM_UP + calls):
    for call, times in zip(programs, seconds, strict=True):
        started = perf_counter()
        call()
        times.append(perf_counter() - started)

print(json.dumps([median(times[WARM_UP:]) for times in seconds]))
