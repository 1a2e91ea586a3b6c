"""Format generated Python files with ruff."""

from __future__ import annotations

import subprocess
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from .diagnostics import CodegenError
from .render import LINE_LENGTH


def format_tree(folder: Path) -> None:
    """Format every Python file below `folder`.

    Raises:
        CodegenError: A file is not valid Python.
        ModuleNotFoundError: ruff is not installed.
    """
    # --isolated: a ruff configuration of the user must not change the generated files.
    options = ["--isolated", "--no-cache", f"--line-length={LINE_LENGTH}", "--target-version=py311"]
    done = subprocess.run(
        [_find_ruff(), "format", *options, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CodegenError(f"ruff could not format the package: {done.stderr.strip()}")


def _find_ruff() -> str:
    """Return the path of the installed ruff.

    It is not run with `python -m ruff`, which would execute a module `ruff` of the working directory.
    """
    name = f"ruff{sysconfig.get_config_var('EXE') or ''}"
    schemes = (sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user"))
    files = [Path(sysconfig.get_path("scripts", scheme), name) for scheme in schemes]
    found = next((file for file in files if file.is_file()), None)
    if found is None or find_spec("ruff") is None:
        raise ModuleNotFoundError("ruff is not installed", name="ruff")
    return str(found)
