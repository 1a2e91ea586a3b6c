"""What holds of every diff: on random schemas, and on the recorded catalogue with random changes.

The `jsonschema` library decides what was accepted before and is not any more, so that this does not
share a mistake with `normalize`.
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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oxen_codegen.diff.changes import Change
from oxen_codegen.diff.compare import compare
from oxen_codegen.json_types import is_list, is_object
from oxen_codegen.records import Record, from_answer, read_folder

from codegen.test_agreement import JUNK, leaves, oracle, schemas, valid_object

RECORDED, _ = read_folder(Path(oxen_models.__file__).parent / "schemas")
BOUND = [model_id for model_id, record in RECORDED.items() if record.schema is not None]
VALUES = 40

many = settings(
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example],
)
seeds = st.integers(0, 2**32)
Schema = dict[str, Any]


def changes(old: object, new: object) -> tuple[Change, ...]:
    return compare(
        {"m": from_answer(make_model("m", old))}, {"m": from_answer(make_model("m", new))}, {}
    ).changes


def shuffled(value: Any, random: Random, key: str = "") -> Any:
    """The same in another order, with annotations that mean nothing and numbers of the other kind."""
    if is_list(value):
        items = [shuffled(item, random) for item in value]
        if key in ("enum", "required", "type"):
            random.shuffle(items)
        return items
    if is_object(value):
        items = [(name, shuffled(item, random, name)) for name, item in value.items()]
        if key not in ("properties", "default", "enum", "const"):
            items.append((f"x-{random.random()}", random.choice(JUNK)))
        random.shuffle(items)
        return dict(items)
    if type(value) is int and abs(value) < 2**53 and key not in ("created",):
        return float(value)
    return value


@many
@given(old=schemas, seed=seeds)
def test_order_and_annotations_are_nothing(old: Schema, seed: int) -> None:
    assert changes(old, old) == ()
    # What an enum or a constant holds may itself be an object, which has no annotations.
    assert changes(old, shuffled(old, Random(seed))) == ()


def test_the_recorded_catalogue_in_another_order_is_the_same() -> None:
    random = Random(5)
    other = {
        model_id: Record({**record.facts, "json_request_schema": shuffled(record.schema, random)})
        for model_id, record in RECORDED.items()
    }
    assert compare(RECORDED, other, {}).changes == ()


def edited(schema: Any, random: Random) -> Any:
    """`schema` with one thing in it changed."""
    schema = copy.deepcopy(schema)
    nodes = list(places(schema))
    node = random.choice(nodes)
    edit = random.choice(EDITS)
    edit(node, random)
    return schema


def places(schema: Any) -> Iterator[Schema]:
    if not is_object(schema):
        return
    yield schema
    for inner in schema.get("properties", {}).values():
        yield from places(inner)
    yield from places(schema.get("items"))
    yield from places(schema.get("additionalProperties"))


def _retype(node: Schema, random: Random) -> None:
    if "properties" not in node and "enum" not in node and "const" not in node:
        node["type"] = random.choice(["string", "integer", "number", "boolean", ["string", "null"], "array"])


def _bound(node: Schema, random: Random) -> None:
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


def _enum(node: Schema, random: Random) -> None:
    if "enum" in node and random.random() < 0.5:
        node["enum"] = node["enum"][1:] or node["enum"]
    elif "enum" in node:
        node["enum"] = [*node["enum"], random.choice(["auto", 0, None, True, 2.5])]
    elif node.get("type") in ("string", "integer"):
        node["enum"] = ["a", 4, "b"]


def _unenum(node: Schema, random: Random) -> None:
    if "type" in node:
        node.pop("enum", None)


def _require(node: Schema, random: Random) -> None:
    if node.get("properties"):
        wire = random.choice(sorted(node["properties"]))
        node["required"] = sorted({*node.get("required", [])} ^ {wire})


def _drop(node: Schema, random: Random) -> None:
    if node.get("properties"):
        wire = random.choice(sorted(node["properties"]))
        del node["properties"][wire]
        node["required"] = [name for name in node.get("required", []) if name != wire]


def _add(node: Schema, random: Random) -> None:
    if "properties" in node:
        node["properties"]["quite new"] = {"type": "integer"}
        node["required"] = [*node.get("required", []), *random.choice([[], ["quite new"]])]


def _close(node: Schema, random: Random) -> None:
    if "properties" in node and all(name in node["properties"] for name in node.get("required", [])):
        node["additionalProperties"] = random.choice([True, False, {"type": "integer"}])


def _null(node: Schema, random: Random) -> None:
    if node.get("type", "object") != "object":
        node["nullable"] = random.choice([True, False])


EDITS: list[Callable[[Schema, Random], None]] = [
    _retype, _bound, _bound, _enum, _unenum, _require, _drop, _add, _close, _null
]  # fmt: skip


def accepted(schema: Schema, random: Random) -> Iterator[Schema]:
    """Random parameters that the schema accepts."""
    accepts = oracle(schema)
    for _ in range(VALUES):
        body = valid_object(schema, random)
        body.pop("model", None)
        if accepts(body):
            yield body


def assert_no_break_is_missed(old: Schema, new: Schema, random: Random) -> None:
    found = changes(old, new)
    # What nothing could meet, such as an enum without a value in range, is left to the hub.
    if any(change.impact == "breaking" or "checked by the hub only" in str(change.new) for change in found):
        return
    accepts = oracle(new)
    for body in accepted(old, random):
        assert accepts(body), f"{json.dumps(body)}: {json.dumps(old)} -> {json.dumps(new)}: {found}"


@many
@given(old=schemas, seed=seeds)
def test_what_was_accepted_still_is_unless_something_breaks(old: Schema, seed: int) -> None:
    random = Random(seed)
    new = old
    for _ in range(random.randint(1, 3)):
        new = edited(new, random)
    assert_no_break_is_missed(old, new, random)
    assert_no_break_is_missed(new, old, random)


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
# Of one kind, so that they are close enough for something to go wrong.
pairs = st.one_of(st.tuples(leaves, leaves), *(st.tuples(kind, kind) for kind in kinds))


@settings(many, max_examples=400)
@given(pair=pairs, seed=seeds)
def test_one_parameter_of_any_two_types(pair: tuple[Schema, Schema], seed: int) -> None:
    one, other = ({"type": "object", "properties": {"p": each}} for each in pair)
    assert_no_break_is_missed(one, other, Random(seed))


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
    "other-properties-allowed": "other-properties-refused",
    "other-properties-refused": "other-properties-allowed",
    "class-removed": "type-narrowed",
    "default-added": "default-removed",
    "default-removed": "default-added",
    "default-changed": "default-changed",
}


ADDED = {"parameter-added", "required-parameter-added"}


@many
@given(old=schemas, seed=seeds)
def test_the_way_back_is_the_opposite(old: Schema, seed: int) -> None:
    random = Random(seed)
    new = edited(edited(old, random), random)
    there = {(change.parameter, change.kind) for change in changes(old, new)}
    back = {(change.parameter, change.kind) for change in changes(new, old)}
    for one, other in ((there, back), (back, there)):
        added = [parameter for parameter, kind in one if kind in ADDED]
        for parameter, kind in one:
            if kind in OPPOSITE and (parameter, "class-removed") not in other:
                assert (parameter, OPPOSITE[kind]) in other or (
                    # Of a property that is new to an object, only what breaks is told.
                    kind not in ADDED and any(_is_within(parameter, each) for each in added)
                ), f"{kind} of {parameter}: {json.dumps(old)} -> {json.dumps(new)}"


def _is_within(parameter: str | None, other: str | None) -> bool:
    return f"{parameter}.".startswith((f"{other}.", f"{other}["))


def _gone(schema: Schema, wire: str) -> bool:
    del schema["properties"][wire]
    schema["required"] = [name for name in schema.get("required", []) if name != wire]
    return True


def _new(schema: Schema, wire: str) -> bool:
    schema["properties"][f"{wire} 2"] = {"type": "string"}
    return True


def _new_and_required(schema: Schema, wire: str) -> bool:
    schema["required"] = [*schema.get("required", []), f"{wire} 2"]
    return _new(schema, wire)


def _required(schema: Schema, wire: str) -> bool:
    schema["required"] = [*schema.get("required", []), wire]
    return bool(schema["required"].count(wire) == 1)


def _a_choice_less(schema: Schema, wire: str) -> bool:
    given = schema["properties"][wire]
    return len(given.get("enum", [])) > 1 and given["enum"].pop() is not None


def _a_choice_more(schema: Schema, wire: str) -> bool:
    given = schema["properties"][wire]
    given.get("enum", []).append("another" if given.get("type") == "string" else 10**6)
    return "enum" in given


def _in_a_list(schema: Schema, wire: str) -> bool:
    given = schema["properties"][wire]
    items = {key: given.pop(key) for key in list(given) if key not in ("default", "description", "title")}
    given |= {"type": "array", "items": items}
    return items.get("type") in ("string", "integer", "boolean") and "format" not in items


def _another_default(schema: Schema, wire: str) -> bool:
    given = schema["properties"][wire]
    had = "default" in given
    given["default"] = "quite another"
    return had


def _a_default(schema: Schema, wire: str) -> bool:
    return bool(schema["properties"][wire].setdefault("default", "quite another") == "quite another")


def _a_lower_maximum(schema: Schema, wire: str) -> bool:
    given = schema["properties"][wire]
    had = "maximum" in given and "enum" not in given
    given["maximum"] = given.get("maximum", 0) - 1
    return had


def _a_lower_minimum(schema: Schema, wire: str) -> bool:
    given = schema["properties"][wire]
    had = "minimum" in given and "enum" not in given
    given["minimum"] = given.get("minimum", 0) - 1
    return had


def _other_words(schema: Schema, wire: str) -> bool:
    schema["properties"][wire]["description"] = "In other words."
    return True


# Each changes one parameter of a recorded schema, and says whether that one can be changed so.
MUTATIONS: list[tuple[str, Callable[[Schema, str], bool]]] = [
    ("parameter-removed", _gone),
    ("parameter-added", _new),
    ("required-parameter-added", _new_and_required),
    ("became-required", _required),
    ("enum-narrowed", _a_choice_less),
    ("enum-widened", _a_choice_more),
    ("became-array", _in_a_list),
    ("default-changed", _another_default),
    ("default-added", _a_default),
    ("range-narrowed", _a_lower_maximum),
    ("range-widened", _a_lower_minimum),
    ("description-changed", _other_words),
]


@pytest.mark.parametrize(("kind", "mutate"), MUTATIONS)
def test_one_change_of_a_recorded_model_is_one_change(
    kind: str, mutate: Callable[[Schema, str], bool]
) -> None:
    random = Random(kind)
    applied = 0
    for model_id in BOUND:
        record = RECORDED[model_id]
        wires = [wire for wire in sorted(record.schema["properties"]) if wire != "model"]
        random.shuffle(wires)
        for wire in wires:
            schema = copy.deepcopy(record.schema)
            if not mutate(schema, wire):
                continue
            other = Record({**record.facts, "json_request_schema": schema})
            found = compare({model_id: record}, {model_id: other}, {}).changes
            named = f"{wire} 2" if kind.endswith("-added") and kind != "default-added" else wire
            told = {(change.model, change.parameter, change.kind) for change in found}
            # Where it was the only picture that had to come, the model is now called elsewhere.
            told -= {(model_id, None, "endpoint-changed")}
            path = f'"{named}"' if " " in named else named
            assert told == {(model_id, path, kind)}
            applied += 1
            break
    assert applied > 10
