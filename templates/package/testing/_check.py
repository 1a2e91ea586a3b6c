"""Whether a body says what the model takes."""

from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry
from starlette.requests import Request

from ._errors import Refusal
from ._json import JSON, parse_json
from ._media import Media
from ._models import Model, Models, schema_of

_COMMON: dict[str, JSON] = {
    "model": {"type": "string"},
    "response_format": {"enum": ["url", "b64_json"]},
    "target_namespace": {"type": "string"},
}
"""What every generating POST takes beside the model's own parameters."""

_QUEUE: dict[str, JSON] = {
    **_COMMON,
    "num_generations": {"type": "integer", "minimum": 1, "maximum": 4},
    "target_repo": {"type": "string"},
    "target_directory": {"type": "string"},
}

_LONGEST_MESSAGE = 240
_MOST_VALIDATORS = 1_000


class Checks:
    """Checks bodies against the parameter schemas of `models`."""

    def __init__(self, models: Models) -> None:
        self._models = models
        # By the schema's identity; it stays in the value, so that the identity stays its own.
        self._validators: dict[int, tuple[dict[str, JSON], Any]] = {}

    def common(self, body: dict[str, JSON], *, queue: bool = False) -> dict[str, JSON]:
        """Check what is no model's own in `body`, and return the rest of it."""
        known = _QUEUE if queue else _COMMON
        _check(
            _usable({"type": "object", "required": ["model"], "properties": known}),
            {name: body[name] for name in known if name in body},
        )
        return {name: value for name, value in body.items() if name not in known}

    def model(self, name: str) -> Model:
        model = self._models.get(name)
        if model is None:
            raise Refusal(404, "resource_not_found", f"Model not found: {name}")
        return model

    def schema(self, name: str, media: Media) -> dict[str, JSON]:
        """The parameter schema of a model that makes `media`."""
        model = self.model(name)
        outputs = outputs_of(model)
        if outputs and media not in outputs:
            made = ", ".join(map(str, outputs))
            raise Refusal(400, "invalid_params", f"model: {name} makes {made}, not {media}")
        schema = schema_of(model)
        if not isinstance(schema, dict):
            raise Refusal(400, "invalid_params", f"model: {name} has no parameter schema")
        return schema

    def parameters(self, schema: dict[str, JSON], own: dict[str, JSON]) -> None:
        """Check a model's own parameters against all that there are."""
        known = self._validators.get(id(schema))
        if known is None:
            if len(self._validators) >= _MOST_VALIDATORS:
                self._validators.clear()
            known = self._validators[id(schema)] = schema, _usable(_closed(schema))
        _check(known[1], own)


def body_of(request: Request, content: bytes) -> dict[str, JSON]:
    """The JSON object that was sent, as the hub noted it."""
    body: JSON = request.state.received.body
    if isinstance(body, dict):
        return body
    try:
        parse_json(content)
    except ValueError as error:
        raise Refusal(400, "invalid_params", f"The body is not JSON: {error}") from None
    raise Refusal(400, "invalid_params", "The body is not a JSON object")


def outputs_of(model: Model) -> list[JSON]:
    """The media that the model makes, empty where it does not tell."""
    capabilities = model.get("capabilities")
    outputs = capabilities.get("output") if isinstance(capabilities, dict) else None
    return outputs if isinstance(outputs, list) else []


def _closed(schema: dict[str, JSON]) -> dict[str, JSON]:
    """`schema`, which lists all parameters that there are."""
    if isinstance(schema.get("properties"), dict):
        return {"additionalProperties": False, **schema}
    return schema


def _usable(schema: dict[str, JSON]) -> Any:
    """What checks against `schema`, None where it cannot be used."""
    try:
        Draft202012Validator.check_schema(schema)
        # The empty registry: what a $ref names is never fetched.
        return Draft202012Validator(schema, registry=Registry())
    except Exception:
        return None


def _check(validator: Any, body: dict[str, JSON]) -> None:
    if validator is None:
        return
    try:
        errors: list[ValidationError] = list(validator.iter_errors(body))
    # A schema that the validator cannot use checks nothing, whatever it made the validator raise.
    except Exception:
        return
    for error in sorted(errors, key=lambda error: len(error.absolute_path)):
        where = error.json_path.removeprefix("$").removeprefix(".")
        message = _short(error.message)
        raise Refusal(422, "invalid_params", f"{where}: {message}" if where else message)


def _short(message: str) -> str:
    """`message` without its middle: it quotes a value, which may be a whole image."""
    if len(message) <= _LONGEST_MESSAGE:
        return message
    half = _LONGEST_MESSAGE // 2
    return f"{message[:half]} … {message[-half:]}"
