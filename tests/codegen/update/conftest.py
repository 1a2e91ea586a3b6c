"""A project that was brought to what a hub says, a hub that may say something else since, and `update`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from click.testing import CliRunner, Result
from helpers.models import make_model
from oxen_codegen.cli import main
from oxen_models.testing import Hub

from codegen.update.projects import MODELS, PROJECT


def model(model_id: str) -> dict[str, Any]:
    return (
        make_model(model_id, None, endpoint="/chat/completions")
        if model_id == "talker"
        else make_model(model_id)
    )


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was brought to what a hub says, long ago."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "catalogue").mkdir()
    for each in MODELS:
        (folder / "catalogue" / f"{each}.json").write_text(json.dumps(model(each)))
    project = folder / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT)
    with pytest.MonkeyPatch.context() as patch, Hub(schemas=folder / "catalogue") as hub:
        patch.setenv("OXEN_API_KEY", "any")
        patch.setenv("no_proxy", "127.0.0.1")
        patch.chdir(project)
        done = CliRunner().invoke(main, ["update", "--base-url", hub.url])
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OXEN_API_KEY", "any")
    stamina.set_testing(True, attempts=3)  # without pauses
    yield
    stamina.set_testing(False)


@pytest.fixture
def project(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(first / "project", folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def hub(first: Path) -> Iterator[Hub]:
    with Hub(schemas=first / "catalogue") as hub:
        yield hub


@pytest.fixture
def update(hub: Hub, project: Path) -> Callable[..., Result]:
    """Runs `update` in the project, against the hub."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["update", *arguments, "--base-url", hub.url])

    return run
