"""Run the rows of a table with `tables.run`, `tables.run_async`, `run_many`, or a hand-written loop."""

from __future__ import annotations

import asyncio
import csv
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
from oxen_models import AsyncOxen, Oxen, tables
from oxen_models.images import QwenImageRequest

IN_FLIGHT = 32
_HEADERS = {"Authorization": "Bearer bench"}


def write_rows(path: Path, count: int) -> None:
    """Write a table of prompts."""
    path.write_text("id,text\n" + "".join(f"{number},prompt {number}\n" for number in range(count)))


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


async def loop(url: str, source: Path, sink: Path) -> None:
    """Send each row and poll for its result, as a program of a page would: no journal, events or costs."""
    rows = read_rows(source)
    with sink.open("w", newline="") as file:
        writer = csv.writer(file)

        async def work(client: httpx.AsyncClient) -> None:
            for row in rows:
                body = {"model": "qwen-image", "prompt": row["text"]}
                response = await client.post("/api/ai/queue", json=body)
                [generation] = response.raise_for_status().json()["generations"]
                while True:
                    response = await client.get(f"/api/ai/queue/{generation['generation_id']}")
                    record: dict[str, Any] = response.raise_for_status().json()
                    if record["status"] == "succeeded":
                        break
                    await asyncio.sleep(2)
                writer.writerow([row["id"], row["text"], record["result_url"], generation["generation_id"]])

        async with httpx.AsyncClient(base_url=url, headers=_HEADERS, timeout=60) as client:
            await asyncio.gather(*[work(client) for _ in range(IN_FLIGHT)])


def run_tables(url: str, source: Path, sink: Path) -> None:
    """Run the rows with the synchronous client."""
    with Oxen("bench", base_url=url) as oxen:
        tables.run(source, {"prompt": "text"}, sink, model="qwen-image", client=oxen, max_in_flight=IN_FLIGHT)


async def run_tables_async(url: str, source: Path, sink: Path) -> None:
    """Run the rows with the asynchronous client."""
    async with AsyncOxen("bench", base_url=url) as oxen:
        await tables.run_async(
            source, {"prompt": "text"}, sink, model="qwen-image", client=oxen, max_in_flight=IN_FLIGHT
        )


async def run_many(url: str, source: Path, sink: Path) -> None:
    """Run the requests of the rows without a table."""
    requests = (QwenImageRequest(prompt=row["text"]) for row in read_rows(source))
    async with AsyncOxen("bench", base_url=url) as oxen:
        async for outcome in oxen.run_many(requests, max_in_flight=IN_FLIGHT, journal=f"{sink}.journal"):
            assert outcome.error is None


def main(kind: str, url: str, count: int) -> None:
    """Run `count` rows, and print the seconds and the CPU seconds without start-up."""
    folder = Path(f"{kind}-{count}-{os.getpid()}")
    folder.mkdir()
    source, sink = folder / "in.csv", folder / "out.csv"
    write_rows(source, count)
    started, cpu = perf_counter(), sum(os.times()[:2])
    if kind == "sync":
        run_tables(url, source, sink)
    else:
        function = {"loop": loop, "async": run_tables_async, "run_many": run_many}[kind]
        asyncio.run(function(url, source, sink))
    print(perf_counter() - started, sum(os.times()[:2]) - cpu)
    if kind != "run_many":
        assert sum(1 for _ in sink.open()) == count + (kind != "loop")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
