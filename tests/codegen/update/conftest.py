"""An updated project, the hub that it was updated from, and `update`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stamina
from click.testing import CliRunner, Result
from helpers.models import make_model
from oxen_codegen.cli import main
from oxen_models.testing import Hub

from codegen.update.projects import MODELS, PROJECT


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a catalogue of models, and a project that is up to date with it."""
    folder = tmp_path_factory.mktemp("original")
    (folder / "catalogue").mkdir()
    models = [make_model(model_id) for model_id in MODELS if model_id != "talker"]
    for model in (*models, make_model("talker", None, endpoint="/chat/completions")):
        (folder / "catalogue" / f"{model['id']}.json").write_text(json.dumps(model))
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
def set_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set an API key, and retry without delays."""
    monkeypatch.setenv("OXEN_API_KEY", "any")
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)


@pytest.fixture
def project(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project, which is the working folder."""
    folder = tmp_path / "project"
    shutil.copytree(original / "project", folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def hub(original: Path) -> Iterator[Hub]:
    """A hub with the models of the catalogue."""
    with Hub(schemas=original / "catalogue") as hub:
        yield hub


@pytest.fixture
def update(hub: Hub, project: Path) -> Callable[..., Result]:
    """A function that runs `update` in the project."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["update", *arguments, "--base-url", hub.url])

    return run
