"""A bar that shows how far many requests are; rich draws it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import rich.progress
from rich.console import Console

from .progress import Progress


@contextmanager
def bar() -> Generator[Callable[[Progress], object]]:
    """What to call with each change; where there is no terminal, nothing is shown."""
    console = Console(file=sys.stderr)
    columns = (
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeElapsedColumn(),
    )
    with rich.progress.Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        task = shown.add_task("generating", total=None)

        def show(now: Progress) -> None:
            text = f"{now.in_flight} under way, {now.failed} failed"
            shown.update(task, description=text, completed=now.succeeded + now.failed, total=now.total)

        yield show
