"""The attacks, and the messages that they cause."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.models import make_chain, make_model
from oxen_codegen.diagnostics import make_printable
from oxen_codegen.json_types import is_list, is_object

HOSTILE = Path(__file__).parent
MAX_MEGABYTES = 300
MAX_TIME_RATIO = 25
"""The maximal CPU time for an attack, as a multiple of that for a sixth of the committed models."""
MODELS = "/api/ai/models"


@dataclass(frozen=True)
class Attack:
    """Models of a hostile hub."""

    models: list[Any]
    rejected: Mapping[str, str] = field(default_factory=dict[str, str])
    """The messages about models that cannot be bound, by id; all other models are bound."""


@dataclass(frozen=True)
class Done:
    """The result of a guarded command."""

    code: int
    stderr: str
    stdout: str
    seconds: float
    """The CPU time of the command."""


def read_json(name: str) -> Any:
    """Return the content of a file in this folder."""
    return json.loads((HOSTILE / f"{name}.json").read_text(encoding="utf-8"))


def read_attack(name: str) -> Attack:
    """Return the attack in a file in this folder."""
    content = read_json(name)
    return Attack(content["models"], content.get("rejected", {}))


def insert_text(value: Any, text: str) -> Any:
    """Return `value` with `text` in place of each @ in its strings and keys."""
    if isinstance(value, str):
        return value.replace("@", text)
    if is_list(value):
        return [insert_text(item, text) for item in value]
    if is_object(value):
        return {insert_text(key, text): insert_text(item, text) for key, item in value.items()}
    return value


def add_keywords(schema: Any, keywords: Mapping[str, Any]) -> Any:
    """Return `schema` with `keywords` in it, and in all schemas in it."""
    if not is_object(schema):
        return schema
    changed = {**schema, **keywords}
    if "properties" in schema:
        changed["properties"] = {
            name: add_keywords(value, keywords) for name, value in schema["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if key in schema:
            changed[key] = add_keywords(schema[key], keywords)
    return changed


def make_strings_attack() -> Attack:
    """Return models with a hostile string in every position."""
    positions = read_json("positions")
    return Attack(
        # The id begins with the string, which becomes a Python name, and ends with a unique name.
        [
            {**insert_text(positions, text), "id": f"{text[:50]} {name}"}
            for name, text in read_json("strings").items()
        ]
    )


def make_removed_models() -> list[Any]:
    """Return records of removed models with a hostile string in every position."""
    removal = {"on": "@", "version": "@", "successor": "@"}
    template = {**make_model("@"), "removed": removal}
    return [
        {**insert_text(template, text), "id": f"removed {number}"}
        for number, text in enumerate(read_json("strings").values())
    ]


def make_engine_words_attack() -> Attack:
    """Return a model with all keywords that the engine reads beside those of JSON Schema."""
    schema = read_json("positions")["json_request_schema"]
    return Attack([make_model("engine words", add_keywords(schema, read_json("engine_words")))])


def make_all_attacks() -> Attack:
    """Return all attacks of moderate size as one, with unique ids."""
    models: dict[str, Any] = {}
    rejected: dict[str, str] = {}
    attacks = (
        make_strings_attack(),
        make_engine_words_attack(),
        *map(read_attack, ("ids", "references", "shapes")),
    )
    for attack in attacks:
        models |= {model["id"]: model for model in attack.models}
        rejected |= attack.rejected
    return Attack(list(models.values()), rejected)


def with_properties(model_id: str, properties: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a model with these parameters."""
    return make_model(model_id, {"type": "object", "properties": properties}, **fields)


def _make_enums(count: int) -> Iterator[tuple[str, list[Any]]]:
    yield "texts", [f"value-{number}" for number in range(count)]
    yield "objects", [{"a": number} for number in range(count // 4)]
    yield "equal hashes", [number * (2**61 - 1) for number in range(count)]


STRING = {"type": "string"}
OBJECT = {"type": "object", "properties": {"a": STRING}}
ENUM_WITH_DEFAULT = {"type": "array", "items": {"enum": list(range(9_000))}, "default": [-1] * 20_000}
CHAINS = {**make_chain(20, 10, "d", **STRING), **make_chain(20, 10, "e", **STRING, maxLength=5)}
CHAIN = {"$ref": "#/$defs/d10"}
BOTH_CHAINS = {"allOf": [CHAIN, {"$ref": "#/$defs/e10"}]}
LARGE_MODELS = [
    make_model("references", {"properties": {"a": CHAIN, "b": BOTH_CHAINS}, "$defs": CHAINS}),
    *(with_properties(name, {"a": {"enum": values}}) for name, values in _make_enums(10_000)),
    with_properties("default", {"a": ENUM_WITH_DEFAULT}),
    with_properties("properties", {f"p{number}": STRING for number in range(1_000)}),
    with_properties("similar", {f"{'-' * (number % 50)}{'.' * number}": STRING for number in range(400)}),
    with_properties("similar objects", {"-" * n: OBJECT for n in range(150)}),
    with_properties("name", {"a" * 500_000: OBJECT}),
    with_properties("description", {"a": {**STRING, "description": "word " * 180_000}}),
    with_properties("titles", {"a": STRING}, display_name="w" * 300_000, summary="w " * 150_000),
    with_properties("levels", {"a": json.loads('{"items":' * 90 + "{}" + "}" * 90)}),
]
TOO_LARGE = Attack(
    [
        with_properties("victim", {"a": {"enum": list(range(12_000))}}),
        with_properties("nodes", {f"p{number}": STRING for number in range(5_000)}),
        with_properties("fits", {"a": STRING}),
    ],
    {"victim": "more than 10000 enum values", "nodes": "more than 4000 nodes"},
)
# In a record, each of its values is on a line with indentation.
GROWING = make_model("a record that grows", {"a": json.loads(f"{'[' * 90}1{',1' * 7_000}{']' * 90}")})


def write_records(models: Iterable[Any], schemas: Path) -> dict[str, str]:
    """Write models to files, and return the file names by id."""
    files: dict[str, str] = {}
    for number, model in enumerate(models):
        files[model["id"]] = f"attack-{number}.json"
        (schemas / files[model["id"]]).write_text(json.dumps(model), encoding="utf-8")
    return files


def check_errors(done: Done, expected: Mapping[str, str]) -> None:
    """Check that exactly the expected errors are reported, each on a printable line.

    Args:
        done: The result of a command.
        expected: A part of each message, by the id of the model or the name of the file.
    """
    lines = done.stderr.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    for subject, message in expected.items():
        printable = make_printable(subject)
        assert any(printable in line and message in line for line in errors), (subject, errors)
    assert len(errors) == len(expected), errors
    assert all(line.isprintable() and len(line) < 1_000 for line in lines)
