"""`oxen-codegen diff`, from the command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result
from generating import answer
from oxen_codegen.bind import bind, place
from oxen_codegen.cli import main
from oxen_codegen.diff.changes import Impact, next_version
from oxen_codegen.diff.compare import compare
from oxen_codegen.diff.schema import COMMON
from oxen_codegen.records import Record, Removal, from_answer
from oxen_codegen.shape import Choice, Plain
from oxen_models.testing import Hub

STRING: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer"}
NUMBER: dict[str, Any] = {"type": "number"}
IMAGE: dict[str, Any] = {"type": "string", "format": "uri", "renderType": "image-url"}
CHOICE: dict[str, Any] = {"type": "string", "enum": ["a", "b"]}


def array(items: dict[str, Any], **bounds: int) -> dict[str, Any]:
    return {"type": "array", "items": items, **bounds}


def item(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def catalogue(*answers: dict[str, Any]) -> dict[str, Record]:
    return {record.id: record for record in map(from_answer, answers)}


def changed(old: dict[str, Any], new: dict[str, Any]) -> set[tuple[str | None, str]]:
    """Parameter and kind of each change between two sets of properties."""
    found = compare(catalogue(answer("m", item(**old))), catalogue(answer("m", item(**new))), {})
    return {(change.parameter, change.kind) for change in found.changes}


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        (STRING, STRING, ""),
        ({**INTEGER, "default": 1}, {"default": 1.0, "type": ["integer"], "x-order": 3}, ""),
        ({**INTEGER, "default": 1}, {**INTEGER, "default": True}, "default-changed"),
        ({**INTEGER, "default": 1}, {**INTEGER, "default": None}, "default-changed"),
        (INTEGER, {**INTEGER, "default": None}, "default-added"),
        ({**INTEGER, "default": 0}, INTEGER, "default-removed"),
        (CHOICE, {**CHOICE, "enum": ["b", "a"]}, ""),
        ({"enum": [1, 2]}, {"enum": [2.0, 1.0]}, ""),
        ({"enum": [1, 2]}, {"enum": [True, 2]}, "enum-narrowed"),
        (CHOICE, {**CHOICE, "enum": ["a"]}, "enum-narrowed"),
        (CHOICE, {**CHOICE, "enum": ["a", "b", "c"]}, "enum-widened"),
        (CHOICE, {**CHOICE, "enum": ["b", "c"]}, "enum-narrowed"),
        (CHOICE, STRING, "enum-widened"),
        (CHOICE, {**STRING, "maxLength": 1}, "enum-widened"),
        (CHOICE, {**STRING, "minLength": 2}, "enum-narrowed"),
        (STRING, CHOICE, "enum-narrowed"),
        (CHOICE, {"type": "boolean"}, "type-changed"),
        (CHOICE, {**CHOICE, "nullable": True}, "enum-widened"),
        ({"type": "boolean"}, {"enum": [True, False]}, ""),
        ({"type": "boolean"}, {"enum": [True]}, "enum-narrowed"),
        ({"type": ["integer", "string"], "enum": [4, "auto"]}, INTEGER, "type-narrowed enum-widened"),
        (INTEGER, NUMBER, "type-widened"),
        (NUMBER, INTEGER, "type-narrowed"),
        ({**INTEGER, "minimum": 1}, {**INTEGER, "exclusiveMinimum": 0}, ""),
        ({**INTEGER, "minimum": 1}, {**INTEGER, "minimum": 0.5}, ""),
        ({**NUMBER, "minimum": 1}, {**NUMBER, "exclusiveMinimum": 1}, "range-narrowed"),
        ({**NUMBER, "exclusiveMaximum": 1}, {**NUMBER, "maximum": 1}, "range-widened"),
        ({**INTEGER, "maximum": 9}, {**NUMBER, "maximum": 9}, "type-widened"),
        ({**INTEGER, "maximum": 9}, {**NUMBER, "maximum": 8.5}, "type-widened range-narrowed"),
        (INTEGER, {**INTEGER, "maximum": 9}, "range-narrowed"),
        ({**INTEGER, "minimum": 1}, INTEGER, "range-widened"),
        ({**INTEGER, "minimum": 1, "maximum": 5}, {**INTEGER, "minimum": 0, "maximum": 4}, "range-narrowed"),
        (STRING, {**STRING, "minLength": 0}, ""),
        (STRING, {**STRING, "minLength": 1}, "length-narrowed"),
        ({**STRING, "maxLength": 5}, {**STRING, "maxLength": 6}, "length-widened"),
        (STRING, {"type": ["string", "null"]}, "type-widened"),
        ({"type": ["string", "null"]}, STRING, "type-narrowed"),
        (STRING, {**STRING, "nullable": True}, "type-widened"),
        (STRING, {}, "type-widened"),
        ({}, STRING, "type-narrowed"),
        (STRING, array(STRING), "became-array"),
        (array(STRING), STRING, "became-scalar"),
        (STRING, {"type": ["string", "array"], "items": STRING}, "type-widened"),
        (array(STRING), array(STRING, maxItems=3), "count-narrowed"),
        (array(STRING, minItems=1), array(STRING), "count-widened"),
        (IMAGE, STRING, "media-narrowed"),
        (STRING, IMAGE, "format-changed"),
        (IMAGE, {**STRING, "format": "uri"}, "format-changed"),
        ({**STRING, "format": "uri"}, IMAGE, "media-narrowed"),
        (IMAGE, {**IMAGE, "renderType": "video-url"}, "media-narrowed"),
        (IMAGE, {**IMAGE, "pattern": "^https"}, "type-widened media-narrowed"),
        (STRING, {**STRING, "format": "date"}, "format-changed"),
        (STRING, {**STRING, "pattern": "x"}, "type-widened"),
        ({**STRING, "pattern": "x"}, {**STRING, "pattern": "y"}, "hub-check-changed"),
        ({"anyOf": [STRING, INTEGER]}, {"anyOf": [INTEGER, {**STRING, "title": "T"}]}, ""),
        ({"anyOf": [STRING, INTEGER]}, {"anyOf": [STRING, NUMBER]}, "hub-check-changed"),
        (STRING, {**STRING, "title": "T", "description": "D."}, "title-changed description-changed"),
        ({**STRING, "description": "one  two "}, {**STRING, "description": "one two"}, ""),
        (STRING, {**STRING, "deprecated": True}, "deprecation-changed"),
        ({"type": "object"}, {"type": "object", "additionalProperties": True}, ""),
    ],
)
def test_a_parameter_changes(old: dict[str, Any], new: dict[str, Any], kinds: str) -> None:
    assert changed({"p": old}, {"p": new}) == {("p", kind) for kind in kinds.split()}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (array(INTEGER), array({**INTEGER, "maximum": 3}), {("p[]", "range-narrowed")}),
        (array(IMAGE), array(STRING), {("p[]", "media-narrowed")}),
        (array(array(STRING)), array(array(CHOICE)), {("p[][]", "enum-narrowed")}),
        (array(item(scale=NUMBER)), array(item(scale=INTEGER)), {("p[].scale", "type-narrowed")}),
        (item(scale=NUMBER), item("scale", scale=NUMBER), {("p.scale", "became-required")}),
        (item("scale", scale=NUMBER), item(scale=NUMBER), {("p.scale", "became-optional")}),
        (item(a=NUMBER), item(a=NUMBER, b=NUMBER), {("p.b", "parameter-added")}),
        (item(a=NUMBER), item("b", a=NUMBER, b=NUMBER), {("p.b", "required-parameter-added")}),
        (item(a=NUMBER, b=NUMBER), item(a=NUMBER), {("p.b", "parameter-removed")}),
        (
            {"type": "object", "additionalProperties": NUMBER},
            {"type": "object", "additionalProperties": INTEGER},
            {("p.*", "type-narrowed")},
        ),
        (
            item(a=NUMBER),
            {**item(a=NUMBER), "additionalProperties": False},
            {("p", "other-properties-refused")},
        ),
        (
            {**item(a=NUMBER), "additionalProperties": False},
            item(a=NUMBER),
            {("p", "other-properties-allowed")},
        ),
        # What was said of any name was said of the new one, too.
        (
            {**item(a=NUMBER), "additionalProperties": NUMBER},
            {**item(a=NUMBER, b=STRING), "additionalProperties": NUMBER},
            {("p.b", "parameter-added"), ("p.b", "type-changed")},
        ),
        # `{"a": 1}` and `MPart(a=1)` are different things to a type checker.
        ({"type": "object"}, item(a={}), {("p", "type-narrowed"), ("p.a", "parameter-added")}),
        (item(a={}), {"type": "object"}, {("p", "class-removed"), ("p.a", "parameter-removed")}),
        (item(a={}), {}, {("p", "type-widened"), ("p", "class-removed")}),
        (
            item(**{"a.b": NUMBER, "c d": NUMBER}),
            item(**{"a.b": INTEGER, "c d": INTEGER}),
            {('p."a.b"', "type-narrowed"), ('p."c d"', "type-narrowed")},
        ),
    ],
)
def test_a_change_within_names_its_path(
    old: dict[str, Any], new: dict[str, Any], found: set[tuple[str, str]]
) -> None:
    assert changed({"p": old}, {"p": new}) == found


def test_names_that_move_because_another_arrives() -> None:
    assert changed({"a-b": STRING}, {"a-b": STRING, "a_b": STRING}) == {
        ("a-b", "python-name-changed"),
        ("a_b", "parameter-added"),
    }
    # Both classes would be MAB.
    assert changed({"a-b": item(x=STRING)}, {"a-b": item(x=STRING), "a": item(b=item(x=STRING))}) >= {
        ("a-b", "python-name-changed")
    }


def test_a_parameter_of_every_call_is_not_new_where_a_schema_says_it_itself() -> None:
    both = {"type": "string", "enum": ["url", "b64_json"]}
    assert changed({}, {"response_format": both}) == set()
    assert changed({}, {"response_format": {**both, "enum": ["url"]}}) == {
        ("response_format", "enum-narrowed")
    }
    binding = bind(place(from_answer(answer("m", {})), {}))
    assert {parameter.name: parameter.type for parameter in binding.request.parameters} == {
        "response_format": Choice(tuple(COMMON["response_format"]["enum"]), None),
        "target_namespace": Plain({"string": "str"}[COMMON["target_namespace"]["type"]]),
    }


IMAGE_SCHEMA = item("input_image", input_image=array(IMAGE))
MODEL_CHANGES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"endpoint": "/images/generate"}, {"endpoint": "https://hub/api/ai/images/generate/"}, ""),
    ({"endpoint": "/audio/speech"}, {"endpoint": "audio/generate"}, ""),
    ({"endpoint": "/images/generate"}, {"endpoint": "/videos/generate"}, "endpoint-changed"),
    ({"endpoint": "/images/generate"}, {"endpoint": "/holograms"}, "endpoint-changed"),
    ({"endpoint": "/holograms"}, {"endpoint": "/images/generate"}, "endpoint-added"),
    ({"schema": item()}, {"schema": None}, "schema-removed"),
    ({"schema": None}, {"schema": item()}, "schema-added"),
    ({"schema": item(input_image=array(IMAGE))}, {"schema": IMAGE_SCHEMA}, "endpoint-changed"),
    ({"schema": None}, {"schema": IMAGE_SCHEMA}, "schema-added"),
    ({"created": 1, "changed": "2026-01-01"}, {"created": 2, "changed": "2026-01-02"}, ""),
    ({"pricing": {"cost_per_image": 1}}, {"deployments": [], "showcase": 5}, ""),
    ({"display_name": "A"}, {"display_name": "B"}, "display-name-changed"),
    ({"summary": "A"}, {"summary": "B"}, "summary-changed"),
    ({"description": "A"}, {"description": "B", "summary": " "}, "description-changed"),
    ({"developer": "A"}, {"developer": {"name": "A", "logo": "x"}}, ""),
    ({"developer": "A"}, {"developer": {"name": "B"}}, "developer-changed"),
    (
        {"capabilities": {"input": ["text", "image"], "output": ["image"]}},
        {"capabilities": {"output": ["image"], "input": ["image", "text"]}},
        "",
    ),
    (
        {"capabilities": {"input": ["text"], "output": ["image"]}},
        {"capabilities": {"input": ["image", "text"], "output": ["image"]}},
        "capabilities-changed",
    ),
    ({"schema": item()}, {"schema": {**item(), "anyOf": [{}]}}, "hub-check-changed"),
    ({"schema": item()}, {"schema": {**item(), "additionalProperties": False, "x-y": 1}}, ""),
]


@pytest.mark.parametrize(("old", "new", "kinds"), MODEL_CHANGES)
def test_a_model_changes(old: dict[str, Any], new: dict[str, Any], kinds: str) -> None:
    def of(facts: dict[str, Any]) -> dict[str, Record]:
        return catalogue(answer("m", **{"schema": item(), **facts}))

    found = compare(of(old), of(new), {}).changes
    changes = {(change.parameter, change.kind) for change in found}
    changes -= {("input_image", "became-required")}
    assert changes == {(None, kind) for kind in kinds.split()}


def test_a_model_that_takes_the_name_of_another_breaks_it() -> None:
    old, new = catalogue(answer("a-b")), catalogue(answer("a-b"), answer("a.b"))
    found = compare(old, new, {})
    assert [(change.model, change.kind) for change in found.changes] == [
        ("a-b", "name-taken"),
        ("a.b", "model-added"),
    ]
    assert [change.kind for change in compare(old, new, {"a.b": "other"}).changes] == ["model-added"]


def test_a_rename_is_proposed_beside_removal_and_addition() -> None:
    steps = {**INTEGER, "minimum": 1, "description": "How many steps."}
    found = compare(
        catalogue(answer("m", item(num_steps=steps, text=STRING, image=IMAGE, at=array(item(old_x=steps))))),
        catalogue(answer("m", item(steps=steps, seed=INTEGER, mask=IMAGE, at=array(item(new_x=steps))))),
        {},
    )
    assert {(each.parameter, each.new) for each in found.renames} == {
        ("num_steps", "steps"),
        ("at[].old_x", "at[].new_x"),
    }
    (evidence,) = {each.evidence for each in found.renames if each.new == "steps"}
    assert evidence == ("a similar name", "the same values", "the same description")
    assert sum(change.kind == "parameter-removed" for change in found.changes) == 4
    assert sum(change.kind == "parameter-added" for change in found.changes) == 4


def test_a_renamed_model_is_proposed_where_its_parameters_are_alike() -> None:
    schema = item("prompt", prompt=STRING, seed=INTEGER, size=CHOICE)
    found = compare(
        catalogue(answer("wan-2-1", schema), answer("other", item(a=STRING))),
        catalogue(answer("wan-2.1-fast", schema), answer("speaker", schema, endpoint="/audio/speech")),
        {},
    )
    assert [(each.old, each.new) for each in found.renames] == [("wan-2-1", "wan-2.1-fast")]


@pytest.mark.parametrize(
    ("current", "impact", "following"),
    [
        ("0.1.0", None, "0.1.0"),
        ("0.1.7", "breaking", "0.2.0"),
        ("0.1.7", "behavioural", "0.1.8"),
        ("0.1.7", "additive", "0.1.8"),
        ("0.1.7", "documentation", "0.1.8"),
        ("1.2.3", "breaking", "2.0.0"),
        ("1.2.3", "behavioural", "1.3.0"),
        ("1.2.3", "additive", "1.3.0"),
        ("1.2.3", "documentation", "1.2.4"),
    ],
)
def test_the_next_version(current: str, impact: Impact | None, following: str) -> None:
    assert next_version(current, impact) == following


Folders = Callable[..., Path]
Diff = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Folders:
    def put(name: str, *answers: dict[str, Any]) -> Path:
        made = tmp_path / name
        made.mkdir(exist_ok=True)
        for number, each in enumerate(answers):
            (made / f"{number}.json").write_text(json.dumps(each))
        return made

    return put


def diff(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["diff", *map(str, arguments)])


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (item(p=STRING), 0),
        (item(p={**STRING, "title": "T"}), 3),
        (item(p={**STRING, "default": "x"}), 3),
        (item(p=STRING, q=STRING), 3),
        (item(), 4),
    ],
)
@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_the_exit_code_tells_the_gravest(new: object, code: int, form: str, folder: Folders) -> None:
    old, new_folder = folder("old", answer("m", item(p=STRING))), folder("new", answer("m", new))
    done = diff("--from", old, "--to", new_folder, "--format", form)
    assert (done.exit_code, done.stderr) == (code, "")


HOSTILE = "`</code>](https://x) @oxen <b>|\n# \x1b[31m\u202e ``"


def test_json(folder: Folders) -> None:
    old = folder("old", answer("m", item("p", p=STRING)), answer("gone"))
    new = folder("new", answer("m", item("p", p=CHOICE)))
    done = diff("--from", old, "--to", new, "--format", "json")
    assert json.loads(done.stdout) == {
        "changes": [
            {
                "model": "gone",
                "parameter": None,
                "kind": "model-removed",
                "impact": "breaking",
                "old": "/images/generate",
                "new": None,
            },
            {
                "model": "m",
                "parameter": "p",
                "kind": "enum-narrowed",
                "impact": "breaking",
                "old": "string",
                "new": ["a", "b"],
            },
        ],
        "renames": [],
        "summary": {
            "breaking": 2,
            "behavioural": 0,
            "additive": 0,
            "documentation": 0,
            "gravest": "breaking",
            "version": "0.1.0",
            "next_version": "0.2.0",
        },
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_text_of_the_hub_reaches_the_terminal_as_it_is(form: str, folder: Folders) -> None:
    old = folder("old", answer(HOSTILE, item(p={**STRING, "description": HOSTILE})))
    new = folder("new", answer(HOSTILE, item(**{HOSTILE: {**STRING, "enum": [HOSTILE]}})))
    done = diff("--from", old, "--to", new, "--format", form)
    assert done.exit_code == 4
    assert all(char == "\n" or char.isprintable() for char in done.stdout)
    if form == "text":
        assert len(done.stdout.splitlines()) == 3


def test_markdown_holds_the_hub_in_code_spans(folder: Folders) -> None:
    old = folder("old", answer("`", item(a=STRING, p={**STRING, "description": HOSTILE})), answer("z"))
    new = folder("new", answer("`", item(a=STRING, **{HOSTILE: STRING, "": STRING})))
    lines = diff("--from", old, "--to", new, "--format", "markdown").stdout.splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "## Changes of the models",
        "### Breaking",
        "### Additive",
    ]
    markdown_it = pytest.importorskip("markdown_it")
    tokens = markdown_it.MarkdownIt("commonmark").parse("\n".join(lines))
    inline = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in inline} == {"text", "code_inline"}
    ours = "".join(token.content for token in inline if token.type == "text")
    assert not set(ours) & set("@<[]|`")
    assert {"`", "z", "p"} <= {token.content for token in inline if token.type == "code_inline"}


def test_the_summary_counts_and_names_the_next_version(folder: Folders) -> None:
    old = folder("old", answer("m", item(p=STRING, q=INTEGER)))
    new = folder("new", answer("m", item(p=CHOICE, q={**NUMBER, "default": 1})))
    assert diff("--from", old, "--to", new).stdout.splitlines() == [
        'breaking: m p: enum-narrowed: string -> ["a", "b"]',
        "behavioural: m q: default-added: 1",
        "additive: m q: type-widened: integer -> number",
        "diff: 1 breaking, 1 behavioural, 1 additive, 0 documentation; version 0.1.0 -> 0.2.0",
    ]


@pytest.mark.parametrize("broken", ["{", "[]", '{"id": 5}', '{"id": "a", "id": "b"}', '{"id": "ok"}'])
@pytest.mark.parametrize("side", ["old", "new"])
def test_a_file_that_cannot_be_read_is_no_model_that_is_gone(broken: str, side: str, folder: Folders) -> None:
    old, new = folder("old", answer("ok"), answer("m")), folder("new", answer("ok"), answer("n"))
    ({"old": old, "new": new}[side] / "broken.json").write_text(broken)
    for form in ("text", "json"):
        done = diff("--from", old, "--to", new, "--format", form)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "broken.json: " in done.stderr
        assert f"/{side}: nothing was done" in done.stderr


def test_a_schema_that_is_none_is_an_error_unless_it_was_none_before(folder: Folders) -> None:
    odd = answer("odd", [])
    old, new = folder("old", answer("odd"), answer("m")), folder("new", odd)
    done = diff("--from", old, "--to", new)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "odd, after: the parameter schema is no JSON object" in done.stderr
    assert diff("--from", new, "--to", folder("newer", odd, answer("m"))).exit_code == 3


def test_a_folder_of_other_things_is_no_catalogue_and_an_empty_one_is(folder: Folders) -> None:
    old, other = folder("old", answer("m")), folder("other")
    assert diff("--from", old, "--to", other).exit_code == 4
    (other / "README.md").write_text("")
    done = diff("--from", old, "--to", other)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no model schemas there" in done.stderr


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two models committed, one of which is then edited."""
    top = tmp_path / "répo"
    schemas = top / "nested" / "generated" / "oxen_models" / "schemas"
    schemas.mkdir(parents=True)
    (top / "nested" / "pyproject.toml").write_text("")
    monkeypatch.chdir(top / "nested")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    (schemas / "a.json").write_text(json.dumps(answer("a", item(p=STRING))))
    (schemas / "b%20é.json").write_text(json.dumps(answer("b é")))
    git = ["git", "-C", str(top), "-c", "user.name=n", "-c", "user.email=e@x"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True)
    (schemas / "a.json").write_text(json.dumps(answer("a", item())))
    return schemas


