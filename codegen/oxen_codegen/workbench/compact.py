"""A compact form of the models, from which `engine.js` restores them.

Properties that several models have are in one list. Similar models and properties are beside each other,
because a compressor finds repetitions that are near. Of models there is a list for each key, with 0 for a
value that is usual or that follows from others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from ..json_types import json_equal

_USUAL: tuple[object, ...] = (None, [], {}, "")


def compact_models(models: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the models in their compact form, and the list of properties.

    Args:
        models: The models as `engine.find` returns them.
    """
    models = sorted(models, key=lambda model: (model["family"], model["developer"], model["id"]))
    shared = {_write(item): item for model in models for item in model["schema"]["properties"].items()}
    positions = {text: position for position, text in enumerate(sorted(shared))}
    rows = [_compact_model(model, positions) for model in models]
    keys = dict.fromkeys(key for row in rows for key in row)
    return {
        "properties": [shared[text] for text in positions],
        "models": {key: [row.get(key, 0) for row in rows] for key in keys},
    }


def _compact_model(model: dict[str, Any], positions: dict[str, int]) -> dict[str, Any]:
    schema = model["schema"]
    properties, required = schema["properties"], schema["required"]
    assert required == list(properties)[: len(required)]
    others = {key: value for key, value in schema.items() if key not in ("type", "properties", "required")}
    if others.get("additionalProperties") is False:
        del others["additionalProperties"]
    else:
        others.setdefault("additionalProperties", {})
    example = model["example"]
    row = {
        **model,
        "schema": others,
        "properties": [positions[_write(item)] for item in properties.items()],
        "required": len(required),
        "example": {
            name: value
            for name, value in example.items()
            if not json_equal(value, properties[name].get("example", properties[name].get("default")))
        },
        "without": [
            name for name in properties if name in {*required, *model["basic"]} and name not in example
        ],
    }
    if model["reference"] == model["id"]:
        del row["reference"]
    if model["module"] == re.sub("[^a-z0-9]+", "_", model["id"].lower()):
        del row["module"]
    return {key: value for key, value in row.items() if value not in _USUAL}


def _write(item: tuple[str, Any]) -> str:
    return json.dumps(item)
