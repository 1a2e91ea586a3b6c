# Copied by oxen-codegen from templates/package/_runtime/progress.py. Do not edit.
"""The progress of `run_many`: the value and the ways to report it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from .errors import ConfigurationError
from .extras import describe_missing_extra

ProgressT = TypeVar("ProgressT")
BarState: TypeAlias = tuple[str, int, int | None]
"""The text of a progress bar, the number of completed items, and the number of all items or None."""


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
    progress: bool | Callable[[ProgressT], object], describe: Callable[[ProgressT], BarState]
) -> AbstractContextManager[Callable[[ProgressT], object]]:
    """Return a context manager whose value is called with each change of the progress.

    Args:
        progress: The function to call, True for a progress bar, or False for neither.
        describe: Returns what the progress bar shows.

    Raises:
        ConfigurationError: `progress` is True, and rich is not installed. Raised on entering the context.
    """
    if callable(progress):
        return nullcontext(progress)
    return _show_progress(describe) if progress else nullcontext(lambda _: None)


def describe_progress(progress: Progress) -> BarState:
    """Return what the progress bar of a batch run shows."""
    text = f"{progress.in_flight} in progress, {progress.failed} failed"
    return text, progress.succeeded + progress.failed, progress.total


@contextmanager
def _show_progress(
    describe: Callable[[ProgressT], BarState],
) -> Generator[Callable[[ProgressT], object]]:
    """Show a progress bar on a terminal during the block; without a terminal, show nothing.

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

        def show(progress: ProgressT) -> None:
            text, completed, total = describe(progress)
            bar.update(task, description=text, completed=completed, total=total)

        yield show
