"""The attacks, and what is said of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from helpers.models import make_model
from oxen_codegen.diagnostics import make_printable
from oxen_codegen.json_types import is_list, is_object

HOSTILE = Path(__file__).parent
SECONDS = 15
MEGABYTES = 300
CANARY = "canary"
MODELS = "/api/ai/models"


@dataclass(frozen=True)
class Attack:
    """What a hub answers, and what becomes of it."""

    models: list[Any]
    rejected: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is said of the models that are left out, by id; all others are bound."""


@dataclass(frozen=True)
class Done:
    """What a guarded command came to."""

    code: int
    told: str
    """What it wrote to its standard error."""
    said: str
    """What it wrote to its standard output."""


def stored(name: str) -> Any:
    return json.loads((HOSTILE / f"{name}.json").read_text(encoding="utf-8"))


def from_file(name: str) -> Attack:
    told = stored(name)
    return Attack(told["models"], told.get("rejected", {}))


def put(value: Any, text: str) -> Any:
    """`value` with `text` wherever a string or a key has an @."""
    if isinstance(value, str):
        return value.replace("@", text)
    if is_list(value):
        return [put(item, text) for item in value]
    if is_object(value):
        return {put(key, text): put(item, text) for key, item in value.items()}
    return value


def strings() -> Attack:
    positions = stored("positions")
    return Attack(
        # A short beginning, so that the id becomes a name, and one of its own.
        [{**put(positions, text), "id": f"{text[:50]} {name}"} for name, text in stored("strings").items()]
    )


def removed() -> Attack:
    """The same of models that left the hub, which say when and what to use instead."""
    marks = {"on": "@", "version": "@", "successor": "@"}
    texts = list(stored("strings").values())
    models = [put({**make_model("@"), "removed": marks}, text) for text in texts]
    return Attack([{**model, "id": f"left {number}"} for number, model in enumerate(models)])


def engine_words() -> Attack:
    """All that the engine reads beside JSON Schema, in all places that a schema has."""
    return Attack(
        [make_model("words", with_words(stored("positions")["json_request_schema"], stored("engine_words")))]
    )


def with_words(schema: Any, words: Mapping[str, Any]) -> Any:
    """`schema` with `words` in it and in all schemas in it."""
    if not is_object(schema):
        return schema
    changed = {**schema, **words}
    if "properties" in schema:
        changed["properties"] = {name: with_words(each, words) for name, each in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in schema:
            changed[key] = with_words(schema[key], words)
    return changed


def with_properties(model_id: str, properties: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    return make_model(model_id, {"type": "object", "properties": properties}, **facts)


def choices(count: int) -> Iterator[tuple[str, list[Any]]]:
    yield "texts", [f"value-{number}" for number in range(count)]
    yield "objects", [{"a": number} for number in range(count)]
    yield "one hash", [number * (2**61 - 1) for number in range(count)]


TEXT = {"type": "string"}
PART = {"type": "object", "properties": {"a": TEXT}}
NUMBERS = {"type": "array", "items": {"enum": list(range(10_000))}, "default": [-1] * 20_000}
SIZES = {
    "choices": Attack(
        [
            *(with_properties(name, {"a": {"enum": values}}) for name, values in choices(10_000)),
            with_properties("default", {"a": NUMBERS}),
        ]
    ),
    "properties": Attack([with_properties("victim", {f"p{number}": TEXT for number in range(2_000)})]),
    "names": Attack(
        [
            with_properties("alike", {f"{'-' * (number % 50)}{'.' * number}": TEXT for number in range(800)}),
            with_properties("parts alike", {"-" * number: PART for number in range(800)}),
        ]
    ),
    "texts": Attack(
        [
            with_properties("name", {"a" * 500_000: PART}),
            with_properties("description", {"a": {**TEXT, "description": "word " * 180_000}}),
            with_properties("titles", {"a": TEXT}, display_name="w" * 300_000, summary="w " * 150_000),
            with_properties("levels", {"a": json.loads('{"items":' * 90 + "{}" + "}" * 90)}),
        ]
    ),
    "too large": Attack(
        [
            with_properties("victim", {"a": {"enum": list(range(20_000))}}),
            with_properties("parts", {f"p{number}": TEXT for number in range(10_000)}),
            with_properties("fits", {"a": TEXT}),
            with_properties("bytes", {"a": {**TEXT, "description": "w" * 2**20}}),
        ],
        {
            "victim": "more than 10000 choices",
            "parts": "more than 4000 parts",
            "attack-3.json": "not usable: larger than 1 MB",
        },
    ),
}
# Laid out as a record, each of its values takes a line.
GROWING = make_model("a record that grows", {"a": json.loads(f"{'[' * 90}1{',1' * 20_000}{']' * 90}")})
STORED = ["ids", "references", "shapes"]
ATTACKS: dict[str, Callable[[], Attack]] = {
    "strings": strings,
    "strings of models that left": removed,
    "engine words": engine_words,
    **{name: partial(from_file, name) for name in STORED},
    **{name: partial(SIZES.__getitem__, name) for name in SIZES},
}


def install(attack: Attack, schemas: Path) -> None:
    for number, model in enumerate(attack.models):
        if model["id"] == "victim":
            (schemas / "victim.json").unlink()
        (schemas / f"attack-{number}.json").write_text(json.dumps(model))


def complaints(done: Done, rejected: Mapping[str, str]) -> None:
    """Each model that is left out is named, with the reason, on one line that a terminal can show."""
    lines = done.told.splitlines()
    for model_id, reason in rejected.items():
        shown = make_printable(model_id)
        assert any(shown in line and line.startswith("error: ") and reason in line for line in lines), (
            model_id,
            [line for line in lines if line.startswith("error: ")],
        )
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == len(rejected), errors
    assert all(line.isprintable() and len(line) < 1_000 for line in lines)
