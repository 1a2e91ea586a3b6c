"""Warn about requests that are billed for more than they return."""

from __future__ import annotations

import warnings
from inspect import currentframe

from .request import Request, RequestLike

_PACKAGE = __name__.partition(".")[0]


class BilledNotReturnedWarning(UserWarning):
    """More results are billed than returned: only the first one is."""


def warn_if_billed_without_result(request: RequestLike) -> None:
    """Emit `BilledNotReturnedWarning` if a request asks for results that are billed and not returned."""
    if not isinstance(request, Request):
        return
    for name in request.billed_parameters:
        count = getattr(request, name)
        if isinstance(count, int) and count > 1:
            warnings.warn(
                f"{request.model_id}: {name}={count} bills {count} results and returns only the first",
                BilledNotReturnedWarning,
                stacklevel=_count_package_frames() + 1,
            )


def _count_package_frames() -> int:
    """Return the number of frames between the caller and its first caller outside this package."""
    frame = currentframe()
    count = -1
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == _PACKAGE:
        frame, count = frame.f_back, count + 1
    return max(count, 1)


BilledNotReturnedWarning.__module__ = _PACKAGE
