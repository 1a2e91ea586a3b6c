"""Attacks on `update` and `diff`: all that a hub may answer, at once."""

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
from helpers.models import make_model
from helpers.raw_server import RawServer, Response

from codegen.hostile.attacks import ATTACKS, GROWING, MODELS, SIZES, TEXT, Done, complaints, with_properties

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no limits of memory to set there")

UNNAMED = {"..": "no URL can name", "x" * 300: "the id is too long"}


@pytest.fixture
def project(folder: Path) -> Path:
    """A project with the package from before, to update."""
    shutil.copytree(folder / "schemas", folder / "out" / "oxen_models" / "schemas", dirs_exist_ok=True)
    (folder / "pyproject.toml").write_text('[tool.oxen-codegen]\noutput = "out"\n')
    return folder


@pytest.fixture
def run(project: Path, guarded: Callable[..., Done], server: RawServer) -> Callable[..., Done]:
    """Runs `update` or `diff` in the project, under guard."""

    def command(*arguments: str) -> Done:
        beside = frozenset({"pyproject.toml", "CHANGELOG.md"})
        return guarded("codegen", *arguments, "--base-url", server.url, where=project, beside=beside)

    return command


def changelog(project: Path) -> str:
    return (project / "CHANGELOG.md").read_text(encoding="utf-8")


def serve(server: RawServer, models: list[Any]) -> None:
    server.responses = {MODELS: [Response(body={"data": [{"id": each["id"]} for each in models]})]}
    for each in models:
        server.responses[f"{MODELS}/{quote(each['id'], safe='')}"] = [Response(body=each)]


def hostile() -> tuple[list[Any], dict[str, str]]:
    """Every attack that is a model, one of each id, and what is said of those that are refused."""
    models: dict[str, Any] = {}
    rejected: dict[str, str] = {}
    for name in ("strings", "engine words", "ids", "references", "shapes"):
        attack = ATTACKS[name]()
        models |= {each["id"]: each for each in attack.models}
        rejected |= attack.rejected
    rejected["a record that grows"] = "its record would be larger than 1 MB"
    return [*models.values(), GROWING], rejected


def moving(when: str) -> list[dict[str, Any]]:
    """Models that have everything under another name before and after."""
    names = {f"{when}_{number}": TEXT for number in range(2_000)}
    part = {"type": "object", "properties": {f"{when}_{number}": TEXT for number in range(40)}}
    return [
        with_properties("many", names),
        with_properties("nested", {f"p{number}": part for number in range(90)}),
    ]


def outside_code_spans(markdown: str) -> Iterator[str]:
    """What is left of each line without what stands between backticks."""
    for line in markdown.splitlines():
        yield re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line)


def test_all_attacks_at_once_on_update_and_diff(
    project: Path, run: Callable[..., Done], server: RawServer
) -> None:
    models, rejected = hostile()
    better = make_model("good", summary="Better.", removed={"on": "2000-01-01"})
    serve(server, [*models, better, *({"id": name} for name in UNNAMED), make_model("victim")])

    done = run("update")

    assert done.code == 1, done.told
    complaints(done, {**rejected, **UNNAMED})
    recorded = project / "out" / "oxen_models" / "schemas"
    facts = [json.loads(file.read_text(encoding="utf-8")) for file in recorded.iterdir()]
    named = {each["id"] for each in models} - rejected.keys()
    assert {each["id"] for each in facts} == {"good", "victim", *named}
    assert [each["summary"] for each in facts if each["id"] == "good"] == ["Better."]
    assert not [each for each in facts if "removed" in each]
    entry = changelog(project)
    assert all(line.isprintable() for line in entry.split("\n"))
    assert max(map(len, entry.split("\n"))) < 1_000
    assert not [line for line in outside_code_spans(entry) if set(line) & set("<>[]`{}$@*|\\")]

    empty = project / "schemas"
    shutil.rmtree(empty)
    empty.mkdir()
    for form in ("text", "markdown", "json"):
        shown = run("diff", "--from", str(recorded), "--to", str(empty), "--format", form)
        assert shown.code == 4, shown.told
        assert all(line.isprintable() for line in shown.said.split("\n"))

    serve(server, [better])
    gone = run("update", "--allow-removals")
    assert gone.code == 0, gone.told
    assert {*read_files(project / "out" / "oxen_models")} >= {"images/good.py", "images/victim.py"}
    assert all(line.isprintable() for line in changelog(project).split("\n"))


def test_what_moves_as_a_whole_is_compared_in_time(
    project: Path, run: Callable[..., Done], server: RawServer
) -> None:
    others = [make_model("good"), make_model("victim")]
    serve(server, [*others, *moving("old")])
    assert run("update").code == 0
    serve(server, [*others, *moving("new")])
    assert run("diff").code == 4
    done = run("update")
    assert done.code == 0, done.told
    assert max(map(len, changelog(project).split("\n"))) < 1_000


def test_models_of_all_sizes_are_updated(project: Path, run: Callable[..., Done], server: RawServer) -> None:
    models = [each for name in ("choices", "properties", "names", "texts") for each in SIZES[name].models]
    serve(server, [make_model("good"), *models])
    done = run("update")
    assert done.code == 0, done.told


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (Response(body=b" " * (50 * 2**20)), "the answer is larger than 1 MB"),
        (Response(body=b"id: !!python/object/apply:os.system ['touch canary']\n"), "not JSON"),
        (Response(302, headers={"location": "file:///etc/passwd"}), "the hub answered HTTP 302"),
        (Response(body=make_model("good", summary="Not bad.")), "with another model: 'good'"),
    ],
)
def test_nonsense_in_place_of_a_model_changes_nothing(
    wrong: Response, complaint: str, project: Path, run: Callable[..., Done], server: RawServer
) -> None:
    serve(server, [make_model("good", summary="Better."), make_model("victim"), make_model("bad")])
    server.responses[f"{MODELS}/bad"] = [wrong]
    old = read_files(project)
    done = run("update")
    assert done.code == 2
    assert complaint in done.told
    assert read_files(project) == old