def test_a_revision_beside_what_is_there(repository: Path, tmp_path: Path) -> None:
    done = diff("--from", "HEAD", "--to", repository)
    assert done.exit_code == 4, done.output
    assert done.stdout.startswith("breaking: a p: parameter-removed: string\ndiff: 1 breaking")
    assert diff("--to", "main").exit_code == 3  # the other way round: it was added
    assert diff("--from", "HEAD", "--to", "main").exit_code == 0
    (repository / "a.json").unlink()
    assert "breaking: a: model-removed" in diff("--from", "main", "--to", repository).stdout


@pytest.mark.parametrize("revision", ["nope", "HEAD~9", "-x", "--help-me", "", "a\nb", "HEAD:nested", ":/"])
def test_what_is_neither_folder_nor_revision_is_told(revision: str, repository: Path) -> None:
    done = diff(f"--from={revision}", "--to", repository)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "neither a folder, nor 'live', nor a git revision" in done.stderr


def test_outside_a_repository_and_without_git_it_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert "nor a git revision" in diff("--from", "HEAD", "--to", repository).stderr
    monkeypatch.chdir(repository)
    monkeypatch.setenv("PATH", "")
    assert "nor a git revision" in diff("--from", "HEAD", "--to", repository).stderr


def test_a_revision_without_schemas_is_told(repository: Path) -> None:
    git = ["git", "-C", str(repository), "-c", "user.name=n", "-c", "user.email=e@x"]
    subprocess.run([*git, "rm", "-rq", "--cached", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "two"], check=True)
    done = diff("--from", "HEAD", "--to", repository)
    assert done.exit_code == 2
    assert "HEAD: that revision holds no schemas in nested/generated/oxen_models/schemas" in done.stderr


