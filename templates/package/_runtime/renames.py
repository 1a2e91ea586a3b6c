"""Accept renamed parameters under their old names at run time, with a `DeprecationWarning`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

CallableT = TypeVar("CallableT", bound=Callable[..., Any])


def renamed(**names: str) -> Callable[[CallableT], CallableT]:
    """Decorate a call or a request class to accept parameters under their old names as well.

    Args:
        names: The new name of each parameter by its old name.
    """

    def decorate(call: CallableT) -> CallableT:
        decorated: Any = call
        if isinstance(decorated, type):
            decorated.__init__ = _accept_old_names(decorated.__init__, names)  # type: ignore[misc]
            return call
        return cast(CallableT, _accept_old_names(call, names))

    return decorate


def _accept_old_names(call: Callable[..., Any], names: Mapping[str, str]) -> Callable[..., Any]:
    @wraps(call)
    def wrapper(*args: Any, **parameters: Any) -> Any:
        return call(*args, **_translate(parameters, names))

    return wrapper


def _translate(parameters: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    for old, new in names.items():
        if old in parameters:
            if new in parameters:
                raise TypeError(f"{old!r} was renamed to {new!r}; pass only {new!r}")
            warnings.warn(f"{old!r} was renamed to {new!r}", DeprecationWarning, stacklevel=3)
            parameters = {new if name == old else name: value for name, value in parameters.items()}
    return parameters
