"""Run requests of 1 MB each with a journal."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from oxen_models import AsyncOxen, Oxen
from oxen_models.images import QwenImageEditPlusRequest

IN_FLIGHT = 16
_SIZE = 2**20
_HEAD = b"\x89PNG\r\n\x1a\n"


def requests(count: int) -> Iterator[QwenImageEditPlusRequest]:
    """Yield requests whose images differ."""
    rest = os.urandom(_SIZE - len(_HEAD) - 8)
    for number in range(count):
        image = _HEAD + number.to_bytes(8) + rest
        yield QwenImageEditPlusRequest(prompt=f"{number}", input_image=[image])


def run_sync(url: str, count: int, journal: Path) -> int:
    """Return the number of requests that succeeded."""
    with Oxen("bench", base_url=url) as oxen:
        run = oxen.run_many(requests(count), max_in_flight=IN_FLIGHT, journal=journal)
        return sum(outcome.error is None for outcome in run)


async def run_async(url: str, count: int, journal: Path) -> int:
    """Return the number of requests that succeeded."""
    succeeded = 0
    async with AsyncOxen("bench", base_url=url) as oxen:
        async for outcome in oxen.run_many(requests(count), max_in_flight=IN_FLIGHT, journal=journal):
            succeeded += outcome.error is None
    return succeeded


def main(client: str, url: str, count: int) -> None:
    """Run `count` requests with the client of that kind."""
    journal = Path(f"{client}-{count}.db")
    succeeded = (
        run_sync(url, count, journal) if client == "sync" else asyncio.run(run_async(url, count, journal))
    )
    assert succeeded == count, f"{succeeded} of {count} requests succeeded"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
