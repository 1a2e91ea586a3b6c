"""Fixtures of the command line: commands in this process against the stand-in."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from click.testing import CliRunner, Result
from oxen_models import InvalidRequestError, Oxen
from oxen_models._cli.main import cli
from oxen_models._runner.limits import Limits
from oxen_models._runner.runner import Runner
from oxen_models.testing import Hub

NEW: dict[str, Any] = {
    "id": "acme/paint:1",
    "display_name": "Paint \x1b[31mred",
    "capabilities": {"input": ["text"], "output": ["image"]},
    "pricing": {"method": "per_image", "cost_per_image": 2.5},
    "json_request_schema": {
        "type": "object",
        "required": ["prompt"],
        "properties": {
            "prompt": {"type": "string"},
            "cfg-scale": {"type": "number", "maximum": 1},
            "output": {"type": "string", "enum": ["red", "blue"]},
            "parts": {
                "type": "array",
                "items": {"type": "object", "properties": {"x": {"type": "integer"}}},
            },
            "size": {"type": "object", "properties": {"x": {"type": "integer"}}},
            "tags": {"type": "array", "items": {"type": "string"}},
            "seed": {"type": ["integer", "null"]},
            "sharp": {"type": "boolean"},
            "seconds": {"oneOf": [{"enum": ["auto"]}, {"type": "integer"}]},
        },
    },
}
"""A model that the package does not have. The name of a parameter is that of an option of the command."""


class Run(Protocol):
    """Runs a command and returns what it printed."""

    def __call__(self, *arguments: str, input: str | bytes | None = None, code: int = 0) -> Result: ...


@pytest.fixture(scope="package")
def package_hub() -> Iterator[Hub]:
    """The hub of all commands."""
    with Hub(speed=100) as running:
        running.add_model(NEW)
        yield running


@pytest.fixture
def hub(package_hub: Hub) -> Hub:
    package_hub.clear()
    return package_hub


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the commands."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command against the hub, and checks its exit code."""
    monkeypatch.setenv("OXEN_API_KEY", "any")
    monkeypatch.setenv("OXEN_BASE_URL", hub.url)
    monkeypatch.setenv("OXEN_CONFIG_DIR", str(folder))

    def run_command(*arguments: str, input: str | bytes | None = None, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, arguments, input=input, prog_name="oxen-models")
        assert result.exit_code == code, (result.output, result.exc_info)
        return result

    return run_command


@pytest.fixture
def read_error(run: Run) -> Callable[..., dict[str, Any]]:
    """Return a function that runs a command and returns the error that it prints as JSON."""

    def read(*arguments: str, code: int) -> dict[str, Any]:
        result = run(*arguments, code=code)
        error: dict[str, Any] = json.loads(result.stderr.splitlines()[-1])["error"]
        assert error["exit_code"] == code
        return error

    return read


def read_example(run: Run, id: str, *options: str) -> list[str]:
    """Return the arguments of the example that `show` prints for a model."""
    text = run("show", id, "--output", "human", *options).stdout
    program, *arguments = shlex.split(text[text.rindex("oxen-models run") :])
    assert program == "oxen-models"
    return arguments


def expect_problems(oxen: Oxen, id: str, values: dict[str, Any], limits: Limits | None = None) -> list[str]:
    """Return the problems of values that the runner rejects."""
    with pytest.raises(InvalidRequestError) as caught:
        Runner(oxen, limits).plan(id, values)
    return [str(problem) for problem in caught.value.problems]
