"""The import rules in pyproject.toml hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def test_no_module_imports_upwards() -> None:
    """Modules import only the layers below them, and there are no cycles."""
    process = subprocess.run(
        [sys.executable, "-c", LINT], cwd=PYPROJECT.parent, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stdout + process.stderr
