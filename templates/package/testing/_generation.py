"""The blocking endpoints."""

import base64
import time
from collections.abc import Iterable

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._json import JSON, json_response
from ._links import result_name, result_path
from ._media import File, make_files
from ._models import Media
from ._state import State
from ._validation import read_body


def generation_routes(state: State) -> list[Route]:
    dialect = state.dialect
    media: dict[str, Media] = {"/api/ai/videos/generate": "video"}
    for name in ("generate", "edit"):
        if dialect.image_paths in ("both", name):
            media[f"/api/ai/images/{name}"] = "image"
    for name in ("generate", "speech"):
        if dialect.audio_paths in ("both", name):
            media[f"/api/ai/audio/{name}"] = "audio"
    return [Route(path, _Endpoint(state, made).generate, methods=["POST"]) for path, made in media.items()]


class _Endpoint:
    def __init__(self, state: State, media: Media) -> None:
        self._state = state
        self._media: Media = media

    async def generate(self, request: Request) -> Response:
        body = read_body(request, await request.body())
        model, parameters = self._state.validation.split_body(body)
        schema = self._state.validation.validate(model, self._media, parameters)
        files = await anyio.to_thread.run_sync(make_files, self._media, parameters, schema)
        await anyio.sleep(self._state.generation_time or 0.0)
        draft = self._state.drafts.add_if_draft(model, parameters)
        is_inline = body.get("response_format") == "b64_json"
        created, base_url = int(time.time()), str(request.base_url)
        prompt = parameters.get("prompt")
        results = _inline(files) if is_inline else self._link(files, created, prompt, base_url)
        media: list[JSON] = [{**result, **draft} for result in results]
        return json_response({"model": model["id"], "created": created, f"{self._media}s": media})

    def _link(
        self, files: Iterable[File], created: int, prompt: JSON, base_url: str
    ) -> Iterable[dict[str, JSON]]:
        for file in files:
            name = result_name(created, prompt, file.digest, file.format.extension)
            self._state.add_file(name, file)
            yield {"url": self._state.links.sign(base_url, result_path(self._state.workspace, name))}


def _inline(files: Iterable[File]) -> Iterable[dict[str, JSON]]:
    for file in files:
        yield {"b64_json": base64.b64encode(file.content).decode()}
