"""The command `oxen-codegen diff`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import oxen_models
import pytest
from click.testing import Result
from helpers.codegen import run_codegen
from helpers.models import make_model, object_schema
from oxen_codegen.records import Removal, from_response
from oxen_models.testing import Hub

STRING: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer"}
NUMBER: dict[str, Any] = {"type": "number"}
CHOICE: dict[str, Any] = {"type": "string", "enum": ["a", "b"]}

SHIPPED = Path(oxen_models.__file__).parent / "schemas"
WriteFolder = Callable[..., Path]


def diff(*arguments: object) -> Result:
    return run_codegen("diff", *arguments)


@pytest.mark.parametrize(
    ("new", "exit_code"),
    [
        (object_schema(p=STRING), 0),
        (object_schema(p={**STRING, "title": "T"}), 3),
        (object_schema(p={**STRING, "default": "x"}), 3),
        (object_schema(p=STRING, q=STRING), 3),
        (object_schema(), 4),
    ],
)
@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_exit_code_is_that_of_max_impact(
    new: object, exit_code: int, form: str, write_folder: WriteFolder
) -> None:
    """The exit code depends on the most severe change, in every format."""
    old_folder, new_folder = (
        write_folder("old", make_model("m", object_schema(p=STRING))),
        write_folder("new", make_model("m", new)),
    )
    result = diff("--from", old_folder, "--to", new_folder, "--format", form)
    assert (result.exit_code, result.stderr) == (exit_code, "")


@pytest.mark.parametrize("content", ["{", "[]", '{"id": 5}', '{"id": "a", "id": "b"}', '{"id": "ok"}'])
@pytest.mark.parametrize("side", ["old", "new"])
def test_invalid_file_is_an_error(content: str, side: str, write_folder: WriteFolder) -> None:
    """A file that cannot be read is an error, not a removed model."""
    old, new = (
        write_folder("old", make_model("ok"), make_model("m")),
        write_folder("new", make_model("ok"), make_model("n")),
    )
    ({"old": old, "new": new}[side] / "broken.json").write_text(content)
    for form in ("text", "json"):
        result = diff("--from", old, "--to", new, "--format", form)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"/{side}: 1 invalid file: broken.json: " in result.stderr


def test_invalid_schema_breaks_one_model(write_folder: WriteFolder) -> None:
    """A parameter schema that cannot be judged breaks its model, unless it did not change."""
    odd = make_model("odd", [])
    old, new = write_folder("old", make_model("odd"), make_model("m")), write_folder("new", odd)
    result = diff("--from", old, "--to", new)
    assert result.exit_code == 4
    assert "breaking: odd: model-refused: the parameter schema must be a JSON object" in result.stdout
    assert "breaking: m: model-removed" in result.stdout
    assert diff("--from", new, "--to", write_folder("newer", odd, make_model("m"))).exit_code == 3


@pytest.mark.slow
def test_folder_of_other_files_is_an_error(write_folder: WriteFolder) -> None:
    """An empty folder is an empty catalogue; a folder with other files only is an error."""
    old, other = write_folder("old", make_model("m")), write_folder("other")
    assert diff("--from", old, "--to", other).exit_code == 4
    (other / "README.md").write_text("")
    result = diff("--from", old, "--to", other)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no model schemas; expected a folder of *.json files" in result.stderr


@pytest.fixture
def recorded_schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the schemas of a repository with two committed models; one of them is edited afterwards."""
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


@pytest.mark.slow
def test_revision_is_compared_with_folder(recorded_schemas: Path) -> None:
    """A git revision can be compared with a folder and with another revision."""
    result = diff("--from", "HEAD", "--to", recorded_schemas)
    assert result.exit_code == 4, result.output
    assert result.stdout.startswith("breaking: a p: parameter-removed: string\ndiff: 1 breaking")
    assert diff("--to", "main").exit_code == 3  # from the edited schemas, so the parameter is added
    assert diff("--from", "HEAD", "--to", "main").exit_code == 0
    (recorded_schemas / "a.json").unlink()
    assert "breaking: a: model-removed" in diff("--from", "main", "--to", recorded_schemas).stdout


