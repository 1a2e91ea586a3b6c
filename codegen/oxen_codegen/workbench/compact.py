"""A compact form of the models, from which `engine.js` restores them.

Properties that several models have are in one list, and a schema has their positions in it. Values that are
usual, or follow from others, are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

_USUAL: tuple[object, ...] = (None, [], {}, "")


def compact_models(models: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the models in their compact form, and the list of properties.

    Args:
        models: The models as `engine.find` returns them.
    """
    models = list(models)
    shared = {_write(item): item for model in models for item in model["schema"]["properties"].items()}
    # Similar ones beside each other, because a compressor finds repetitions that are near.
    positions = {text: position for position, text in enumerate(sorted(shared))}
    return {
        "properties": [shared[text] for text in positions],
        "models": [_compact_model(model, positions) for model in models],
    }


def _compact_model(model: dict[str, Any], positions: dict[str, int]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        **model["schema"],
        "properties": [positions[_write(item)] for item in model["schema"]["properties"].items()],
    }
    del schema["type"]
    if schema.get("additionalProperties") is False:
        del schema["additionalProperties"]
    else:
        schema.setdefault("additionalProperties", {})
    compact = {key: value for key, value in model.items() if value not in _USUAL}
    if model["reference"] == model["id"]:
        del compact["reference"]
    if model["module"] == re.sub("[^a-z0-9]+", "_", model["id"].lower()):
        del compact["module"]
    return {**compact, "schema": schema}


def _write(item: tuple[str, Any]) -> str:
    return json.dumps(item)
