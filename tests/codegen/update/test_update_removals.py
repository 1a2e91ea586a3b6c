"""Removed models, and models that the hub only seems to have removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.models import make_model
from oxen_codegen.cli import main
from oxen_models.testing import Hub

from codegen.update.projects import (
    LIST_PATH,
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
@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, None, "the server returned HTTP 500, 3 times"),
        (403, {"error": "no"}, "the server returned HTTP 403: no"),
        (200, "<html>", "not JSON"),
    ],
)
def test_update_failed_request_removes_nothing(
    status: int, body: object, message: str, update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    """A failed request does not mark a model as removed."""
    hub.remove_model("carver")
    before = take_snapshot(project)
    hub.respond_next(status, body=body, times=None, path=f"{LIST_PATH}/carver")
    done = update("--allow-removals")
    assert done.exit_code == 2
    assert f"1 unreadable model: carver: {message}" in done.stderr
    assert take_snapshot(project) == before


@pytest.mark.slow
def test_update_unlisted_model_is_updated(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """A model that only the list lacks is updated."""
    hub.add_model(make_model("painter", NARROWED))
    for unlisted, arguments in ((["painter"], []), (["carver", "painter"], ["--allow-removals"])):
        listed = [{"id": model_id} for model_id in MODELS if model_id not in unlisted]
        hub.respond_next(200, body=listed, path=LIST_PATH)
        assert update(*arguments).exit_code == 0
        assert read_record(project, "painter")["json_request_schema"] == NARROWED
        assert "removed" not in read_record(project, "carver")


@pytest.mark.slow
@pytest.mark.parametrize("are_named", [False, True])
def test_update_limits_removals(
    update: Callable[..., Result], hub: Hub, project: Path, are_named: bool
) -> None:
    """The removal of more than a fifth of the models must be allowed, also of models that are named."""
    if are_named:
        (project / "pyproject.toml").write_text(f"{PROJECT}[tool.oxen-codegen.include]\nids = {[*MODELS]}")
    problem = "were removed" if are_named else "are not in the server's list"
    hub.remove_model("carver")
    hub.remove_model("drawer")
    before = take_snapshot(project)
    for arguments in ((), ("--dry-run",)):
        done = update(*arguments)
        assert done.exit_code == 2
        assert f"{problem}, 2 of them: carver, drawer; nothing was changed" in done.stderr
        assert "--allow-removals" in done.stderr
        assert take_snapshot(project) == before
    assert update("--allow-removals").exit_code == 0
    assert "removed" in read_record(project, "drawer")


@pytest.mark.slow
def test_update_removal_notice_expires(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """A removed model keeps a module for one minor version."""
    hub.remove_model("carver")
    assert update().exit_code == 0  # one of five is a fifth
    removal = {"on": today(), "version": "0.2.0", "successor": "painter"}
    assert read_record(project, "carver")["removed"] == removal
    module = project / "generated" / "ours" / "images" / "carver.py"
    assert f"'carver' was removed from the API on {today()}; use 'painter'" in module.read_text()
    assert "- `carver`\n  - Model removed: `images.generate`; use `painter`." in read_changelog(project)
    assert is_up_to_date(project)

    before = take_snapshot(project)
    assert "0 files changed" in update().stderr
    assert take_snapshot(project) == before
    diff = CliRunner().invoke(main, ["diff", "--base-url", hub.url])
    assert (diff.exit_code, "carver" in diff.output) == (0, False)

    for version, is_kept in (("0.1.0", True), ("0.0.9", False)):  # the version of the package is 0.1.0
        file = schemas_folder(project) / "carver.json"
        record = {**read_record(project, "carver"), "removed": {**removal, "version": version}}
        file.write_text(json.dumps(record))
        changelog = read_changelog(project)
        done = update()
        assert done.exit_code == 0
        assert file.exists() is is_kept
        assert ("warning: carver: module removed: the model left" in done.stderr) is not is_kept
        line = "- `carver`\n  - Module removed: the model left the API in an earlier minor version."
        assert (line in read_changelog(project).removeprefix(changelog)) is not is_kept
    assert not module.exists()
    assert is_up_to_date(project)


@pytest.mark.slow
@pytest.mark.parametrize("is_found", [False, True])
def test_update_respelled_id_is_one_model(
    is_found: bool, update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    """If an id changes in case only, the module of the new id replaces that of the old one.

    The server may find a model by its old id, too.
    """
    renamed = make_model("Carver", summary="Carves.")
    hub.remove_model("carver")
    hub.add_model(renamed)
    if is_found:
        hub.respond_next(200, body=renamed, path=f"{LIST_PATH}/carver")
    done = update()
    assert done.exit_code == 0, done.stderr
    assert "breaking: carver: model-removed: images.generate; possibly renamed to Carver" in done.stdout
    assert "warning: carver: module replaced by that of 'Carver'" in done.stderr
    assert not (schemas_folder(project) / "carver.json").exists()
    assert read_record(project, "%43arver")["id"] == "Carver"
    assert "Carves." in (project / "generated" / "ours" / "images" / "carver.py").read_text()
    assert is_up_to_date(project)
    assert "0 files changed" in update().stderr


@pytest.mark.slow
def test_update_successor_added_later(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """A successor can be added after the removal."""
    hub.remove_model("drawer")
    assert update().exit_code == 0
    assert read_record(project, "drawer")["removed"]["successor"] is None
    (project / "pyproject.toml").write_text(f'{PROJECT}drawer = "sketcher"\n')
    assert update().exit_code == 0
    assert read_record(project, "drawer")["removed"]["successor"] == "sketcher"
    module = project / "generated" / "ours" / "images" / "drawer.py"
    assert "'drawer' was removed from the API on" in module.read_text()
    assert "use 'sketcher'" in module.read_text()


@pytest.mark.slow
def test_update_removed_model_returns(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """A removed model that the API has again is an added model."""
    hub.remove_model("carver")
    update()
    hub.add_model(make_model("carver"))
    assert update().exit_code == 0
    assert "removed" not in read_record(project, "carver")
    assert "was removed" not in (project / "generated" / "ours" / "images" / "carver.py").read_text()
    assert "- `carver`\n  - Model added" in read_changelog(project)
    assert is_up_to_date(project)


@pytest.mark.slow
def test_update_single_models(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """An update of single models does not look for removed models."""
    for model_id in ("carver", "drawer", "talker"):
        hub.remove_model(model_id)
    hub.add_model({**make_model("sketcher"), "summary": "Sketches."})
    hub.add_model(make_model("painter", NARROWED))
    before = take_snapshot(project)
    assert update("carver").exit_code == 2
    assert take_snapshot(project) == before
    done = update("painter")
    assert done.exit_code == 0, done.output
    assert [request.path for request in hub.requests] == [f"{LIST_PATH}/carver", f"{LIST_PATH}/painter"]
    assert read_record(project, "painter")["json_request_schema"] == NARROWED
    for model_id in ("carver", "drawer", "sketcher", "talker"):
        file = f"generated/ours/schemas/{model_id}.json"
        assert take_snapshot(project)[file][1] == before[file][1]
