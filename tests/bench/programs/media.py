"""Send or receive a large file with the package or with httpx alone, and print what it took.

Arguments: the address of the server, the name of a function, the file to send, and the path to save to.
Prints as JSON the seconds, the peak memory in megabytes above that before, and with a name in `_async` the
longest pause of the event loop in seconds.
"""

import asyncio
import base64
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
from oxen_models import AsyncOxen, Oxen

URL, WAY, SOURCE, TARGET = sys.argv[1:]
SMALL = "https://example.com/dog.png"
INLINE = "https://example.com/inline.png"
"""An input for which the server responds with the content of a file in place of its URL."""

OPTIONS: Any = {"base_url": URL, "max_inline": 2**28}
"""Of the clients; the files are larger than `max_inline` is by default."""


def read_memory(name: str) -> float:
    """Return a size in /proc/self/status, in megabytes."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    [line] = [line for line in status.splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) / 1024


def send(oxen: Any, image: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[image])


def body_of(content: bytes) -> dict[str, Any]:
    uri = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return {"model": "qwen-image-edit-plus", "prompt": "x", "input_image": [uri]}


def send_path(oxen: Oxen) -> None:
    send(oxen, Path(SOURCE))


def send_bytes(oxen: Oxen) -> None:
    send(oxen, Path(SOURCE).read_bytes())


def send_with_httpx(http: httpx.Client) -> None:
    http.post(f"{URL}/api/ai/images/edit", json=body_of(Path(SOURCE).read_bytes())).raise_for_status()


def save(oxen: Oxen) -> None:
    send(oxen, SMALL).images[0].save(TARGET)


def read(oxen: Oxen) -> None:
    send(oxen, SMALL).images[0].read()


def read_inline(oxen: Oxen) -> None:
    send(oxen, INLINE).images[0].read()


def read_inline_with_httpx(http: httpx.Client) -> None:
    body = http.post(f"{URL}/api/ai/images/edit", json={"input_image": [INLINE]}).json()
    base64.b64decode(body["images"][0]["b64_json"])


def save_with_httpx(http: httpx.Client) -> None:
    with http.stream("GET", f"{URL}/made") as response, open(TARGET, "wb") as file:
        for chunk in response.iter_bytes():
            file.write(chunk)


def read_with_httpx(http: httpx.Client) -> None:
    http.get(f"{URL}/made").raise_for_status()


async def send_path_async(oxen: AsyncOxen) -> None:
    await send(oxen, Path(SOURCE))


async def send_bytes_async(oxen: AsyncOxen) -> None:
    await send(oxen, await asyncio.to_thread(Path(SOURCE).read_bytes))


async def send_with_httpx_async(http: httpx.AsyncClient) -> None:
    content = await asyncio.to_thread(Path(SOURCE).read_bytes)
    (await http.post(f"{URL}/api/ai/images/edit", json=body_of(content))).raise_for_status()


async def save_async(oxen: AsyncOxen) -> None:
    await (await send(oxen, SMALL)).images[0].save(TARGET)


async def read_async(oxen: AsyncOxen) -> None:
    await (await send(oxen, SMALL)).images[0].read()


async def read_inline_async(oxen: AsyncOxen) -> None:
    await (await send(oxen, INLINE)).images[0].read()


async def read_inline_with_httpx_async(http: httpx.AsyncClient) -> None:
    response = await http.post(f"{URL}/api/ai/images/edit", json={"input_image": [INLINE]})
    base64.b64decode(response.json()["images"][0]["b64_json"])


async def save_with_httpx_async(http: httpx.AsyncClient) -> None:
    async with http.stream("GET", f"{URL}/made") as response:
        with open(TARGET, "wb") as file:
            async for chunk in response.aiter_bytes():
                file.write(chunk)


async def read_with_httpx_async(http: httpx.AsyncClient) -> None:
    (await http.get(f"{URL}/made")).raise_for_status()


async def idle_async(http: httpx.AsyncClient) -> None:
    """Do nothing for as long as a transfer takes, to measure the pauses of the machine."""
    await asyncio.sleep(1)


def measure() -> tuple[float, float]:
    """Return seconds and megabytes of a transfer in the calling thread."""
    use: Callable[[Any], None] = globals()[WAY]
    with httpx.Client(timeout=60) if "httpx" in WAY else Oxen("key", **OPTIONS) as client:
        warm_up(client)
        before, started = reset_peak(), perf_counter()
        use(client)
        return perf_counter() - started, read_memory("VmHWM") - before


async def measure_async() -> tuple[float, float, float]:
    """Return seconds, megabytes, and the longest time in which the event loop ran no other task."""
    use: Callable[[Any], Awaitable[None]] = globals()[WAY]
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        last = perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = perf_counter()
            longest, last = max(longest, now - last), now

    client: Any = httpx.AsyncClient(timeout=60) if "httpx" in WAY else AsyncOxen("key", **OPTIONS)
    async with client:
        await (warm_up(client) or asyncio.sleep(0))
        task = asyncio.create_task(beat())
        await asyncio.sleep(0.01)
        before, started = reset_peak(), perf_counter()
        await use(client)
        seconds = perf_counter() - started
        await asyncio.sleep(0.01)
        task.cancel()
        return seconds, read_memory("VmHWM") - before, longest


def warm_up(client: Any) -> Any:
    """Make a call, so that imports and the first connection are not measured."""
    return send(client, SMALL) if isinstance(client, Oxen | AsyncOxen) else None


def reset_peak() -> float:
    """Forget the peak of memory and return the present use in megabytes."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return read_memory("VmRSS")


print(json.dumps(asyncio.run(measure_async()) if WAY.endswith("_async") else measure()))
