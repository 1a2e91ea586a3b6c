"""Type-check packages that only a test generates: one with a removed model, and one of a team's own models.

`nox -s types` runs this script.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
CHECKOUT = TESTS.parent / "generated"
IMAGE = {"type": "array", "items": {"type": "string", "renderType": "image-url"}}
SCHEMA = {
    "type": "object",
    "properties": {"prompt": {"type": "string"}, "input_image": IMAGE, "deprecated": {"type": "boolean"}},
    "required": ["prompt"],
}
REMOVED = {"on": "2026-07-01", "version": "0.2.0", "successor": "new-model"}
CALLS = """
from oxen_models import Oxen
from oxen_models.images import OldModelRequest
Oxen().images.old_model.edit(prompt='x', input_image=['a'])
OldModelRequest(prompt='x')
Oxen().images.old_model.submit(prompt='x', input_image=['a'])
Oxen().images.new_model.edit(prompt='x', input_image=['a'])
"""
DEPRECATED_LINES = {"mypy": [4, 6], "pyright": [4, 5, 6]}
"""mypy reports deprecated methods and classes, but not deprecated constructors."""
TEAM_CONFIG = """
[tool.oxen-codegen]
package = "acme_models"
output = "."
"""


def run(folder: Path, *command: str, check: bool = True) -> str:
    """Run a module of this environment in `folder` and return its output."""
    environment = {**os.environ, "MYPYPATH": os.pathsep.join((str(folder), str(CHECKOUT)))}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        sys.exit(f"{command[0]} failed with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def generate(folder: Path, schemas: Path, *models: dict[str, Any]) -> None:
    """Generate a package from the records of `models`."""
    schemas.mkdir(parents=True)
    for number, model in enumerate(models):
        (schemas / f"{number}.json").write_text(json.dumps(model), encoding="utf-8")
    run(folder, "oxen_codegen", "generate", "--schemas", str(schemas), "--output", str(folder))


def find_deprecated_lines(folder: Path) -> dict[str, list[int]]:
    """Return the lines of program.py that each checker reports as deprecated."""
    settings = {
        "typeCheckingMode": "strict",
        "extraPaths": ["."],
        "include": ["program.py", "oxen_models/images"],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    mypy = run(folder, "mypy", "--enable-error-code=deprecated", "program.py", check=False)
    pyright = json.loads(run(folder, "pyright", "--outputjson", "--pythonpath", sys.executable, check=False))
    diagnostics: list[dict[str, Any]] = pyright["generalDiagnostics"]
    unexpected = [item for item in diagnostics if item.get("rule") != "reportDeprecated"]
    if unexpected or any(Path(item["file"]).name != "program.py" for item in diagnostics):
        sys.exit(f"unexpected messages of pyright: {json.dumps(diagnostics, indent=2)}")
    return {
        "mypy": [
            int(line) for line in re.findall(r"^program\.py:(\d+):.*\[deprecated\]$", mypy, re.MULTILINE)
        ],
        "pyright": [item["range"]["start"]["line"] + 1 for item in diagnostics],
    }


def main() -> None:
    """Exit with a message if a checker reports too much or too little."""
    sys.path.insert(0, str(TESTS))
    from helpers.models import make_model

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        old = make_model("old-model", SCHEMA, endpoint="/images/edit", removed=REMOVED)
        new = make_model("new-model", SCHEMA, endpoint="/images/edit")
        generate(folder, folder / "schemas", old, new)
        (folder / "program.py").write_text(CALLS, encoding="utf-8")
        found = find_deprecated_lines(folder)
        if found != DEPRECATED_LINES:
            sys.exit(f"deprecated lines must be {DEPRECATED_LINES}, got {found}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "pyproject.toml").write_text(TEAM_CONFIG, encoding="utf-8")
        generate(folder, folder / "acme_models" / "schemas", make_model("oxen:ox-boots"), make_model("hats"))
        run(folder, "mypy", "--strict", "acme_models")
    print("removed models are reported as deprecated; a package of a team's own models passes mypy --strict")


if __name__ == "__main__":
    main()
