"""Programs of their own; what hangs says where, and ends."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_SECONDS = int(os.environ.get("SOAK_SECONDS", "0"))


def watched(seconds: int) -> None:
    """Have this process say where its threads are, and end, after so many seconds; a fork asks anew."""
    if sys.platform == "win32":
        faulthandler.dump_traceback_later(seconds, exit=True)
    else:  # that which is above has a thread, which a fork would wait for in vain at its end
        faulthandler.register(signal.SIGALRM, chain=True)
        signal.alarm(seconds)


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`; what hangs says where its tasks are, too."""

    async def told() -> T:
        if _SECONDS:
            asyncio.get_running_loop().call_later(_SECONDS - 1, _tell)
        return await main

    return asyncio.run(told())


def _tell() -> None:
    for task in asyncio.all_tasks():
        places: list[str] = []
        awaited: Any = task.get_coro()
        while awaited is not None:
            frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
            if frame is not None:
                places.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
            awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
        print(f"{task.get_name()} is at {' > '.join(places)}", file=sys.stderr)


if _SECONDS:
    watched(_SECONDS)
