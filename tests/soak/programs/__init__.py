"""Programs that run in their own process; one that hangs prints its stacks and exits."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_TIMEOUT = int(os.environ.get("SOAK_TIMEOUT", "0"))


def exit_after(seconds: int) -> None:
    """Print the stacks of all threads and exit after so many seconds; a forked child has to call it again."""
    if sys.platform == "win32":
        faulthandler.dump_traceback_later(seconds, exit=True)
    else:  # dump_traceback_later has a thread, for which a forked child would wait forever at its end
        faulthandler.register(signal.SIGALRM, chain=True)
        signal.alarm(seconds)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine like `asyncio.run`, and print where its tasks are shortly before the timeout."""

    async def run_watched() -> T:
        if _TIMEOUT:
            asyncio.get_running_loop().call_later(_TIMEOUT - 1, _print_tasks)
        return await main

    return asyncio.run(run_watched())


def _print_tasks() -> None:
    for task in asyncio.all_tasks():
        frames: list[str] = []
        awaited: Any = task.get_coro()
        while awaited is not None:
            frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
            if frame is not None:
                frames.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
            awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
        print(f"{task.get_name()} is at {' > '.join(frames)}", file=sys.stderr)


if _TIMEOUT:
    exit_after(_TIMEOUT)
