"""The kinds of changes that `compare` finds between two catalogues."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.models import make_model, object_schema
from oxen_codegen.bind import bind_model
from oxen_codegen.diff.changes import Impact, next_version
from oxen_codegen.diff.compare import compare
from oxen_codegen.diff.formats import format_text
from oxen_codegen.operations import COMMON
from oxen_codegen.records import Record, from_response
from oxen_codegen.resolve import resolve_model
from oxen_codegen.spec import EnumType, NamedType

STRING: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer"}
NUMBER: dict[str, Any] = {"type": "number"}
IMAGE: dict[str, Any] = {"type": "string", "format": "uri", "renderType": "image-url"}
RANGE: dict[str, Any] = {"type": "integer", "minimum": 4, "maximum": 6}
CHOICE: dict[str, Any] = {"type": "string", "enum": ["a", "b"]}


def array_schema(items: dict[str, Any], **bounds: int) -> dict[str, Any]:
    return {"type": "array", "items": items, **bounds}


def make_catalogue(*models: dict[str, Any]) -> dict[str, Record]:
    return {record.id: record for record in map(from_response, models)}


def find_changes(old: dict[str, Any], new: dict[str, Any]) -> set[tuple[str | None, str]]:
    """Return the parameter and kind of each change between two sets of properties, apart from its call."""
    diff = compare(
        make_catalogue(make_model("m", object_schema(**old))),
        make_catalogue(make_model("m", object_schema(**new))),
        {},
    )
    return {(change.parameter, change.kind) for change in diff.changes if not change.kind.startswith("call-")}


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        (STRING, STRING, ""),
        ({**INTEGER, "default": 1}, {"default": 1.0, "type": ["integer"], "x-order": 3}, ""),
        ({**INTEGER, "default": 1}, {**INTEGER, "default": True}, "default-changed type-widened"),
        ({**INTEGER, "default": 1}, {**INTEGER, "default": None}, "default-changed type-widened"),
        (INTEGER, {**INTEGER, "default": None}, "default-added type-widened"),
        # A default is accepted even outside the range or enum.
        (RANGE, {**RANGE, "default": -1}, "default-added enum-widened"),
        ({**RANGE, "default": -1}, RANGE, "default-removed enum-narrowed"),
        ({**INTEGER, "enum": [-1, 4, 5, 6]}, {**RANGE, "default": -1}, "default-added enum-widened"),
        ({**INTEGER, "enum": [-1, 4, 5, 6]}, RANGE, "enum-narrowed"),
        ({**RANGE, "default": -1}, {**RANGE, "minimum": -1, "default": -1}, "range-widened"),
        ({**RANGE, "default": -1}, {**RANGE, "maximum": 5, "default": -1}, "range-narrowed"),
        ({**CHOICE, "default": "c"}, {**CHOICE, "enum": ["a", "b", "c"], "default": "c"}, ""),
        ({**INTEGER, "default": 0}, INTEGER, "default-removed"),
        (CHOICE, {**CHOICE, "enum": ["b", "a"]}, ""),
        ({"enum": [1, 2]}, {"enum": [2.0, 1.0]}, ""),
        ({"enum": [1, 2]}, {"enum": [True, 2]}, "enum-narrowed"),
        (CHOICE, {**CHOICE, "enum": ["a"]}, "enum-narrowed"),
        (CHOICE, {**CHOICE, "enum": ["a", "b", "c"]}, "enum-widened"),
        (CHOICE, {**CHOICE, "enum": ["b", "c"]}, "enum-narrowed"),
        (CHOICE, STRING, "enum-widened"),
        (CHOICE, {**STRING, "maxLength": 1}, "enum-widened"),
        (CHOICE, {**STRING, "minLength": 2}, "enum-narrowed"),
        (STRING, CHOICE, "enum-narrowed"),
        (CHOICE, {"type": "boolean"}, "type-changed"),
        (CHOICE, {**CHOICE, "nullable": True}, "enum-widened"),
        ({"type": "boolean"}, {"enum": [True, False]}, ""),
        ({"type": "boolean"}, {"enum": [True]}, "enum-narrowed"),
        ({"type": ["integer", "string"], "enum": [4, "auto"]}, INTEGER, "type-narrowed enum-widened"),
        (INTEGER, NUMBER, "type-widened"),
        (NUMBER, INTEGER, "type-narrowed"),
        ({**INTEGER, "minimum": 1}, {**INTEGER, "exclusiveMinimum": 0}, ""),
        ({**INTEGER, "minimum": 1}, {**INTEGER, "minimum": 0.5}, ""),
        ({**NUMBER, "minimum": 1}, {**NUMBER, "exclusiveMinimum": 1}, "range-narrowed"),
        ({**NUMBER, "exclusiveMaximum": 1}, {**NUMBER, "maximum": 1}, "range-widened"),
        ({**INTEGER, "maximum": 9}, {**NUMBER, "maximum": 9}, "type-widened"),
        ({**INTEGER, "maximum": 9}, {**NUMBER, "maximum": 8.5}, "type-widened range-narrowed"),
        (INTEGER, {**INTEGER, "maximum": 9}, "range-narrowed"),
        ({**INTEGER, "minimum": 1}, INTEGER, "range-widened"),
        ({**INTEGER, "minimum": 1, "maximum": 5}, {**INTEGER, "minimum": 0, "maximum": 4}, "range-narrowed"),
        (STRING, {**STRING, "minLength": 0}, ""),
        (STRING, {**STRING, "minLength": 1}, "length-narrowed"),
        ({**STRING, "maxLength": 5}, {**STRING, "maxLength": 6}, "length-widened"),
        (STRING, {"type": ["string", "null"]}, "type-widened"),
        ({"type": ["string", "null"]}, STRING, "type-narrowed"),
        (STRING, {**STRING, "nullable": True}, "type-widened"),
        (STRING, {}, "type-widened"),
        ({}, STRING, "type-narrowed"),
        (STRING, array_schema(STRING), "became-array"),
        (array_schema(STRING), STRING, "became-scalar"),
        (STRING, {"type": ["string", "array"], "items": STRING}, "type-widened"),
        (array_schema(STRING), array_schema(STRING, maxItems=3), "count-narrowed"),
        (array_schema(STRING, minItems=1), array_schema(STRING), "count-widened"),
        (IMAGE, STRING, "media-narrowed"),
        # A call opens a value that is not a URL as the path of a file.
        ({**IMAGE, "default": "auto"}, IMAGE, "default-removed enum-narrowed"),
        ({**IMAGE, "default": "https://example.com/"}, IMAGE, "default-removed"),
        (IMAGE, {"anyOf": [IMAGE, {"const": "auto"}]}, "enum-widened"),
        ({"enum": ["cat", "dog"]}, IMAGE, "enum-narrowed became-media"),
        ({"enum": ["https://example.com/"]}, IMAGE, "enum-widened became-media"),
        (STRING, IMAGE, "became-media"),
        (IMAGE, {**STRING, "format": "uri"}, "format-changed"),
        ({**STRING, "format": "uri"}, IMAGE, "media-narrowed"),
        (IMAGE, {**IMAGE, "renderType": "video-url"}, "media-narrowed"),
        (IMAGE, {**IMAGE, "pattern": "^https"}, "type-widened media-narrowed"),
        (STRING, {**STRING, "format": "date"}, "format-changed"),
        (STRING, {**STRING, "pattern": "x"}, "type-widened"),
        ({**STRING, "pattern": "x"}, {**STRING, "pattern": "y"}, "server-validation-changed"),
        ({"anyOf": [STRING, INTEGER]}, {"anyOf": [INTEGER, {**STRING, "title": "T"}]}, ""),
        ({"anyOf": [STRING, INTEGER]}, {"anyOf": [STRING, NUMBER]}, "type-widened"),
        ({"anyOf": [STRING, INTEGER]}, {"type": ["integer", "string"]}, ""),
        (
            {"anyOf": [STRING, {"not": STRING}]},
            {"anyOf": [STRING, {"not": INTEGER}]},
            "server-validation-changed",
        ),
        *(
            (schema, {key: [schema, {"type": "null"}]}, "type-widened")
            for schema in (
                {**STRING, "maxLength": 1},
                INTEGER,
                IMAGE,
                array_schema(IMAGE),
                object_schema(a=RANGE),
            )
            for key in ("anyOf", "oneOf")
        ),
        ({"anyOf": [IMAGE, {"type": "null"}]}, {**IMAGE, "nullable": True}, ""),
        ({"anyOf": [IMAGE, {"type": "null"}], "title": "T"}, {**IMAGE, "title": "T"}, "type-narrowed"),
        ({"anyOf": [RANGE, {"type": "null"}]}, {**RANGE, "maximum": 5}, "type-narrowed range-narrowed"),
        ({"oneOf": [{"const": "a", "title": "A"}, {"const": "b"}]}, CHOICE, ""),
        ({"allOf": [CHOICE], "default": "a"}, {**CHOICE, "default": "a"}, ""),
        (STRING, {**STRING, "title": "T", "description": "D."}, "title-changed description-changed"),
        ({**STRING, "description": "one  two "}, {**STRING, "description": "one two"}, ""),
        ({**STRING, "title": "Aspect ratio"}, {**STRING, "title": "Aspect Ratio"}, ""),
        (STRING, {**STRING, "deprecated": True}, "deprecation-changed"),
        (STRING, {**STRING, "x-order": 1, "x-next-to": "q", "renderType": "button-group"}, ""),
        (STRING, {**STRING, "x-workbench-default": "An ox"}, "annotation-changed"),
        ({**INTEGER, "x-workbench-default": 1}, {**INTEGER, "x-workbench-default": 0}, "annotation-changed"),
        ({**STRING, "x-hidden": True}, STRING, "annotation-changed"),
        (STRING, {**STRING, "x-media-references": {"groups": []}}, "annotation-changed"),
        ({**IMAGE, "format": "uri"}, {**IMAGE, "nullable": True}, "type-widened"),
        ({"type": "object"}, {"type": "object", "additionalProperties": True}, ""),
    ],
)
def test_parameter_change_has_kinds(old: dict[str, Any], new: dict[str, Any], kinds: str) -> None:
    """A parameter whose schema changed is reported with these kinds, and no others."""
    assert find_changes({"p": old}, {"p": new}) == {("p", kind) for kind in kinds.split()}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (array_schema(INTEGER), array_schema({**INTEGER, "maximum": 3}), {("p[]", "range-narrowed")}),
        (array_schema(IMAGE), array_schema(STRING), {("p[]", "media-narrowed")}),
        (
            array_schema(array_schema(STRING)),
            array_schema(array_schema(CHOICE)),
            {("p[][]", "enum-narrowed")},
        ),
        (
            array_schema(object_schema(scale=NUMBER)),
            array_schema(object_schema(scale=INTEGER)),
            {("p[].scale", "type-narrowed")},
        ),
        (object_schema(scale=NUMBER), object_schema("scale", scale=NUMBER), {("p.scale", "became-required")}),
        (object_schema("scale", scale=NUMBER), object_schema(scale=NUMBER), {("p.scale", "became-optional")}),
        (object_schema(a=NUMBER), object_schema(a=NUMBER, b=NUMBER), {("p.b", "parameter-added")}),
        (
            object_schema(a=NUMBER),
            object_schema("b", a=NUMBER, b=NUMBER),
            {("p.b", "required-parameter-added")},
        ),
        (object_schema(a=NUMBER, b=NUMBER), object_schema(a=NUMBER), {("p.b", "parameter-removed")}),
        # Of a required parameter, the default is an example.
        (
            object_schema("a", a={**NUMBER, "default": 1}),
            object_schema("a", a={**NUMBER, "default": 2}),
            {("p.a", "annotation-changed")},
        ),
        (
            {"anyOf": [STRING, array_schema(object_schema(a=STRING))]},
            {"anyOf": [STRING, array_schema(object_schema(a={**STRING, "title": "T"}))]},
            {("p[].a", "title-changed")},
        ),
        (
            {"type": "object", "additionalProperties": NUMBER},
            {"type": "object", "additionalProperties": INTEGER},
            {("p.*", "type-narrowed")},
        ),
        (
            object_schema(a=NUMBER),
            {**object_schema(a=NUMBER), "additionalProperties": False},
            {("p", "additional-properties-rejected")},
        ),
        (
            {**object_schema(a=NUMBER), "additionalProperties": False},
            object_schema(a=NUMBER),
            {("p", "additional-properties-accepted")},
        ),
        # The old schema accepted the new name as an additional property.
        (
            {**object_schema(a=NUMBER), "additionalProperties": NUMBER},
            {**object_schema(a=NUMBER, b=STRING), "additionalProperties": NUMBER},
            {("p.b", "parameter-added"), ("p.b", "type-changed")},
        ),
        # A required property without a schema is an additional property.
        (
            {**object_schema("a"), "additionalProperties": {"not": STRING}},
            {**object_schema("a"), "additionalProperties": {"not": INTEGER}},
            {("p.a", "server-validation-changed"), ("p.*", "server-validation-changed")},
        ),
        # Type checkers distinguish `{"a": 1}` from `MPart(a=1)`.
        ({"type": "object"}, object_schema(a={}), {("p", "type-narrowed"), ("p.a", "parameter-added")}),
        (object_schema(a={}), {"type": "object"}, {("p", "class-removed"), ("p.a", "parameter-removed")}),
        (object_schema(a={}), {}, {("p", "type-widened"), ("p", "class-removed")}),
        (
            object_schema(**{"a.b": NUMBER, "c d": NUMBER}),
            object_schema(**{"a.b": INTEGER, "c d": INTEGER}),
            {('p."a.b"', "type-narrowed"), ('p."c d"', "type-narrowed")},
        ),
    ],
)
def test_nested_change_has_path(
    old: dict[str, Any], new: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    """A change inside a parameter is reported with the path of the part that changed."""
    assert find_changes({"p": old}, {"p": new}) == expected


def test_new_name_that_renames_another_is_breaking() -> None:
    """A new parameter or class that takes the Python name of an old one breaks the old one."""
    assert find_changes({"a-b": STRING}, {"a-b": STRING, "a_b": STRING}) == {
        ("a-b", "python-name-changed"),
        ("a_b", "parameter-added"),
    }
    # The name of both classes would be MAB.
    assert find_changes(
        {"a-b": object_schema(x=STRING)},
        {"a-b": object_schema(x=STRING), "a": object_schema(b=object_schema(x=STRING))},
    ) >= {("a-b", "python-name-changed")}


def test_common_parameter_in_schema_is_not_new() -> None:
    """A schema that declares a parameter of every call, such as `response_format`, adds no parameter."""
    both = {"type": "string", "enum": ["url", "b64_json"]}
    assert find_changes({}, {"response_format": both}) == set()
    assert find_changes({}, {"response_format": {**both, "enum": ["url"]}}) == {
        ("response_format", "enum-narrowed")
    }
    binding = bind_model(resolve_model(from_response(make_model("m", {})), {}))
    assert {parameter.name: parameter.type for parameter in binding.request.parameters} == {
        "response_format": EnumType(tuple(COMMON["response_format"]["enum"]), None),
        "target_namespace": NamedType({"string": "str"}[COMMON["target_namespace"]["type"]]),
    }


IMAGE_SCHEMA = object_schema("input_image", input_image=array_schema(IMAGE))
PRICE = {"method": "per_image", "cost_per_image": 0.03}
MODEL_CHANGES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"endpoint": "/images/generate"}, {"endpoint": "https://hub/api/ai/images/generate/"}, ""),
    ({"endpoint": "/audio/speech"}, {"endpoint": "audio/generate"}, ""),
    ({"endpoint": "/images/generate"}, {"endpoint": "/videos/generate"}, "call-changed"),
    ({"endpoint": "/images/generate"}, {"endpoint": "/holograms"}, "call-changed"),
    ({"endpoint": "/holograms"}, {"endpoint": "/images/generate"}, "call-added"),
    ({"endpoint": "/chat/completions"}, {"endpoint": "/images/generate"}, "call-changed"),
    (
        {"endpoint": "/chat/completions", "schema": None},
        {"endpoint": "/images/generate"},
        "call-changed schema-added",
    ),
    ({"schema": object_schema()}, {"schema": None}, "schema-removed"),
    ({"schema": None}, {"schema": object_schema()}, "schema-added"),
    ({"schema": object_schema(input_image=array_schema(IMAGE))}, {"schema": IMAGE_SCHEMA}, "call-changed"),
    ({"schema": None}, {"schema": IMAGE_SCHEMA}, "schema-added"),
    ({"created": 1, "changed": "2026-01-01"}, {"created": 2, "changed": "2026-01-02"}, ""),
    ({"deployments": [1]}, {"deployments": [], "showcase": 5}, ""),
    ({"pricing": PRICE}, {"pricing": {**PRICE, "cost_per_image": "0.030"}}, ""),
    ({"pricing": None}, {}, ""),
    ({"pricing": PRICE}, {"pricing": {**PRICE, "cost_per_image": 0.04}}, "price-changed"),
    ({"pricing": None}, {"pricing": PRICE}, "price-changed"),
    ({"pricing": PRICE}, {"pricing": {**PRICE, "surcharge": 1}}, "price-changed"),
    ({"context_length": None}, {"context_length": 1000}, "token-limits-changed"),
    ({"max_output_tokens": 1000}, {"max_output_tokens": 2000}, "token-limits-changed"),
    ({"max_output_tokens": 1000}, {"max_output_tokens": 1000.0}, ""),
    ({"schema": object_schema()}, {"schema": {**object_schema(), "title": "Input", "basic": ["p"]}}, ""),
    ({"display_name": "A"}, {"display_name": "B"}, "display-name-changed"),
    ({"summary": "A"}, {"summary": "B"}, "summary-changed"),
    ({"description": "A"}, {"description": "B", "summary": " "}, "description-changed"),
    ({"developer": "A"}, {"developer": {"name": "A", "logo": "x"}}, ""),
    ({"developer": "A"}, {"developer": {"name": "B"}}, "developer-changed"),
    (
        {"capabilities": {"input": ["text", "image"], "output": ["image"]}},
        {"capabilities": {"output": ["image"], "input": ["image", "text"]}},
        "",
    ),
    (
        {"capabilities": {"input": ["text"], "output": ["image"]}},
        {"capabilities": {"input": ["image", "text"], "output": ["image"]}},
        "capabilities-changed",
    ),
    (
        {"endpoint": "/chat/completions"},
        {"endpoint": "/chat/completions", "schema": None},
        "server-validation-changed",
    ),
    (
        {"schema": object_schema()},
        {"schema": {**object_schema(), "anyOf": [{"required": []}, {"not": {}}]}},
        "server-validation-changed",
    ),
    (
        {"schema": object_schema()},
        {"schema": {**object_schema(), "additionalProperties": False, "x-y": 1}},
        "",
    ),
]


@pytest.mark.parametrize(("old", "new", "kinds"), MODEL_CHANGES)
def test_model_change_has_kinds(old: dict[str, Any], new: dict[str, Any], kinds: str) -> None:
    """A model whose metadata or call changed is reported with these kinds, and no others."""
    old_records, new_records = (
        make_catalogue(make_model("m", **{"schema": object_schema(), **data})) for data in (old, new)
    )
    found = {(change.parameter, change.kind) for change in compare(old_records, new_records, {}).changes}
    found -= {("input_image", "became-required")}
    assert found == {(None, kind) for kind in kinds.split()}


def test_new_model_with_used_name_breaks_old_model() -> None:
    """A new model with the Python name of an old one is a breaking change of the old one."""
    old, new = make_catalogue(make_model("a-b")), make_catalogue(make_model("a-b"), make_model("a.b"))
    diff = compare(old, new, {})
    assert [(change.model, change.kind) for change in diff.changes] == [
        ("a-b", "name-collision"),
        ("a.b", "model-added"),
    ]
    assert [change.kind for change in compare(old, new, {"a.b": "other"}).changes] == ["model-added"]


def test_new_models_that_are_refused_break_nothing() -> None:
    """New models with the same Python name, or with an invalid schema, are no breaking change."""
    old = make_catalogue(make_model("m"), make_model("invalid", []))
    new = make_catalogue(
        make_model("m"),
        *(make_model(model_id) for model_id in ("a-b", "a.b")),
        make_model("odd", []),
        make_model("invalid", "x"),
    )
    diff = compare(old, new, {})
    assert {(change.model, change.kind) for change in diff.changes} == {
        *((model_id, kind) for model_id in ("a-b", "a.b") for kind in ("model-added", "new-model-refused")),
        ("odd", "new-model-refused"),
        ("invalid", "new-model-refused"),
    }
    assert "a-b: new-model-refused: a_b is also the Python name of a.b" in format_text(diff, "1.0")
    assert diff.max_impact == "additive"


def test_parameter_rename_is_proposed_with_evidence() -> None:
    """A possible rename is reported in addition to the removal and the addition."""
    steps = {**INTEGER, "minimum": 1, "description": "How many steps."}
    diff = compare(
        make_catalogue(
            make_model(
                "m",
                object_schema(
                    num_steps=steps, text=STRING, image=IMAGE, at=array_schema(object_schema(old_x=steps))
                ),
            )
        ),
        make_catalogue(
            make_model(
                "m",
                object_schema(
                    steps=steps, seed=INTEGER, mask=IMAGE, at=array_schema(object_schema(new_x=steps))
                ),
            )
        ),
        {},
    )
    assert {(rename.parameter, rename.new) for rename in diff.renames} == {
        ("num_steps", "steps"),
        ("at[].old_x", "at[].new_x"),
    }
    (evidence,) = {rename.evidence for rename in diff.renames if rename.new == "steps"}
    assert evidence == ("similar name", "same values", "same description")
    assert sum(change.kind == "parameter-removed" for change in diff.changes) == 4
    assert sum(change.kind == "parameter-added" for change in diff.changes) == 4


def test_accepted_rename_applies_to_new_models() -> None:
    """With a rename in the configuration, a model is compared with the one that has the old name."""
    old = make_catalogue(make_model("m", object_schema(num_steps=INTEGER, size=CHOICE)))
    new = make_catalogue(make_model("m", object_schema(steps=INTEGER)))
    diff = compare(old, new, {}, renamed={"m": {"num_steps": "steps"}})
    assert {(change.parameter, change.kind) for change in diff.changes} == {
        ("num_steps", "parameter-removed"),
        ("size", "parameter-removed"),
        ("steps", "parameter-added"),
    }
    refused = compare(new, old, {}, renamed={"m": {"num_steps": "steps"}})
    assert [change.kind for change in refused.changes] == ["model-refused"]


def test_model_rename_requires_more_than_similar_name() -> None:
    """A model rename is proposed if the parameters are alike, not if only name and developer are."""
    schema = object_schema("prompt", prompt=STRING, seed=INTEGER, size=CHOICE)
    chat = {"schema": None, "endpoint": "/chat/completions", "developer": "D"}
    diff = compare(
        make_catalogue(
            make_model("wan-2-1", schema),
            make_model("other", object_schema(a=STRING)),
            make_model("gpt-5-1", **chat),
        ),
        make_catalogue(
            make_model("wan-2.1-fast", schema),
            make_model("speaker", schema, endpoint="/audio/speech"),
            make_model("gpt-5-2", **chat),
        ),
        {},
    )
    assert [(rename.old, rename.new) for rename in diff.renames] == [("wan-2-1", "wan-2.1-fast")]


@pytest.mark.parametrize(
    ("current", "impact", "expected"),
    [
        ("0.1.0", None, "0.1.0"),
        ("0.1.7", "breaking", "0.2.0"),
        ("0.1.7", "behavioural", "0.1.8"),
        ("0.1.7", "additive", "0.1.8"),
        ("0.1.7", "documentation", "0.1.8"),
        ("1.2.3", "breaking", "2.0.0"),
        ("1.2.3", "behavioural", "1.3.0"),
        ("1.2.3", "additive", "1.3.0"),
        ("1.2.3", "documentation", "1.2.4"),
    ],
)
def test_next_version(current: str, impact: Impact | None, expected: str) -> None:
    """The next version follows semantic versioning."""
    assert next_version(current, impact) == expected
