"""Each kind of change of a recorded model is reported as one change of that kind."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import oxen_models
import pytest
from oxen_codegen.diff.compare import compare
from oxen_codegen.records import Record, read_folder

from codegen.test_agreement import make_validator

pytestmark = pytest.mark.slow

RECORDED, _ = read_folder(Path(oxen_models.__file__).parent / "schemas")
BOUND = [model_id for model_id, record in RECORDED.items() if record.schema is not None]
MAX_MODELS = 40
"""The number of models that each mutation changes."""
Schema = dict[str, Any]


def _remove(schema: Schema, name: str) -> bool:
    del schema["properties"][name]
    schema["required"] = [wire_name for wire_name in schema.get("required", []) if wire_name != name]
    return True


def _add(schema: Schema, name: str) -> bool:
    schema["properties"][f"{name} 2"] = {"type": "string"}
    return True


def _add_required(schema: Schema, name: str) -> bool:
    schema["required"] = [*schema.get("required", []), f"{name} 2"]
    return _add(schema, name)


def _require(schema: Schema, name: str) -> bool:
    schema["required"] = [*schema.get("required", []), name]
    return bool(schema["required"].count(name) == 1)


def _remove_value(schema: Schema, name: str) -> bool:
    parameter = schema["properties"][name]
    return len(parameter.get("enum", [])) > 1 and parameter["enum"].pop() != parameter.get("default")


def _add_value(schema: Schema, name: str) -> bool:
    parameter = schema["properties"][name]
    parameter.get("enum", []).append("another" if parameter.get("type") == "string" else 10**6)
    return "enum" in parameter


def _wrap_in_array(schema: Schema, name: str) -> bool:
    parameter = schema["properties"][name]
    annotations = ("default", "description", "title")
    items = {key: parameter.pop(key) for key in list(parameter) if key not in annotations}
    parameter |= {"type": "array", "items": items}
    is_plain = items.get("type") in ("string", "integer", "boolean") and "format" not in items
    return is_plain and "default" not in parameter  # a default would still be accepted


def _change_default(schema: Schema, name: str) -> bool:
    parameter = schema["properties"][name]
    return _is_optional(schema, name) and "default" in parameter and _set_default(parameter)


def _add_default(schema: Schema, name: str) -> bool:
    parameter = schema["properties"][name]
    return _is_optional(schema, name) and "default" not in parameter and _set_default(parameter)


def _is_optional(schema: Schema, name: str) -> bool:
    return name not in schema.get("required", [])  # otherwise the default is an example


def _set_default(parameter: Schema) -> bool:
    """Set another default that the parameter accepts; return False if there is none."""
    candidates = [*parameter.get("enum", ["https://example.com/", True, False, parameter.get("minimum", 0)])]
    accepts = make_validator({key: value for key, value in parameter.items() if key != "default"})
    for value in candidates:
        if accepts(value) and value != parameter.get("default"):
            parameter["default"] = value
            return True
    return False


def _lower_maximum(schema: Schema, name: str) -> bool:
    return _lower(schema["properties"][name], "maximum")


def _lower_minimum(schema: Schema, name: str) -> bool:
    return _lower(schema["properties"][name], "minimum")


def _lower(parameter: Schema, bound: str) -> bool:
    is_applicable = bound in parameter and "enum" not in parameter
    parameter[bound] = parameter.get(bound, 0) - 1
    return is_applicable


def _change_description(schema: Schema, name: str) -> bool:
    schema["properties"][name]["description"] = "In other words."
    return True


# Each changes one parameter of a recorded schema, and returns whether the change applies to the parameter.
MUTATIONS: list[tuple[str, Callable[[Schema, str], bool]]] = [
    ("parameter-removed", _remove),
    ("parameter-added", _add),
    ("required-parameter-added", _add_required),
    ("became-required", _require),
    ("enum-narrowed", _remove_value),
    ("enum-widened", _add_value),
    ("became-array", _wrap_in_array),
    ("default-changed", _change_default),
    ("default-added", _add_default),
    ("range-narrowed", _lower_maximum),
    ("range-widened", _lower_minimum),
    ("description-changed", _change_description),
]


@pytest.mark.parametrize(("kind", "mutate"), MUTATIONS)
def test_mutation_of_recorded_model_is_one_change(kind: str, mutate: Callable[[Schema, str], bool]) -> None:
    """One change of a recorded model is reported as one change of its kind."""
    random = Random(kind)
    applied = 0
    for model_id in random.sample(BOUND, len(BOUND)):
        record = RECORDED[model_id]
        names = [name for name in sorted(record.schema["properties"]) if name != "model"]
        random.shuffle(names)
        for name in names:
            schema = copy.deepcopy(record.schema)
            if not mutate(schema, name):
                continue
            mutated = Record({**record.data, "json_request_schema": schema})
            changed = f"{name} 2" if kind.endswith("-added") and kind != "default-added" else name
            found = {
                (change.model, change.parameter, change.kind)
                for change in compare({model_id: record}, {model_id: mutated}, {}).changes
            }
            # A model that no longer requires an image has a further verb.
            found -= {(model_id, None, "call-added"), (model_id, None, "call-changed")}
            # An annotation moves with the schema that it is in; a default outside the range is a value.
            found -= {(model_id, name, "annotation-changed"), (model_id, name, "default-changed")} - {
                (model_id, name, kind)
            }
            if kind == "default-changed":
                found.discard((model_id, name, "enum-narrowed"))
            path = f'"{changed}"' if " " in changed else changed
            assert found == {(model_id, path, kind)}
            applied += 1
            break
        if applied == MAX_MODELS:
            break
    assert applied > 10
