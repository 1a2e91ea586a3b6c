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
from helpers.models import make_model, object_schema
from oxen_codegen.cli import main
from oxen_codegen.records import Removal, from_answer
from oxen_models.testing import Hub

STRING: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer"}
NUMBER: dict[str, Any] = {"type": "number"}
CHOICE: dict[str, Any] = {"type": "string", "enum": ["a", "b"]}

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
        (object_schema(p=STRING), 0),
        (object_schema(p={**STRING, "title": "T"}), 3),
        (object_schema(p={**STRING, "default": "x"}), 3),
        (object_schema(p=STRING, q=STRING), 3),
        (object_schema(), 4),
    ],
)
@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_the_exit_code_tells_the_gravest(new: object, code: int, form: str, folder: Folders) -> None:
    old, new_folder = (
        folder("old", make_model("m", object_schema(p=STRING))),
        folder("new", make_model("m", new)),
    )
    done = diff("--from", old, "--to", new_folder, "--format", form)
    assert (done.exit_code, done.stderr) == (code, "")


HOSTILE = "`</code>](https://x) @oxen <b>|\n# \x1b[31m\u202e ``"


def test_json(folder: Folders) -> None:
    old = folder("old", make_model("m", object_schema("p", p=STRING)), make_model("gone"))
    new = folder("new", make_model("m", object_schema("p", p=CHOICE)))
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
    old = folder("old", make_model(HOSTILE, object_schema(p={**STRING, "description": HOSTILE})))
    new = folder("new", make_model(HOSTILE, object_schema(**{HOSTILE: {**STRING, "enum": [HOSTILE]}})))
    done = diff("--from", old, "--to", new, "--format", form)
    assert done.exit_code == 4
    assert all(char == "\n" or char.isprintable() for char in done.stdout)
    if form == "text":
        assert len(done.stdout.splitlines()) == 3


def test_markdown_holds_the_hub_in_code_spans(folder: Folders) -> None:
    old = folder(
        "old", make_model("`", object_schema(a=STRING, p={**STRING, "description": HOSTILE})), make_model("z")
    )
    new = folder("new", make_model("`", object_schema(a=STRING, **{HOSTILE: STRING, "": STRING})))
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


def test_markdown_fits_a_pull_request_with_what_breaks_first(folder: Folders) -> None:
    many = {f"parameter_{number}": STRING for number in range(2_000)}
    old = folder("old", make_model("m", object_schema(**many, gone=STRING)))
    new = folder("new", make_model("m", object_schema(**{name: {**STRING, "title": "New"} for name in many})))
    told = diff("--from", old, "--to", new, "--format", "markdown").stdout
    assert len(told) < 65_536
    assert "- `gone`: parameter-removed" in told
    assert "2000 documentation" in told
    assert told.rstrip().endswith("The rest does not fit here: `oxen-codegen diff` shows it.")


def test_the_summary_counts_and_names_the_next_version(folder: Folders) -> None:
    old = folder("old", make_model("m", object_schema(p=STRING, q=INTEGER)))
    new = folder("new", make_model("m", object_schema(p=CHOICE, q={**NUMBER, "default": 1})))
    assert diff("--from", old, "--to", new).stdout.splitlines() == [
        'breaking: m p: enum-narrowed: string -> ["a", "b"]',
        "behavioural: m q: default-added: 1",
        "additive: m q: type-widened: integer -> number",
        "diff: 1 breaking, 1 behavioural, 1 additive, 0 documentation; version 0.1.0 -> 0.2.0",
    ]


@pytest.mark.parametrize("broken", ["{", "[]", '{"id": 5}', '{"id": "a", "id": "b"}', '{"id": "ok"}'])
@pytest.mark.parametrize("side", ["old", "new"])
def test_a_file_that_cannot_be_read_is_no_model_that_is_gone(broken: str, side: str, folder: Folders) -> None:
    old, new = (
        folder("old", make_model("ok"), make_model("m")),
        folder("new", make_model("ok"), make_model("n")),
    )
    ({"old": old, "new": new}[side] / "broken.json").write_text(broken)
    for form in ("text", "json"):
        done = diff("--from", old, "--to", new, "--format", form)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "broken.json: " in done.stderr
        assert f"/{side}: nothing was done" in done.stderr


def test_a_schema_that_is_none_is_an_error_unless_it_was_none_before(folder: Folders) -> None:
    odd = make_model("odd", [])
    old, new = folder("old", make_model("odd"), make_model("m")), folder("new", odd)
    done = diff("--from", old, "--to", new)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "odd, after: the parameter schema is not a JSON object" in done.stderr
    assert diff("--from", new, "--to", folder("newer", odd, make_model("m"))).exit_code == 3


def test_a_folder_of_other_things_is_no_catalogue_and_an_empty_one_is(folder: Folders) -> None:
    old, other = folder("old", make_model("m")), folder("other")
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
    (schemas / "a.json").write_text(json.dumps(make_model("a", object_schema(p=STRING))))
    (schemas / "b%20é.json").write_text(json.dumps(make_model("b é")))
    git = ["git", "-C", str(top), "-c", "user.name=n", "-c", "user.email=e@x"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True)
    (schemas / "a.json").write_text(json.dumps(make_model("a", object_schema())))
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
    served = folder("served", make_model("a", object_schema(q=STRING)), make_model("new"))
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
                body = make_model("a", object_schema(p=STRING))
            elif self.path.endswith("/unlisted"):
                body = make_model("unlisted")
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
    old = folder("old", make_model("a", object_schema(p=STRING)), make_model("unlisted"), make_model("gone"))
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
    there = make_model("m")
    left = from_answer(there).removed(Removal("2026-11-24", "0.2.0", None))
    old, new = folder("old", there), folder("new", dict(left.facts))
    assert diff("--from", old, "--to", new).stdout.startswith("breaking: m: model-removed")
    assert diff("--from", new, "--to", old).stdout.startswith("additive: m: model-added")


def test_models_that_are_not_built_are_not_compared(
    repository: Path, folder: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OXEN_API_KEY", "any")
    Path("pyproject.toml").write_text('[tool.oxen-codegen.include]\nids = ["a*"]\n')
    served = folder("served", make_model("a", object_schema()), make_model("another"), make_model("new"))
    with Hub(schemas=served) as hub:
        lines = diff("--base-url", hub.url).stdout.splitlines()
    assert lines[:-1] == ["additive: another: model-added: /images/generate"]


def test_the_committed_schemas_are_what_they_are() -> None:
    schemas = Path(__file__).parents[3] / "generated" / "oxen_models" / "schemas"
    done = diff("--from", schemas, "--to", schemas)
    assert (done.exit_code, done.stdout) == (
        0,
        "diff: 0 breaking, 0 behavioural, 0 additive, 0 documentation; the version stays 0.1.0\n",
    )
