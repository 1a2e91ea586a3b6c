# Copied by oxen-codegen from templates/package/_runtime/progress.py. Do not edit.
"""The progress of `run_many`: the value and the ways to report it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from .errors import ConfigurationError
from .extras import describe_missing_extra


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a batch run."""

    succeeded: int
    failed: int
    in_flight: int
    """The number of requests that were started and have no outcome yet."""
    total: int | None
    """The number of all requests; None if they come from an iterator."""


def progress_callback(
    progress: bool | Callable[[Progress], object],
) -> AbstractContextManager[Callable[[Progress], object]]:
    """Return a context manager whose value is called with each change of the progress.

    Args:
        progress: The function to call, True for a progress bar, or False for neither.

    Raises:
        ConfigurationError: `progress` is True, and rich is not installed. Raised on entering the context.
    """
    if callable(progress):
        return nullcontext(progress)
    return _show_progress() if progress else nullcontext(lambda _: None)


@contextmanager
def _show_progress() -> Generator[Callable[[Progress], object]]:
    with progress_bar() as update:

        def show(progress: Progress) -> None:
            description = f"{progress.in_flight} in progress, {progress.failed} failed"
            update(description, progress.succeeded + progress.failed, progress.total)

        yield show


@contextmanager
def progress_bar() -> Generator[Callable[[str, int, int | None], object]]:
    """Show a progress bar on a terminal during the block; without a terminal, show nothing.

    The value of the context is called with a description, the number of completed items, and the number of
    all items or None.

    Raises:
        ConfigurationError: rich is not installed.
    """
    try:
        import rich.progress
        from rich.console import Console
    except ImportError:
        raise ConfigurationError(describe_missing_extra("progress=True", "rich", "progress")) from None
    console = Console(file=sys.stderr)
    columns = (
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeElapsedColumn(),
    )
    with rich.progress.Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("generating", total=None)
        yield lambda text, completed, total: bar.update(
            task, description=text, completed=completed, total=total
        )
