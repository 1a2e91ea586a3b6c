# Copied by oxen-codegen from templates/package/_runtime/batch_options.py. Do not edit.
"""The options of a batch run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from os import PathLike
from typing import TYPE_CHECKING, Any, get_args

from .arguments import check_flag, check_function, check_progress
from .budget import Budget, Unpriced
from .errors import ConfigurationError
from .paths import expand_path
from .pricing import validate_dollars
from .progress import Progress
from .settings import validate_timeout

if TYPE_CHECKING:
    from .journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """The options of `run_many`."""

    max_in_flight: int = 16
    journal: str | PathLike[str] | None = None
    key: Callable[[Any], str] | None = None
    resend_unknown: bool = False
    reconcile: bool = False
    timeout: float | None = None
    max_consecutive_failures: int | None = None
    progress: bool | Callable[[Progress], object] = False
    budget: Decimal | int | None = None
    unpriced: Unpriced = "refuse"
    find_key: Callable[[int], str] | None = None
    """Returns the key of the request with an index, in place of `key`; all keys are known to differ."""
    fill_journal: Callable[[Journal], object] | None = None
    """Called with the journal before anything is sent; it may block."""
    reads_in_thread: bool = False
    """Whether the async client iterates over the requests in a thread, because that reads files."""

    def validate(self) -> None:
        """Raise if an option is invalid.

        Raises:
            ConfigurationError: An option is out of range or has another type, or requires a journal and there
                is none.
        """
        _validate_count("max_in_flight", self.max_in_flight)
        if self.max_consecutive_failures is not None:
            _validate_count("max_consecutive_failures", self.max_consecutive_failures)
        if self.timeout is not None:
            validate_timeout(self.timeout)
        if self.budget is not None:
            validate_dollars("budget", self.budget)
        if self.unpriced not in get_args(Unpriced):
            raise ConfigurationError(f"unpriced must be 'refuse' or 'allow', got {self.unpriced!r:.40}")
        check_progress(self.progress)
        check_flag("resend_unknown", self.resend_unknown)
        check_flag("reconcile", self.reconcile)
        if self.key is not None:
            check_function("key", self.key)
        for name in ("key", "resend_unknown", "reconcile"):
            if getattr(self, name) and self.journal is None:
                raise ConfigurationError(f"{name} requires a journal: pass journal=")

    @property
    def journal_path(self) -> str | None:
        """The path of the journal; None without one.

        Raises:
            ConfigurationError: `journal` is not a path.
        """
        return None if self.journal is None else expand_path("journal", self.journal)

    def create_budget(self) -> Budget | None:
        """Return the budget of a run; None without one."""
        return None if self.budget is None else Budget(Decimal(self.budget), self.unpriced)


def _validate_count(name: str, value: int) -> None:
    is_integer = isinstance(value, int) and not isinstance(value, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not is_integer or value < 1:
        raise ConfigurationError(f"{name} must be a positive integer, got {value!r:.40}")
