"""A hub with a team's models, and a directory for the team's package."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.models import make_model
from oxen_models.testing import Hub

from codegen.extension.team import configure, make_custom_model, write_recorded


@pytest.fixture
def team(own_hub: Hub) -> Hub:
    """A hub that has two models of a team's beside all others."""
    own_hub.add_model(make_custom_model("oxen:ox-boots", developer={"name": "Acme"}))
    own_hub.add_model(make_custom_model("oxen:ox-hats", developer={"name": "Acme"}))
    return own_hub


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to work in."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OXEN_API_KEY", "any")
    return folder


@pytest.fixture
def recorded(empty: Path) -> Path:
    """The directory with the records of one model of the team's and one of another developer's."""
    configure(empty)
    return write_recorded(empty, make_custom_model("oxen:ox-boots"), make_model("other"))
