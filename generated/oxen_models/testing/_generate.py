"""The blocking endpoints: a request is checked, a result is made, and the answer says where it is."""

import base64
import time
from collections.abc import Iterable

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ._check import body_of
from ._json import JSON
from ._media import File, Media, make
from ._state import State

_PATHS: dict[str, Media] = {
    "/api/ai/images/edit": "image",
    "/api/ai/images/generate": "image",
    "/api/ai/videos/generate": "video",
    "/api/ai/audio/speech": "audio",
    "/api/ai/audio/generate": "audio",
}


def generation_routes(state: State) -> list[Route]:
    return [Route(path, _Endpoint(state, media).answer, methods=["POST"]) for path, media in _PATHS.items()]


class _Endpoint:
    def __init__(self, state: State, media: Media) -> None:
        self._state = state
        self._media: Media = media

    async def answer(self, request: Request) -> Response:
        checks = self._state.checks
        body = body_of(request, await request.body())
        own = checks.common(body)
        name = str(body["model"])
        schema = checks.schema(name, self._media)
        checks.parameters(schema, own)
        files = await anyio.to_thread.run_sync(make, self._media, own, schema)
        await anyio.sleep(self._state.generation_time or 0.0)
        inline = body.get("response_format") == "b64_json"
        results = list(_inline(files) if inline else self._linked(files, str(request.base_url)))
        return JSONResponse({"model": name, "created": int(time.time()), f"{self._media}s": results})

    def _linked(self, files: Iterable[File], base_url: str) -> Iterable[JSON]:
        for file in files:
            self._state.files[file.name] = file
            yield {"url": self._state.links.sign(base_url, file.name)}


def _inline(files: Iterable[File]) -> Iterable[JSON]:
    for file in files:
        yield {"b64_json": base64.b64encode(file.content).decode()}
