"""Programs that call a hub, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

_TESTS = Path(__file__).parents[1]
# Longer than a program takes to write down where it hangs.
_GRACE_SECONDS = 10.0


def started(
    program: str, *arguments: str, seconds: int, output: IO[str], errors: IO[str]
) -> subprocess.Popen[bytes]:
    """A program that goes on; one that takes longer ends itself and says where it was."""
    path = os.pathsep.join(filter(None, [str(_TESTS), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "SOAK_SECONDS": str(seconds), "no_proxy": "127.0.0.1"}
    return subprocess.Popen(
        [sys.executable, "-m", f"soak.programs.{program}", *arguments],
        env=environment,
        stdout=output,
        stderr=errors,
    )


def run(program: str, *arguments: str, seconds: int) -> Any:
    """What a program found out, from start to exit.

    Raises:
        AssertionError: It failed, or it hung.
    """
    # Files, because whoever it forked could hold a pipe open.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = started(program, *arguments, seconds=seconds, output=output, errors=errors)
        try:
            code = process.wait(seconds + _GRACE_SECONDS)
        finally:
            process.kill()
            process.wait()
            said = text(errors)
        assert code == 0, f"{program} {' '.join(arguments)}: exit code {code}\n{said}"
        assert not said, f"{program} {' '.join(arguments)}: nothing was to be said:\n{said}"
        return json.loads(text(output))


def text(file: IO[str]) -> str:
    """All that a program has written so far."""
    file.seek(0)
    return file.read()
