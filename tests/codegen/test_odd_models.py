"""One model that fails, or is odd, or a run that is interrupted, costs nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from helpers.codegen import read_files
from helpers.models import make_model
from oxen_codegen.cli import main
from oxen_codegen.lock import exclusive_lock
from oxen_models.testing import Hub


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ([], "error: bad: the parameter schema is not a JSON object but a list"),
        ({"type": "string"}, "error: bad /type: the parameters have to be an object, not 'string'"),
        (
            {"properties": ["prompt"]},
            "error: bad /properties: an object of properties is expected, not a list",
        ),
        ({"required": "prompt"}, "error: bad /required: a list of parameter names is expected"),
    ],
)
def test_a_model_that_fails_is_named_and_the_others_go_on(
    schema: object,
    complaint: str,
    write_models: Callable[..., None],
    invoke: Callable[[str], Result],
    tmp_path: Path,
) -> None:
    write_models(make_model("good"), make_model("bad", schema))
    done = invoke("generate")
    assert done.exit_code == 1
    assert complaint in done.stderr
    assert "1 bound" in done.stdout
    assert (tmp_path / "oxen_models" / "images" / "good.py").exists()


def test_a_model_that_fails_keeps_the_module_it_had(
    schemas: Path, write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    write_models(make_model("good"), make_model("frail", display_name="Frail"))
    assert invoke("generate").exit_code == 0
    before = read_files(tmp_path / "oxen_models")
    for file in schemas.iterdir():
        if "frail" in file.read_text():
            file.write_text(json.dumps(make_model("frail", {"type": "string"}, display_name="Frail")))

    done = invoke("generate")

    assert done.exit_code == 1
    assert "1 failed (1 keep the module they had)" in done.stdout
    after = read_files(tmp_path / "oxen_models")
    for name in ("images/frail.py", "images/__init__.py", "_client.py"):
        assert after[name] == before[name], name


def test_a_record_that_breaks_leaves_its_module_and_its_catalogue_entry_where_they_were(
    schemas: Path, write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    write_models(make_model("good"), make_model("frail"), make_model("weak"))
    assert invoke("generate").exit_code == 0
    before = read_files(tmp_path / "oxen_models")
    for file in list(schemas.iterdir()):
        if "frail" in file.read_text():
            file.write_text("<<<<<<< HEAD")
        elif "weak" in file.read_text():
            file.write_text(json.dumps(make_model("weak", [])))

    done = invoke("generate")

    assert done.exit_code == 1
    assert "1 bound" in done.stdout
    assert "2 keep the module they had" in done.stdout
    after = read_files(tmp_path / "oxen_models")
    for name in ("images/frail.py", "images/weak.py", "images/__init__.py", "_client.py"):
        assert after[name] == before[name], name
    assert b'id="weak"' in after["catalog.py"]


def test_a_new_model_does_not_take_the_name_of_one_that_broke(
    schemas: Path, write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    write_models(make_model("a-b", display_name="The old one"))
    assert invoke("generate").exit_code == 0
    for file in list(schemas.iterdir()):
        file.write_text(json.dumps(make_model("a-b", [])))
    write_models(make_model("a.b", display_name="The new one"))
    done = invoke("generate")
    assert done.exit_code == 1
    assert "error: a.b: would have the name " in done.stderr
    assert "The old one" in (tmp_path / "oxen_models" / "images" / "a_b.py").read_text()


def test_a_damaged_module_is_repaired(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    write_models(make_model("a"), make_model("b"))
    invoke("generate")
    whole = read_files(tmp_path / "oxen_models")
    (tmp_path / "oxen_models" / "images" / "a.py").write_text("class ARequest(Request): ...")
    (tmp_path / "oxen_models" / "images" / "b.py").write_bytes(b"\xff(")
    assert invoke("generate").exit_code == 0
    assert read_files(tmp_path / "oxen_models") == whole


ODD: dict[str, Any] = {
    "four quotes": {"type": "string", "description": '""""a'},
    "a render type that is a list": {"type": "array", "items": {}, "renderType": []},
    "a class that is called as one of ours": {"type": "object", "properties": {"in0": {"type": "string"}}},
    "a new emoji": {"type": "string", "description": "\U0001fae8", "enum": ["\U0001fae8"]},
    "large integers": {"enum": [2, 2**64, -(2**70)]},
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_odd_is_emitted_and_imports(
    odd: str, write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    image = {"type": "string", "renderType": "image-url"}
    properties = {"odd": ODD[odd], "input": ODD[odd], "image": image}
    write_models(make_model("file", {"type": "object", "properties": properties}), make_model("good"))
    done = invoke("generate")
    assert done.exit_code == 0, done.output
    script = "import oxen_models.images as i; i.FileRequest"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-W", "error", "-c", script], env=environment, check=True)


def test_two_runs_at_once_do_not_meet(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    write_models(make_model("a"))
    with exclusive_lock(tmp_path):
        done = invoke("generate")
    assert done.exit_code == 2
    assert "is locked by another oxen-codegen process" in done.stderr
    assert not (tmp_path / "oxen_models").exists()
    assert invoke("generate").exit_code == 0


@pytest.mark.parametrize("kind", ["a file", "a link"])
def test_a_package_that_is_no_folder_is_left_alone(
    kind: str, write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    write_models(make_model("a"))
    package = tmp_path / "oxen_models"
    if kind == "a file":
        package.write_text("mine")
    else:
        (tmp_path / "elsewhere").mkdir()
        package.symlink_to(tmp_path / "elsewhere")
    done = invoke("generate")
    assert done.exit_code == 2
    assert "oxen-codegen: " in done.stderr
    assert package.is_symlink() or package.read_text() == "mine"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{", "not JSON"),
        (b"- yaml: true", "not JSON"),
        (b'{"id": NaN}', "NaN is not a JSON value"),
        (b'{"id": "x", "created": 1e999}', "1e999 is beyond the range of a number"),
        (b'{"id": "x", "id": "y"}', "the key 'id' stands twice in one object"),
        (b'{"name": ""}', "it has no id"),
        (b"[" * 60_000, "nested too deeply"),
        (b'{"id": "x", "fine_tuning": ' + b"[" * 150 + b"]" * 150 + b"}", "nested too deeply"),
        (b'{"id": "x", "summary": "\\ud800"}', "not valid Unicode"),
        (b'{"id": "x", "id\\u0073": {"a": 1, "a": 2}}', "the key 'a' stands twice"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_a_broken_file_is_named_and_the_others_go_on(
    content: bytes,
    complaint: str,
    schemas: Path,
    write_models: Callable[..., None],
    invoke: Callable[[str], Result],
) -> None:
    write_models(make_model("good"))
    (schemas / "broken.json").write_bytes(content)
    done = invoke("generate")
    assert done.exit_code == 1
    assert "error: broken.json: " in done.stderr
    assert complaint in done.stderr
    assert "1 bound" in done.stdout


@pytest.mark.parametrize("left", ["half a new tree", "between the renames", "an old tree", "no new tree"])
def test_what_an_interruption_left_is_completed_or_undone(
    left: str, write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    write_models(make_model("a"))
    invoke("generate")
    package, new, old = (tmp_path / name for name in ("oxen_models", ".oxen_models.new", ".oxen_models.old"))
    whole = read_files(package)
    match left:
        case "half a new tree":
            new.mkdir()
            (new / "half.py").write_text("")
        case "between the renames":
            package.rename(old)
            new.mkdir()
            (new / "new.py").write_text("")
        case "an old tree":
            old.mkdir()
            (old / "old.py").write_text("")
        case _:
            package.rename(old)
    done = invoke("generate")
    assert done.exit_code == 0
    assert "0 files changed" in done.stdout
    assert read_files(package) == whole
    assert not new.exists()
    assert not old.exists()


def test_somebody_elses_package_is_not_replaced(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    write_models(make_model("a"))
    own = tmp_path / "oxen_models" / "thesis.py"
    own.parent.mkdir()
    own.write_text("years of work")
    done = invoke("generate")
    assert done.exit_code == 2
    assert "was not generated by oxen-codegen" in done.stderr
    assert own.read_text() == "years of work"


def test_fetch_first_brings_back_what_an_interrupted_generate_moved_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "generated" / "oxen_models"
    (package / "schemas").mkdir(parents=True)
    (package / "schemas" / "a.json").write_text(json.dumps(make_model("a")))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OXEN_API_KEY", "any")
    assert CliRunner().invoke(main, ["generate"]).exit_code == 0
    whole = read_files(package)
    package.rename(package.with_name(".oxen_models.old"))
    package.with_name(".oxen_models.new").mkdir()
    with Hub() as hub:
        done = CliRunner().invoke(main, ["fetch", "gpt-4o", "--base-url", hub.url])
    assert done.exit_code == 0, done.output
    assert whole.items() <= read_files(package).items()
    assert (package / "schemas" / "gpt-4o.json").exists()


def test_names_do_not_collide_across_families_either(
    write_models: Callable[..., None], invoke: Callable[[str], Result]
) -> None:
    write_models(make_model("a.b"), make_model("a-b", endpoint="/videos/generate"), make_model("good"))
    done = invoke("generate")
    assert done.exit_code == 1
    assert "error: a.b: would have the name AB, and so would 'a-b'" in done.stderr
    assert "1 bound" in done.stdout


def test_a_damaged_init_is_repaired(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    write_models(make_model("a"))
    invoke("generate")
    whole = read_files(tmp_path / "oxen_models")
    (tmp_path / "oxen_models" / "__init__.py").write_text("")
    assert invoke("generate").exit_code == 0
    assert read_files(tmp_path / "oxen_models") == whole
