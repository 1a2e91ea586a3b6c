"""The models on offer, as both lists and one by one."""

from collections.abc import Callable
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._errors import Refusal
from ._json import JSON, json_answer
from ._models import Model
from ._state import State


def catalogue_routes(state: State) -> list[Route]:
    catalogue = _Catalogue(state)
    return [
        Route("/api/ai/models", catalogue.list),
        Route("/api/ai/models/search", catalogue.search),
        Route("/api/ai/models/{id:path}/activate", catalogue.activate, methods=["POST"]),
        Route("/api/ai/models/{id:path}/deactivate", catalogue.deactivate, methods=["POST"]),
        Route("/api/ai/models/{id:path}", catalogue.one),
        Route("/api/evaluations/models", catalogue.old_list),
    ]


class _Catalogue:
    def __init__(self, state: State) -> None:
        self._state = state
        self._dialect = state.dialect

    async def list(self, request: Request) -> Response:
        developer = request.query_params.get("developer_name")
        return self._listed(request, lambda model: developer in (None, _developer(model)))

    async def search(self, request: Request) -> Response:
        sought = request.query_params.get("search", "").casefold()

        def matches(model: Model) -> bool:
            return any(sought in str(model.get(key)).casefold() for key in ("id", "display_name"))

        return self._listed(request, matches)

    async def one(self, request: Request) -> Response:
        return self._told(request, self._named(request))

    async def activate(self, request: Request) -> Response:
        return self._deployed(request, "active")

    async def deactivate(self, request: Request) -> Response:
        return self._deployed(request, "inactive")

    async def old_list(self, request: Request) -> Response:
        base_url = _base_url(request)
        models: JSON = [
            self._dialect.old_model(model, base_url=base_url) for model in self._state.models.all()
        ]
        return json_answer(models if self._dialect.lists == "old-bare" else {"models": models})

    def _deployed(self, request: Request, status: str) -> Response:
        model: Model = {**self._named(request, 1), "deployments": [{"status": status}]}
        self._state.models.add(model)
        self._state.broadcast.tell("deployment_status_changed", {"model": model["id"], "status": status})
        return self._told(request, model)

    def _named(self, request: Request, segments_after: int = 0) -> Model:
        # Not the decoded path: there a slash inside an id looks like one between segments.
        segments = request.scope["raw_path"].decode("ascii").removeprefix("/api/ai/models/").split("/")
        if len(segments) != 1 + segments_after:
            raise HTTPException(404)
        name = unquote(segments[0])
        model = self._state.models.get(name)
        if model is None:
            raise Refusal(404, "resource_not_found", f"Model not found: {name}")
        return model

    def _told(self, request: Request, model: Model) -> Response:
        answer = self._dialect.model(model, base_url=_base_url(request))
        return json_answer({"data": answer} if self._dialect.detail == "wrapped" else answer)

    def _listed(self, request: Request, matches: Callable[[Model], bool]) -> Response:
        if self._dialect.lists != "new":
            raise HTTPException(404)
        base_url = _base_url(request)
        models = filter(matches, self._state.models.all())
        items: JSON = [self._dialect.model(model, base_url=base_url) for model in models]
        return json_answer({"object": "list", "data": items})


def _base_url(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _developer(model: Model) -> JSON:
    developer = model.get("developer")
    return developer.get("name") if isinstance(developer, dict) else None
