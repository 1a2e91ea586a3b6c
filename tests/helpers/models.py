"""Models as the hub lists them, made for a test."""

from __future__ import annotations

from typing import Any

from oxen_models.images import QwenImageEditPlusRequest

from helpers.hub_api import DOG_URL

PROMPT_SCHEMA = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}


def object_schema(*required: str, **properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these properties."""
    return {"type": "object", "properties": properties, "required": list(required)}


def make_model(model_id: str = "m", schema: object = PROMPT_SCHEMA, **fields: Any) -> dict[str, Any]:
    """Return a model with that parameter schema; `fields` are further fields of the model object."""
    return {"id": model_id, "endpoint": "/images/generate", "json_request_schema": schema, **fields}


def edit_request(**parameters: Any) -> QwenImageEditPlusRequest:
    """Return a request that is sent although its parameters are not valid."""
    values: dict[str, Any] = {"prompt": "x", "input_image": [DOG_URL], **parameters}
    return QwenImageEditPlusRequest.model_construct(**values)
