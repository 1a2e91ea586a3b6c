"""What `generate` refuses, and which names it removes, is in a diff."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from helpers.models import make_model, object_schema
from oxen_codegen.build import BoundModel, PackageBuilder, find_name_collisions
from oxen_codegen.config import Config, find_template_dir
from oxen_codegen.diagnostics import ModelError
from oxen_codegen.diff.changes import Diff
from oxen_codegen.diff.compare import compare
from oxen_codegen.records import Record, from_response

PAIRS = 200
RENAMED = {"a": {"old": "new"}}
STRING = {"type": "string"}
OBJECT = object_schema(x=STRING)
SCHEMAS: list[Any] = [
    object_schema(),
    object_schema(b=OBJECT),
    object_schema(b=object_schema(c=OBJECT, d=STRING)),
    object_schema(**{"b": OBJECT, "b-2": OBJECT, "B": {"type": "array", "items": OBJECT}}),
    object_schema(b_c=OBJECT, new=STRING),
    object_schema(new=STRING),
    object_schema(new=STRING, old=STRING),
    None,
    [],
    "x",
    {"type": "array"},
    {"required": 5},
    {"properties": {"p": {"enum": list(range(10_001))}}},
]
IDS = ["a", "a-b", "A.b", "a-b-c", "ab", "a-b2", "a-request", "a-b-request", "x" * 300, "y" * 160, "."]


@pytest.fixture(scope="module")
def builder() -> PackageBuilder:
    """A builder with an accepted rename."""
    return PackageBuilder(Config(Path(), renamed=RENAMED), find_template_dir())


def draw_catalogue(random: Random) -> dict[str, Record]:
    models = [
        make_model(
            model_id,
            random.choice(SCHEMAS if random.random() < 0.3 else SCHEMAS[:6]),
            endpoint=random.choice(["/images/generate", "/images/generate", "/videos/generate"]),
        )
        for model_id in random.sample(IDS if random.random() < 0.3 else IDS[:8], random.randint(1, 5))
    ]
    return {record.id: record for record in map(from_response, models)}


BOUND: dict[str, BoundModel | ModelError] = {}
"""Models by their record, because many catalogues have them."""


def bind_once(builder: PackageBuilder, record: Record) -> BoundModel:
    key = str(record.data)
    if key not in BOUND:
        try:
            BOUND[key] = builder.bind_model(record)
        except ModelError as error:
            BOUND[key] = error
    bound = BOUND[key]
    if isinstance(bound, ModelError):
        raise bound
    return bound


def bind(builder: PackageBuilder, catalogue: Mapping[str, Record]) -> dict[str, BoundModel] | None:
    """Return the models of a catalogue as `generate` binds them; None if it refuses the catalogue."""
    try:
        models = {model_id: bind_once(builder, record) for model_id, record in catalogue.items()}
    except ModelError:
        return None
    return None if find_name_collisions(models) else builder.rename_nested_classes(models)


def list_names(models: Mapping[str, BoundModel]) -> list[tuple[str, str, str]]:
    """Return the names that can be imported from the families: the family, the class and its model."""
    specs = [model.spec for model in models.values() if model.spec is not None]
    return [
        (spec.family, name, spec.model_id)
        for spec in specs
        for name in (
            spec.class_name,
            spec.request.class_name,
            *(nested.class_name for nested in spec.nested),
        )
    ]


@pytest.mark.slow
def test_refused_catalogue_is_reported(builder: PackageBuilder) -> None:
    """If `generate` refuses a new catalogue, or a name is gone, the diff is breaking or names the refusal."""
    random = Random(14)
    found = {"refused": 0, "accepted": 0, "breaking": 0}
    for _ in range(PAIRS):
        old = draw_catalogue(random)
        new = {**old, **draw_catalogue(random)} if random.random() < 0.6 else draw_catalogue(random)
        before = bind(builder, old)
        if before is None:
            continue
        diff: Diff = compare(old, new, {}, renamed=RENAMED)
        after = bind(builder, new)
        description = str([(record.id, record.schema) for record in (*old.values(), *new.values())])[:2000]
        found["breaking"] += diff.max_impact == "breaking"
        if after is None:
            found["refused"] += 1
            is_refused = any(change.kind == "new-model-refused" for change in diff.changes)
            assert diff.max_impact == "breaking" or is_refused, description
            continue
        found["accepted"] += 1
        names = list_names(after)
        assert len({(family, name) for family, name, _ in names}) == len(names), description
        if diff.max_impact != "breaking":
            assert set(list_names(before)) <= set(names), description
    assert min(found.values()) > 10, found


@pytest.mark.slow
def test_class_of_another_model_renames_nested_class(builder: PackageBuilder) -> None:
    """A model with the name of a nested class is accepted; the nested class gets another name."""
    old = {"c": from_response(make_model("c", object_schema(b=OBJECT)))}
    new = {**old, "c-b": from_response(make_model("c-b"))}
    models = bind(builder, new)
    assert models is not None
    assert [name for _, name, model_id in list_names(models) if model_id == "c"] == ["C", "CRequest", "CB2"]
    text = str(models["c"].text)
    assert "class CB2(Object)" in text
    assert "b: CB2 | Omit" in text
    changes = [(change.kind, change.model, change.new) for change in compare(old, new, {}).changes]
    assert ("python-name-changed", "c", "CB2") in changes
