"""What `oxen-codegen update` does, from the command line, where a hub has changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.models import make_model
from oxen_codegen.cli import main
from oxen_models.testing import Hub

from codegen.update.projects import (
    MODELS,
    NARROWED,
    PROJECT,
    changelog,
    everything,
    is_clean,
    record,
    schemas,
    today,
)


def test_one_command_brings_schemas_package_and_changelog_to_what_the_hub_says(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    hub.add_model(make_model("painter", NARROWED))
    hub.add_model(make_model("moulder"))
    hub.add_model({**make_model("drawer"), "summary": "Draws."})

    done = update()

    assert done.exit_code == 0, done.output
    assert "breaking: painter size: required-parameter-added" in done.stdout
    assert record(project, "painter")["json_request_schema"] == NARROWED
    assert "size" in (project / "generated" / "ours" / "images" / "painter.py").read_text()
    assert (project / "generated" / "ours" / "images" / "moulder.py").exists()
    assert is_clean(project)
    lines = changelog(project).splitlines()
    assert lines[:3] == ["# Changelog", "", "## Unreleased"]
    assert [line for line in lines if line][-10:] == [
        f"### Models, {today()}",
        "Models: 1 added, 0 removed, 2 changed.",
        "#### Breaking",
        "- `painter`",
        '  - `size`: required parameter added: `one of "s", "m"`; pass it.',
        "#### Additive",
        "- `moulder`",
        "  - Model added: `/images/generate`.",
        "#### Documentation",
        "- 1 change of documentation.",
    ]


def test_nothing_new_writes_nothing(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    hub.add_model(make_model("painter", NARROWED))
    update()
    before = everything(project)
    hub.add_model({**make_model("painter", NARROWED), "deployments": [{"status": "idle"}]})
    done = update()
    assert done.exit_code == 0
    assert "0 files changed" in done.stderr
    assert everything(project) == before


def test_a_dry_run_says_the_same_and_leaves_every_byte(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    hub.add_model(make_model("painter", NARROWED))
    hub.remove_model("carver")
    before = everything(project)
    dry = update("--dry-run")
    assert dry.exit_code == 0
    assert everything(project) == before
    done = update()
    assert dry.stdout == done.stdout
    assert dry.stderr.replace("would change", "changed") == done.stderr


def test_a_dry_run_of_a_project_without_anything_makes_no_folder(
    update: Callable[..., Result], project: Path
) -> None:
    shutil.rmtree(project / "generated")
    before = everything(project)
    assert update("--dry-run").exit_code == 0
    assert everything(project) == before


def test_a_project_without_schemas_gets_them(update: Callable[..., Result], project: Path) -> None:
    expected = everything(project / "generated").keys()
    shutil.rmtree(project / "generated")
    (project / "CHANGELOG.md").unlink()
    assert update().exit_code == 0
    assert everything(project / "generated").keys() == expected
    assert changelog(project).startswith("# Changelog\n\n## Unreleased\n\n### Models, ")
    assert is_clean(project)


@pytest.mark.parametrize("form", ["markdown", "json"])
def test_forms_are_those_of_a_diff(form: str, update: Callable[..., Result], hub: Hub) -> None:
    diff = CliRunner().invoke(main, ["diff", "--format", form, "--base-url", hub.url])
    assert update("--format", form).stdout == diff.stdout


def test_what_the_project_says_since_is_done_too(update: Callable[..., Result], project: Path) -> None:
    (project / "pyproject.toml").write_text(f'{PROJECT}[tool.oxen-codegen.names]\ndrawer = "pencil"\n')
    done = update()
    assert done.exit_code == 0
    assert (project / "generated" / "ours" / "images" / "pencil.py").exists()
    assert is_clean(project)


def test_what_is_not_built_stays_recorded_and_is_not_told_to_users(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    rule = '[tool.oxen-codegen.exclude]\nids = ["carver"]\ndevelopers = ["Nobody"]\n'
    (project / "pyproject.toml").write_text(PROJECT + rule)
    assert CliRunner().invoke(main, ["generate"]).exit_code == 0
    (schemas(project) / "README.md").write_text("Ours.")
    told = changelog(project)
    hub.add_model(make_model("moulder", developer="nobody"))
    assert update().exit_code == 0
    assert changelog(project) == told
    hub.add_model(make_model("painter", NARROWED))
    assert update().exit_code == 0
    names = {file.name for file in schemas(project).iterdir()}
    assert names == {"README.md", "moulder.json", *(f"{each}.json" for each in MODELS)}
    assert not (project / "generated" / "ours" / "images" / "moulder.py").exists()
    assert "moulder" not in changelog(project)
    assert is_clean(project)


def test_a_selection_that_fits_no_model_is_told(update: Callable[..., Result], project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.oxen-codegen.include]\nids = ["x*"]\n')
    done = update()
    assert done.exit_code == 2
    assert "no model matches [tool.oxen-codegen.include] (5 models available)" in done.stderr


def test_a_broken_schema_changes_nothing(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    hub.add_model(make_model("painter", NARROWED))
    (schemas(project) / "drawer.json").write_text("{")
    before = everything(project)
    done = update()
    assert done.exit_code == 2
    assert "error: drawer.json: not JSON" in done.stderr
    assert everything(project) == before
