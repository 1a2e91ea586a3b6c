"""`oxen-codegen update`, from the command line, against a hub that changes and one that talks nonsense."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import stamina
from click.testing import CliRunner, Result
from generating import answer
from oxen_codegen.changelog import with_entry
from oxen_codegen.cli import main
from oxen_codegen.write import install, recover
from oxen_models.testing import Hub

MODELS = ("carver", "drawer", "painter", "sketcher", "talker")
PROJECT = """
[tool.oxen-codegen]
package = "ours"
[tool.oxen-codegen.successors]
carver = "painter"
"""
NARROWED = {
    "type": "object",
    "properties": {"prompt": {"type": "string"}, "size": {"enum": ["s", "m"]}},
    "required": ["prompt", "size"],
}
WHERE = "/api/ai/models"


def model(model_id: str) -> dict[str, Any]:
    return answer(model_id, None, endpoint="/chat/completions") if model_id == "talker" else answer(model_id)


@pytest.fixture(scope="module")
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


def everything(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """All that is there, and when it was last touched."""
    return {
        str(each.relative_to(folder)): (
            each.stat().st_mtime_ns,
            each.read_bytes() if each.is_file() else None,
        )
        for each in (folder, *folder.rglob("*"))
    }


def schemas(project: Path) -> Path:
    return project / "generated" / "ours" / "schemas"


def record(project: Path, model_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((schemas(project) / f"{model_id}.json").read_text())
    return found


def changelog(project: Path) -> str:
    return (project / "CHANGELOG.md").read_text(encoding="utf-8")


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def is_clean(project: Path) -> bool:
    """Whether the package is what the schemas say, and nothing of ours lies beside it."""
    assert [each.name for each in (project / "generated").iterdir()] == ["ours"]
    assert not list(project.glob(".*"))
    return CliRunner().invoke(main, ["check"]).exit_code == 0


def test_one_command_brings_schemas_package_and_changelog_to_what_the_hub_says(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    hub.add_model(answer("painter", NARROWED))
    hub.add_model(answer("moulder"))
    hub.add_model({**answer("drawer"), "summary": "Draws."})

    done = update()

    assert done.exit_code == 0, done.output
    assert "breaking: painter size: required-parameter-added" in done.stdout
    assert record(project, "painter")["json_request_schema"] == NARROWED
    assert "size" in (project / "generated" / "ours" / "images" / "painter.py").read_text()
    assert (project / "generated" / "ours" / "images" / "moulder.py").exists()
    assert is_clean(project)
    lines = changelog(project).splitlines()
    assert lines[:3] == ["# Changelog", "", "## Unreleased"]
    assert [line for line in lines if line][-4:] == [
        f"### Models, {today()}",
        '- Breaking: `painter` `size`: required-parameter-added: `one of "s", "m"`; pass it.',
        "- Additive: `moulder`: model-added: `/images/generate`.",
        "- 1 text or capability changed.",
    ]


def test_what_is_to_be_written_instead_is_in_the_entry(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    number = {"type": "integer", "minimum": 1, "maximum": 9}
    before = {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "n": number,
            "size": {"enum": ["s", "m", "l"]},
            "x": number,
        },
    }
    after = {
        "type": "object",
        "properties": {
            "text": {"type": "array", "items": {"type": "string"}},
            "n": {**number, "maximum": 5},
            "size": {"enum": ["s", "m"]},
        },
        "required": ["n"],
    }
    hub.add_model(answer("painter", before))
    assert update().exit_code == 0
    hub.add_model(answer("painter", after))
    assert update().exit_code == 0
    said = changelog(project)
    for expected in (
        "`n`: became-required: ",
        '`n`: range-narrowed: `{"minimum": 1, "maximum": 9}` -> `{"minimum": 1, "maximum": 5}`; stay within ',
        '`size`: enum-narrowed: lost `"l"`; choose from `s`, `m`.',
        "`text`: became-array: ",
        "pass a list",
        "`x`: parameter-removed: `integer`; leave it out.",
    ):
        assert expected in said, said
    assert "{'" not in said  # as Python shows it


def test_an_accepted_rename_is_what_is_to_be_written(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    wanted = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    hub.add_model(answer("painter", wanted))
    (project / "pyproject.toml").write_text(
        f'{PROJECT}[tool.oxen-codegen.renamed]\npainter = {{ prompt = "text" }}\n'
    )
    assert "if the hub has it: oxen-codegen update" in CliRunner().invoke(main, ["check"]).stderr
    assert update().exit_code == 0
    assert "`painter` `prompt`: parameter-removed: `string`; write `text`; the old name" in changelog(project)


def test_nothing_new_writes_nothing(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    hub.add_model(answer("painter", NARROWED))
    update()
    before = everything(project)
    hub.add_model({**answer("painter", NARROWED), "pricing": {"cost_per_image": 9}})
    done = update()
    assert done.exit_code == 0
    assert "0 files changed" in done.stderr
    assert everything(project) == before


def test_a_dry_run_says_the_same_and_leaves_every_byte(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    hub.add_model(answer("painter", NARROWED))
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


HALF = MODELS[:2]


NONSENSE: list[tuple[Callable[[Hub], object], str]] = [
    (lambda hub: hub.answer_next(200, body={"data": []}, path=WHERE), "named no model"),
    (lambda hub: hub.answer_next(200, body=[], path=WHERE), "named no model"),
    (lambda hub: hub.answer_next(200, body="<html>", path=WHERE), "the list of models: not JSON"),
    (lambda hub: hub.answer_next(200, body={"data": [{}]}, path=WHERE), "some without an id"),
    (lambda hub: hub.answer_next(502, times=None, path=WHERE), "models: the hub answered HTTP 502"),
    (lambda hub: hub.answer_next(401, path=WHERE), "does not know the key"),
    (
        lambda hub: hub.answer_next(200, body=[{"id": each} for each in HALF], path=WHERE),
        "not on the hub's list, 3 of them: painter, sketcher, talker; nothing was changed",
    ),
    (
        lambda hub: lacks_half(hub),
        "2 models cannot be read: carver: the hub answered HTTP 404; drawer: the hub answered HTTP 404",
    ),
    (
        lambda hub: hub.answer_next(200, body=[{"id": "a"}, {"id": "b"}], path=WHERE),
        "not on the hub's list, 5 of them: carver, drawer, painter, sketcher, talker; nothing was changed",
    ),
    (
        lambda hub: hub.answer_next(500, times=3, path=f"{WHERE}/drawer"),
        "1 model cannot be read: drawer: the hub answered HTTP 500, 3 times",
    ),
    (lambda hub: hub.answer_next(200, body='{"id"', path=f"{WHERE}/drawer"), "drawer: not JSON"),
    (
        lambda hub: hub.answer_next(200, body={"id": "x"}, path=f"{WHERE}/drawer"),
        "drawer: the hub answered with another model: 'x'",
    ),
    (lambda hub: hub.fault("cut-midway", path=f"{WHERE}/drawer"), "drawer: no answer from http://127"),
]


@pytest.mark.parametrize(("trouble", "complaint"), NONSENSE)
def test_a_hub_that_is_not_itself_changes_nothing_and_says_why(
    trouble: Callable[[Hub], object],
    complaint: str,
    update: Callable[..., Result],
    hub: Hub,
    project: Path,
) -> None:
    hub.add_model(answer("painter", NARROWED))
    before = everything(project)
    trouble(hub)
    done = update()
    assert done.exit_code == 2, done.output
    assert complaint in done.stderr
    assert everything(project) == before


def test_a_model_that_cannot_be_built_is_told_and_the_others_go_on(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    odd = {"type": "array"}
    hub.add_model(answer("moulder", odd))
    hub.add_model(answer("carver", odd))
    hub.add_model(answer("sketcher", ["x"]))
    hub.add_model(answer("Draw.er", odd | {"type": "object"}))
    hub.add_model(answer("draw-er"))
    hub.add_model(answer("painter", NARROWED))
    before = everything(project)
    done = update()
    assert done.exit_code == 1, done.output
    assert "error: carver /type: the parameters have to be an object" in done.stderr
    assert "error: moulder /type: " in done.stderr
    assert "error: sketcher: the parameter schema is not a JSON object but a list" in done.stderr
    assert "error: Draw.er: would have the name draw_er, and so would 'draw-er'" in done.stderr
    assert "error: draw-er: would have the name draw_er" in done.stderr
    assert {line.partition(" ")[2].partition(" ")[0] for line in done.stdout.splitlines()[:-1]} == {"painter"}
    assert record(project, "painter")["json_request_schema"] == NARROWED
    assert everything(project).keys() == before.keys()
    for file in ("schemas/carver.json", "images/carver.py"):
        assert everything(project)[f"generated/ours/{file}"][1] == before[f"generated/ours/{file}"][1]
    assert is_clean(project)


def test_what_the_project_says_since_is_done_too(update: Callable[..., Result], project: Path) -> None:
    (project / "pyproject.toml").write_text(f'{PROJECT}[tool.oxen-codegen.names]\ndrawer = "pencil"\n')
    done = update()
    assert done.exit_code == 0
    assert (project / "generated" / "ours" / "images" / "pencil.py").exists()
    assert is_clean(project)


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (500, None, "the hub answered HTTP 500, 3 times"),
        (403, {"error": "no"}, "the hub answered HTTP 403: no"),
        (200, "<html>", "not JSON"),
    ],
)
def test_no_model_is_gone_because_a_request_failed(
    status: int, body: object, complaint: str, update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    hub.remove_model("carver")
    before = everything(project)
    hub.answer_next(status, body=body, times=None, path=f"{WHERE}/carver")
    done = update("--allow-removals")
    assert done.exit_code == 2
    assert f"nothing was done: 1 model cannot be read: carver: {complaint}" in done.stderr
    assert everything(project) == before


def test_a_model_that_only_the_list_lacks_is_kept_true(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    hub.add_model(answer("painter", NARROWED))
    for lacking, arguments in ((["painter"], []), (["carver", "painter"], ["--allow-removals"])):
        rest = [{"id": each} for each in MODELS if each not in lacking]
        hub.answer_next(200, body=rest, path=WHERE)
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
    assert f"'carver' left the hub on {today()}; use 'painter'" in module.read_text()
    assert "- Breaking: `carver`: model-removed: `/images/generate`; use `painter`." in changelog(project)
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
        assert update().exit_code == 0
        assert file.exists() is stays
        gone = "- Breaking: `carver`: its module, which said that it had left, is gone."
        assert changelog(project).removeprefix(told).splitlines()[3:] == [gone] * (not stays)
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
    assert "'drawer' left the hub on" in module.read_text()
    assert "use 'sketcher'" in module.read_text()


def test_a_model_that_left_may_return(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    hub.remove_model("carver")
    update()
    hub.add_model(answer("carver"))
    assert update().exit_code == 0
    assert "removed" not in record(project, "carver")
    assert "left the hub" not in (project / "generated" / "ours" / "images" / "carver.py").read_text()
    assert "- Additive: `carver`: model-added" in changelog(project)
    assert is_clean(project)


def test_single_models_judge_no_removals(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    for each in ("carver", "drawer", "talker"):
        hub.remove_model(each)
    hub.add_model({**answer("sketcher"), "summary": "Sketches."})
    hub.add_model(answer("painter", NARROWED))
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


def test_what_is_not_built_stays_recorded_and_is_not_told_to_users(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    rule = '[tool.oxen-codegen.exclude]\nids = ["carver"]\ndevelopers = ["Nobody"]\n'
    (project / "pyproject.toml").write_text(PROJECT + rule)
    assert CliRunner().invoke(main, ["generate"]).exit_code == 0
    (schemas(project) / "README.md").write_text("Ours.")
    told = changelog(project)
    hub.add_model(answer("moulder", developer="nobody"))
    assert update().exit_code == 0
    assert changelog(project) == told
    hub.add_model(answer("painter", NARROWED))
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
    assert "includes none of the 5 models" in done.stderr


def test_a_broken_schema_changes_nothing(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    hub.add_model(answer("painter", NARROWED))
    (schemas(project) / "drawer.json").write_text("{")
    before = everything(project)
    done = update()
    assert done.exit_code == 2
    assert "1 file cannot be read: drawer.json: not JSON" in done.stderr
    assert everything(project) == before


ENTRY = "### Models\n\n- New."


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "# Changelog\n\n## Unreleased\n\n### Models\n\n- New.\n"),
        ("# Ours\n\nWords.\n", "# Ours\n\nWords.\n\n## Unreleased\n\n### Models\n\n- New.\n"),
        (
            "# Ours\n\n## [Unreleased]\n\n- Old.\n\n## 1.0.0\n\n- Older.\n",
            "# Ours\n\n## [Unreleased]\n\n- Old.\n\n### Models\n\n- New.\n\n## 1.0.0\n\n- Older.\n",
        ),
        (
            "# Ours\n\n## 0.1.0 (unreleased)\n\n- Old.\n",
            "# Ours\n\n## 0.1.0 (unreleased)\n\n- Old.\n\n### Models\n\n- New.\n",
        ),
        (
            "# Ours\n\n## 1.0.0\n\nNo longer unreleased.\n",
            "# Ours\n\n## Unreleased\n\n### Models\n\n- New.\n\n## 1.0.0\n\nNo longer unreleased.\n",
        ),
        (
            "# Ours\r\n\r\n## 1.0.0\r\n",
            "# Ours\r\n\r\n## Unreleased\r\n\r\n### Models\r\n\r\n- New.\r\n\r\n## 1.0.0\r\n",
        ),
    ],
)
def test_an_entry_goes_under_what_is_not_released(before: str, after: str) -> None:
    assert with_entry(before, ENTRY) == after


def test_a_changelog_keeps_every_other_byte(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    file = project / "CHANGELOG.md"
    file.write_bytes("\ufeff# Änderungen\r\n\r\n## 1.0.0\r\n\r\n- Früher.\r\n".encode())
    hub.add_model(answer("painter", NARROWED))
    assert update().exit_code == 0
    head, new, rest = re.split(rb"(## Unreleased\r\n.*?)(?=## 1)", file.read_bytes(), flags=re.DOTALL)
    assert (head + rest).decode() == "\ufeff# Änderungen\r\n\r\n## 1.0.0\r\n\r\n- Früher.\r\n"
    assert new.count(b"\r\n") == new.count(b"\n")


def test_nothing_that_a_hub_says_means_anything_in_the_entry(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    texts = [
        "`",
        "``` @admin",
        "<script>alert(1)</script>",
        "a\n## 9.9.9\n\n- x",
        "@admin #1 ![x](http://a)",
        "\u202e\x1b[31m",
        "{0.a}",
    ]
    before = {text: {"enum": [text, "b", "c"]} for text in texts}
    hub.add_model(answer("painter", {"type": "object", "properties": before}))
    for text in texts:
        hub.add_model(answer(text.replace("\n", " ")))
    assert update().exit_code == 0
    after = {text: {"enum": [text]} for text in texts[::2]} | {"new": {"default": "".join(texts)}}
    hub.add_model(answer("painter", {"type": "object", "properties": after, "required": texts[:3:2]}))
    done = update()
    assert done.exit_code == 0, done.output
    said = changelog(project)
    outside = re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", said)
    assert set(re.findall(r"[^\w\s.,:;()-]", outside)) <= {"#", ">"}, outside
    assert [line for line in said.splitlines() if line.startswith("## ")] == ["## Unreleased"]
    assert all(char.isprintable() or char == "\n" for char in said)


def lacks_half(hub: Hub) -> None:
    for each in HALF:
        hub.answer_next(404, body={}, path=f"{WHERE}/{each}")


def as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def as_link(folder: Path) -> None:
    elsewhere = folder.rename(folder.parent.parent / "mine")
    folder.symlink_to(elsewhere)


UNWRITABLE: list[tuple[Callable[[Path], object], str]] = [
    (lambda project: as_folder(project / "CHANGELOG.md"), "CHANGELOG.md: cannot be written"),
    (lambda project: (project / "CHANGELOG.md").write_bytes(b"\xff"), "CHANGELOG.md: not UTF-8"),
    (
        lambda project: (project / "generated" / ".ours.new").write_text("somebody's"),
        ".ours.new is in the way",
    ),
    (
        lambda project: (project / "generated" / ".ours.old").write_text("somebody's"),
        "generated/ours: cannot be written: Not a directory",
    ),
    (lambda project: as_link(project / "generated" / "ours"), "is a link"),
]


@pytest.mark.parametrize(("trouble", "complaint"), UNWRITABLE)
def test_what_cannot_be_written_is_told_in_a_sentence_and_nothing_changes(
    trouble: Callable[[Path], object],
    complaint: str,
    update: Callable[..., Result],
    hub: Hub,
    project: Path,
) -> None:
    hub.add_model(answer("painter", NARROWED))
    trouble(project)
    before = {name: content for name, (_, content) in everything(project).items()}
    done = update()
    assert done.exit_code == 2, done.output
    assert complaint in done.stderr
    assert {name: content for name, (_, content) in everything(project).items()} == before


@pytest.mark.parametrize("folder", ["generated", "."])
def test_a_folder_that_is_read_only_is_told(
    folder: str, update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    hub.add_model(answer("painter", NARROWED))
    (project / folder).chmod(0o555)
    if os.access(project / folder, os.W_OK):
        pytest.skip("nothing is read-only to root")
    before = everything(project)
    try:
        done = update()
    finally:
        (project / folder).chmod(0o755)
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
    assert everything(project).keys() == before.keys()


def test_of_two_at_once_the_second_says_so(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    hub.add_model(answer("painter", NARROWED))
    hub.fault("slow", 1, times=1)
    command = [sys.executable, "-m", "oxen_codegen", "update", "--base-url", hub.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=project) as process:
        while process.poll() is None and not hub.requests:
            time.sleep(0.01)
        second = update()
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert second.exit_code == 2
    assert "another oxen-codegen is at work" in second.stderr
    assert is_clean(project)


class Killed(BaseException):
    """As SIGKILL: nothing that comes after it has an effect."""


class Strike:
    """Cuts what works on files: before a step of it, and before all that would follow."""

    def __init__(self) -> None:
        self._until_interrupt: int | None = None
        self._until_kill: int | None = None
        sys.addaudithook(self._hear)

    def __call__(self, work: Callable[[], None], kill: int, interrupt: int | None = None) -> str:
        """How `work` ended: "done", "interrupted" or "killed".

        It is killed so many steps after it began, or after Ctrl-C, which comes at a step.
        """
        self._until_interrupt, self._until_kill = interrupt, kill
        try:
            work()
        except Killed:
            return "killed"
        except KeyboardInterrupt:
            return "interrupted"
        finally:
            self._until_kill = None
        return "done"

    def _hear(self, event: str, _: object) -> None:
        if self._until_kill is None or not (event == "open" or event.startswith(("os.", "shutil."))):
            return
        if self._until_interrupt is not None:
            self._until_interrupt -= 1
            if self._until_interrupt < 0:
                self._until_interrupt = None
                raise KeyboardInterrupt
        elif self._until_kill == 0:
            raise Killed
        else:
            self._until_kill -= 1


@pytest.fixture(scope="module")
def strike() -> Strike:
    return Strike()  # there is no way to take an audit hook away


BEFORE = "# Changelog\n\n## 1.0.0\n"


class Site:
    """A package of three files and a changelog, and a tree that is to take their place."""

    def __init__(self, folder: Path, *, is_first: bool) -> None:
        self.root = folder / "root"
        self.package = self.root / "generated" / "ours"
        self.changelog = self.root / "CHANGELOG.md"
        self._tree = folder / "tree"
        self._is_first = is_first
        self.begin()
        self.old = self.state()
        self.install()
        self.new = self.state()

    def begin(self) -> None:
        for each in (self.root, self._tree):
            shutil.rmtree(each, ignore_errors=True)
        self._write(self._tree, "new")
        self.package.parent.mkdir(parents=True)
        if not self._is_first:
            self._write(self.package, "old")
            self.changelog.write_text(BEFORE)

    def install(self) -> None:
        install(self._tree, self.package, self.changelog, ENTRY)

    def recover(self) -> None:
        recover(self.package)

    def state(self) -> dict[str, bytes | None]:
        return {name: content for name, (_, content) in everything(self.root).items()}

    def _write(self, package: Path, text: str) -> None:
        (package / "schemas").mkdir(parents=True)
        (package / "__init__.py").write_text(f"# Generated by oxen-codegen: {text}")
        (package / "schemas" / f"{text}.json").write_text(text)


@pytest.fixture(params=[False, True], ids=["again", "first"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    return Site(tmp_path, is_first=request.param)


def test_killed_at_any_step_and_again_at_any_step_of_the_repair(site: Site, strike: Strike) -> None:
    ends: set[bool] = set()
    step = 0
    for step in itertools.count():
        site.begin()
        if strike(site.install, step) == "done":
            break
        for repair in itertools.count():
            if repair:
                site.begin()
                strike(site.install, step)
            ended = strike(site.recover, repair)
            site.recover()
            assert site.state() in (site.old, site.new), (step, repair)
            if ended == "done":
                break
        ends.add(site.state() == site.new)
    assert ends == {False, True}
    assert step > 5


def test_interrupted_at_any_step_and_killed_at_any_step_of_the_tidying(site: Site, strike: Strike) -> None:
    ended, interrupt = "interrupted", 0
    for interrupt in itertools.count():
        for step in itertools.count():
            site.begin()
            ended = strike(site.install, step, interrupt)
            if ended != "killed" and site.package.name in str(site.old):
                assert (site.package / "__init__.py").exists(), interrupt  # without any repair
            site.recover()
            assert site.state() in (site.old, site.new), (interrupt, step)
            if ended != "killed":
                break
        if ended == "done":
            break
    assert interrupt > 5


def test_what_somebody_wrote_in_the_changelog_meanwhile_stays(site: Site, strike: Strike) -> None:
    for step in itertools.count():
        site.begin()
        assert strike(site.install, step) == "killed", "never between the package and the changelog"
        after = "new.json" in "".join(map(str, site.package.rglob("*")))
        if after and b"New" not in (site.state().get("CHANGELOG.md") or b""):
            break
    site.changelog.write_text("# Changelog\n\nMine.\n")
    site.recover()
    assert site.changelog.read_text() == with_entry("# Changelog\n\nMine.\n", ENTRY)


@pytest.mark.parametrize("command", ["check", "generate", "diff", "fetch painter", "update --dry-run"])
def test_the_next_command_completes_or_undoes_what_was_begun(command: str, hub: Hub, project: Path) -> None:
    package = project / "generated" / "ours"
    before = everything(package).keys()
    note = {"file": str(project / "CHANGELOG.md"), "entry": "- New.", "text": "?"}
    address = ["--base-url", hub.url] if command not in ("check", "generate") else []
    for is_swapped in (False, True):
        package.with_name(".ours.note").write_text(json.dumps(note))
        shutil.copytree(package, package.with_name(".ours.old"))
        if not is_swapped:
            package.rename(package.with_name(".ours.new"))
        done = CliRunner().invoke(main, [*command.split(), *address])
        assert done.exit_code == 0, done.output
        assert everything(package).keys() == before
        assert ("- New." in changelog(project)) is is_swapped
        assert is_clean(project)
