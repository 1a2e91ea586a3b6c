# Copied by oxen-codegen from templates/package/_runtime/table_progress.py. Do not edit.
"""The progress of a table run."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from .progress import progress_bar


@dataclass(frozen=True, slots=True)
class TableProgress:
    """The progress of a table run, and its end."""

    succeeded: int
    """The rows with the status `succeeded` of this run."""
    failed: int
    """The rows with another status of this run."""
    skipped: int
    """The rows that an earlier run has finished, as far as the source was read."""
    in_flight: int
    """The rows that were started and are not written yet."""
    total: int | None
    """The number of all rows; None if they come from an iterator."""
    spent: Decimal
    """Dollars that the finished rows cost, including those of earlier runs. Unknown costs are not in it."""
    left: Decimal | None
    """Dollars of the budget that are not spent; None without a budget."""
    seconds: float
    """The time since the run began."""

    @property
    def rate(self) -> float:
        """The number of rows of this run in a second."""
        return (self.succeeded + self.failed) / self.seconds if self.seconds else 0.0


ProgressLike: TypeAlias = bool | Callable[[TableProgress], object]


def table_callback(progress: ProgressLike) -> AbstractContextManager[Callable[[TableProgress], object]]:
    """Return a context manager whose value is called with each change, as `progress_callback` does.

    Raises:
        ConfigurationError: `progress` is True, and rich is not installed. Raised on entering the context.
    """
    if callable(progress):
        return nullcontext(progress)
    return _show_progress() if progress else nullcontext(lambda _: None)


@contextmanager
def _show_progress() -> Generator[Callable[[TableProgress], object]]:
    with progress_bar() as update:

        def show(progress: TableProgress) -> None:
            left = "" if progress.left is None else f", ${progress.left:.2f} left"
            text = (
                f"{progress.rate:.1f} rows/s, {progress.in_flight} in progress, {progress.failed} failed, "
                f"${progress.spent:.2f} spent{left}"
            )
            update(text, progress.skipped + progress.succeeded + progress.failed, progress.total)

        yield show
