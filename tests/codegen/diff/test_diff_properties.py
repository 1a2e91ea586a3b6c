"""Properties of every diff, checked on random schemas and on the recorded catalogue.

The `jsonschema` library decides which values are accepted, so that the tests share no mistake with
`normalize`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import oxen_models
import pytest
from helpers.models import make_model
from hypothesis import HealthCheck, given, settings, strategies as st
from oxen_codegen.diff.changes import Change
from oxen_codegen.diff.compare import compare
from oxen_codegen.json_types import is_list, is_object
from oxen_codegen.records import Record, from_response, read_folder

from codegen.test_agreement import JUNK, leaves, make_oracle, schemas, valid_object

pytestmark = pytest.mark.slow

RECORDED, _ = read_folder(Path(oxen_models.__file__).parent / "schemas")
BOUND = [model_id for model_id, record in RECORDED.items() if record.schema is not None]
MAX_BODIES = 40

many_examples = settings(
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example],
)
seeds = st.integers(0, 2**32)
Schema = dict[str, Any]


def find_changes(old: object, new: object) -> tuple[Change, ...]:
    return compare(
        {"m": from_response(make_model("m", old))}, {"m": from_response(make_model("m", new))}, {}
    ).changes


def shuffle(value: Any, random: Random, key: str = "") -> Any:
    """Return an equivalent schema: in another order, with unknown annotations, and with 1.0 for 1.

    Args:
        value: The schema, or a part of it.
        random: The source of changes.
        key: The keyword with this value; "const" within a JSON value, where order has a meaning.
    """
    if is_list(value):
        inner_key = "const" if key in ("const", "default", "enum", "x-media-references") else ""
        items = [shuffle(item, random, inner_key) for item in value]
        if key in ("anyOf", "enum", "oneOf", "required", "type"):
            random.shuffle(items)
        return items
    if is_object(value):
        is_json_value = key in ("const", "default", "x-media-references")
        items = [
            (name, shuffle(item, random, key if is_json_value else name)) for name, item in value.items()
        ]
        if key != "properties" and not is_json_value:
            items.append((f"x-{random.random()}", random.choice(JUNK)))
        random.shuffle(items)
        return dict(items)
    if type(value) is int and abs(value) < 2**53 and key not in ("created",):
        return float(value)
    return value


def check_equivalent_schemas(old: Schema, seed: int) -> None:
    """Check that order and unknown annotations are ignored."""
    assert find_changes(old, old) == ()
    assert find_changes(old, shuffle(old, Random(seed))) == ()


def test_order_of_recorded_catalogue_is_ignored() -> None:
    """The recorded catalogue with equivalent schemas has no changes."""
    random = Random(5)
    equivalent = {
        model_id: Record({**record.data, "json_request_schema": shuffle(record.schema, random)})
        for model_id, record in RECORDED.items()
    }
    assert compare(RECORDED, equivalent, {}).changes == ()


def edit_schema(schema: Any, random: Random) -> Any:
    """Return a copy of a schema with one random edit."""
    schema = copy.deepcopy(schema)
    node = random.choice(list(find_subschemas(schema)))
    edit = random.choice(EDITS)
    edit(node, random)
    return schema


def find_subschemas(schema: Any) -> Iterator[Schema]:
    if not is_object(schema):
        return
    yield schema
    for inner in schema.get("properties", {}).values():
        yield from find_subschemas(inner)
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from find_subschemas(inner)
    yield from find_subschemas(schema.get("items"))
    yield from find_subschemas(schema.get("additionalProperties"))


def _change_type(node: Schema, random: Random) -> None:
    if "properties" not in node and "enum" not in node and "const" not in node:
        node["type"] = random.choice(["string", "integer", "number", "boolean", ["string", "null"], "array"])


def _change_bound(node: Schema, random: Random) -> None:
    types = node.get("type", [])
    for name in types if is_list(types) else [types]:
        keys = {
            "integer": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
            "number": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
            "string": ["minLength", "maxLength"],
            "array": ["minItems", "maxItems"],
        }.get(name, [])
        for key in random.sample(keys, min(1, len(keys))):
            if key in node and random.random() < 0.4:
                del node[key]
            elif key.startswith(("min", "max")) and key not in ("minimum", "maximum"):
                node[key] = random.randint(0, 5)
            else:
                node[key] = random.choice([-2, 0, 0.5, 1, 2.5, 5, 9])


def _change_enum(node: Schema, random: Random) -> None:
    if "enum" in node and random.random() < 0.5:
        node["enum"] = node["enum"][1:] or node["enum"]
    elif "enum" in node:
        node["enum"] = [*node["enum"], random.choice(["auto", 0, None, True, 2.5])]
    elif node.get("type") in ("string", "integer"):
        node["enum"] = ["a", 4, "b"]


def _remove_enum(node: Schema, random: Random) -> None:
    if "type" in node:
        node.pop("enum", None)


def _toggle_required(node: Schema, random: Random) -> None:
    if node.get("properties"):
        wire = random.choice(sorted(node["properties"]))
        node["required"] = sorted({*node.get("required", [])} ^ {wire})


def _remove_property(node: Schema, random: Random) -> None:
    if node.get("properties"):
        wire = random.choice(sorted(node["properties"]))
        del node["properties"][wire]
        node["required"] = [name for name in node.get("required", []) if name != wire]


def _add_property(node: Schema, random: Random) -> None:
    if "properties" in node:
        node["properties"]["quite new"] = {"type": "integer"}
        node["required"] = [*node.get("required", []), *random.choice([[], ["quite new"]])]


def _change_additional(node: Schema, random: Random) -> None:
    if "properties" in node and all(name in node["properties"] for name in node.get("required", [])):
        node["additionalProperties"] = random.choice([True, False, {"type": "integer"}])


def _toggle_nullable(node: Schema, random: Random) -> None:
    if node.get("type", "object") != "object":
        node["nullable"] = random.choice([True, False])


EDITS: list[Callable[[Schema, Random], None]] = [
    _change_type,
    _change_bound,
    _change_bound,
    _change_enum,
    _remove_enum,
    _toggle_required,
    _remove_property,
    _add_property,
    _change_additional,
    _toggle_nullable,
]


def generate_accepted_bodies(schema: Schema, random: Random) -> Iterator[Schema]:
    """Yield random bodies that a schema accepts."""
    accepts = make_oracle(schema)
    for _ in range(MAX_BODIES):
        body = valid_object(schema, random)
        body.pop("model", None)
        if accepts(body):
            yield body


def assert_bodies_stay_accepted(old: Schema, new: Schema, random: Random) -> None:
    """Assert that the new schema accepts what the old one accepts, unless a change is breaking."""
    found = find_changes(old, new)
    # The server validates constraints that no value fulfils, such as an enum without a value in range.
    if any(
        change.impact == "breaking"
        or change.kind == "server-validation-changed"
        or "validated by the server" in str(change.new)
        for change in found
    ):
        return
    accepts = make_oracle(new)
    for body in generate_accepted_bodies(old, random):
        assert accepts(body), f"{json.dumps(body)}: {json.dumps(old)} -> {json.dumps(new)}: {found}"


def check_edited_schema(old: Schema, seed: int) -> None:
    """Check that every body that was accepted is still accepted, after a few edits that break nothing."""
    random = Random(seed)
    new = old
    for _ in range(random.randint(1, 3)):
        new = edit_schema(new, random)
    assert_bodies_stay_accepted(old, new, random)
    assert_bodies_stay_accepted(new, old, random)


numbers = st.sampled_from([-1, 0, 0.5, 1, 2])
ranges: Any = dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), numbers)
lengths: Any = {"minLength": st.integers(0, 2), "maxLength": st.integers(1, 3)}
counts: Any = {"minItems": st.integers(0, 2), "maxItems": st.integers(1, 3), "items": leaves}
values = st.lists(st.sampled_from(["a", "b", 1, 2, 2.5, True, False, None]), min_size=1, unique_by=repr)
kinds: list[st.SearchStrategy[Schema]] = [
    st.fixed_dictionaries({"type": st.sampled_from(["integer", "number"])}, optional=ranges),
    st.fixed_dictionaries({"type": st.sampled_from(["string", ["string", "null"]])}, optional=lengths),
    st.fixed_dictionaries({"type": st.just("array")}, optional=counts),
    st.fixed_dictionaries({"enum": values}),
    st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.fixed_dictionaries({"a": leaves})},
        optional={"required": st.just(["a"]), "additionalProperties": st.booleans()},
    ),
]
# Mostly pairs of one kind, because those differ in details.
pairs = st.one_of(st.tuples(leaves, leaves), *(st.tuples(kind, kind) for kind in kinds))


@settings(many_examples, max_examples=400)
@given(pair=pairs, seed=seeds)
def test_unbroken_parameter_accepts_old_values(pair: tuple[Schema, Schema], seed: int) -> None:
    """After any change of a parameter that is not breaking, its old values are still accepted."""
    old, new = ({"type": "object", "properties": {"p": schema}} for schema in pair)
    assert_bodies_stay_accepted(old, new, Random(seed))


OPPOSITE = {
    "type-widened": "type-narrowed",
    "enum-widened": "enum-narrowed",
    "range-widened": "range-narrowed",
    "length-widened": "length-narrowed",
    "count-widened": "count-narrowed",
    "parameter-added": "parameter-removed",
    "required-parameter-added": "parameter-removed",
    "became-optional": "became-required",
    "became-required": "became-optional",
    "became-array": "became-scalar",
    "became-scalar": "became-array",
    "type-changed": "type-changed",
    "additional-properties-accepted": "additional-properties-rejected",
    "additional-properties-rejected": "additional-properties-accepted",
    "class-removed": "type-narrowed",
    "default-added": "default-removed",
    "default-removed": "default-added",
    "default-changed": "default-changed",
}


ADDED = {"parameter-added", "required-parameter-added"}


def check_reversed_diff(old: Schema, seed: int) -> None:
    """Check that a diff in the other direction has the opposite kind of each change."""
    random = Random(seed)
    new = edit_schema(edit_schema(old, random), random)
    forward = {(change.parameter, change.kind) for change in find_changes(old, new)}
    backward = {(change.parameter, change.kind) for change in find_changes(new, old)}
    for a, b in ((forward, backward), (backward, forward)):
        added = [parameter for parameter, kind in a if kind in ADDED]
        for parameter, kind in a:
            if kind in OPPOSITE and (parameter, "class-removed") not in b:
                assert (parameter, OPPOSITE[kind]) in b or (
                    # A property that is new to an object is compared for breaking changes only.
                    kind not in ADDED and any(_is_within(parameter, path) for path in added)
                ), f"{kind} of {parameter}: {json.dumps(old)} -> {json.dumps(new)}"


def _is_within(parameter: str | None, path: str | None) -> bool:
    return f"{parameter}.".startswith((f"{path}.", f"{path}["))


@many_examples
@given(old=schemas, seed=seeds)
def test_diff_of_random_schema_is_right(old: Schema, seed: int) -> None:
    """Diffs of a schema with itself and with edited ones; each check draws from the same schemas."""
    check_equivalent_schemas(old, seed)
    check_edited_schema(old, seed)
    check_reversed_diff(old, seed)
