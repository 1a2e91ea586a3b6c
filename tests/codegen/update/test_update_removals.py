"""Models that left the hub, and models that only seem to have left."""

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
    MODELS,
    NARROWED,
    PROJECT,
    WHERE,
    changelog,
    everything,
    is_clean,
    record,
    schemas,
    today,
)


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (500, None, "the hub returned HTTP 500, 3 times"),
        (403, {"error": "no"}, "the hub returned HTTP 403: no"),
        (200, "<html>", "not JSON"),
    ],
)
def test_no_model_is_gone_because_a_request_failed(
    status: int, body: object, complaint: str, update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    hub.remove_model("carver")
    before = everything(project)
    hub.respond_next(status, body=body, times=None, path=f"{WHERE}/carver")
    done = update("--allow-removals")
    assert done.exit_code == 2
    assert f"1 unreadable model: carver: {complaint}" in done.stderr
    assert everything(project) == before


def test_a_model_that_only_the_list_lacks_is_kept_true(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    hub.add_model(make_model("painter", NARROWED))
    for lacking, arguments in ((["painter"], []), (["carver", "painter"], ["--allow-removals"])):
        rest = [{"id": each} for each in MODELS if each not in lacking]
        hub.respond_next(200, body=rest, path=WHERE)
        assert update(*arguments).exit_code == 0
        assert record(project, "painter")["json_request_schema"] == NARROWED
        assert "removed" not in record(project, "carver")


def test_more_than_a_fifth_gone_at_once_has_to_be_allowed(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    hub.remove_model("carver")
    hub.remove_model("drawer")
    before = everything(project)
    for arguments in ((), ("--dry-run",)):
        done = update(*arguments)
        assert done.exit_code == 2
        assert "not on the hub's list, 2 of them: carver, drawer; nothing was changed" in done.stderr
        assert "--allow-removals" in done.stderr
        assert everything(project) == before
    assert update("--allow-removals").exit_code == 0
    assert "removed" in record(project, "drawer")


def test_a_model_that_left_leaves_a_tombstone_that_goes_after_one_minor_version(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    hub.remove_model("carver")
    assert update().exit_code == 0  # one of five is no more than a fifth
    marks = {"on": today(), "version": "0.2.0", "successor": "painter"}
    assert record(project, "carver")["removed"] == marks
    module = project / "generated" / "ours" / "images" / "carver.py"
    assert f"'carver' was removed from the API on {today()}; use 'painter'" in module.read_text()
    assert "- `carver`\n  - Model removed: `/images/generate`; use `painter`." in changelog(project)
    assert is_clean(project)

    before = everything(project)
    assert "0 files changed" in update().stderr
    assert everything(project) == before
    diff = CliRunner().invoke(main, ["diff", "--base-url", hub.url])
    assert (diff.exit_code, "carver" in diff.output) == (0, False)

    for version, stays in (("0.1.0", True), ("0.0.9", False)):  # the package's is 0.1.0
        file = schemas(project) / "carver.json"
        file.write_text(json.dumps({**record(project, "carver"), "removed": {**marks, "version": version}}))
        told = changelog(project)
        done = update()
        assert done.exit_code == 0
        assert file.exists() is stays
        assert ("warning: carver: removed: the model left the hub" in done.stderr) is not stays
        gone = "- `carver`\n  - Module removed: the model left the API in an earlier minor version."
        assert (gone in changelog(project).removeprefix(told)) is not stays
    assert not module.exists()
    assert is_clean(project)


def test_a_successor_may_be_named_later(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    hub.remove_model("drawer")
    assert update().exit_code == 0
    assert record(project, "drawer")["removed"]["successor"] is None
    (project / "pyproject.toml").write_text(f'{PROJECT}drawer = "sketcher"\n')
    assert update().exit_code == 0
    assert record(project, "drawer")["removed"]["successor"] == "sketcher"
    module = project / "generated" / "ours" / "images" / "drawer.py"
    assert "'drawer' was removed from the API on" in module.read_text()
    assert "use 'sketcher'" in module.read_text()


def test_a_model_that_left_may_return(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    hub.remove_model("carver")
    update()
    hub.add_model(make_model("carver"))
    assert update().exit_code == 0
    assert "removed" not in record(project, "carver")
    assert "left the hub" not in (project / "generated" / "ours" / "images" / "carver.py").read_text()
    assert "- `carver`\n  - Model added" in changelog(project)
    assert is_clean(project)


def test_single_models_judge_no_removals(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    for each in ("carver", "drawer", "talker"):
        hub.remove_model(each)
    hub.add_model({**make_model("sketcher"), "summary": "Sketches."})
    hub.add_model(make_model("painter", NARROWED))
    before = everything(project)
    assert update("carver").exit_code == 2
    assert everything(project) == before
    done = update("painter")
    assert done.exit_code == 0, done.output
    assert [each.path for each in hub.requests] == [f"{WHERE}/carver", f"{WHERE}/painter"]
    assert record(project, "painter")["json_request_schema"] == NARROWED
    for each in ("carver", "drawer", "sketcher", "talker"):
        file = f"generated/ours/schemas/{each}.json"
        assert everything(project)[file][1] == before[file][1]
