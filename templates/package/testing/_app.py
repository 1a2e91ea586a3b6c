"""The hub as an ASGI application."""

import json
from collections.abc import Callable
from types import MappingProxyType
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._errors import Refusal
from ._generate import generation_routes
from ._json import JSON, parse_json
from ._models import Model
from ._state import Fault, Received, State


def create_app(state: State) -> ASGIApp:
    """The application that serves `state`."""
    catalogue = _Catalogue(state)
    errors = _Errors(state)
    app = Starlette(
        routes=[
            Route("/api/ai/models", catalogue.list),
            Route("/api/ai/models/search", catalogue.search),
            Route("/api/ai/models/{id:path}", catalogue.one),
            Route("/api/evaluations/models", catalogue.old_list),
            *generation_routes(state),
            Route("/files/{name}", _Downloads(state).one),
        ],
        exception_handlers={Refusal: errors.refused, HTTPException: errors.unrouted},
    )
    app.router.redirect_slashes = False
    return _Front(app, state, errors)


def _json(status: int, value: JSON) -> Response:
    # Escaped to ASCII: a lone surrogate is valid in JSON and cannot be encoded otherwise.
    return Response(json.dumps(value), status, media_type="application/json")


class _Errors:
    def __init__(self, state: State) -> None:
        self._spelling = state.spelling

    def answer(self, status: int, kind: str, detail: str) -> Response:
        return _json(status, self._spelling.error(kind, detail))

    async def refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return self.answer(error.status, error.kind, str(error))

    async def unrouted(self, request: Request, error: Exception) -> Response:
        """No such route (404), or not by this method (405)."""
        assert isinstance(error, HTTPException)
        kind = "resource_not_found" if error.status_code == 404 else "method_not_allowed"
        detail = f"{error.detail}: {request.method} {request.url.path}"
        answer = self.answer(error.status_code, kind, detail)
        answer.headers.update(error.headers or {})
        return answer


class _Front:
    """Takes a note of every request, and lets through those that nothing stops before the routes."""

    def __init__(self, app: ASGIApp, state: State, errors: _Errors) -> None:
        self._app = app
        self._state = state
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        path = str(scope["path"])
        self._state.requests.append(_received(request, path, body))
        stopped = self._stopped(request, path)
        if stopped is not None:
            await stopped(scope, receive, send)
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self._app(scope, replay, send)

    def _stopped(self, request: Request, path: str) -> Response | None:
        fault = self._state.take_fault(request.method, path)
        if fault is not None:
            return _faulty(fault)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if f"{path}/".startswith("/api/") and not (scheme.lower() == "bearer" and token.strip()):
            return self._errors.answer(401, "unauthenticated", "A bearer token is missing")
        return None


def _received(request: Request, path: str, body: bytes) -> Received:
    try:
        value = parse_json(body)
    except ValueError:
        value = None
    return Received(request.method, path, MappingProxyType(dict(request.headers)), value)


def _faulty(fault: Fault) -> Response:
    return Response(fault.content, fault.status, headers=fault.headers)


class _Catalogue:
    def __init__(self, state: State) -> None:
        self._state = state
        self._spelling = state.spelling

    async def list(self, request: Request) -> Response:
        developer = request.query_params.get("developer_name")
        return self._listed(request, lambda model: developer in (None, _developer(model)))

    async def search(self, request: Request) -> Response:
        sought = request.query_params.get("search", "").casefold()

        def matches(model: Model) -> bool:
            return any(sought in str(model.get(key)).casefold() for key in ("id", "display_name"))

        return self._listed(request, matches)

    async def one(self, request: Request) -> Response:
        # Not the decoded path: there a slash inside an id looks like one between segments.
        segment = request.scope["raw_path"].decode("ascii").removeprefix("/api/ai/models/")
        if "/" in segment:
            raise HTTPException(404)
        name = unquote(segment)
        model = self._state.models.get(name)
        if model is None:
            raise Refusal(404, "resource_not_found", f"Model not found: {name}")
        answer = self._spelling.model(model, base_url=_base_url(request))
        return _json(200, {"data": answer} if self._spelling.detail == "wrapped" else answer)

    async def old_list(self, request: Request) -> Response:
        base_url = _base_url(request)
        models: JSON = [
            self._spelling.old_model(model, base_url=base_url) for model in self._state.models.all()
        ]
        return _json(200, models if self._spelling.lists == "old-bare" else {"models": models})

    def _listed(self, request: Request, matches: Callable[[Model], bool]) -> Response:
        if self._spelling.lists != "new":
            raise HTTPException(404)
        base_url = _base_url(request)
        models = filter(matches, self._state.models.all())
        items: JSON = [self._spelling.model(model, base_url=base_url) for model in models]
        return _json(200, {"object": "list", "data": items})


def _base_url(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _developer(model: Model) -> JSON:
    developer = model.get("developer")
    return developer.get("name") if isinstance(developer, dict) else None


class _Downloads:
    def __init__(self, state: State) -> None:
        self._state = state

    async def one(self, request: Request) -> Response:
        file = self._state.files.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404)
        return Response(file.content, media_type=file.content_type)
