"""The schemas that the package was built from are in it, and it says of which day they are."""

from __future__ import annotations

import json
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import oxen_models
import pytest
from helpers.compile import compile_request
from jsonschema import Draft202012Validator
from oxen_codegen import build
from oxen_models import Request, catalog
from oxen_models.images import QwenImageEditPlusRequest

PACKAGE = Path(oxen_models.__file__).parent
BOUND = catalog.models(typed=True)


def request_of(model: catalog.ModelInfo) -> type[Request]:
    [found] = [
        value
        for value in vars(import_module(str(model.module))).values()
        if isinstance(value, type) and issubclass(value, Request) and value.__module__ == model.module
    ]
    return found


def test_schema_is_the_hub_s_own() -> None:
    record = json.loads((PACKAGE / "schemas" / "qwen-image-edit-plus.json").read_text(encoding="utf-8"))
    schema = oxen_models.schema("qwen-image-edit-plus")
    assert schema == record["json_request_schema"]
    schema["properties"].clear()
    assert oxen_models.schema("qwen-image-edit-plus") == record["json_request_schema"]


@pytest.mark.parametrize("model", BOUND, ids=lambda model: model.id)
def test_a_bound_model_says_what_it_was_built_from(model: catalog.ModelInfo) -> None:
    schema = oxen_models.schema(model.id)
    digest = sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()
    assert model.schema_digest == digest
    header = " ".join(str(import_module(str(model.module)).__doc__).split())
    assert f"Schema {digest[:12]}, changed {model.changed}." in header
    assert request_of(model).model_json_schema() == schema


def test_a_model_without_a_schema_is_a_key_error() -> None:
    for id in ("gpt-4o", "no-such-model"):
        with pytest.raises(KeyError, match=id):
            oxen_models.schema(id)


def test_a_request_validates_against_its_schema() -> None:
    request = QwenImageEditPlusRequest(prompt="x", input_image=["https://example.com/a.png"])
    validator: Any = Draft202012Validator(QwenImageEditPlusRequest.model_json_schema())
    assert validator.is_valid(request.body())
    assert not validator.is_valid({**request.body(), "aspect_ratio": "16:10"})


def test_a_subclass_has_the_schema_of_its_model() -> None:
    class Hat(QwenImageEditPlusRequest):
        """A request of the user's own."""

    assert Hat.model_json_schema() == oxen_models.schema("qwen-image-edit-plus")


def test_pydantic_s_own_schema_is_there_for_the_asking() -> None:
    own = QwenImageEditPlusRequest.model_json_schema(by_alias=True)
    assert own["additionalProperties"] is False
    assert "response_format" in own["properties"]


def test_a_class_that_no_package_has_shows_what_it_checks() -> None:
    kind = compile_request({"type": "object", "properties": {"a": {"type": "string", "title": "A"}}})
    assert kind.model_json_schema()["properties"]["a"] == {"type": "string", "title": "A"}
    assert Request.model_json_schema()["properties"] == {}


def test_the_rules_of_the_generator_are_emitted_as_they_are() -> None:
    generator = Path(build.__file__).parent
    emitted = [
        file for file in (PACKAGE / "_runtime" / "json_schema").glob("*.py") if file.name != "__init__.py"
    ]
    assert {file.name for file in emitted} >= {"operations.py", "normalize.py"}
    for file in emitted:
        header, content = file.read_bytes().split(b"\n", 1)
        assert (
            header.decode() == f"# Copied by oxen-codegen from codegen/oxen_codegen/{file.name}. Do not edit."
        )
        assert content == (generator / file.name).read_bytes()
        import_module(f"oxen_models._runtime.json_schema.{file.stem}")
