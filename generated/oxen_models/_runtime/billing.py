# Copied by oxen-codegen from templates/package/_runtime/billing.py. Do not edit.
"""Warn about requests that are billed for more than they return."""

from __future__ import annotations

import warnings

from .callers import PACKAGE, count_package_frames
from .request import Request, RequestLike


class BilledNotReturnedWarning(UserWarning):
    """More results are billed than returned: only the first one is."""


def warn_if_billed_without_result(request: RequestLike) -> None:
    """Emit `BilledNotReturnedWarning` if a request has results that are billed and not returned."""
    if not isinstance(request, Request):
        return
    for name in request.billed_parameters:
        count = getattr(request, name)
        if isinstance(count, int) and count > 1:
            warnings.warn(
                f"{request.model_id}: {name}={count} bills {count} results and returns only the first",
                BilledNotReturnedWarning,
                stacklevel=count_package_frames() + 1,
            )


BilledNotReturnedWarning.__module__ = PACKAGE
