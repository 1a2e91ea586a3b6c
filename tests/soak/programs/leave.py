"""Start a run and leave it in one way."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from oxen_models import AsyncOxen, Oxen
from oxen_models.images import QwenImageRequest

COUNT = 24
_COMMON_WAYS = ("break", "exception", "close", "client", "exit", "ctrl_c", "two_ctrl_c")
WAYS = {"sync": _COMMON_WAYS, "async": (*_COMMON_WAYS, "timeout", "cancel", "loop")}
_LEAVE_AFTER = COUNT // 4


class _LeaveError(Exception):
    """The exception that a loop is left by."""


def leave_sync(way: str, url: str, journal: str, requests: list[QwenImageRequest]) -> None:
    """Leave a run of the synchronous client."""
    with Oxen("soak", base_url=url) as oxen:
        run = oxen.run_many(requests, journal=journal)
        for number, _ in enumerate(run):
            if number < _LEAVE_AFTER:
                continue
            match way:
                case "break":
                    break
                case "exception":
                    raise _LeaveError
                case "close":
                    run.close()
                case "client":
                    oxen.close()
                case "exit":
                    sys.exit(3)
                case _:
                    pass


async def leave_async(way: str, url: str, journal: str, requests: list[QwenImageRequest]) -> None:
    """Leave a run of the asynchronous client."""
    async with AsyncOxen("soak", base_url=url) as oxen:
        run = oxen.run_many(requests, journal=journal)

        async def iterate(leave: Callable[[], Any]) -> None:
            number = 0
            async for _ in run:
                number += 1
                if number > _LEAVE_AFTER:
                    await leave()
                    if way == "break":
                        break

        async def do_nothing() -> None:
            pass

        async def raise_error() -> None:
            raise _LeaveError

        async def leave_process() -> None:
            sys.exit(3)

        match way:
            case "timeout":
                async with asyncio.timeout(None) as scope:

                    async def expire() -> None:
                        scope.reschedule(0)

                    await iterate(expire)
            case "cancel" | "loop":
                task = asyncio.create_task(iterate(do_nothing))
                while len(asyncio.all_tasks()) < _LEAVE_AFTER:
                    await asyncio.sleep(0)
                if way == "cancel":
                    task.cancel()
            case "exception":
                await iterate(raise_error)
            case "exit":
                await iterate(leave_process)
            case "close":
                await iterate(run.aclose)
            case "client":
                await iterate(oxen.aclose)
            case _:
                await iterate(do_nothing)


def main(client: str, way: str, url: str, journal: str) -> None:
    """Leave a run with the client of that kind."""
    requests = [QwenImageRequest(prompt=f"number {index}") for index in range(COUNT)]
    try:
        if client == "sync":
            leave_sync(way, url, journal, requests)
        else:
            asyncio.run(leave_async(way, url, journal, requests))
    except (_LeaveError, TimeoutError):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
