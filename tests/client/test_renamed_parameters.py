"""Renamed parameters: the old names are accepted at run time, with a warning."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from helpers.hub_api import read_bodies
from helpers.lean import python_path
from helpers.models import make_model
from oxen_codegen.cli import main
from oxen_models.testing import Hub

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"prompt": {"type": "string"}, "steps": {"type": "integer"}},
    "required": ["prompt"],
}
USE = """
import asyncio, inspect, sys, warnings
from oxen_models import AsyncOxen, InvalidRequestError, Oxen
from oxen_models.images import PainterRequest

def expect_warning(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = call()
    [warning] = caught
    assert warning.category is DeprecationWarning, warning
    assert "'num_steps'" in str(warning.message) and "'steps'" in str(warning.message)
    assert warning.filename == "<string>", warning.filename
    return value

async def call_async(url):
    async with AsyncOxen("k", base_url=url) as client:
        return await client.images.painter.generate(prompt="x", num_steps=3)

[_, url] = sys.argv
with Oxen("k", base_url=url) as oxen:
    stub = oxen.images.painter
    expect_warning(lambda: stub.generate(prompt="x", num_steps=3))
    expect_warning(lambda: stub.submit(prompt="x", num_steps=3))
    asyncio.run(call_async(url))
    try:
        stub.generate(prompt="x", num_steps=3, steps=4)
    except TypeError as error:
        assert "pass only 'steps'" in str(error)
    else:
        raise SystemExit("both names were taken")
    request = expect_warning(lambda: PainterRequest(prompt="x", num_steps=3))
    assert request == PainterRequest(prompt="x", steps=3)
    for call in (stub.generate, stub.submit):
        assert "num_steps" not in inspect.signature(call).parameters
    assert "num_steps" not in PainterRequest.model_json_schema()["properties"]
"""


@pytest.fixture
def project(tmp_path: Path, write_models: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Path:
    write_models(make_model("painter", SCHEMA))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def generate(project: Path, renamed: str) -> Result:
    (project / "pyproject.toml").write_text(
        f'[tool.oxen-codegen]\noutput = "."\n[tool.oxen-codegen.renamed]\n{renamed}\n'
    )
    return CliRunner().invoke(main, ["generate", "--schemas", "schemas"])


@pytest.mark.slow
def test_old_parameter_name_warns(project: Path, module_hub: Hub) -> None:
    """Calls and requests accept the old name with a warning at the line of the caller."""
    generated = generate(project, 'painter = { num_steps = "steps" }')
    assert generated.exit_code == 0, generated.output
    environment = {**os.environ, "PYTHONPATH": python_path(project), "NO_PROXY": "127.0.0.1"}
    module_hub.add_model(make_model("painter", SCHEMA))
    program = [sys.executable, "-c", USE, module_hub.url]
    done = subprocess.run(program, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    bodies = read_bodies(module_hub)
    assert [(body["steps"], "num_steps" in body) for body in bodies] == [(3, False)] * 3, bodies


@pytest.mark.slow
@pytest.mark.parametrize(
    ("renamed", "code", "message"),
    [
        ('painter = { num_steps = "step" }', 2, "no parameter 'step'"),
        ('painter = { prompt = "steps" }', 2, "still has a parameter 'prompt'"),
        ('painter = { "a b" = "steps" }', 2, "must be Python names, got"),
        ('painter = "steps"', 2, "must be a table by model id of tables"),
    ],
)
def test_invalid_rename_is_rejected(project: Path, renamed: str, code: int, message: str) -> None:
    """A rename must be from an unused name to an existing parameter."""
    done = generate(project, renamed)
    assert (done.exit_code, message in done.output) == (code, True), done.output
