"""Validate the bodies of generating requests."""

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import TypeAlias, cast
from urllib.parse import unquote, urlsplit

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from referencing import Registry
from starlette.requests import Request

from ._dialect import Dialect
from ._drafts import Drafts, supports_drafts
from ._errors import RequestError
from ._json import JSON, as_object, parse_json
from ._links import REPOSITORIES, Links, is_file
from ._models import (
    Media,
    Model,
    Models,
    developer_name,
    model_schema,
    output_media,
    schema_properties,
)

Schema: TypeAlias = dict[str, JSON]

TARGETS = ("target_namespace", "target_repo", "target_directory")

_NULLABLE_STRING: JSON = {"type": ["string", "null"]}
_COMMON: Schema = {
    "model": {"type": "string"},
    "response_format": {"enum": ["url", "b64_json"]},
    "target_namespace": _NULLABLE_STRING,
}
"""The parameters of every generating request."""
_QUEUE: Schema = {**_COMMON, "num_generations": {}, **dict.fromkeys(TARGETS, _NULLABLE_STRING)}
# Keywords in which a schema can describe properties, beside `properties`.
_COMBINING = frozenset("$ref allOf anyOf dependentSchemas else if oneOf patternProperties then".split())
_COMMON_VALIDATOR = Draft202012Validator({"properties": _COMMON})
_QUEUE_VALIDATOR = Draft202012Validator({"properties": _QUEUE})
_MAX_GENERATIONS = 4
_MAX_MESSAGE_LENGTH = 240


class Validation:
    """Validates bodies against the parameter schemas of `models`."""

    def __init__(self, models: Models, dialect: Dialect, drafts: Drafts, links: Links) -> None:
        self._models = models
        self._dialect = dialect
        self._drafts = drafts
        self._links = links
        self._validators: dict[str, tuple[Model, Validator | None]] = {}

    def split_body(self, body: Schema, *, queue: bool = False) -> tuple[Model, Schema]:
        """Validate the common parameters of a body.

        Returns:
            The model, and the parameters that are the model's own.

        Raises:
            RequestError: A common parameter is refused, or there is no such model.
        """
        if body.get("model") is None:
            raise self._refusal("You must specify a model to call")
        common, validator = (_QUEUE, _QUEUE_VALIDATOR) if queue else (_COMMON, _COMMON_VALIDATOR)
        self._validate(validator, {name: value for name, value in body.items() if name in common}, None)
        if queue and not _is_count(body.get("num_generations", 1)):
            raise self._refusal(f"num_generations must be an integer between 1 and {_MAX_GENERATIONS}")
        id = str(body["model"])
        model = self._models.get(id)
        if model is None:
            raise RequestError(404, None, f"Model not found: {id}")
        return model, {name: value for name, value in body.items() if name not in common}

    def validate(self, model: Model, media: Media, parameters: Schema) -> Schema:
        """Validate the model's own parameters.

        Returns:
            The model's schema.

        Raises:
            RequestError: The model does not make `media`, or a parameter is refused.
        """
        id = str(model["id"])
        outputs = output_media(model)
        if media not in outputs:
            raise self._refusal(f"model: {id} makes {', '.join(outputs) or 'no media'}, not {media}")
        schema = model_schema(model)
        if schema is None:
            raise self._refusal(f"model: {id} has no parameter schema")
        provider = developer_name(model) or "unknown"
        draft = parameters.get("draft_task_id")
        if draft is not None and supports_drafts(model):
            # The other parameters are those of the draft; any that are sent are ignored.
            if draft not in self._drafts:
                raise self._refusal("draft_task_id: there is no such draft", provider)
            return schema
        if "prompt" in _required(schema) and not str(parameters.get("prompt", "")).strip():
            raise self._refusal("Prompt cannot be empty", provider)
        cached, validator = self._validators.get(id, (None, None))
        if cached is not model:
            if self._dialect.unknown_parameters == "refused":
                schema = _close(schema)
            validator = _make_validator(json.dumps(_without_common(schema)))
            self._validators[id] = model, validator
        self._validate(validator, parameters, provider)
        self._check_urls(parameters)
        return schema

    def _validate(self, validator: Validator | None, parameters: Schema, provider: str | None) -> None:
        error = next(_find_errors(validator, parameters), None) if validator else None
        if error is not None:
            path = error.json_path.removeprefix("$").removeprefix(".")
            message = _shorten(error.message)
            raise self._refusal(f"{path}: {message}" if path else message, provider)

    def _check_urls(self, value: JSON) -> None:
        """Check the URLs of the hub's own files in a parameter.

        Raises:
            RequestError: A URL has expired, or is not one that the hub signed.
        """
        if isinstance(value, dict):
            self._check_urls(list(value.values()))
        elif isinstance(value, list):
            for item in value:
                self._check_urls(item)
        elif isinstance(value, str) and value[:5].lower() != "data:" and REPOSITORIES in value:
            with suppress(ValueError):
                parts = urlsplit(value)
                path = unquote(parts.path)
                is_own = parts.hostname in ("127.0.0.1", "localhost") and is_file(path)
                if is_own and not self._links.is_valid(path, parts.query):
                    detail = f"403 Client Error: Forbidden for url: {value.partition('?')[0]}"
                    raise RequestError(400, "invalid_file_input", detail)

    def _refusal(self, detail: str, provider: str | None = None) -> RequestError:
        return RequestError(int(self._dialect.refusal_status), "invalid_params", detail, provider)


