# Copied by oxen-codegen from templates/package/_runner/commands.py. Do not edit.
"""Commands that continue what an interface began."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def format_result_command(ids: Sequence[str], out: str | None) -> str:
    """Return the command that waits for jobs and saves their files.

    Args:
        ids: The ids of the jobs.
        out: The option of the destination; None for the current folder.
    """
    return shlex.join(["oxen-models", "result", *ids, *([] if out is None else ["-o", out])])
