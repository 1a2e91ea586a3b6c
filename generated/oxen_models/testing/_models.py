"""The models that a hub offers, read from a folder of JSON files."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

from ._json import JSON, parse_json

Model: TypeAlias = dict[str, JSON]

SHIPPED = Path(__file__).parent.parent / "schemas"

SCHEMA_KEYS = ("json_request_schema", "request_schema")
"""Where a model keeps its parameter schema; the first that is there wins."""

_NOT_STORED: Model = {"pricing": None, "deployments": [], "showcase": None}


def schema_of(model: Model) -> JSON:
    """The model's parameter schema, None where it has none."""
    return next((model[key] for key in SCHEMA_KEYS if model.get(key) is not None), None)


class Models:
    """The catalogue of one hub; any thread may change it while the hub runs."""

    def __init__(self, folder: Path) -> None:
        """Read every `*.json` of `folder`.

        Raises:
            OSError: The folder cannot be read.
            ValueError: It holds no model, a file that is not a model, or two files with the same id.
        """
        self._lock = Lock()
        # Models are replaced, never changed, so hubs can share those that ship in the package.
        self._models = dict(_load_shipped() if folder == SHIPPED else _load(folder))

    def all(self) -> list[Model]:
        with self._lock:
            return list(self._models.values())

    def get(self, name: str) -> Model | None:
        with self._lock:
            return self._models.get(name)

    def add(self, model: Mapping[str, Any]) -> None:
        # Through text, so that the caller's later changes to its own dict change no answer.
        name, own = _read(parse_json(json.dumps(model)))
        with self._lock:
            self._models[name] = own

    def remove(self, name: str) -> None:
        with self._lock:
            del self._models[name]


@cache
def _load_shipped() -> dict[str, Model]:
    return _load(SHIPPED)


def _load(folder: Path) -> dict[str, Model]:
    models: dict[str, Model] = {}
    origin: dict[str, Path] = {}
    for path in sorted(path for path in folder.iterdir() if path.suffix == ".json"):
        try:
            name, model = _read(parse_json(path.read_bytes()))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        if name in models:
            raise ValueError(f"{path}: the id {name!r} is taken by {origin[name]}")
        models[name], origin[name] = model, path
    if not models:
        raise ValueError(f"{folder}: no model in this folder")
    return models


def _read(value: JSON) -> tuple[str, Model]:
    if isinstance(value, dict) and "id" not in value and "data" in value:
        value = value["data"]
    if not isinstance(value, dict):
        raise ValueError("a model is a JSON object")
    name = value.get("id")
    if not isinstance(name, str) or not name:
        raise ValueError("a model has an id, a string that is not empty")
    kept = {key: part for key, part in value.items() if key != "changed"}
    return name, {"id": name, "object": "model", **_NOT_STORED, **kept}
