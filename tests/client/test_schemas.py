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


def find_request_class(model: catalog.ModelInfo) -> type[Request]:
    [found] = [
        value
        for value in vars(import_module(str(model.module))).values()
        if isinstance(value, type) and issubclass(value, Request) and value.__module__ == model.module
    ]
    return found


def test_schema_is_the_recorded_one() -> None:
    """`oxen_models.schema` returns a copy of the recorded schema."""
    record = json.loads((PACKAGE / "schemas" / "qwen-image-edit-plus.json").read_text(encoding="utf-8"))
    schema = oxen_models.schema("qwen-image-edit-plus")
    assert schema == record["json_request_schema"]
    schema["properties"].clear()
    assert oxen_models.schema("qwen-image-edit-plus") == record["json_request_schema"]


@pytest.mark.slow
def test_typed_models_name_their_schemas() -> None:
    """Module, catalogue and request class agree on the schema that a model was generated from."""
    for model in BOUND:
        schema = oxen_models.schema(model.id)
        digest = sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()
        assert model.schema_digest == digest, model.id
        header = " ".join(str(import_module(str(model.module)).__doc__).split())
        assert f"Schema {digest[:12]}, changed {model.changed}." in header
        assert find_request_class(model).model_json_schema() == schema, model.id


def test_schema_of_unknown_model_raises() -> None:
    """A model without a schema, or without a record, is a KeyError."""
    for id, message in {
        "gpt-4o": "no parameter schema for 'gpt-4o'",
        "no-such-model": r"no model 'no-such-model' in the package\"",
        "flux-3-imag": r"no model 'flux-3-imag' in the package; did you mean 'flux-3-image'\?",
    }.items():
        with pytest.raises(KeyError, match=message):
            oxen_models.schema(id)


def test_request_matches_its_schema() -> None:
    """The body of a request is valid by the schema that the class returns."""
    request = QwenImageEditPlusRequest(prompt="x", input_image=["https://example.com/a.png"])
    validator: Any = Draft202012Validator(QwenImageEditPlusRequest.model_json_schema())
    assert validator.is_valid(request.body())
    assert not validator.is_valid({**request.body(), "aspect_ratio": "16:10"})


def test_subclass_has_the_schema_of_its_model() -> None:
    """A subclass of a generated request has the same schema."""

    class Hat(QwenImageEditPlusRequest):
        """A request of the user's own."""

    assert Hat.model_json_schema() == oxen_models.schema("qwen-image-edit-plus")


def test_schema_with_arguments_is_pydantics() -> None:
    """With arguments, `model_json_schema` returns the schema of pydantic."""
    own = QwenImageEditPlusRequest.model_json_schema(by_alias=True)
    assert own["additionalProperties"] is False
    assert "response_format" in own["properties"]


def test_schema_of_another_class_is_pydantics() -> None:
    """A class without a record has the schema of pydantic."""
    kind = compile_request({"type": "object", "properties": {"a": {"type": "string", "title": "A"}}})
    assert kind.model_json_schema()["properties"]["a"] == {"type": "string", "title": "A"}
    assert Request.model_json_schema()["properties"] == {}


def test_copied_generator_modules_are_unchanged() -> None:
    """Modules of the generator are copied unchanged after a header, and can be imported."""
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
