"""Models as the hub lists them, made for a test."""

from __future__ import annotations

from typing import Any

from oxen_models.images import QwenImageEditPlusRequest

from helpers.hub_api import DOG_URL

PROMPT_SCHEMA = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}


def object_schema(*required: str, **properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these properties."""
    return {"type": "object", "properties": properties, "required": list(required)}


def make_chain(width: int, depth: int, name: str = "d", **last: Any) -> dict[str, Any]:
    """Return definitions of objects that refer to the one before by each property.

    Args:
        width: The number of properties of each object.
        depth: The number of objects.
        name: What the names of the definitions begin with; the last object is `{name}{depth}`.
        **last: The schema of the values in the innermost object.
    """
    return {
        f"{name}{level}": object_schema(
            **{f"p{number}": {"$ref": f"#/$defs/{name}{level - 1}"} for number in range(width)}
        )
        if level
        else last
        for level in range(depth + 1)
    }


def make_model(model_id: str = "m", schema: object = PROMPT_SCHEMA, **fields: Any) -> dict[str, Any]:
    """Return a model with that parameter schema; `fields` are further fields of the model object."""
    return {"id": model_id, "endpoint": "/images/generate", "json_request_schema": schema, **fields}


def edit_request(**parameters: Any) -> QwenImageEditPlusRequest:
    """Return a request that is sent although its parameters are not valid."""
    values: dict[str, Any] = {"prompt": "x", "input_image": [DOG_URL], **parameters}
    return QwenImageEditPlusRequest.model_construct(**values)
