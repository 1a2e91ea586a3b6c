"""Fixtures for tests of `oxen-codegen`: a folder of models, and commands on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from oxen_codegen.cli import main

from .templates import cache_templates

cache_templates()


@pytest.fixture
def schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for recorded models, in a working folder without a configuration."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "schemas"
    folder.mkdir()
    return folder


@pytest.fixture
def write_models(schemas: Path) -> Callable[..., None]:
    """A function that writes models to the folder of schemas."""

    def write(*models: dict[str, Any]) -> None:
        for number, model in enumerate(models):
            (schemas / f"{number}-{len(list(schemas.iterdir()))}.json").write_text(json.dumps(model))

    return write


@pytest.fixture
def invoke(tmp_path: Path, schemas: Path) -> Callable[[str], Result]:
    """A function that runs a command on the folder of schemas, with `tmp_path` as the output."""

    def run_command(name: str) -> Result:
        return CliRunner().invoke(main, [name, "--schemas", str(schemas), "--output", str(tmp_path)])

    return run_command


def run_codegen(*arguments: object) -> Result:
    """Run `oxen-codegen` with these arguments."""
    return CliRunner().invoke(main, [*map(str, arguments)])


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file under `folder`, without compiled modules."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
