"""The two forms in which the API publishes the same model lead to the same bindings.

The public reference marks media with `renderType`. The live list marks them with `format: uri` only, has
`/images/generate` as the endpoint of every image model, and has further keywords.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import oxen_models
import pytest
from helpers.models import make_model, object_schema
from oxen_codegen.json_types import is_list, is_object
from oxen_codegen.records import from_response
from oxen_codegen.resolve import ResolvedModel, resolve_model

FOLDER = Path(oxen_models.__file__).parent / "schemas"
MODELS: list[dict[str, Any]] = [json.loads(file.read_bytes()) for file in sorted(FOLDER.iterdir())]
TYPED = [model for model in MODELS if model["json_request_schema"]]
LIVE = [model for model in TYPED if model["pricing"]]
LIVE_KEYWORDS = {
    "basic", "maxItems", "nullable", "x-bounding-boxes", "x-hidden", "x-media-references", "x-next-to",
    "x-workbench-default",
}  # fmt: skip


def resolve(model: dict[str, Any]) -> ResolvedModel:
    return resolve_model(from_response(model), {})


def remove_keys(value: Any, keys: set[str]) -> Any:
    """Return a JSON value without these keys of objects."""
    if is_list(value):
        return [remove_keys(item, keys) for item in value]
    if is_object(value):
        return {key: remove_keys(item, keys) for key, item in value.items() if key not in keys}
    return value


def to_live_form(model: dict[str, Any]) -> dict[str, Any]:
    """Return a model as in the live list, as far as the reference has its keywords."""
    live = {**model, "request_schema": remove_keys(model["json_request_schema"], {"renderType"})}
    del live["json_request_schema"]
    is_image = model["capabilities"]["output"] == ["image"]
    return {**live, "endpoint": "/images/generate"} if is_image else live


def to_reference_form(model: dict[str, Any]) -> dict[str, Any]:
    """Return a model of the live list as in the public reference; all its media are images."""
    schema = remove_keys(model["json_request_schema"], LIVE_KEYWORDS)
    for parameter in schema["properties"].values():
        if parameter.get("format", parameter.get("items", {}).get("format")) == "uri":
            parameter["renderType"] = "image-url"
    return {**model, "json_request_schema": schema}


def remove_live_facts(node: Any) -> Any:
    """Return a node without null, lengths of lists and annotations, which only the live form has."""
    if is_list(node):
        return [remove_live_facts(item) for item in node if item is not None and item != {"type": "null"}]
    if is_object(node):
        reduced = {
            key: remove_live_facts(item)
            for key, item in node.items()
            if key not in ("maxItems", "example", "references", "hidden")
        }
        members = reduced.get("anyOf", ())
        return members[0] if len(members) == 1 else reduced
    return node


@pytest.mark.parametrize("model", TYPED, ids=lambda model: model["id"])
def test_live_form_gives_the_same_bindings(model: dict[str, Any]) -> None:
    """Without `renderType` and the endpoint, a model has the same call, names, types and documentation."""
    recorded, live = resolve(model), resolve(to_live_form(model))
    assert (live.module, live.operation) == (recorded.module, recorded.operation)
    assert live.node == recorded.node


@pytest.mark.parametrize("model", LIVE, ids=lambda model: model["id"])
def test_reference_form_gives_the_same_bindings(model: dict[str, Any]) -> None:
    """A model of the live list has more keywords, and otherwise the same call and parameters."""
    live, reference = resolve(model), resolve(to_reference_form(model))
    assert (live.module, live.operation) == (reference.module, reference.operation)
    assert remove_live_facts(live.node) == remove_live_facts(reference.node)


def test_null_keywords_are_absent_ones() -> None:
    """A keyword that is null has no effect, except a default."""
    schema = object_schema("prompt", prompt={"type": "string"}, steps={"type": "integer", "default": None})
    absent = dict.fromkeys(
        ("enum", "format", "items", "maximum", "minLength", "renderType", "title", "x-order"), None
    )
    with_nulls = {
        **schema,
        "additionalProperties": None,
        "properties": {name: {**absent, **value} for name, value in schema["properties"].items()},
    }
    expected = resolve(make_model(schema=schema)).node
    assert resolve(make_model(schema=with_nulls)).node == expected
    optional = resolve(make_model(schema={"properties": schema["properties"], "required": None})).node
    assert optional is not None
    assert optional["required"] == []
