"""Start the programs of the soak, each in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

_TESTS = Path(__file__).parents[1]
# Longer than a program needs to print where it hangs.
_GRACE_TIMEOUT = 10.0


def start_program(
    program: str, *arguments: str, timeout: int, output: IO[str], errors: IO[str]
) -> subprocess.Popen[bytes]:
    """Start a program that prints its stacks and exits after `timeout` seconds."""
    path = os.pathsep.join(filter(None, [str(_TESTS), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "SOAK_TIMEOUT": str(timeout), "no_proxy": "127.0.0.1"}
    return subprocess.Popen(
        [sys.executable, "-m", f"soak.programs.{program}", *arguments],
        env=environment,
        stdout=output,
        stderr=errors,
    )


def run_program(program: str, *arguments: str, timeout: int) -> Any:
    """Run a program to its end and return the JSON that it prints.

    Raises:
        AssertionError: It failed, printed an error, or hung.
    """
    # Files, because a forked child could keep a pipe open.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = start_program(program, *arguments, timeout=timeout, output=output, errors=errors)
        try:
            code = process.wait(timeout + _GRACE_TIMEOUT)
        finally:
            process.kill()
            process.wait()
            messages = read_text(errors)
        assert code == 0, f"{program} {' '.join(arguments)}: exit code {code}\n{messages}"
        assert not messages, f"{program} {' '.join(arguments)}: unexpected output\n{messages}"
        return json.loads(read_text(output))


def read_text(file: IO[str]) -> str:
    """Return all that was written to a file."""
    file.seek(0)
    return file.read()
