"""The blocking endpoints: a request is checked, a result is made, and the answer says where it is."""

import base64
import time
from collections.abc import Iterable
from typing import Any

import anyio
import anyio.to_thread
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ._errors import Refusal
from ._json import JSON, parse_json
from ._media import File, Media, make
from ._models import Model, schema_of
from ._state import State

_COMMON: dict[str, JSON] = {
    "model": {"type": "string"},
    "response_format": {"enum": ["url", "b64_json"]},
    "target_namespace": {"type": "string"},
}
"""What every generating POST takes beside the model's own parameters."""

_COMMON_SCHEMA: dict[str, JSON] = {"type": "object", "required": ["model"], "properties": _COMMON}

_PATHS: dict[str, Media] = {
    "/api/ai/images/edit": "image",
    "/api/ai/images/generate": "image",
    "/api/ai/videos/generate": "video",
    "/api/ai/audio/speech": "audio",
    "/api/ai/audio/generate": "audio",
}

_LONGEST_MESSAGE = 240


def generation_routes(state: State) -> list[Route]:
    return [Route(path, _Endpoint(state, media).answer, methods=["POST"]) for path, media in _PATHS.items()]


class _Endpoint:
    def __init__(self, state: State, media: Media) -> None:
        self._state = state
        self._media: Media = media

    async def answer(self, request: Request) -> Response:
        body = _object(await request.body())
        _check(_COMMON_SCHEMA, body)
        name = str(body["model"])
        schema = self._schema(name)
        own = {name: value for name, value in body.items() if name not in _COMMON}
        _check(_closed(schema), own)
        files = await anyio.to_thread.run_sync(make, self._media, own, schema)
        await anyio.sleep(self._state.seconds)
        inline = body.get("response_format") == "b64_json"
        results = list(_inline(files) if inline else self._linked(files, str(request.base_url)))
        return JSONResponse({"model": name, "created": int(time.time()), f"{self._media}s": results})

    def _schema(self, name: str) -> dict[str, JSON]:
        model = self._state.models.get(name)
        if model is None:
            raise Refusal(404, "resource_not_found", f"Model not found: {name}")
        outputs = _outputs(model)
        if outputs and self._media not in outputs:
            made = ", ".join(map(str, outputs))
            raise Refusal(400, "invalid_params", f"model: {name} makes {made}, not {self._media}")
        schema = schema_of(model)
        if not isinstance(schema, dict):
            raise Refusal(400, "invalid_params", f"model: {name} has no parameter schema")
        return schema

    def _linked(self, files: Iterable[File], base_url: str) -> Iterable[JSON]:
        for file in files:
            self._state.files[file.name] = file
            yield {"url": f"{base_url}files/{file.name}"}


def _inline(files: Iterable[File]) -> Iterable[JSON]:
    for file in files:
        yield {"b64_json": base64.b64encode(file.content).decode()}


def _object(content: bytes) -> dict[str, JSON]:
    try:
        body = parse_json(content)
    except ValueError as error:
        raise Refusal(400, "invalid_params", f"The body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refusal(400, "invalid_params", "The body is not a JSON object")
    return body


def _outputs(model: Model) -> list[JSON]:
    """The media that the model makes, empty where it does not tell."""
    capabilities = model.get("capabilities")
    outputs = capabilities.get("output") if isinstance(capabilities, dict) else None
    return outputs if isinstance(outputs, list) else []


def _closed(schema: dict[str, JSON]) -> dict[str, JSON]:
    """`schema`, which lists all parameters that there are."""
    if isinstance(schema.get("properties"), dict):
        return {"additionalProperties": False, **schema}
    return schema


def _check(schema: dict[str, JSON], body: dict[str, JSON]) -> None:
    try:
        Draft202012Validator.check_schema(schema)
        # The empty registry: what a $ref names is never fetched.
        validator: Any = Draft202012Validator(schema, registry=Registry())
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
