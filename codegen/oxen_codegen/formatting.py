"""Format generated Python files with ruff."""

from __future__ import annotations

import subprocess
import sys
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
    if find_spec("ruff") is None:
        raise ModuleNotFoundError("ruff is not installed", name="ruff")
    # --isolated: a ruff configuration of the user must not change the generated files.
    options = ["--isolated", "--no-cache", f"--line-length={LINE_LENGTH}", "--target-version=py311"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", *options, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CodegenError(f"ruff could not format the package: {done.stderr.strip()}")
