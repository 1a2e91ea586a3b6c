"""The progress of `run_many`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from .errors import ConfigurationError
from .extras import describe_missing_extra


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run."""

    succeeded: int
    failed: int
    in_flight: int
    """How many requests are under way."""
    total: int | None
    """How many requests there are; None for an iterator."""


@contextmanager
def observed(progress: bool | Callable[[Progress], object]) -> Generator[Callable[[Progress], object]]:
    """What to call with each change.

    Raises:
        ConfigurationError: A bar is asked for, and rich is not installed.
    """
    if callable(progress):
        yield progress
    elif not progress:
        yield lambda _: None
    else:
        with _bar() as show:
            yield show


def _bar() -> AbstractContextManager[Callable[[Progress], object]]:
    try:
        from .bar import bar
    except ImportError:
        pass
    else:
        return bar()
    raise ConfigurationError(describe_missing_extra("progress=True", "rich", "progress"))
