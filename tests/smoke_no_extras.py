"""Check an installation without extras: the client works, and all else names the extra that it needs.

`nox -s build` runs this script; pytest does not collect it.
"""

from __future__ import annotations

import subprocess
import sys

from oxen_models import ConfigurationError, Oxen


def check_command(extra: str, *command: str) -> None:
    """Raise AssertionError unless the command fails and names the extra."""
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 1, (command, done.returncode, done.stderr)
    assert f".[{extra}]" in done.stderr, (command, done.stderr)


client = Oxen("any")
assert client.images.qwen_image_edit_plus
try:
    client.model("any").load()
except ConfigurationError as error:
    message = str(error)
else:
    message = "no error"
assert ".[dynamic]" in message, message
for arguments in ([], ["fetch", "--all"], ["generate"], ["check"], ["diff"], ["update"]):
    check_command("codegen", "oxen_codegen", *arguments)
check_command("testing", "oxen_models.testing")
check_command("cli", "oxen_models")
