"""The page accepts what the request classes accept, and states the same about everything else."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from codegen.test_agreement import combined_schemas, schemas
from helpers.compile import compile_request
from helpers.models import object_schema
from helpers.reference import RECORDED_PAGES
from hypothesis import given, settings, strategies as st
from oxen_codegen.operations import COMMON
from oxen_models import catalog
from oxen_models.catalog import ModelInfo

from .conftest import Workbench
from .forms import (
    SUPPRESSED,
    Count,
    compare_form,
    compare_model,
    compare_random_form,
    list_problems,
    load_form,
)

MODELS = [model for model in catalog.models(typed=True) if model.module]
# A list of media; a number or a text; a number or one of its defaults; an enum of floats; objects.
SAMPLE = (
    "qwen-image-edit-plus",
    "bytedance-seedance-2-5-image-to-video",
    "flux-video-edit",
    "topazlabs-iris-mq-video",
    "ideogram-v4-5",
)


def test_page_has_each_typed_model(workbench: Workbench) -> None:
    """The page has the models with a typed call, and no others."""
    assert sorted(workbench.models) == sorted(model.id for model in MODELS)


@pytest.mark.parametrize("model_id", SAMPLE)
def test_form_agrees_with_its_class(workbench: Workbench, model_id: str) -> None:
    """Forms of different shapes accept what their classes accept, and state the same problems."""
    count = compare_model(workbench, catalog.get(model_id), Random(model_id), 10, 8)
    assert 0 < count.accepted < count.values


def test_media_are_urls_or_files_of_the_server(workbench: Workbench) -> None:
    """A path is accepted as a file if the server has it; the message for others names what is expected."""
    call = "(values) => engine.check('qwen-image-edit-plus', values, new Set(['/tmp/kept.png']))"
    media = ["/tmp/kept.png", "HTTP://example.com/a.png", "data:image/png;base64,AA", " https:a", "kept.png"]
    [[problem]] = workbench.call_each(call, [[{"prompt": "x", "input_image": media}]])
    assert problem == {
        "path": ["input_image", 4],
        "parameter": "input_image[4]",
        "given": "'kept.png'",
        "message": "must be an http:, https: or data: URL; for a file, choose or drop it here",
    }


@pytest.mark.slow
def test_parameters_are_in_order_of_the_page(workbench: Workbench) -> None:
    """Required and optional parameters are those of the reference page; then come those of every model."""
    for page in RECORDED_PAGES:
        if page.form_url:
            [parameters] = workbench.call_each("(id) => engine.listParameters(id)", [[page.id]])
            names = [parameter["name"] for parameter in parameters]
            own = [parameter.wire_name for parameter in page.parameters]
            assert names == own + [name for name in COMMON if name not in own]
            required = [parameter["name"] for parameter in parameters if parameter["level"] == "required"]
            assert required == [parameter.wire_name for parameter in page.parameters if parameter.is_required]


FIELDS: dict[tuple[str, str], dict[str, Any]] = {
    ("qwen-image-edit-plus", "input_image"): {"kind": "list", "level": "required", "citable": True},
    ("qwen-image-edit-plus", "aspect_ratio"): {"kind": "choice", "label": "Aspect ratio", "default": "16:9"},
    ("qwen-image-edit-plus", "prompt"): {"kind": "text", "example": "Add a funny hat", "citable": False},
    ("bytedance-seedance-2-5-image-to-video", "duration"): {
        "kind": "integer", "minimum": 4, "maximum": 30, "options": ["auto"], "step": 1
    },
    ("flux-2-flex", "resolution"): {"kind": "choice", "nextTo": "aspect_ratio"},
    ("ideogram-v4-5", "image_size"): {"kind": "object", "properties": []},
    ("flux-3-image", "safety_tolerance"): {"kind": "choice", "level": "hidden"},
    ("qwen-image-2-1", "input_images"): {"level": "basic"},
}  # fmt: skip


@pytest.mark.parametrize(("model_id", "name"), FIELDS)
def test_parameter_states_its_field(workbench: Workbench, model_id: str, name: str) -> None:
    """A parameter has the kind and the limits of the field that a form shows."""
    [parameters] = workbench.call_each("(id) => engine.listParameters(id)", [[model_id]])
    [parameter] = [parameter for parameter in parameters if parameter["name"] == name]
    expected = FIELDS[model_id, name]
    assert {key: parameter.get(key) for key in expected} == expected


SIZE: dict[str, Any] = {"type": "object", "properties": {"width": {"type": "integer"}}}
SIZES: dict[str, Any] = {"enum": ["square", "portrait"]}


@pytest.mark.parametrize(
    ("members", "kind", "options"),
    [
        ([SIZE, SIZES], "object", ["square", "portrait"]),
        ([{"type": "array", "items": SIZE}, SIZES], "list", ["square", "portrait"]),
        ([{"type": "boolean"}, SIZES], "switch", ["square", "portrait"]),
        ([SIZE, {"type": "string"}], "json", None),
    ],
)
def test_union_states_a_field_for_all_values(
    workbench: Workbench, members: list[dict[str, Any]], kind: str, options: list[str] | None
) -> None:
    """The field of a union accepts the values that stand beside an object, a list or a switch."""
    schema = {"properties": {"size": {"anyOf": members}}}
    source = "(schema) => parameters.list({ basic: [], citations: [] }, schema)"
    [[parameter]] = workbench.call_each(source, [[schema]])
    assert (parameter["kind"], parameter.get("options")) == (kind, options)


@pytest.mark.slow
def test_problem_of_the_server_has_its_field() -> None:
    """The Python name in a problem of the server leads to the wire name, which the field has."""
    texts = {"type": "array", "items": {"type": "string"}}
    schema = object_schema(**{"image-names": texts, "class": texts, "prompt": texts})
    request = compile_request(schema)
    problems = list_problems(request, {"image-names": ["a", 1], "class": 1, "prompt": 1})
    names = sorted(name for name, _, _ in problems)
    assert names == ["class_", "image_names[1]", "prompt"]
    with Workbench() as workbench:
        load_form(workbench, schema)
        found = workbench.call_each("engine.findWireName", [("a-model", name) for name in names])
    assert found == ["class", "image-names", "prompt"]


@pytest.mark.slow
def test_problem_of_an_enum_lists_null() -> None:
    """The problems of enums with null agree with those of the class: of one, of long ones, and in a union."""
    null: dict[str, Any] = {"type": "null"}
    schema = object_schema(
        texts={"enum": ["a", "b", None]},
        mixed={"enum": [0.5, True, None]},
        long={"enum": [*(f"option {number}" for number in range(60)), None]},
        union={"anyOf": [{"const": "auto"}, {"type": "integer"}, null]},
        enums={"anyOf": [{"enum": ["a", None]}, {"enum": [0.5]}]},
    )
    request = compile_request(schema)
    bodies = [{name: value} for name in schema["properties"] for value in (None, "x", 3, True)]
    count = Count()
    with Workbench() as workbench:
        load_form(workbench, schema)
        compare_form(workbench, request, bodies, count)
    assert (count.values, count.accepted) == (20, 7)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_every_form_agrees_with_its_class(workbench: Workbench, model: ModelInfo) -> None:
    """Each form agrees with its class; `python tests/workbench/compare_forms.py` compares more values."""
    count = compare_model(workbench, model, Random(model.id), 6, 4)
    assert 0 < count.accepted < count.values


@pytest.mark.slow
def test_random_form_agrees_with_its_class() -> None:
    """Forms of random schemas, over the constructs that the bindings validate, agree with their classes."""
    total = Count()

    @settings(max_examples=10, deadline=None, database=None, suppress_health_check=SUPPRESSED)
    @given(schema=schemas | combined_schemas, seed=st.integers(0, 2**32))
    def compare(schema: dict[str, Any], seed: int) -> None:
        nonlocal total
        total += compare_random_form(workbench, schema, Random(seed), 20)

    with Workbench() as workbench:
        compare()
    assert 0 < total.accepted < total.values
