"""Recorded models, and variations of them."""

from __future__ import annotations

import json
from typing import Any

from .measure import SCHEMAS


def read_models() -> list[dict[str, Any]]:
    """Return all recorded models in the order of their files."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(SCHEMAS.glob("*.json"))]


def read_models_with_schema() -> list[dict[str, Any]]:
    """Return the recorded models that have a parameter schema."""
    return [model for model in read_models() if model["json_request_schema"]]


def vary_model(model: dict[str, Any], number: int, model_id: str) -> dict[str, Any]:
    """Return a copy with that id whose descriptions, length limits and maxima depend on `number`."""
    varied: dict[str, Any] = {**json.loads(json.dumps(model)), "id": model_id}
    for name, schema in varied["json_request_schema"]["properties"].items():
        schema["description"] = f"{schema.get('description', name)} ({number})"
        if schema.get("type") == "string" and "enum" not in schema:
            schema["maxLength"] = 1000 + number
        elif schema.get("type") in ("integer", "number") and "enum" not in schema:
            schema["maximum"] = schema.get("maximum", 10) + number
    return varied
