"""The main job in one screen: fetch, generate, and call by all three transports.

On the stand-in hub: no key, no network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from oxen_models.testing import Hub

CALL = """
from inspect import signature
from time import sleep
from oxen_models import InvalidRequestError, Oxen

oxen = Oxen(base_url="{url}")
model = oxen.images.qwen_image_edit_plus
print("    qwen_image_edit_plus.edit(")
for parameter in signature(model.edit).parameters.values():
    print(f"        {{parameter}},")
print("    )")

try:
    model.edit(prompt="Add a funny hat", input_image=["dog.png"], aspect_ratio="16:10")
except InvalidRequestError as error:
    print(f"\\nA wrong value costs nothing:\\n{{error}}")

dog = "https://example.com/dog.png"
print("\\n1. The blocking call")
edited = model.edit(prompt="Add a funny hat", input_image=[dog])
print(f"   saved {{edited.images[0].save('{folder}/hat.png')}}")

print("\\n2. The queue, asked again and again")
job = model.submit(prompt="Add a funny hat", input_image=[dog])
while job.refresh().status not in ("succeeded", "failed", "cancelled"):
    print(f"   {{job}}")
    sleep(0.1)
print(f"   saved {{job.result().images[0].save('{folder}/queued.png')}}")

print("\\n3. The queue, and an event that says when it is done")
job = model.submit(prompt="Add a funny hat", input_image=[dog])
edited = job.result(timeout=60, on_status=lambda status: print(f"   {{status}}"))
print(f"   saved {{edited.images[0].save('{folder}/event.png')}}")
oxen.close()
"""


def run(*command: str, show: str) -> None:
    print(f"\n$ {show}", flush=True)
    subprocess.run([sys.executable, *command], check=True, env=ENVIRONMENT)


folder = Path(tempfile.mkdtemp(prefix="oxen-models-demo-"))
schemas = folder / "schemas"
# The package that is generated here is the one that is imported here.
ENVIRONMENT = {**os.environ, "OXEN_API_KEY": "any-key-will-do", "PYTHONPATH": str(folder)}

with Hub() as hub:
    print(f"A stand-in for the hub runs at {hub.url}. The real one is not asked.")
    print(f"What is made here goes to {folder}.")
    codegen = ["-m", "oxen_codegen"]
    run(
        *codegen, "fetch", "--all", "--base-url", hub.url, "--schemas", str(schemas),
        show="oxen-codegen fetch --all",
    )  # fmt: skip
    run(
        *codegen, "generate", "--schemas", str(schemas), "--output", str(folder),
        show="oxen-codegen generate",
    )  # fmt: skip
    run("-c", CALL.format(url=hub.url, folder=folder), show="python edit.py")
