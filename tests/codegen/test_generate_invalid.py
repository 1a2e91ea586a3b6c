"""`generate` and `check` with records that cannot be bound: they name file and reason, and write nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from helpers.codegen import read_files
from helpers.models import make_model


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ([], "the parameter schema must be a JSON object, got a list"),
        ({"type": "string"}, "the parameter schema must have the type 'object', got 'string'"),
        ({"properties": ["prompt"]}, "must be an object, got a list"),
        ({"required": "prompt"}, "must be a list of names, got 'prompt'"),
    ],
)
def test_generate_invalid_schema_writes_nothing(
    schema: object,
    message: str,
    write_models: Callable[..., None],
    invoke: Callable[[str], Result],
    tmp_path: Path,
) -> None:
    """One record that cannot be bound is enough to write nothing, also where there was no package."""
    write_models(make_model("good"), make_model("bad", schema))
    done = invoke("generate")
    assert done.exit_code == 2
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: 1-1.json")
    assert message in line
    assert "1 of 2 recorded models cannot be bound; nothing was written" in done.stderr
    assert not (tmp_path / "oxen_models").exists()


@pytest.mark.slow
def test_generate_unbindable_record_keeps_package(
    schemas: Path, write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    """The existing package is not changed, and is not an input: all invalid records are named at once."""
    write_models(make_model("good"), make_model("frail"), make_model("weak"))
    assert invoke("generate").exit_code == 0
    package = tmp_path / "oxen_models"
    before = read_files(package)
    files = {file.name: file for file in schemas.iterdir()}
    files["1-1.json"].write_text("<<<<<<< HEAD")
    files["2-2.json"].write_text('{"id": "weak", "json_request_schema": []}')
    files["0-0.json"].write_text(files["0-0.json"].read_text().replace('"good"', '"better"'))
    for command in ("generate", "check"):
        done = invoke(command)
        assert done.exit_code == 2
        assert "error: 1-1.json: not JSON" in done.stderr
        assert "error: 2-2.json: the parameter schema must be" in done.stderr
        assert "2 of 3 recorded models cannot be bound; nothing was written" in done.stderr
    assert read_files(package) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not JSON"),
        (b"- yaml: true", "not JSON"),
        (b'{"id": NaN}', "NaN is not a JSON value"),
        (b'{"id": "x", "created": 1e999}', "1e999 is out of the range of a number"),
        (b'{"id": "x", "id": "y"}', "duplicate key 'id'"),
        (b'{"name": ""}', "it has no id"),
        (b"[" * 60_000, "JSON nesting exceeds 100 levels"),
        (b'{"id": "x", "fine_tuning": ' + b"[" * 150 + b"]" * 150 + b"}", "JSON nesting exceeds 100 levels"),
        (b'{"id": "x", "summary": "\\ud800"}', "not valid Unicode"),
        (b'{"id": "x", "id\\u0073": {"a": 1, "a": 2}}', "duplicate key 'a'"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_generate_invalid_file_writes_nothing(
    content: bytes,
    message: str,
    schemas: Path,
    write_models: Callable[..., None],
    invoke: Callable[[str], Result],
    tmp_path: Path,
) -> None:
    """A file that is not a model object is named with the reason."""
    write_models(make_model("good"))
    (schemas / "broken.json").write_bytes(content)
    done = invoke("generate")
    assert done.exit_code == 2
    assert "error: broken.json: " in done.stderr
    assert message in done.stderr
    assert not (tmp_path / "oxen_models").exists()


@pytest.mark.slow
def test_generate_two_files_of_a_model(
    write_models: Callable[..., None], invoke: Callable[[str], Result]
) -> None:
    """Two files of the same model are an error that names both."""
    write_models(make_model("a"), make_model("a"))
    done = invoke("generate")
    assert done.exit_code == 2
    assert "error: 1-1.json: 0-0.json has the same model, a: remove one file" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("models", "name"),
    [
        ((make_model("a-b"), make_model("a.b")), "a_b"),
        ((make_model("Painter"), make_model("painter")), "painter"),
        ((make_model("wan-2-1"), make_model("wan-21")), "Wan21"),
        ((make_model("foo"), make_model("foo-request")), "FooRequest"),
        ((make_model("a.b"), make_model("a-b", endpoint="/videos/generate")), "AB"),
    ],
    ids=["module", "case", "class", "request", "client"],
)
def test_generate_name_collision_names_both(
    models: tuple[dict[str, str], ...],
    name: str,
    write_models: Callable[..., None],
    invoke: Callable[[str], Result],
) -> None:
    """Two models with the same Python name are an error for both, also in different families."""
    write_models(*models, make_model("apart"))
    done = invoke("generate")
    assert done.exit_code == 2
    for file, other in (("0-0.json", models[1]), ("1-1.json", models[0])):
        assert f"error: {file}: the Python name {name} is also that of {other['id']!r}" in done.stderr
    assert "choose another name in [tool.oxen-codegen.names] of pyproject.toml" in done.stderr
    assert "2 of 3 recorded models cannot be bound" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("model_id", ["x" * 300, "\ud800", "é" * 100, "\ufdfa" * 22], ids=ascii)
def test_generate_id_without_file_name(
    model_id: str, write_models: Callable[..., None], invoke: Callable[[str], Result]
) -> None:
    """An id that no file can be named after is an error."""
    write_models(make_model(model_id), make_model("good"))
    done = invoke("generate")
    assert done.exit_code == 2
    assert "error: 0-0.json: " in done.stderr
