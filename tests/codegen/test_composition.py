"""References, combined schemas and other unusual constructs, by their effect on requests."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from helpers.compile import compile_request
from helpers.models import make_chain, object_schema
from hypothesis import given, settings, strategies as st
from oxen_codegen.composition import expand_schema
from oxen_codegen.normalize import MAX_NODES, normalize
from oxen_models import InvalidRequestError, Oxen
from oxen_models._runtime.dynamic import DynamicSchema
from oxen_models._runtime.hub_models import parse_model_record
from oxen_models.testing import Hub
from pydantic import ValidationError

from codegen.test_agreement import (
    Strategy,
    accepts,
    accepts_by_id,
    accepts_keywords,
    leaves,
    make_alternatives,
    make_validator,
    to_standard_schema,
)

SIZE = {"enum": ["s", "m"]}
OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def describe(schema: dict[str, Any]) -> DynamicSchema:
    return DynamicSchema(
        "any",
        parse_model_record({"id": "any", "endpoint": "/images/generate", "json_request_schema": schema}),
    )


def check_all(schema: dict[str, Any], good: list[dict[str, Any]], bad: list[dict[str, Any]]) -> None:
    """Check what the generated request accepts, and what a call by id accepts."""
    request, described = compile_request(schema), describe(schema)
    for body in good:
        results = [accepts(request, body), accepts_keywords(request, body), accepts_by_id(described, body)]
        assert results == [True] * 3, body
    for body in bad:
        results = [accepts(request, body), accepts_keywords(request, body), accepts_by_id(described, body)]
        assert results == [False] * 3, body


RESOLVED: dict[str, tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]] = {
    "reference of a parameter": (
        {"properties": {"size": {"$ref": "#/$defs/Size", "default": "m"}}, "$defs": {"Size": SIZE}},
        [{"size": "s"}, {}],
        [{"size": "l"}, {"other": 1}],
    ),
    "reference in allOf": (
        {"properties": {"size": {"allOf": [{"$ref": "#/definitions/Size"}]}}, "definitions": {"Size": SIZE}},
        [{"size": "s"}],
        [{"size": 5}],
    ),
    "reference of all parameters": (
        {"$ref": "#/$defs/Input", "$defs": {"Input": OBJECT}},
        [{"a": 1}],
        [{}, {"a": "1"}, {"a": 1, "b": 1}],
    ),
    "allOf of all parameters": (
        {"allOf": [
            OBJECT,
            {"properties": {"b": {"type": "string"}, "a": {"minimum": 1, "type": "integer"}}},
        ]},
        [{"a": 1, "b": "x"}, {"a": 1}],
        [{"a": 0}, {"b": "x"}, {"a": 1, "b": 1}, {"a": 1, "c": 1}],
    ),
    "closed member of allOf": (
        {"properties": {"o": {"allOf": [
            {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
            {"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}},
        ]}}},
        [{"o": {"a": 1}}, {"o": {}}],
        [{"o": {"b": 1}}, {"o": {"a": "x"}}],
    ),
    "types of allOf": (
        {"properties": {"a": {"allOf": [
            {"type": ["number", "null"]}, {"type": ["integer", "string", "null"]},
        ]}}},
        [{"a": 1}, {"a": None}],
        [{"a": 1.5}, {"a": "x"}],
    ),
    "nullable reference": (
        {"properties": {"a": {"allOf": [{"$ref": "#/$defs/S"}], "nullable": True}}, "$defs": {"S": SIZE}},
        [{"a": "s"}, {"a": None}],
        [{"a": "x"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RESOLVED)
def test_local_reference_and_allof_are_validated(name: str) -> None:
    """References in the document and `allOf` have the meaning that jsonschema gives them."""
    schema, good, bad = RESOLVED[name]
    check_all({"type": "object", **schema}, good, bad)


NULL = {"type": "null"}
IMAGE = {"type": "string", "format": "uri", "renderType": "image-url"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 1, "maximum": 9},
        {"type": "string", "maxLength": 5, "pattern": "^a"},
        {"enum": ["a", 1]},
        {"type": "string", "const": "a"},
        IMAGE,
        {"type": "array", "items": IMAGE, "minItems": 1},
        {"$ref": "#/$defs/O", "description": "One."},
        {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/O"}, NULL]}},
        {"allOf": [{"$ref": "#/$defs/O"}, {"properties": {"a": {"minimum": 1}}}]},
    ],
    ids=json.dumps,
)
def test_alternative_to_null_equals_nullable(schema: dict[str, Any]) -> None:
    """A parameter that is a schema or null has the type, the values and the texts of the schema."""
    rest = {"default": None, "title": "T"}
    forms = [
        {**schema, "nullable": True, **rest},
        {"anyOf": [schema, NULL], **rest},
        {"anyOf": [{"const": None}, schema, NULL], **rest},
        {"oneOf": [NULL, schema], **rest},
        {"anyOf": [{"oneOf": [schema, {"enum": [None]}]}], **rest},
        {"allOf": [{"anyOf": [schema, NULL]}], **rest},
        {"anyOf": [schema], "nullable": True, **rest},
    ]
    first, *others = (normalize({"properties": {"p": form}, "$defs": {"O": OBJECT}}) for form in forms)
    assert [other == first for other in others] == [True] * len(others)


INTEGER, STRINGS = {"type": "integer", "minimum": 1}, {"type": "array", "items": {"type": "string"}}
ALTERNATIVES: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    ({"anyOf": [{"type": "string"}, STRINGS, NULL]}, ["a", ["a"], None], [1, [1], {}]),
    ({"oneOf": [{"const": "auto", "title": "Auto"}, INTEGER]}, ["auto", 1], ["x", 0, None]),
    ({"anyOf": [{"const": "a"}, {"enum": ["b", 1]}, {"const": 1.0}]}, ["a", "b", 1], ["c", True]),
    ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, [1, 1.5], ["1", True]),
    ({"anyOf": [INTEGER, {"type": "number", "minimum": 1}]}, [1, 1.5], [0, 0.5]),
    ({"anyOf": [{"type": ["string", "null"]}, {"anyOf": [INTEGER, OBJECT]}]}, ["a", None, {"a": 1}], [0, {}]),
    ({"anyOf": [INTEGER, {"type": "string"}], "nullable": True}, [1, "a", None], [0, []]),
    ({"type": "string", "anyOf": [{"maxLength": 1}]}, ["a"], ["ab", 1]),
    ({"oneOf": [{"enum": ["a", None]}, {"type": "integer"}]}, ["a", None, 5], ["b", True]),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("schema", "good", "bad"), ALTERNATIVES, ids=lambda value: json.dumps(value)[:60])
def test_alternatives_are_a_union(schema: dict[str, Any], good: list[Any], bad: list[Any]) -> None:
    """Alternatives of different types, or single values, are validated."""
    is_valid = make_validator(to_standard_schema(schema))
    assert [*map(is_valid, good), *map(is_valid, bad)] == [True] * len(good) + [False] * len(bad)
    check_all(
        {"properties": {"p": schema}}, [{"p": value} for value in good], [{"p": value} for value in bad]
    )


OTHER_ALTERNATIVES: list[dict[str, Any]] = [
    {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    {"oneOf": [{"enum": ["a"]}, {"enum": ["a", "b"]}]},
    {"oneOf": [{"type": ["string", "null"]}, NULL]},
    {"oneOf": [{}, NULL]},
    {"oneOf": [INTEGER, NULL, NULL]},
    {"anyOf": [INTEGER, {"type": "integer", "maximum": 0}]},
    {"anyOf": [OBJECT, {"type": "object", "properties": {"b": {}}}]},
    {"anyOf": [{"type": "string"}, {"minimum": 1}]},
    {"anyOf": [INTEGER, {"type": "string"}], "not": {"const": 1}},
    {"anyOf": [INTEGER, NULL], "oneOf": [{"minimum": 1}, {"maximum": 5}]},
    {"anyOf": []},
]


@pytest.mark.parametrize("schema", OTHER_ALTERNATIVES, ids=json.dumps)
def test_other_alternatives_are_left_to_the_server(schema: dict[str, Any]) -> None:
    """Alternatives that no union of types expresses accept any JSON value."""
    node = normalize({"properties": {"p": schema}})["properties"]["p"]
    assert node.keys() == {"unsupported"}


def test_parameters_may_be_an_alternative_to_null() -> None:
    """A body is always an object, so that null is no alternative to it."""
    check_all({"anyOf": [OBJECT, NULL]}, [{"a": 1}], [{}, {"a": "x"}, {"a": 1, "b": 1}])
    check_all({"type": ["object", "null"], "allOf": [OBJECT]}, [{"a": 1}], [{}])


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": ["a", "b", None]},
        {"enum": [0.5, True, None]},
        {"anyOf": [{"enum": [[1], {"a": 1}]}, NULL]},
        {"type": "integer", "enum": [0, 1], "nullable": True},
        {"anyOf": [{"const": "auto"}, {"type": "integer"}, NULL]},
    ],
    ids=json.dumps,
)
def test_error_of_an_enum_lists_none(schema: dict[str, Any]) -> None:
    """If an enum has null, the error of another value names None as one of the values."""
    request = compile_request({"properties": {"p": schema}})
    assert accepts(request, {"p": None})
    with pytest.raises(ValidationError) as raised:
        request.from_body({"p": "x"})
    assert "None" in raised.value.errors()[-1]["msg"]


OPEN: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
    ({"oneOf": [OBJECT, {"properties": {"b": {}}, "required": ["b"]}]}, [{"a": 1}, {"b": [1]}]),
    ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, [{"a": 1}, {"a": "x", "b": None}]),
    ({"patternProperties": {"^image_[0-9]+$": {"type": "string"}}}, [{"image_1": "x"}]),
    ({"$ref": "https://example.com/schema.json"}, [{"anything": 1}]),
    ({"allOf": [{"if": {"required": ["p"]}, "then": {"properties": {"q": {}}}}]}, [{"q": 1}]),
    ({"dependentSchemas": {"p": {"properties": {"q": {"type": "string"}}}}}, [{"p": "x", "q": "y"}]),
    ({"$defs": {"Node": {"$ref": "#/$defs/Node"}}, "$ref": "#/$defs/Node"}, [{"anything": 1}]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("schema", "bodies"), OPEN, ids=[next(iter(schema)) for schema, _ in OPEN])
def test_parameters_of_combined_schemas_are_accepted(
    schema: dict[str, Any], bodies: list[dict[str, Any]]
) -> None:
    """If other keywords describe parameters, any names are accepted, and the documentation says so."""
    root = {"type": "object", "properties": {"p": {"type": "string"}}, **schema}
    check_all(root, bodies, [{"p": 1}])
    assert "other parameters" in str(compile_request(root).__doc__)


def test_combined_known_parameters_stay_closed() -> None:
    """If other keywords name known parameters only, a misspelt name is rejected."""
    schema: dict[str, Any] = {
        "properties": {"a": {}, "b": {}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    check_all(schema, [{"a": 1}], [{"a": 1, "c": 1}])


def test_unknown_parameter_has_a_python_name() -> None:
    """Where any names are accepted, the Python name of a parameter is another name in a body."""
    schema: dict[str, Any] = {"properties": {"top-p": {"type": "number"}}, "patternProperties": {"^top": {}}}
    request: Any = compile_request(schema)
    body = {"top-p": 1, "top_p": "other"}
    assert request.from_body(body).body() == {"model": "a-model", **body}
    assert request(top_p=1).body() == {"model": "a-model", "top-p": 1}


@pytest.mark.slow
def test_stand_in_accepts_combined_schemas() -> None:
    """The stand-in, which refuses unknown parameters, knows those of other keywords, too."""
    schema: dict[str, Any] = {
        "type": "object",
        "anyOf": [OBJECT, {"properties": {"b": {}}}],
        "required": ["model"],
    }
    with Hub() as hub, Oxen(api_key="any", base_url=hub.url) as oxen:
        hub.add_model({"id": "m", "endpoint": "/images/generate", "json_request_schema": schema})
        made: Any = oxen.model("m").generate(a=1)
        assert made.images
        with pytest.raises(InvalidRequestError):
            oxen.model("m").generate(model="other")


def test_required_model_is_no_parameter() -> None:
    """`model` in `required` is the id of the model, which every body has."""
    schema: dict[str, Any] = {
        "properties": {"model": {"type": "string"}, "a": {}},
        "required": ["model", "a"],
    }
    check_all(schema, [{"a": 1}], [{}])
    assert list(compile_request(schema).model_fields) == ["a", "response_format", "target_namespace"]


@pytest.mark.slow
@pytest.mark.parametrize("bound", [2**53, 2**53 + 1, 2**60 + 1])
@pytest.mark.parametrize("sign", [1, -1])
def test_number_with_large_bound_is_exact(bound: int, sign: int) -> None:
    """Numbers next to a bound that floats cannot represent are compared exactly."""
    inclusive, exclusive = ("maximum", "exclusiveMaximum") if sign > 0 else ("minimum", "exclusiveMinimum")
    for keyword, limit in ((inclusive, 0), (exclusive, -1)):
        for type_ in ("number", "integer"):
            numbers = [sign * (bound + limit), sign * (bound + limit - 1), 1]
            good: list[dict[str, Any]] = [{"a": number} for number in numbers]
            bad: list[dict[str, Any]] = [{"a": sign * (bound + limit + 1)}, {"a": "1"}, {"a": True}]
            check_all({"properties": {"a": {"type": type_, keyword: sign * bound}}}, good, bad)


def nest(levels: int, kind: str) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if kind == "list" else {"k": value}
    return value


@pytest.mark.parametrize("kind", ["list", "object"])
@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"type": "array"}], ids=json.dumps)
def test_deep_json_is_accepted(schema: dict[str, Any], kind: str) -> None:
    """JSON with 300 levels is sent; a value that is nested without end is rejected."""
    request: Any = compile_request({"properties": {"a": schema or {"anyOf": []}}})
    if schema.get("type") in (None, "array" if kind == "list" else "object"):
        value = nest(300, kind)
        assert request(a=value).body()["a"] == value
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValidationError):
        request(a=endless if kind == "list" else {"k": endless})


@pytest.mark.parametrize(
    ("type_", "low", "high", "is_empty"),
    [
        ("integer", {"minimum": 5}, {"maximum": 4}, True),
        ("integer", {"minimum": 5}, {"maximum": 5}, False),
        ("integer", {"minimum": 0.2}, {"maximum": 0.8}, True),
        ("integer", {"exclusiveMinimum": 1}, {"exclusiveMaximum": 2}, True),
        ("integer", {"exclusiveMinimum": 1}, {"exclusiveMaximum": 3}, False),
        ("number", {"exclusiveMinimum": 1}, {"exclusiveMaximum": 2}, False),
        ("number", {"exclusiveMinimum": 1}, {"maximum": 1}, True),
        ("number", {"minimum": 1}, {"exclusiveMaximum": 1}, True),
        ("number", {"minimum": 1}, {"maximum": 1}, False),
        ("string", {"minLength": 3}, {"maxLength": 2}, True),
        ("array", {"minItems": 3}, {"maxItems": 2}, True),
        ("array", {"minItems": 2}, {"maxItems": 2}, False),
    ],
)
def test_bounds_without_values_are_left_to_the_server(
    type_: str, low: dict[str, float], high: dict[str, float], is_empty: bool
) -> None:
    """Bounds that no value satisfies are left to the server and reported, also if null is accepted."""
    for types in (type_, [type_, "null"]):
        node = normalize({"properties": {"a": {"type": types, **low, **high}}})["properties"]["a"]
        assert ("unsupported" in node) is is_empty
        if is_empty and type_ in ("string", "array"):
            assert node == {"unsupported": sorted({*low, *high})}


def test_object_without_values_rejects_no_list_of_enum() -> None:
    """An object that no value satisfies is left to the server, whatever its enum contains."""
    impossible: dict[str, Any] = {"type": "object", "additionalProperties": False, "required": ["x"]}
    values: list[Any] = [[], {}]
    node = normalize({"properties": {"a": {**impossible, "enum": values}}})["properties"]["a"]
    assert node == {"unsupported": ["required"]}
    check_all(
        {"properties": {"a": {**impossible, "type": ["object", "string"], "enum": [values[0], "s"]}}},
        [{"a": "s"}],
        [{"a": []}, {"a": {}}],
    )


def test_dict_for_an_object_has_wire_names() -> None:
    """A dict has wire names only; keyword arguments have Python names, or wire names."""
    inner = {"type": "object", "properties": {"top-p": {"type": "number"}}}
    request: Any = compile_request({"properties": {"o": inner}})
    assert request(o={"top_p": "s"}).body()["o"] == {"top_p": "s"}
    assert request(o={"top_p": 1}).body()["o"] == {"top_p": 1}
    assert request(o={"top-p": 1}).body()["o"] == {"top-p": 1}
    made = request(o=request(o={"top-p": 1}).o.__class__(top_p=1))
    assert made.body()["o"] == {"top-p": 1}
    assert made == request(o={"top-p": 1})


@pytest.mark.slow
def test_many_references_are_not_expanded() -> None:
    """A few references that would make a schema very large are left to the server."""
    definitions: dict[str, Any] = {"d0": {"type": "object", "properties": {"x": {"type": "integer"}}}}
    for number in range(1, 14):
        inner = {"$ref": f"#/$defs/d{number - 1}"}
        definitions[f"d{number}"] = {"type": "object", "properties": {"x": inner, "y": inner}}
    schema = {"properties": {"a": {"$ref": "#/$defs/d13"}}, "$defs": definitions}
    assert MAX_NODES < 2**13
    assert normalize(schema)["properties"]["a"] == {"unsupported": ["$ref"]}


MAX_CALLS = 1_000_000


@contextmanager
def limit_calls() -> Generator[None]:
    """Raise if the code within calls more Python functions than a schema of the maximal size needs."""
    calls = count()

    def count_call(_: object, __: str, ___: object) -> None:
        if next(calls) > MAX_CALLS:
            raise AssertionError("too many calls")

    sys.settrace(count_call)  # is called for calls only, because it returns no function for lines
    try:
        yield
    finally:
        sys.settrace(None)


@pytest.mark.slow
def test_wide_chain_of_references_is_not_built() -> None:
    """A chain of references, which would make trillions of nodes, is refused before it is built."""
    chain, reference = make_chain(20, 10, type="integer"), {"$ref": "#/$defs/d10"}
    schemas: list[tuple[dict[str, Any], str]] = [
        ({"properties": {"a": reference}}, "$ref"),
        ({"properties": {"a": {"anyOf": [reference, {"type": "null"}]}}}, "anyOf"),
        (object_schema(**{f"a{number}": {"$ref": "#/$defs/e"} for number in range(2_000)}), "$ref"),
    ]
    for schema, keyword in schemas:
        with limit_calls():
            node = normalize({**schema, "$defs": {**chain, "e": {"enum": list(range(9_000))}}})
        assert all(value == {"unsupported": [keyword]} for value in node["properties"].values())


@pytest.mark.slow
@pytest.mark.parametrize("last", [{"type": "integer"}, {"type": "integer", "minimum": 1}], ids=json.dumps)
def test_wide_chains_in_allof_are_not_merged(last: dict[str, Any]) -> None:
    """Of chains in `allOf`, equal or not, a limited number of parts is compared."""
    definitions = {**make_chain(20, 10, "d", type="integer"), **make_chain(20, 10, "e", **last)}
    both = [{"$ref": "#/$defs/d10"}, {"$ref": "#/$defs/e10"}]
    with limit_calls():
        node = normalize({"properties": {"a": {"allOf": both}}, "$defs": definitions})
    assert node["properties"]["a"] == {"unsupported": ["allOf"]}
    with limit_calls():
        node = normalize({"allOf": both, "$defs": definitions})
    assert node["unsupported"] == ["allOf"]


@pytest.mark.slow
def test_many_members_of_allof_are_merged() -> None:
    """The limit of comparisons allows far more members than any model has."""
    members = [
        object_schema(f"a{number}", **{f"{name}{number}": {"type": "string"} for name in "abcdefgh"})
        for number in range(50)
    ]
    node = normalize({"allOf": members})
    assert len(node["properties"]) == 8 * len(members)
    assert len(node["required"]) == len(members)


def combine_schemas(inner: Strategy) -> Strategy:
    """Draw schemas that are made of others."""
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda members: {"allOf": members}),
        st.tuples(inner, inner).map(lambda pair: {**pair[1], "allOf": [pair[0]]}),
        st.fixed_dictionaries(
            {"properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2)},
            optional={
                "additionalProperties": st.booleans() | inner,
                "required": st.just(["a"]),
                "type": st.sampled_from(["object", ["object", "null"]]),
            },
        ),
        inner.map(lambda items: {"type": "array", "items": items}),
        make_alternatives(inner),
        st.tuples(inner, make_alternatives(inner)).map(lambda pair: {**pair[0], **pair[1]}),
    )


combined: Strategy = st.recursive(
    leaves | st.just({"$ref": "#/$defs/d"}) | st.just({"$ref": "#/$defs/e", "description": "x"}),
    combine_schemas,
    max_leaves=6,
)
values = st.recursive(
    st.sampled_from([None, True, 0, 1, 2.5, "", "a", "auto", -3]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=4,
)


def is_endless(definition: dict[str, Any]) -> bool:
    """Return whether the definition `d` requires that a value is accepted by `d`, which has no meaning."""
    parts = (part for key in ("allOf", "anyOf", "oneOf") for part in definition.get(key, ()))
    return definition.get("$ref") == "#/$defs/d" or any(map(is_endless, parts))


@pytest.mark.slow
@settings(max_examples=200, deadline=None, database=None)
@given(schema=combined, d=combined, e=leaves, drawn=st.lists(values, min_size=5, max_size=10))
def test_expanded_schema_accepts_the_same_values(
    schema: dict[str, Any], d: dict[str, Any], e: dict[str, Any], drawn: list[Any]
) -> None:
    """An expanded schema accepts exactly the values of the original one."""
    root = {**schema, "$defs": {"d": d, "e": e}}
    expanded = expand_schema(root)
    if not is_endless(d):
        definitions = to_standard_schema(root["$defs"])
        accepts, expected = (
            make_validator({**to_standard_schema(form), "$defs": definitions}) for form in (expanded, root)
        )
        assert list(map(accepts, drawn)) == list(map(expected, drawn))


# Values at the limits of the schemas below.
EDGES: list[Any] = [
    None, *range(7), 1.5, *("x" * length for length in range(6)), "a", "b", "c", *([0] * n for n in range(6)),
    {}, {"a": 1}, {"b": 1}, {"a": 1, "b": 1},
]  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"type": "integer", "minimum": 1}, {"minimum": 3}),
        ({"type": "integer", "maximum": 5}, {"maximum": 2}),
        ({"type": "number", "exclusiveMinimum": 1}, {"minimum": 1}),
        ({"type": "string", "minLength": 1}, {"minLength": 3}),
        ({"type": "string", "maxLength": 4}, {"maxLength": 2}),
        ({"type": "array", "minItems": 1}, {"minItems": 2}),
        ({"type": "array", "maxItems": 4}, {"maxItems": 2}),
        ({"enum": ["a", "b", 1]}, {"enum": ["b", "c", 1]}),
        ({"enum": ["a", "b"]}, {"const": "b"}),
        ({"type": ["string", "null"]}, {"type": ["integer", "null"]}),
        ({"type": "object", "required": ["a"]}, {"required": ["b"]}),
        ({"type": "string", "nullable": True}, {"maxLength": 2}),
    ],
    ids=json.dumps,
)
def test_merged_limits_accept_the_same_values(a: dict[str, Any], b: dict[str, Any]) -> None:
    """Two members of `allOf`, in either order, are merged to the limits of both."""
    for schema in ({"allOf": [a, b]}, {"allOf": [b, a]}, {**a, "allOf": [b]}, {**b, "allOf": [a]}):
        expanded = expand_schema(schema)
        assert "allOf" not in expanded
        accepts, expected = (make_validator(to_standard_schema(form)) for form in (expanded, schema))
        assert list(map(accepts, EDGES)) == list(map(expected, EDGES))
