"""The progress of a table run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from .progress import BarState


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


def describe_table_progress(progress: TableProgress) -> BarState:
    """Return what the progress bar of a table run shows."""
    left = "" if progress.left is None else f", ${progress.left:.2f} left"
    text = (
        f"{progress.rate:.1f} rows/s, {progress.in_flight} in progress, {progress.failed} failed, "
        f"${progress.spent:.2f} spent{left}"
    )
    return text, progress.skipped + progress.succeeded + progress.failed, progress.total