@pytest.mark.slow
@pytest.mark.parametrize("revision", ["~nope", "HEAD~9", "-x", "--help-me", "", "a\nb", "HEAD:nested", ":/"])
def test_unknown_revision_is_an_error(revision: str, recorded_schemas: Path) -> None:
    """A source that is neither a folder nor a revision is an error that names it and the repository."""
    result = diff(f"--from={revision}", "--to", recorded_schemas)
    assert (result.exit_code, result.stdout) == (2, "")
    expected = f"expected a folder, 'live' or a git revision of {recorded_schemas.parents[3]}\n"
    assert result.stderr == f"oxen-codegen: unknown catalogue {revision!r}: {expected}"


def test_revision_outside_repository_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded_schemas: Path
) -> None:
    """A revision is an error outside a repository, and if git is not installed."""
    expected = "or a git revision ({} is not in a git repository)"
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    result = diff("--from", "HEAD", "--to", recorded_schemas)
    assert result.exit_code == 2
    assert expected.format(tmp_path) in result.stderr
    monkeypatch.chdir(recorded_schemas.parents[2])
    monkeypatch.setenv("PATH", "")
    result = diff("--from", "HEAD", "--to", recorded_schemas)
    assert result.exit_code == 2
    assert expected.format(recorded_schemas.parents[1]) in result.stderr


@pytest.mark.slow
def test_revision_without_schemas_is_an_error(recorded_schemas: Path) -> None:
    """A revision without schemas is an error that names the path."""
    git = ["git", "-C", str(recorded_schemas), "-c", "user.name=n", "-c", "user.email=e@x"]
    subprocess.run([*git, "rm", "-rq", "--cached", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "two"], check=True)
    result = diff("--from", "HEAD", "--to", recorded_schemas)
    assert result.exit_code == 2
    assert "HEAD: the revision contains no schemas in nested/generated/oxen_models/schemas" in result.stderr


