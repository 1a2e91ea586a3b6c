# Copied by oxen-codegen from templates/package/_runtime/callers.py. Do not edit.
"""The callers of the package, for warnings."""

from __future__ import annotations

from inspect import currentframe

PACKAGE = __name__.partition(".")[0]


def count_package_frames() -> int:
    """Return the number of frames between the caller and its first caller outside this package."""
    frame = currentframe()
    count = -1
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == PACKAGE:
        frame, count = frame.f_back, count + 1
    return max(count, 1)
