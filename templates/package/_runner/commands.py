"""Shell commands that find jobs and save their files, for messages."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

FIND_JOB_HINT = "look for the job with: oxen-models history; save its files with: oxen-models result ID"
"""What to do after a submission of unknown outcome."""


def format_result_command(ids: Sequence[str], out: str | None) -> str:
    """Return the command that waits for jobs and saves their files.

    Args:
        ids: The ids of the jobs.
        out: The option of the destination; None for the current folder.
    """
    return shlex.join(["oxen-models", "result", *ids, *([] if out is None else ["-o", out])])
