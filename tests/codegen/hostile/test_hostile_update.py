"""Attacks on `update` and `diff`."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from helpers.codegen import read_files
from helpers.models import PROMPT_SCHEMA, make_model
from helpers.raw_server import RawServer, Response

from codegen.hostile.attacks import (
    GROWING,
    LARGE_MODELS,
    MAX_TIME_RATIO,
    MODELS,
    STRING,
    TOO_LARGE,
    Done,
    check_errors,
    make_all_attacks,
    with_properties,
    write_records,
)
from codegen.hostile.use import use_package

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there are no memory limits on Windows"),
]

MAX_DIFF_RATIO = 10
"""The maximal CPU time of a diff in which all names differ, as a multiple of that with equal names."""
INVALID_IDS = {"..": "has no URL", "x" * 300: "the id is too long"}


@pytest.fixture
def run(guarded: Callable[..., Done], server: RawServer) -> Callable[..., Done]:
    """A function that runs `update` or `diff` in the project."""
    return lambda *arguments: guarded("codegen", *arguments, "--base-url", server.url)


def read_changelog(project: Path) -> str:
    return (project / "CHANGELOG.md").read_text(encoding="utf-8")


def serve(server: RawServer, models: list[Any]) -> None:
    """Serve the models and a list of their ids."""
    server.responses = {MODELS: [Response(body={"data": [{"id": model["id"]} for model in models]})]}
    for model in models:
        server.responses[f"{MODELS}/{quote(model['id'], safe='')}"] = [Response(body=model)]


def remove_code_spans(markdown: str) -> Iterator[str]:
    """Yield each line without the text between backticks."""
    for line in markdown.splitlines():
        yield re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line)


def test_update_attacks(
    project: Path, run: Callable[..., Done], server: RawServer, catalogue_seconds: float
) -> None:
    """All attacks at once: rejected models are reported, all others are recorded and can be compared.

    The recorded model "victim" is kept, because the served one is too large.
    """
    attack = make_all_attacks()
    rejected = {
        **attack.rejected,
        **TOO_LARGE.rejected,
        GROWING["id"]: "the record would be larger than 1 MB",
    }
    better = make_model("good", summary="Better.", removed={"on": "2000-01-01"})
    invalid = [{"id": model_id} for model_id in INVALID_IDS]
    serve(server, [*attack.models, *TOO_LARGE.models, GROWING, better, *invalid])

    done = run("update")

    assert done.code == 1, done.stderr
    check_errors(done, {**rejected, **INVALID_IDS})
    assert done.seconds < MAX_TIME_RATIO * catalogue_seconds
    package = project / "out" / "oxen_models"
    recorded = [json.loads(file.read_text(encoding="utf-8")) for file in (package / "schemas").iterdir()]
    accepted = {model["id"] for model in (*attack.models, *TOO_LARGE.models)} - rejected.keys()
    assert {model["id"] for model in recorded} == {"good", "victim", *accepted}
    assert [model["json_request_schema"] for model in recorded if model["id"] == "victim"] == [PROMPT_SCHEMA]
    assert [model["summary"] for model in recorded if model["id"] == "good"] == ["Better."]
    assert not [model for model in recorded if "removed" in model]
    entry = read_changelog(project)
    assert all(line.isprintable() for line in entry.split("\n"))
    assert max(map(len, entry.split("\n"))) < 1_000
    assert not [line for line in remove_code_spans(entry) if set(line) & set("<>[]`{}$@*|\\")]

    empty = project / "out" / "oxen_models" / "empty"
    empty.mkdir()
    for output_format in ("text", "markdown", "json"):
        shown = run("diff", "--to", str(empty), "--format", output_format)
        assert shown.code == 4, shown.stderr
        assert all(line.isprintable() for line in shown.stdout.split("\n"))

    # A removal does not depend on the schema, which the first update has bound.
    for file in (package / "schemas").iterdir():
        record = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps({**record, "json_request_schema": PROMPT_SCHEMA}), encoding="utf-8")
    serve(server, [better])
    done = run("update", "--allow-removals")
    assert done.code == 0, done.stderr
    assert {*read_files(package)} >= {"images/good.py", "images/victim.py"}
    assert all(line.isprintable() for line in read_changelog(project).split("\n"))


def test_update_12_ids_of_one_name(project: Path, run: Callable[..., Done], server: RawServer) -> None:
    """Each model of a name collision is reported, and the other models are updated."""
    colliding = ["-" * number + "a" for number in range(12)]
    better = make_model("good", summary="Better.")
    serve(server, [*map(make_model, colliding), better, make_model("victim")])
    done = run("update")
    assert done.code == 1
    check_errors(done, dict.fromkeys(colliding, "the Python name a is also that of"))
    schemas = project / "out" / "oxen_models" / "schemas"
    assert {file.name for file in schemas.iterdir()} == {"good.json", "victim.json"}
    assert "Better." in (schemas / "good.json").read_text()


def test_update_large_models(
    project: Path,
    run: Callable[..., Done],
    guarded: Callable[..., Done],
    server: RawServer,
    catalogue_seconds: float,
) -> None:
    """All large models at once need no more time than a multiple of what the committed models need."""
    models = [make_model("good"), make_model("victim"), *LARGE_MODELS]
    serve(server, models)
    done = run("update")
    assert done.code == 0, done.stderr
    check_errors(done, {})
    assert done.seconds < MAX_TIME_RATIO * catalogue_seconds
    use_package(guarded, server, models)


def make_moving_models(old_or_new: str, count: int = 1_000) -> list[dict[str, Any]]:
    """Return models in which every parameter has another name."""
    names = {f"{old_or_new}_{number}": STRING for number in range(count)}
    part = {"type": "object", "properties": {f"{old_or_new}_{number}": STRING for number in range(40)}}
    return [
        with_properties("many", names),
        with_properties("nested", {f"p{number}": part for number in range(45)}),
    ]


def make_changing_models(old_or_new: str) -> list[dict[str, Any]]:
    """Return models of the same size, in which every parameter has another maximal length."""
    value = {**STRING, "maxLength": 200 if old_or_new == "old" else 100}
    part = {"type": "object", "properties": {f"part_{number}": value for number in range(40)}}
    return [
        with_properties("many", {f"part_{number}": value for number in range(1_000)}),
        with_properties("nested", {f"p{number}": part for number in range(45)}),
    ]


def test_diff_renamed_parameters_takes_linear_time(
    project: Path, run: Callable[..., Done], server: RawServer, catalogue_seconds: float
) -> None:
    """The search for renamed parameters needs about the time of a comparison of equal names."""
    schemas = project / "out" / "oxen_models" / "schemas"
    seconds: list[float] = []
    for make_models in (make_changing_models, make_moving_models):
        folders = [project / "out" / "oxen_models" / name for name in ("old", "new")]
        for folder in folders:
            folder.mkdir()
            write_records(make_models(folder.name), folder)
        done = run("diff", "--from", str(folders[0]), "--to", str(folders[1]))
        assert done.code == 4, done.stderr
        seconds.append(done.seconds)
        for folder in folders:
            shutil.rmtree(folder)
    changing, moving = seconds
    assert moving < MAX_DIFF_RATIO * changing

    # The diff of the nested parameters is measured above, and large objects are bound in another test.
    write_records(make_moving_models("old", 200)[:1], schemas)
    serve(server, [make_model("good"), make_model("victim"), *make_moving_models("new", 200)[:1]])
    done = run("update")
    assert done.code == 0, done.stderr
    assert max(map(len, read_changelog(project).split("\n"))) < 1_000
    assert done.seconds < MAX_TIME_RATIO * catalogue_seconds
