"""Models that cannot be bound are not recorded: `accept_records`, and `fetch` from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from helpers.models import make_model, object_schema
from oxen_codegen.acceptance import Acceptance, accept_records
from oxen_codegen.build import PackageBuilder
from oxen_codegen.cli import main
from oxen_codegen.config import Config, find_template_dir
from oxen_codegen.records import Record, Removal, from_response
from oxen_codegen.selection import Selection
from oxen_models.testing import Hub

# The class of `a-b` and a class in the module of `a` are both named AB.
NESTED = object_schema(b=object_schema(c={"type": "string"}))


def make_record(model_id: str, schema: object = None, **fields: Any) -> Record:
    return from_response(make_model(model_id, schema or object_schema(), **fields))


def accept(recorded: list[Record], candidates: list[Record], **settings: Any) -> Acceptance:
    builder = PackageBuilder(Config(Path("generated"), **settings), find_template_dir())
    return accept_records(builder, index_by_id(recorded), index_by_id(candidates))


def index_by_id(records: list[Record]) -> Mapping[str, Record]:
    return {record.id: record for record in records}


def rejected_ids(acceptance: Acceptance) -> list[str]:
    return sorted(diagnostic.subject for diagnostic in acceptance.rejected)


@pytest.mark.slow
def test_accept_records_keeps_last_good_record() -> None:
    """The recorded model is kept if the changed one cannot be bound; a new one is omitted."""
    old, bad, good = make_record("a"), make_record("a", ["x"]), make_record("good")
    result = accept([old], [bad, make_record("new", {"type": "array"}), good])
    assert result.records == {"a": old, "good": good}
    assert result.models.keys() == {"a", "good"}
    assert result.accepted == {"good": good}
    assert rejected_ids(result) == ["a", "new"]
    assert all(diagnostic.severity == "error" for diagnostic in result.rejected)


@pytest.mark.slow
def test_accept_records_collision_with_recorded() -> None:
    """A new model does not take the Python name of a recorded model, even of a changed one."""
    old, changed = make_record("a-b"), make_record("a-b", summary="New.")
    assert accept([old], [make_record("a.b")]).records == {"a-b": old}
    result = accept([old], [changed, make_record("a.b")])
    assert result.records == {"a-b": changed}
    assert rejected_ids(result) == ["a.b"]
    returned = make_record("a.b")  # the API has it again
    result = accept([old, returned.mark_removed(REMOVAL)], [returned])
    assert (result.records, rejected_ids(result), result.unbindable) == ({"a-b": old}, ["a.b"], {})


def test_accept_records_collision_of_new() -> None:
    """Two new models with the same Python name are both rejected."""
    result = accept([], [make_record("a-b"), make_record("a.b"), make_record("c")])
    assert result.records.keys() == {"c"}
    assert rejected_ids(result) == ["a-b", "a.b"]


REMOVAL = Removal("2026-01-02", "0.2.0", None)


@pytest.mark.slow
@pytest.mark.parametrize(("old_id", "new_id"), [("Foo/bar", "foo/bar"), ("a-b", "a_b"), ("a.b", "a b")])
@pytest.mark.parametrize("endpoint", ["/images/generate", "/videos/generate"])
def test_accept_new_model_replaces_a_removed(old_id: str, new_id: str, endpoint: str) -> None:
    """A model of the API has the Python name, whether the other was removed now or earlier."""
    old, new, other = make_record(old_id), make_record(new_id, endpoint=endpoint), make_record("c")
    removed = old.mark_removed(REMOVAL)
    for result in (accept([old, other], [removed, new]), accept([removed, other], [new])):
        assert result.records == result.accepted | {"c": other} == {new_id: new, "c": other}
        assert result.models.keys() == {new_id, "c"}
        assert result.replaced == {old_id: new_id}
        assert not result.rejected
        assert not result.unbindable


def test_accept_notice_without_replacement_is_kept() -> None:
    """A notice is kept if the models that have its Python name are rejected, or another name is chosen."""
    removed, new = make_record("a-b").mark_removed(REMOVAL), [make_record("a.b"), make_record("a_b")]
    result = accept([removed], new)
    assert result.records == {"a-b": removed}
    assert rejected_ids(result) == ["a.b", "a_b"]
    result = accept([removed], new[:1], names={"a.b": "other"})
    assert result.records == {"a-b": removed, "a.b": new[0]}
    assert result.replaced == {}


@pytest.mark.slow
def test_accept_nested_class_with_a_recorded_name() -> None:
    """A nested class that would take the name of another model gets another name; both are recorded."""
    a, ab, changed = make_record("a"), make_record("a-b"), make_record("a", NESTED)
    result = accept([a, ab], [changed])
    assert result.records == {"a": changed, "a-b": ab}
    assert rejected_ids(result) == []
    assert result.unbindable == {}


@pytest.mark.slow
def test_accept_records_excluded_model() -> None:
    """A model that the configuration excludes is not part of the package, and its rejection is a note."""
    selection = Selection(exclude={"developers": ("acme",)})
    excluded = make_record("a", developer="acme")
    invalid = make_record("b", ["x"], developer="acme")
    result = accept([], [excluded, invalid, make_record("c")], selection=selection)
    assert result.records.keys() == {"a", "c"}
    assert result.models.keys() == {"c"}
    assert [(diagnostic.subject, diagnostic.severity) for diagnostic in result.rejected] == [("b", "note")]


@pytest.mark.slow
def test_accept_records_reports_unbindable_recorded() -> None:
    """A recorded model that cannot be bound is reported, whether the hub changed it or not."""
    bad = make_record("a", ["x"])
    assert accept([bad], []).unbindable.keys() == {"a"}
    assert accept([bad], [make_record("a", ["y"])]).unbindable.keys() == {"a"}
    assert accept([bad], [make_record("a")]).unbindable == {}


UNUSUAL_PRICES: list[dict[str, Any]] = [
    {"method": "per_image", "cost_per_image_grid": {"high": {}}},
    {"method": "per_image", "cost_per_image_grid": {"": []}},
    {"method": "per_video_output_second", "cost_per_second_by_resolution": {"1080p": {}}},
    {"method": ["per_image"], "cost_per_image": 1e308},
]


@pytest.mark.slow
@pytest.mark.parametrize("pricing", UNUSUAL_PRICES, ids=json.dumps)
def test_package_with_unusual_price_is_built(pricing: object) -> None:
    """A record with a price of an unusual form is accepted, and its catalogue entry has no cost."""
    builder = PackageBuilder(Config(Path("generated")), find_template_dir())
    result = accept_records(builder, {}, {"a": make_record("a", pricing=pricing)})
    assert result.models["a"].entry.default_cost is None
    assert "id='a'," in builder.build_package(result.models, result.records).files["catalog.py"]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for model_id in ("bad", "good"):
        (folder / f"{model_id}.json").write_text(json.dumps(make_model(model_id)))
    with Hub(schemas=folder) as running:
        yield running


@pytest.fixture
def fetch(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Result]:
    """A function that fetches all models into the folder of schemas."""
    monkeypatch.setenv("OXEN_API_KEY", "any")
    arguments = ["fetch", "--all", "--base-url", hub.url, "--schemas", str(tmp_path / "schemas")]
    return lambda: CliRunner().invoke(main, arguments)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ([], "error: bad: the parameter schema must be a JSON object, got a list"),
        (
            {"type": "string"},
            "error: bad /type: the parameter schema must have the type 'object', got",
        ),
        ({"properties": ["prompt"]}, "error: bad /properties: must be an object, got a list"),
        ({"required": "prompt"}, "error: bad /required: must be a list of names, got 'prompt'"),
        (
            {"properties": {"p": {"enum": list(range(20_000))}}},
            "error: bad: the parameter schema has more",
        ),
    ],
)
def test_fetch_unbindable_model_keeps_record(
    schema: object, message: str, fetch: Callable[[], Result], hub: Hub, tmp_path: Path
) -> None:
    """A model that cannot be bound is reported with the reason, and the other models are recorded."""
    assert fetch().exit_code == 0
    before = (tmp_path / "schemas" / "bad.json").read_bytes()
    hub.add_model(make_model("bad", schema))
    hub.add_model(make_model("good", summary="Better."))
    hub.add_model(make_model("new", schema))
    done = fetch()
    assert done.exit_code == 1
    assert message in done.stderr
    assert message.replace("bad", "new") in done.stderr
    assert "1 written, 0 unchanged, 0 removed, 2 failed" in done.stdout
    assert (tmp_path / "schemas" / "bad.json").read_bytes() == before
    assert {file.name for file in (tmp_path / "schemas").iterdir()} == {"bad.json", "good.json"}


@pytest.mark.slow
def test_fetch_name_collision_is_reported(fetch: Callable[[], Result], hub: Hub, tmp_path: Path) -> None:
    """A new model with the Python name of a recorded model is not recorded, and the remedy is named."""
    assert fetch().exit_code == 0
    hub.add_model(make_model("go.od"))
    assert fetch().exit_code == 0
    hub.add_model(make_model("go-od"))
    done = fetch()
    assert done.exit_code == 1
    assert "error: go-od: the Python name go_od is also that of 'go.od'" in done.stderr
    assert "[tool.oxen-codegen.names]" in done.stderr
    assert not (tmp_path / "schemas" / "go-od.json").exists()


@pytest.mark.slow
def test_fetch_new_model_replaces_a_notice(fetch: Callable[[], Result], hub: Hub, tmp_path: Path) -> None:
    """`fetch` deletes the record of a removed model whose Python name a new model has."""
    assert fetch().exit_code == 0
    removed = make_record("Go/od").mark_removed(REMOVAL)
    (tmp_path / "schemas" / removed.file_name).write_text(removed.dumps())
    hub.add_model(make_model("go/od"))
    done = fetch()
    assert done.exit_code == 0
    assert "removed: Go/od" in done.stdout
    files = {file.name for file in (tmp_path / "schemas").iterdir()}
    assert files == {"bad.json", "good.json", "go%2Fod.json"}
