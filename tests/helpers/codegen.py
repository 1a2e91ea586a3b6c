"""Fixtures for tests of `oxen-codegen`: a folder of models, and commands on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from oxen_codegen.cli import main

PROMPT = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}


def item(*required: str, **properties: Any) -> dict[str, Any]:
    """The schema of an object."""
    return {"type": "object", "properties": properties, "required": list(required)}


def answer(model_id: str, schema: object = PROMPT, **facts: Any) -> dict[str, Any]:
    return {"id": model_id, "endpoint": "/images/generate", "json_request_schema": schema, **facts}


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    folder = tmp_path / "schemas"
    folder.mkdir()
    return folder


@pytest.fixture
def record(schemas: Path) -> Callable[..., None]:
    """Puts models into the folder of schemas."""

    def put(*answers: dict[str, Any]) -> None:
        for number, each in enumerate(answers):
            (schemas / f"{number}-{len(list(schemas.iterdir()))}.json").write_text(json.dumps(each))

    return put


@pytest.fixture
def invoke(tmp_path: Path, schemas: Path) -> Callable[[str], Result]:
    """Runs a command on the folder of schemas, with tmp_path as the output."""

    def command(name: str) -> Result:
        return CliRunner().invoke(main, [name, "--schemas", str(schemas), "--output", str(tmp_path)])

    return command


def files(package: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(package)): file.read_bytes()
        for file in package.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
