"""Parameters under the names they had, for one minor version: at run time only."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

C = TypeVar("C", bound=Callable[..., Any])


def renamed(**names: str) -> Callable[[C], C]:
    """Have a call, or a request class, take parameters under old names, too.

    Args:
        names: The new name of each, by the old one.
    """

    def decorated(call: C) -> C:
        made: Any = call
        if isinstance(made, type):
            made.__init__ = _taking(made.__init__, names)  # type: ignore[misc]
            return call
        return cast(C, _taking(call, names))

    return decorated


def _taking(call: Callable[..., Any], names: Mapping[str, str]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(call):

        @wraps(call)
        async def take_later(*args: Any, **parameters: Any) -> Any:
            return await call(*args, **_now(parameters, names))

        return take_later

    @wraps(call)
    def take(*args: Any, **parameters: Any) -> Any:
        return call(*args, **_now(parameters, names))

    return take


def _now(parameters: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    for old, new in names.items():
        if old in parameters:
            if new in parameters:
                raise TypeError(f"{old!r} is called {new!r} now: give one of them")
            warnings.warn(f"{old!r} is called {new!r} now", DeprecationWarning, stacklevel=3)
            parameters = {new if name == old else name: value for name, value in parameters.items()}
    return parameters
