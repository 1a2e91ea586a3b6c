"""Requests accept exactly what the `jsonschema` library accepts, on wire names: generated ones, and those
of `oxen.model`.

For every recorded schema and for random ones over the constructs that are enforced: values that
are valid, and values that are broken in one place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from random import Random
from types import MappingProxyType
from typing import Any

import oxen_models
import pytest
from helpers.compile import compile_request
from hypothesis import HealthCheck, given, settings, strategies as st
from jsonschema import Draft202012Validator
from oxen_codegen.json_types import is_list, is_object
from oxen_codegen.names import parameter_names
from oxen_codegen.normalize import normalize
from oxen_models import InvalidRequestError, Request, catalog
from oxen_models._runtime.dynamic import DynamicSchema
from oxen_models._runtime.fields import map_wire_names
from oxen_models._runtime.hub_models import parse_model_record
from pydantic import ValidationError

BOUND = [model for model in catalog.models(typed=True) if model.module]
VALUES_PER_MODEL = 40
VALUES_PER_SCHEMA = 40
RANDOM_SCHEMAS = 40  # `nox -s fuzz` compares more
MAX_LENGTH = 100

JUNK: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3.0, 0.5, -7, 10**12, 2**53 + 1, 2**64 + 1, -(10**300), 1e308, 2.5e9,
    23.976, "", " ", "a", "5", "true", "é" * 40, "🐂" * 3,
    [], ["a"], [1, 2.5], [None], [[]], {}, {"a": 1}, [{}], [{"a": "b"}],
)  # fmt: skip

COMBINING = frozenset("$ref allOf anyOf dependentSchemas else if oneOf patternProperties then".split())


def make_validator(schema: dict[str, Any]) -> Callable[[object], bool]:
    validator: Any = Draft202012Validator(schema)
    is_valid: Callable[[object], bool] = validator.is_valid
    return is_valid


def make_oracle(schema: dict[str, Any]) -> Callable[[object], bool]:
    """Return a function that returns whether a value is valid by a schema that allows no other parameters."""
    closed = to_standard_schema(schema)
    closed["properties"] = {
        "response_format": {"enum": ["url", "b64_json"]},
        "target_namespace": {"type": "string"},
        **dict.fromkeys(closed.get("required", []), closed.get("additionalProperties", True)),
        **{name: True for part in find_parts(closed) for name in part.get("required", [])},
        **closed.get("properties", {}),
    }
    # The parameters may be described in other keywords as well.
    is_combined = closed.pop("additionalProperties", True) is not False and closed.keys() & COMBINING
    return make_validator(
        {**closed, "unevaluatedProperties" if is_combined else "additionalProperties": False}
    )


def to_standard_schema(schema: Any) -> Any:
    """Return the schema in standard JSON Schema: no OpenAPI `nullable`, and each default accepted."""
    if is_list(schema):
        return [to_standard_schema(item) for item in schema]
    if not is_object(schema):
        return schema
    rest = {key: to_standard_schema(value) for key, value in schema.items() if key != "nullable"}
    if is_object(properties := schema.get("properties")):
        rest["properties"] = {
            name: {"anyOf": [rest["properties"][name], {"enum": [value["default"]]}]}
            if is_object(value) and "default" in value
            else rest["properties"][name]
            for name, value in properties.items()
        }
    return {"anyOf": [{"type": "null"}, rest]} if schema.get("nullable") is True else rest


def valid(schema: Any, random: Random) -> Any:
    """Return a value that the schema allows in most cases."""
    if not is_object(schema):
        return random.choice(JUNK)
    if schema.get("nullable") and random.random() < 0.2:
        return None
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return random.choice(schema["enum"] or JUNK)
    for keyword in ("anyOf", "oneOf"):
        if schema.get(keyword):
            return valid(random.choice(schema[keyword]), random)
    types = schema.get("type")
    match random.choice(types) if is_list(types) else types:
        case "string":
            length = choose_length(schema.get("minLength", 0), schema.get("maxLength", 8), random)
            return "".join(random.choice("ab é5") for _ in range(length))
        case "integer":
            return choose_edge(schema, random, 1)
        case "number":
            return choose_edge(schema, random, 0.25)
        case "boolean":
            return random.choice([True, False])
        case "null":
            return None
        case "array":
            count = choose_length(schema.get("minItems", 0), schema.get("maxItems", 3), random)
            return [valid(schema.get("items", True), random) for _ in range(count)]
        case "object":
            return valid_object(schema, random)
        case _:
            return random.choice(JUNK)


def valid_object(schema: dict[str, Any], random: Random) -> dict[str, Any]:
    properties = schema.get("properties", {})
    chosen = {
        name: valid_property(properties.get(name, True), random)
        for name in [*properties, *schema.get("required", [])]
        if name in schema.get("required", []) or random.random() < 0.5
    }
    extra = schema.get("additionalProperties", True)
    if extra is not False and random.random() < (0.2 if properties else 0.7):
        chosen["any key"] = valid(extra, random)
    if properties and random.random() < 0.1:  # the Python name of a property is another name on the wire
        name = parameter_names(properties)[random.choice(sorted(properties))]
        chosen.setdefault(name, valid(extra, random))
    for branch in find_branches(schema, random):
        chosen |= valid_object(branch, random)
    return chosen


def find_parts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the schemas that every object of a combined schema satisfies."""
    alternatives = [schema.get(keyword, ()) for keyword in ("anyOf", "oneOf")]
    only = [members[0] for members in alternatives if len(members) == 1]
    return [*schema.get("allOf", ()), *([schema["$defs"]["r"]] if "$ref" in schema else []), *only]


