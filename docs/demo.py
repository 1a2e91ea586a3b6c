"""Generate bindings, edit an image by all three transports, make a video, and run a batch of requests.

Runs on the stand-in server, without a key and without a network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from oxen_models.testing import Hub
from PIL import Image, ImageDraw

PROGRAM = """
import sys
from inspect import signature
from time import sleep

from oxen_models import InvalidRequestError, Oxen
from oxen_models.images import QwenImageRequest

with Oxen(base_url=sys.argv[1]) as oxen:
    model = oxen.images.qwen_image_edit_plus
    print("The generated signature of qwen_image_edit_plus.edit:")
    for parameter in signature(model.edit).parameters.values():
        print(f"    {parameter}")

    print("\\nA wrong value raises before anything is sent:")
    try:
        model.edit(prompt="Add a funny hat", input_image=["dog.png"], aspect_ratio="16:10")
    except InvalidRequestError as error:
        print(f"    {error}")

    print("\\n1. Edit an image with a blocking call")
    edited = model.edit(prompt="Add a funny hat", input_image=["dog.png"], output_format="png")
    print(f"    saved {edited.images[0].save('1-blocking.png')}")

    print("\\n2. Edit it in the queue, and poll the job")
    job = model.submit(prompt="Add a funny hat", input_image=["dog.png"], output_format="png")
    while job.refresh().status not in ("succeeded", "failed", "cancelled"):
        print(f"    {job}")
        sleep(0.1)
    print(f"    saved {job.result().images[0].save('2-polling.png')}")

    print("\\n3. Edit it in the queue, and wait for the event")
    job = model.submit(prompt="Add a funny hat", input_image=["dog.png"], output_format="png")
    edited = job.result(timeout=60, on_status=lambda status: print(f"    {status}"))
    print(f"    saved {edited.images[0].save('3-events.png')}")

    print("\\n4. Generate a video")
    video = oxen.videos.wan_v2_7_text_to_video.submit(prompt="A dog with a hat walks in the snow")
    print(f"    saved {video.result(timeout=60).videos[0].save('4-video.mp4')}")

    print("\\n5. Run a batch of eight requests")
    colours = ["red", "orange", "yellow", "green", "blue", "violet", "black", "white"]
    requests = [QwenImageRequest(prompt=f"A {colour} hat", output_format="png") for colour in colours]
    for outcome in oxen.run_many(requests, progress=True):
        if outcome.result:
            print(f"    saved {outcome.result.media[0].save(f'5-{colours[outcome.index]}-hat.png')}")
        else:
            print(f"    {colours[outcome.index]}: {outcome.error}")
"""


def run(title: str, *command: str) -> None:
    """Print a command and run it in the demo's folder."""
    print(f"\n$ {title}", flush=True)
    subprocess.run([sys.executable, *command], check=True, cwd=FOLDER, env=ENVIRONMENT)


def draw_dog(file: Path) -> None:
    """Write the image that is edited."""
    image = Image.new("RGB", (320, 240), "lightblue")
    draw = ImageDraw.Draw(image)
    draw.ellipse((90, 60, 230, 220), fill="peru")
    for ear in ((60, 50, 120, 140), (200, 50, 260, 140)):
        draw.ellipse(ear, fill="sienna")
    for eye_or_nose in ((125, 110, 143, 128), (177, 110, 195, 128), (148, 150, 172, 170)):
        draw.ellipse(eye_or_nose, fill="black")
    image.save(file)


FOLDER = Path(tempfile.mkdtemp(prefix="oxen-models-demo-"))
# Import the package that is generated here, not the one that is installed.
PATH = os.pathsep.join(filter(None, [str(FOLDER), os.environ.get("PYTHONPATH")]))
ENVIRONMENT = {**os.environ, "OXEN_API_KEY": "any-key", "PYTHONPATH": PATH, "no_proxy": "127.0.0.1"}

draw_dog(FOLDER / "dog.png")
(FOLDER / "calls.py").write_text(PROGRAM, encoding="utf-8")
with Hub() as hub:
    print(f"A stand-in for the API runs at {hub.url}; no request goes to the live one.")
    folders = ("--schemas", "schemas", "--output", ".")
    run(
        "oxen-codegen fetch --all",
        "-m",
        "oxen_codegen",
        "fetch",
        "--all",
        "--base-url",
        hub.url,
        *folders[:2],
    )
    run("oxen-codegen generate", "-m", "oxen_codegen", "generate", *folders)
    run(f"python calls.py {hub.url}", "calls.py", hub.url)
print(f"\nAll files are in {FOLDER}:")
for file in sorted(FOLDER.glob("*.*")):
    print(f"    {file.name}")
