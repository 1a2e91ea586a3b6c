"""Values for the required parameters of a model, as an example."""

from __future__ import annotations

from typing import Any

from oxen_models._runtime.json_schema.accepted_values import Node

from .models import Parameter, RunnableModel

_URLS = {
    "image": "https://example.com/image.png",
    "video": "https://example.com/video.mp4",
    "audio": "https://example.com/audio.mp3",
    "file": "https://example.com/image.png",
}


def create_example(model: RunnableModel) -> dict[str, Any]:
    """Return a value for each required parameter."""
    return {
        parameter.name: _create_value(parameter) for parameter in model.parameters if parameter.is_required
    }


def _create_value(parameter: Parameter) -> Any:
    if not parameter.media:
        for key in ("example", "default"):
            if key in parameter.annotations:
                return parameter.annotations[key]
    return _create(parameter.node)


def _create(node: Node) -> Any:
    if "anyOf" in node:
        return _create(node["anyOf"][0])
    if "enum" in node:
        return node["enum"][0]
    if "media" in node:
        return _URLS[node["media"]]
    match node.get("type"):
        case "array":
            return [_create(node["items"])] * max(node.get("minItems", 1), 1)
        case "object":
            return {name: _create(node["properties"][name]) for name in node["required"]}
        case "boolean":
            return True
        case "integer" | "number":
            return node.get("minimum", 1)
        case _:
            return "A red bicycle".ljust(node.get("minLength", 0), ".")[: node.get("maxLength")]