def find_branches(schema: dict[str, Any], random: Random) -> Iterator[dict[str, Any]]:
    """Yield the schemas that describe further properties of a valid object."""
    yield from find_parts(schema)
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            yield random.choice(schema[keyword])


def valid_property(schema: Any, random: Random) -> Any:
    if is_object(schema) and "default" in schema and random.random() < 0.2:
        return schema["default"]
    return valid(schema, random)


def choose_length(least: float, most: float, random: Random) -> int:
    """Return a length between the limits, or the maximal length of the test if it is less."""
    least, most = min(int(least), MAX_LENGTH), min(int(most), MAX_LENGTH)
    return random.randint(least, max(least, most))


def choose_edge(schema: dict[str, Any], random: Random, step: float) -> float:
    """Return a number at, next to or between the limits."""
    least = schema.get("minimum", schema.get("exclusiveMinimum", -9))
    most = schema.get("maximum", schema.get("exclusiveMaximum", 9))
    number = random.choice(
        [least, most, least + step, most - step, least - step, most + step, least / 2 + most / 2]
    )
    if step == 1 and random.random() < 0.8:
        return int(number)
    return float(number) if random.random() < 0.5 else number


def break_value(value: Any, random: Random) -> Any:
    """Return the value with one part of it replaced."""
    if is_object(value) and value and random.random() < 0.9:
        key = random.choice(list(value))
        if random.random() < 0.1:
            return {name: item for name, item in value.items() if name != key}
        if random.random() < 0.1:
            return {**value, f"{key}x": random.choice(JUNK)}
        return {**value, key: break_value(value[key], random)}
    if is_list(value) and value and random.random() < 0.6:
        place = random.randrange(len(value))
        return [break_value(item, random) if index == place else item for index, item in enumerate(value)]
    if isinstance(value, str) and random.random() < 0.3:
        return random.choice([value + "x", value[:-1], value.upper(), value * 3])
    if isinstance(value, int | float) and random.random() < 0.3:
        return random.choice([value + 1, value - 1, value + 0.5, float(value), str(value), -value])
    return random.choice(JUNK)