def read_body(request: Request, content: bytes) -> Schema:
    """Return the JSON object that was sent, as it is in the log of requests.

    Raises:
        RequestError: The body is not a JSON object.
    """
    body: JSON = request.state.received.body
    if isinstance(body, dict):
        return body
    try:
        parse_json(content)
    except ValueError as error:
        raise RequestError(400, "invalid_params", f"The body is not JSON: {error}") from None
    raise RequestError(400, "invalid_params", "The body is not a JSON object")


def _is_count(value: JSON) -> bool:
    return type(value) is int and 1 <= value <= _MAX_GENERATIONS


def _required(schema: Schema) -> list[JSON]:
    required = schema.get("required")
    return required if isinstance(required, list) else []


def _close(schema: Schema) -> Schema:
    """Return `schema` with the rule that there are no properties beside those that it describes."""
    if schema.keys() & _COMBINING:
        return {"unevaluatedProperties": False, **schema}
    return {"additionalProperties": False, **schema} if schema_properties(schema) else schema


def _without_common(schema: Schema) -> Schema:
    """Return `schema` without the requirement of common parameters, which are validated before."""
    required = [name for name in _required(schema) if name not in _QUEUE]
    return {**schema, "required": cast("JSON", required)} if "required" in schema else schema


@lru_cache(maxsize=1024)
def _make_validator(text: str) -> Validator | None:
    """Return a validator of a schema, which hubs share, because checking the schema takes milliseconds.

    It is None if the schema is not usable, because the hub lists such schemas too.
    """
    try:
        schema = json.loads(text)
        Draft202012Validator.check_schema(schema)
        # With an empty registry, a $ref never causes a request.
        return Draft202012Validator(schema, registry=Registry())
    except Exception:
        return None


def _find_errors(validator: Validator, parameters: Schema) -> Iterator[ValidationError]:
    """Yield the errors of `parameters`, those near the top first."""
    try:
        errors: list[ValidationError] = list(validator.iter_errors(parameters))
    # A schema that the validator cannot use has no effect, whatever exception it causes.
    except Exception:
        return
    properties = schema_properties(as_object(cast("JSON", validator.schema)))
    for error in sorted(errors, key=lambda error: len(error.absolute_path)):
        refused_by = as_object(cast("JSON", error.schema))
        is_null = error.instance is None and refused_by.get("nullable") is True
        if not is_null and not _is_default(error, parameters, properties):
            yield error


def _is_default(error: ValidationError, parameters: Schema, properties: Schema) -> bool:
    """Return whether an error concerns a parameter with its default, which may be outside its own range."""
    if not error.absolute_path:
        return False
    name = str(error.absolute_path[0])
    shape = as_object(properties.get(name))
    return "default" in shape and json.dumps(shape["default"]) == json.dumps(parameters[name])


def _shorten(message: str) -> str:
    """Return `message` without its middle, because it may quote a whole image."""
    if len(message) <= _MAX_MESSAGE_LENGTH:
        return message
    half = _MAX_MESSAGE_LENGTH // 2
    return f"{message[:half]} … {message[-half:]}"
