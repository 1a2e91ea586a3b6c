"""A team's models, and commands in the directory of its project."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from helpers.models import make_model
from helpers.program_server import Finished, ProgramServer

SCHEMA = {
    "type": "object",
    "properties": {"prompt": {"type": "string"}, "strength": {"type": "number", "minimum": 0, "maximum": 1}},
    "required": ["prompt"],
}


def make_custom_model(model_id: str, **fields: Any) -> dict[str, Any]:
    media = {"input": ["text"], "output": ["image"]}
    return make_model(model_id, SCHEMA, model_type="custom", capabilities=media, **fields)


def configure(folder: Path, *lines: str) -> None:
    """Write the configuration of the package; `lines` are added."""
    text = "\n".join(("[tool.oxen-codegen]", 'package = "acme_models"', 'output = "."', *lines, ""))
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def write_recorded(folder: Path, *models: dict[str, Any]) -> Path:
    """Write models to the schemas of the package in `folder`, and return `folder`."""
    schemas = folder / "acme_models" / "schemas"
    schemas.mkdir(parents=True, exist_ok=True)
    for number, model in enumerate(models):
        (schemas / f"{number}.json").write_text(json.dumps(model))
    return folder


def run_program(programs: ProgramServer, program: str, folder: Path) -> Finished:
    """Run a program in `folder`, which may import the packages there."""
    return programs.run(f"import sys; sys.path.insert(0, '')\n{program}", os.environ, folder)