def generate_bodies(schema: dict[str, Any], random: Random, count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        body = valid_object(schema, random)
        if number % 2:
            changed = break_value(body, random)
            body = changed if is_object(changed) else body
        body.pop("model", None)  # the id of the model stands there, whatever the schema says
        yield body


def accepts(request: type[Request], body: dict[str, Any]) -> bool:
    try:
        request.from_body(body)
    except ValidationError:
        return False
    return True


def accepts_keywords(request: type[Request], body: dict[str, Any]) -> bool:
    """Return whether the request accepts a body through keyword arguments, with the names of Python."""
    names = map_wire_names(request)
    if not names.keys() >= body.keys() & {*names.values()}:
        return accepts(request, body)  # an unknown parameter with the Python name of another one
    try:
        made = request(**{names.get(name, name): value for name, value in body.items()})
    except ValidationError:
        return False
    assert made == request.from_body(body)
    return True


def is_strict(node: object) -> bool:
    """Return whether the bindings validate every keyword of a node."""
    if is_list(node):
        return all(map(is_strict, node))
    if is_object(node):
        return "unsupported" not in node and all(
            is_strict(value) for key, value in node.items() if key != "annotations"
        )
    return True


def without_media(schema: Any) -> Any:
    """Return the schema without media, because a call reads strings that are no URLs."""
    if is_list(schema):
        return [without_media(item) for item in schema]
    if not is_object(schema):
        return schema
    return {key: without_media(value) for key, value in schema.items() if key not in ("format", "renderType")}


def with_urls(node: dict[str, Any], value: Any) -> Any:
    """Return a value with URLs as media, because a request rejects other strings in their place."""
    for member in node.get("anyOf", ()):
        value = with_urls(member, value)
    if isinstance(value, str) and "media" in node:
        return value if value.startswith("https://") else f"https://example.com/{value}"
    if is_list(value) and "items" in node:
        return [with_urls(node["items"], item) for item in value]
    if is_object(value) and "properties" in node:
        other: dict[str, Any] = node["additionalProperties"] or {}
        return {name: with_urls(node["properties"].get(name, other), item) for name, item in value.items()}
    return value


def accepts_by_id(schema: DynamicSchema, body: dict[str, Any]) -> bool:
    try:
        assert schema.build_request(body).body() == {"model": schema.id, **body}
    except InvalidRequestError:
        return False
    return True


def compare(request: type[Request], schema: dict[str, Any], random: Random, count: int) -> int:
    is_valid = make_oracle(schema)
    answer = {"id": "any", "endpoint": "/images/generate", "json_request_schema": without_media(schema)}
    described = DynamicSchema("any", parse_model_record(answer))
    node = normalize(schema)
    strict = is_strict(node)
    for drawn in generate_bodies(schema, random, count):
        body = with_urls(node, drawn)
        allowed = is_valid(body)
        if not strict and not allowed:
            continue
        assert accepts_keywords(request, body) == allowed, (
            f"jsonschema {'accepts' if allowed else 'rejects'} keyword arguments that the request does not: "
            f"{json.dumps(body)} under {json.dumps(schema)}"
        )
        assert accepts_by_id(described, body) == allowed, (
            f"jsonschema {'accepts' if allowed else 'rejects'} what `oxen.model` does not: "
            f"{json.dumps(body)} under {json.dumps(schema)}"
        )
        assert accepts(request, body) == allowed, (
            f"jsonschema {'accepts' if allowed else 'rejects'} what the request does not: "
            f"{json.dumps(body)} under {json.dumps(schema)}"
        )
        if allowed:
            sent = {key: value for key, value in request.from_body(body).body().items() if key != "model"}
            assert sent == body, "what is sent is what was given"
    return count


PART: dict[str, Any] = {"type": "object", "properties": {"a-b": {"type": "integer"}}}
VALUE = {"a-b": 2}


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (PART, VALUE),
        ({"type": "array", "items": PART}, [VALUE]),
        ({"type": "object", "additionalProperties": PART}, {"x": VALUE}),
        ({**PART, "additionalProperties": PART}, {"a-b": 1, "x": VALUE}),
        ({**PART, "additionalProperties": {"type": "array", "items": PART}}, {"x": [VALUE]}),
        ({**PART, "additionalProperties": PART}, {"a_b": VALUE}),
    ],
    ids=["itself", "in a list", "in a map", "beside properties", "in a list beside them", "Python name"],
)
def test_object_is_sent_with_its_wire_names(parameter: dict[str, Any], value: Any) -> None:
    """An object is sent as JSON with the names of the schema, wherever the schema allows it."""
    request = compile_request({"type": "object", "properties": {"p": parameter}})
    body = request.from_body({"p": value}).body()
    assert json.loads(json.dumps(body)) == {"model": "a-model", "p": value}


@pytest.mark.slow
@pytest.mark.parametrize("model", BOUND, ids=lambda model: model.id)
def test_recorded_model_agrees_with_jsonschema(model: catalog.ModelInfo, record_property: Any) -> None:
    """A recorded model accepts exactly the values that jsonschema accepts."""
    schema = oxen_models.schema(model.id)
    name = (
        "".join(word.capitalize() for word in model.module.rpartition(".")[2].split("_"))
        if model.module
        else ""
    )
    request = getattr(getattr(oxen_models, str(model.family)), f"{name}Request")
    record_property("agreement", compare(request, schema, Random(model.id), VALUES_PER_MODEL))


Strategy = st.SearchStrategy[Any]


def schema(
    required: dict[str, Strategy], optional: Mapping[str, Strategy] = MappingProxyType({})
) -> Strategy:
    mapping: Any = required
    return st.fixed_dictionaries(mapping, optional=dict(optional))


def make_sizes(low: str, high: str) -> dict[str, Strategy]:
    return {low: st.integers(0, 3), high: st.integers(2, 6)}