@pytest.mark.slow
def test_invalid_file_in_revision_is_an_error(recorded_schemas: Path) -> None:
    """An invalid file of a revision is an error that names the revision and the file."""
    (recorded_schemas / "a.json").write_text("{")
    git = ["git", "-C", str(recorded_schemas), "-c", "user.name=n", "-c", "user.email=e@x"]
    subprocess.run([*git, "commit", "-qam", "two"], check=True)
    result = diff("--from", "HEAD", "--to", "HEAD~1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "HEAD:nested/generated/oxen_models/schemas: 1 invalid file: a.json: not JSON" in result.stderr


@pytest.mark.slow
def test_default_is_recorded_to_live(
    recorded_schemas: Path, write_folder: WriteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorded schemas are compared with the API by default."""
    monkeypatch.setenv("OXEN_API_KEY", "any")
    served = write_folder("served", make_model("a", object_schema(q=STRING)), make_model("new"))
    with Hub(schemas=served) as hub:
        result = diff("--base-url", hub.url)
        assert result.exit_code == 4, result.output
        assert {" ".join(line.split()[:4]) for line in result.stdout.splitlines()[:-1]} == {
            "breaking: b é: model-removed:",
            "additive: a q: parameter-added:",
            "additive: new: model-added: images.generate",
        }
        assert diff("--from", "live", "--to", served, "--base-url", hub.url).exit_code == 0
        monkeypatch.delenv("OXEN_API_KEY")  # the list of models is public
        assert diff("--from", "live", "--to", served, "--base-url", hub.url).exit_code == 0
        assert "authorization" not in hub.requests[-1].headers


@pytest.mark.slow
def test_default_without_checkout_is_installed_package(
    tmp_path: Path, write_folder: WriteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without recorded schemas, the schemas of the installed package are compared."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = diff("--to", SHIPPED, "--format", "json")
    assert (result.exit_code, json.loads(result.stdout)["changes"]) == (0, [])
    Path("pyproject.toml").write_text('[tool.oxen-codegen]\npackage = "ours"\n')
    result = diff("--to", SHIPPED)
    assert result.exit_code == 2
    assert "no model schemas; run `oxen-codegen fetch --all` first" in result.stderr


@pytest.fixture
def incomplete_hub() -> Iterator[str]:
    """Return the URL of a server that has one of the two models on its list, and one that is not listed."""

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


@pytest.mark.slow
def test_unlisted_model_is_not_removed(
    incomplete_hub: str, write_folder: WriteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that the API does not list but still returns is not reported as removed."""
    monkeypatch.setenv("OXEN_API_KEY", "any")
    monkeypatch.chdir(write_folder("project"))
    Path("pyproject.toml").write_text('[tool.oxen-codegen.exclude]\nids = ["b *"]\n')
    old = write_folder(
        "old", make_model("a", object_schema(p=STRING)), make_model("unlisted"), make_model("gone")
    )
    lines = diff("--from", old, "--base-url", incomplete_hub).stdout.splitlines()
    assert lines[:-1] == ["breaking: gone: model-removed: images.generate"]


@pytest.mark.slow
@pytest.mark.parametrize("entry", [{}, {"id": " "}, {"id": "x" * 2000}], ids=["no id", "blank", "long"])
def test_entry_without_a_valid_id_is_no_success(
    entry: object, own_hub: Hub, write_folder: WriteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry of the list that cannot be compared is reported, and the exit code is not 0."""
    monkeypatch.setenv("OXEN_API_KEY", "any")
    model = make_model("m")
    own_hub.add_model(model)
    own_hub.respond_next(200, body={"data": [{"id": "m"}, entry]}, path="/api/ai/models")
    result = diff("--from", write_folder("old", model), "--base-url", own_hub.url)
    assert (result.exit_code, result.stdout) == (1, "diff: no changes\n")
    assert result.stderr.startswith("error: ")


@pytest.mark.slow
def test_unreadable_model_is_an_error(
    incomplete_hub: str, recorded_schemas: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listed model that cannot be fetched is an error, not a removed model."""
    monkeypatch.setenv("OXEN_API_KEY", "any")
    result = diff("--base-url", incomplete_hub)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "1 unreadable model: b é: the server returned HTTP 404" in result.stderr
    monkeypatch.setenv("OXEN_API_KEY", "ké")
    result = diff("--base-url", incomplete_hub)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "OXEN_API_KEY must consist of printable ASCII characters" in result.stderr


def test_removal_notice_is_not_a_model(write_folder: WriteFolder) -> None:
    """The record of a model that left the API counts as removed."""
    model = make_model("m")
    notice = from_response(model).mark_removed(Removal("2026-11-24", "0.2.0", None))
    old, new = write_folder("old", model), write_folder("new", dict(notice.data))
    assert diff("--from", old, "--to", new).stdout.startswith("breaking: m: model-removed")
    assert diff("--from", new, "--to", old).stdout.startswith("additive: m: model-added")


@pytest.mark.slow
def test_excluded_models_are_not_compared(
    recorded_schemas: Path, write_folder: WriteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models that the configuration excludes are excluded on both sides."""
    monkeypatch.setenv("OXEN_API_KEY", "any")
    Path("pyproject.toml").write_text('[tool.oxen-codegen.include]\nids = ["a*"]\n')
    served = write_folder(
        "served", make_model("a", object_schema()), make_model("another"), make_model("new")
    )
    with Hub(schemas=served) as hub:
        lines = diff("--base-url", hub.url).stdout.splitlines()
    assert lines[:-1] == ["additive: another: model-added: images.generate"]


@pytest.mark.slow
def test_equal_catalogues_have_no_changes() -> None:
    """The committed schemas compared with themselves are equal, with exit code 0."""
    result = diff("--from", SHIPPED, "--to", SHIPPED)
    assert (result.exit_code, result.stdout) == (0, "diff: no changes\n")
