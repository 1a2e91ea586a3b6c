"""Modules of the working directory are never executed, whatever their names are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.lean import python_path
from helpers.models import make_model

pytestmark = pytest.mark.slow

# Modules that the generator imports or runs, and one that the interpreter imports for `-m`.
MODULES = ["black", "click", "datamodel_code_generator", "httpx", "jinja2", "pydantic", "ruff", "tomllib"]


@pytest.mark.parametrize(
    "start", [["-m", "oxen_codegen"], ["-c", "import oxen_codegen.__main__ as m; m.main()"]]
)
def test_generate_executes_no_module_of_project(start: list[str], tmp_path: Path) -> None:
    """A project with modules of the same names as the generator's dependencies executes none of them."""
    project = tmp_path / "project"
    schemas = project / "generated" / "oxen_models" / "schemas"
    schemas.mkdir(parents=True)
    (schemas / "a.json").write_text(json.dumps(make_model("a")))
    for name in MODULES:
        (project / f"{name}.py").write_text(f"raise SystemExit('executed {name}')")
    # An empty entry of PYTHONPATH is the working directory, too.
    environment = {**os.environ, "PYTHONPATH": python_path("", *sys.path)}
    done = subprocess.run(
        [sys.executable, *start, "generate"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (project / "generated" / "oxen_models" / "images" / "a.py").is_file()
