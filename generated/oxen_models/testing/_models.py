# Copied by oxen-codegen from templates/package/testing/_models.py. Do not edit.
"""The models of a hub, read from a folder of JSON files."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from threading import Lock
from typing import Any, Literal, TypeAlias

from ._drafts import DRAFT_PARAMETERS, supports_drafts
from ._json import JSON, as_object, parse_json

Model: TypeAlias = dict[str, JSON]
Media: TypeAlias = Literal["image", "video", "audio"]

SCHEMA_KEYS = ("json_request_schema", "request_schema")
"""The keys under which a model has its parameter schema. The first that is not null is used."""

_MEDIA: tuple[Media, ...] = ("image", "video", "audio")
_OF_RECORDS = ("changed", "removed")
_NOT_RECORDED: Model = {
    "pricing": None,
    "deployments": [],
    "showcase": None,
    "context_length": None,
    "max_output_tokens": None,
}


def stored_schema(model: Model) -> JSON:
    """Return the parameter schema as the list of models has it."""
    return next((model[key] for key in SCHEMA_KEYS if model.get(key) is not None), None)


def model_schema(model: Model) -> dict[str, JSON] | None:
    """Return the schema of the parameters that a model accepts, None if it has none.

    A model with a draft mode accepts `draft` and `draft_task_id`, which its stored schema does not have.
    """
    schema = stored_schema(model)
    if not isinstance(schema, dict):
        return None
    if supports_drafts(model):
        return {**schema, "properties": {**DRAFT_PARAMETERS, **schema_properties(schema)}}
    return schema


def schema_properties(schema: dict[str, JSON]) -> dict[str, JSON]:
    """Return the properties of a parameter schema by name."""
    return as_object(schema.get("properties"))


def with_defaults(parameters: dict[str, JSON], properties: dict[str, JSON]) -> dict[str, JSON]:
    """Return `parameters` with the defaults of the schema's `properties` for those that were not sent."""
    shapes = {name: as_object(shape) for name, shape in properties.items()}
    return {name: shape["default"] for name, shape in shapes.items() if "default" in shape} | parameters


def output_media(model: Model) -> list[Media]:
    """Return the kinds of media that a model makes: by its capabilities, else by its endpoint, else all.

    The list is empty for a model that makes only something else, such as text.
    """
    outputs = as_object(model.get("capabilities")).get("output")
    if isinstance(outputs, list) and outputs:
        return [media for media in _MEDIA if media in outputs]
    endpoint = str(model.get("endpoint")).split("/")
    return [media for media in _MEDIA if media in endpoint or f"{media}s" in endpoint] or [*_MEDIA]


def developer_name(model: Model) -> str | None:
    """Return the name of the developer, which is the `name` of an object, or a text."""
    developer = model.get("developer")
    name = developer.get("name") if isinstance(developer, dict) else developer
    return name if isinstance(name, str) else None


@cache
def read_shipped() -> Mapping[str, Model]:
    """Return the models that ship in this package, by id. They are read once per process."""
    return read_folder(files(__name__.partition(".")[0]) / "schemas")


def read_folder(folder: Traversable) -> Mapping[str, Model]:
    """Read every `*.json` file of `folder`, and return the models by id.

    Raises:
        OSError: The folder cannot be read.
        ValueError: It has no model, a file that is not a model, or two files with the same id.
    """
    models: dict[str, Model] = {}
    names: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".json"):
            continue
        try:
            id, model = _parse_model(parse_json(file.read_bytes()))
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from None
        if id in models:
            raise ValueError(f"{file}: duplicate id {id!r}, also in {names[id]}")
        models[id], names[id] = model, str(file)
    if not models:
        raise ValueError(f"{folder}: no model in this folder")
    return models


class Models:
    """The models of one hub. Any thread may change them while the hub runs."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._models = dict(models)
        self._lock = Lock()

    def all(self) -> list[Model]:
        with self._lock:
            return list(self._models.values())

    def get(self, id: str) -> Model | None:
        with self._lock:
            return self._models.get(id)

    def add(self, model: Mapping[str, Any]) -> None:
        # Copied by way of text, so that a later change of the caller's object has no effect.
        id, copy = _parse_model(parse_json(json.dumps(model)))
        with self._lock:
            self._models[id] = copy

    def remove(self, id: str) -> None:
        with self._lock:
            del self._models[id]


def _parse_model(value: JSON) -> tuple[str, Model]:
    if isinstance(value, dict) and "id" not in value and "data" in value:
        value = value["data"]
    if not isinstance(value, dict):
        raise ValueError("a model must be a JSON object")
    id = value.get("id")
    if not isinstance(id, str) or not id:
        raise ValueError("a model must have an id, which is a non-empty string")
    sent = {key: part for key, part in value.items() if key not in _OF_RECORDS}
    return id, {"id": id, "object": "model", **_NOT_RECORDED, **sent}
