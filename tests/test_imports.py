"""The import rules in pyproject.toml hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
GUIDE = PYPROJECT.parent / "docs" / "generator.md"
PACKAGE = PYPROJECT.parent / "codegen" / "oxen_codegen"
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


@pytest.mark.slow
def test_no_module_imports_upwards() -> None:
    """Modules import only the layers below them, and there are no cycles."""
    process = subprocess.run(
        [sys.executable, "-c", LINT], cwd=PYPROJECT.parent, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stdout + process.stderr


def test_generator_guide_lists_each_module() -> None:
    """The table of modules in the guide names each module or package of the generator once."""
    rows = re.findall(r"^\| \w* *\| (`.*?`) \|", GUIDE.read_text(encoding="utf-8"), re.M)
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    modules = {path.stem for path in PACKAGE.iterdir() if not path.name.startswith(("_", "py.typed"))}
    assert sorted(listed) == sorted(modules)
