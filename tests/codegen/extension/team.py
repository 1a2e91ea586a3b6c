"""A team's models, and commands in the directory of its project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from helpers.models import make_model
from oxen_codegen.cli import main

SCHEMA = {
    "type": "object",
    "properties": {"prompt": {"type": "string"}, "strength": {"type": "number", "minimum": 0, "maximum": 1}},
    "required": ["prompt"],
}


def custom(model_id: str, **facts: Any) -> dict[str, Any]:
    media = {"input": ["text"], "output": ["image"]}
    return make_model(model_id, SCHEMA, model_type="custom", capabilities=media, **facts)


def configure(folder: Path, *lines: str) -> None:
    text = "\n".join(("[tool.oxen-codegen]", 'package = "acme_models"', 'output = "."', *lines, ""))
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def oxen_codegen(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def recording(folder: Path, *answers: dict[str, Any]) -> Path:
    schemas = folder / "acme_models" / "schemas"
    schemas.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(answers):
        (schemas / f"{number}.json").write_text(json.dumps(each))
    return folder


def python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done
