"""`oxen-codegen update`, from the command line, after changes on the hub."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.models import make_model, object_schema
from oxen_codegen.cli import main
from oxen_models.testing import Hub

from codegen.update.projects import (
    MODELS,
    NARROWED,
    PROJECT,
    is_up_to_date,
    read_changelog,
    read_record,
    schemas_folder,
    take_snapshot,
    today,
)


@pytest.mark.slow
def test_update_changes_schemas_package_changelog(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    """One command updates schemas, package and changelog."""
    hub.add_model(make_model("painter", NARROWED))
    hub.add_model(make_model("moulder", object_schema(size={"enum": [{"w": 1, "h": 2}]})))  # not sorted
    hub.add_model({**make_model("drawer"), "summary": "Draws."})

    done = update()

    assert done.exit_code == 0, done.output
    assert "breaking: painter size: required-parameter-added" in done.stdout
    assert read_record(project, "painter")["json_request_schema"] == NARROWED
    assert "size" in (project / "generated" / "ours" / "images" / "painter.py").read_text()
    assert (project / "generated" / "ours" / "images" / "moulder.py").exists()
    assert is_up_to_date(project)
    lines = read_changelog(project).splitlines()
    assert lines[:3] == ["# Changelog", "", "## Unreleased"]
    assert [line for line in lines if line][-10:] == [
        f"### Models, {today()}",
        "Models: 1 added, 0 removed, 2 changed.",
        "#### Breaking",
        "- `painter`",
        '  - `size`: required parameter added: `one of "s", "m"`; pass it.',
        "#### Additive",
        "- `moulder`",
        "  - Model added: `images.generate`.",
        "#### Documentation",
        "- 1 change of documentation.",
    ]


@pytest.mark.slow
def test_update_no_changes_writes_nothing(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """Without changes that concern callers, nothing is written."""
    hub.add_model(make_model("painter", NARROWED))
    update()
    before = take_snapshot(project)
    hub.add_model({**make_model("painter", NARROWED), "deployments": [{"status": "idle"}]})
    done = update()
    assert done.exit_code == 0
    assert "0 files changed" in done.stderr
    assert take_snapshot(project) == before


@pytest.mark.slow
def test_update_works_without_a_key(
    update: Callable[..., Result], hub: Hub, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an API key, none is sent, because the list of models is public."""
    monkeypatch.delenv("OXEN_API_KEY")
    hub.add_model(make_model("painter", NARROWED))
    assert update().exit_code == 0
    assert read_record(project, "painter")["json_request_schema"] == NARROWED
    assert not any("authorization" in request.headers for request in hub.requests)


@pytest.mark.slow
def test_update_dry_run_changes_nothing(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """A dry run has the same output, and changes nothing."""
    hub.add_model(make_model("painter", NARROWED))
    hub.remove_model("carver")
    before = take_snapshot(project)
    dry = update("--dry-run")
    assert dry.exit_code == 0
    assert take_snapshot(project) == before
    done = update()
    assert dry.stdout == done.stdout
    assert dry.stderr.replace("would change", "changed") == done.stderr


@pytest.mark.slow
def test_update_dry_run_creates_nothing(update: Callable[..., Result], project: Path) -> None:
    """A dry run in an empty project creates no folder."""
    shutil.rmtree(project / "generated")
    before = take_snapshot(project)
    assert update("--dry-run").exit_code == 0
    assert take_snapshot(project) == before


@pytest.mark.slow
def test_update_empty_project(update: Callable[..., Result], project: Path) -> None:
    """A project without recorded models gets schemas, package and changelog."""
    expected = take_snapshot(project / "generated").keys()
    shutil.rmtree(project / "generated")
    (project / "CHANGELOG.md").unlink()
    assert update().exit_code == 0
    assert take_snapshot(project / "generated").keys() == expected
    assert read_changelog(project).startswith("# Changelog\n\n## Unreleased\n\n### Models, ")
    assert is_up_to_date(project)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["markdown", "json"])
def test_update_formats_equal_diff(form: str, update: Callable[..., Result], hub: Hub) -> None:
    """The output has the formats of `diff`."""
    diff = CliRunner().invoke(main, ["diff", "--format", form, "--base-url", hub.url])
    assert update("--format", form).stdout == diff.stdout


@pytest.mark.slow
def test_update_applies_configuration(update: Callable[..., Result], project: Path) -> None:
    """A change of the configuration is applied without a change on the hub."""
    (project / "pyproject.toml").write_text(f'{PROJECT}[tool.oxen-codegen.names]\ndrawer = "pencil"\n')
    done = update()
    assert done.exit_code == 0
    assert (project / "generated" / "ours" / "images" / "pencil.py").exists()
    assert is_up_to_date(project)


@pytest.mark.slow
def test_update_excluded_models(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """Excluded models are recorded, and are neither in the package nor in the changelog."""
    rule = '[tool.oxen-codegen.exclude]\nids = ["carver"]\ndevelopers = ["Absent Labs"]\n'
    (project / "pyproject.toml").write_text(PROJECT + rule)
    assert CliRunner().invoke(main, ["generate"]).exit_code == 0
    (schemas_folder(project) / "README.md").write_text("Ours.")
    changelog = read_changelog(project)
    hub.add_model(make_model("moulder", developer="absent labs"))
    assert update().exit_code == 0
    assert read_changelog(project) == changelog
    hub.add_model(make_model("painter", NARROWED))
    assert update().exit_code == 0
    names = {file.name for file in schemas_folder(project).iterdir()}
    assert names == {"README.md", "moulder.json", *(f"{model_id}.json" for model_id in MODELS)}
    assert not (project / "generated" / "ours" / "images" / "moulder.py").exists()
    assert "moulder" not in read_changelog(project)
    assert is_up_to_date(project)


@pytest.mark.slow
def test_update_selection_without_models(update: Callable[..., Result], project: Path) -> None:
    """A selection that matches no model is an error."""
    (project / "pyproject.toml").write_text('[tool.oxen-codegen.include]\nids = ["x*"]\n')
    done = update()
    assert done.exit_code == 2
    assert "no model matches [tool.oxen-codegen.include] (5 models available)" in done.stderr


@pytest.mark.slow
def test_update_invalid_record_is_named(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """A recorded file that is invalid is named, and nothing changes."""
    hub.add_model(make_model("painter", NARROWED))
    (schemas_folder(project) / "drawer.json").write_text("{")
    before = take_snapshot(project)
    done = update()
    assert done.exit_code == 2
    assert "error: drawer.json: not JSON" in done.stderr
    assert take_snapshot(project) == before
