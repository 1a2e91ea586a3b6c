# Copied by oxen-codegen from templates/package/_runtime/_sync/threads.py. Do not edit.
"""Functions that the async client runs in threads, such as file I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MAY_BLOCK = True
"""Whether a call may block the thread that it is made in, as by file I/O."""
open_file = open


def run_blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function. The async implementation runs it in a thread."""
    return function(*args, **kwargs)


def iterate_blocking(items: Iterable[T]) -> Iterable[T]:
    """Return an iterable. The async implementation produces its items in a thread."""
    return items