def test_a_broken_file_of_a_revision_is_named(repository: Path) -> None:
    (repository / "a.json").write_text("{")
    git = ["git", "-C", str(repository), "-c", "user.name=n", "-c", "user.email=e@x"]
    subprocess.run([*git, "commit", "-qam", "two"], check=True)
    done = diff("--from", "HEAD", "--to", "HEAD~1")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "HEAD:nested/generated/oxen_models/schemas: nothing was done" in done.stderr
    assert "a.json: not JSON" in done.stderr


def test_the_live_hub_is_what_recorded_schemas_are_compared_with(
    repository: Path, folder: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OXEN_API_KEY", "any")
    served = folder("served", answer("a", item(q=STRING)), answer("new"))
    with Hub(schemas=served) as hub:
        done = diff("--base-url", hub.url)
        assert done.exit_code == 4, done.output
        assert {" ".join(line.split()[:4]) for line in done.stdout.splitlines()[:-1]} == {
            "breaking: b é: model-removed:",
            "additive: a q: parameter-added:",
            "additive: new: model-added: /images/generate",
        }
        assert diff("--from", "live", "--to", served, "--base-url", hub.url).exit_code == 0


@pytest.fixture
def failing() -> Iterator[str]:
    """A hub that lists two models and answers for one of them, and for one that it does not list."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = 200
            body: dict[str, Any] = {"data": [{"id": "a"}, {"id": "b é"}]}
            if self.path.endswith("/a"):
                body = answer("a", item(p=STRING))
            elif self.path.endswith("/unlisted"):
                body = answer("unlisted")
            elif not self.path.endswith("/models"):
                status, body = 404, {"error": {"message": "Model not found"}}
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_model_that_the_hub_has_and_does_not_list_is_not_gone(
    failing: str, folder: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OXEN_API_KEY", "any")
    monkeypatch.chdir(folder("project"))
    Path("pyproject.toml").write_text('[tool.oxen-codegen.exclude]\nids = ["b *"]\n')
    old = folder("old", answer("a", item(p=STRING)), answer("unlisted"), answer("gone"))
    lines = diff("--from", old, "--base-url", failing).stdout.splitlines()
    assert lines[:-1] == ["breaking: gone: model-removed: /images/generate"]


def test_a_hub_that_fails_for_a_model_has_not_lost_it(
    failing: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OXEN_API_KEY", "any")
    done = diff("--base-url", failing)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "nothing was done: 1 model cannot be read: b é: the hub answered HTTP 404" in done.stderr
    monkeypatch.delenv("OXEN_API_KEY")
    done = diff("--base-url", failing)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no API key" in done.stderr


def test_a_record_that_stays_to_say_that_its_model_left_is_no_model(folder: Folders) -> None:
    there = answer("m")
    left = from_answer(there).removed(Removal("2026-11-24", "0.2.0", None))
    old, new = folder("old", there), folder("new", dict(left.facts))
    assert diff("--from", old, "--to", new).stdout.startswith("breaking: m: model-removed")
    assert diff("--from", new, "--to", old).stdout.startswith("additive: m: model-added")


def test_models_that_are_not_built_are_not_compared(
    repository: Path, folder: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OXEN_API_KEY", "any")
    Path("pyproject.toml").write_text('[tool.oxen-codegen.include]\nids = ["a*"]\n')
    served = folder("served", answer("a", item()), answer("another"), answer("new"))
    with Hub(schemas=served) as hub:
        lines = diff("--base-url", hub.url).stdout.splitlines()
    assert lines[:-1] == ["additive: another: model-added: /images/generate"]


def test_the_committed_schemas_are_what_they_are() -> None:
    schemas = Path(__file__).parent.parent / "generated" / "oxen_models" / "schemas"
    done = diff("--from", schemas, "--to", schemas)
    assert (done.exit_code, done.stdout) == (
        0,
        "diff: 0 breaking, 0 behavioural, 0 additive, 0 documentation; the version stays 0.1.0\n",
    )