names = st.text("abcxyz_-. 0é$", min_size=1, max_size=6) | st.sampled_from(
    [
        "from",
        "class",
        "schema",
        "copy",
        "json",
        "model_config",
        "model_dump",
        "validate",
        "self",
        "str",
        "timeout",
    ]
)
numbers = st.integers(-20, 20) | st.sampled_from([0.5, 2.5, -0.25, 23.976, 5.0])
choices = st.lists(
    st.sampled_from(
        [None, True, False, 0, 1, -1, 2, 4, 5.0, 23.976, 29.97, 2**64, 2**53 + 1, "auto", "1", "", " ", "b"]
    ),
    min_size=1,
    max_size=5,
)
enum_types = st.sampled_from(
    ["string", "integer", "number", ["integer", "string"], ["string", "null"], ["number", "boolean"]]
)
RANGE: dict[str, Strategy] = dict.fromkeys(
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], numbers
)
LENGTH, COUNT = make_sizes("minLength", "maxLength"), make_sizes("minItems", "maxItems")


def can_be_met(node: dict[str, Any]) -> bool:
    return any(map(make_validator(node), node["enum"]))


leaves: Strategy = st.one_of(
    st.just({}),
    st.just({"type": "null"}),
    st.just({"type": "boolean"}),
    st.just({"type": "string", "format": "uri", "renderType": "image-url"}),
    schema({"type": st.just("string")}, LENGTH),
    schema({"type": st.sampled_from(["integer", "number"])}, RANGE),
    schema({"enum": choices}),
    schema({"enum": choices, "type": enum_types}).filter(can_be_met),
    schema({"const": choices.map(lambda values: values[0])}),
)


def make_containers(inner: Strategy) -> Strategy:
    several = st.lists(
        st.sampled_from(["string", "integer", "number", "boolean", "null", "array"]),
        min_size=1,
        max_size=3,
        unique=True,
    )
    return st.one_of(
        schema({"type": st.just("array")}, {"items": inner, **COUNT}),
        schema({"type": several}, {**RANGE, **LENGTH, **COUNT, "items": inner}),
        schema({"type": st.just("object")}, {"additionalProperties": inner}),
        make_objects(inner),
        make_alternatives(inner),
        inner.map(lambda node: {**node, "nullable": True}),
        st.tuples(inner, st.sampled_from(JUNK)).map(lambda pair: {**pair[0], "default": pair[1]}),
    )


def make_alternatives(inner: Strategy) -> Strategy:
    """Draw a schema with one or several alternatives, often with null."""
    # The default of an alternative may become that of the parameter.
    member = inner.map(lambda node: {key: value for key, value in node.items() if key != "default"})
    members = st.lists(member, min_size=1, max_size=3) | member.map(lambda node: [node, {"type": "null"}])
    return schema({"anyOf": members}) | schema({"oneOf": members})


def make_objects(inner: Strategy) -> Strategy:
    def with_properties(properties: dict[str, Any]) -> Strategy:
        some = st.lists(st.sampled_from([*properties, "another"]), max_size=2, unique=True)
        fixed: dict[str, Strategy] = {"type": st.just("object"), "properties": st.just(properties)}
        return schema({**fixed, "required": some}, {"additionalProperties": st.just(True) | inner}) | schema(
            {**fixed, "required": st.just(sorted(properties)[:1]), "additionalProperties": st.just(False)}
        )

    return st.dictionaries(names, inner, max_size=4).flatmap(with_properties)


schemas = make_objects(st.recursive(leaves, make_containers, max_leaves=6))


def combine(root: dict[str, Any], keyword: str, branches: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a schema of parameters some of which other keywords than `properties` describe."""
    # Other parameters are rejected, whatever `additionalProperties` of the root allows.
    members = [
        {key: value for key, value in branch.items() if key != "additionalProperties"} for branch in branches
    ]
    if keyword in ("$ref", "allOf") or len(branches) == 1:  # otherwise no value may be valid
        root = {key: value for key, value in root.items() if key != "additionalProperties"}
    match keyword:
        case "$ref":
            return {**root, "$ref": "#/$defs/r", "$defs": {"r": members[0]}}
        case "patternProperties":
            return {**root, keyword: {"^[abc]": {}}}
        case _:
            return {**root, keyword: members}


combined_schemas = st.builds(
    combine,
    make_objects(leaves),
    st.sampled_from(["$ref", "allOf", "anyOf", "oneOf", "patternProperties"]),
    st.lists(make_objects(leaves), min_size=1, max_size=2),
)


@pytest.mark.slow
def test_random_schema_agrees_with_jsonschema(record_property: Any) -> None:
    """Random schemas are interpreted as jsonschema does."""
    compared = 0

    @settings(
        max_examples=RANDOM_SCHEMAS,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(root=st.one_of(schemas, schemas, combined_schemas), seed=st.integers(0, 2**32))
    def check_agreement(root: dict[str, Any], seed: int) -> None:
        nonlocal compared
        compared += compare(compile_request(root), root, Random(seed), VALUES_PER_SCHEMA)

    check_agreement()
    record_property("agreement", compared)
