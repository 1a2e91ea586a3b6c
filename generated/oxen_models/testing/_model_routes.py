# Copied by oxen-codegen from templates/package/testing/_model_routes.py. Do not edit.
"""The routes of models: lists, search, details and favorites."""

from collections.abc import Callable
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._errors import RequestError
from ._json import JSON, as_list, as_object, json_response
from ._models import Model, developer_name
from ._state import State

_PREFIX = "/api/ai/models/"
_OLD_LIST = "/api/evaluations/models"
_FEATURED = 6


def is_public(method: str, path: str) -> bool:
    """Return whether a request needs no API key, because it reads models."""
    reads_models = path in (_PREFIX.rstrip("/"), _OLD_LIST) or path.startswith(_PREFIX)
    return method == "GET" and reads_models and path != f"{_PREFIX}favorites"


def model_routes(state: State) -> list[Route]:
    routes = _ModelRoutes(state)
    newer = [
        Route("/api/ai/models", routes.list),
        Route("/api/ai/models/search", routes.search),
        Route("/api/ai/models/favorites", routes.favorites),
        Route("/api/ai/models/featured", routes.featured),
    ]
    return [
        *(newer if state.dialect.lists == "both" else []),
        Route("/api/ai/models/{id:path}/activate", routes.activate, methods=["POST"]),
        Route("/api/ai/models/{id:path}/deactivate", routes.deactivate, methods=["POST"]),
        Route("/api/ai/models/{id:path}/favorite", routes.add_favorite, methods=["POST"]),
        Route("/api/ai/models/{id:path}/favorite", routes.remove_favorite, methods=["DELETE"]),
        Route("/api/ai/models/{id:path}", routes.get),
        Route(_OLD_LIST, routes.old_list),
    ]


class _ModelRoutes:
    def __init__(self, state: State) -> None:
        self._state = state
        self._dialect = state.dialect

    async def list(self, request: Request) -> Response:
        query = request.query_params

        def matches(model: Model) -> bool:
            developer = developer_name(model)
            actions = as_list(as_object(model.get("fine_tuning")).get("actions"))
            return (
                query.get("developer_name", developer) == developer
                # The provider is the developer in the older list too.
                and query.get("provider_name", developer) == developer
                and ("action" not in query or query["action"] in actions)
            )

        return self._list_response(request, matches)

    async def search(self, request: Request) -> Response:
        if "search" not in request.query_params:
            raise RequestError(400, "invalid_params", "search is required")
        text = request.query_params["search"].casefold()

        def matches(model: Model) -> bool:
            return any(text in str(model.get(key)).casefold() for key in ("id", "display_name"))

        return self._list_response(request, matches)

    async def favorites(self, request: Request) -> Response:
        return self._list_response(request, lambda model: model["id"] in self._state.favorites)

    async def featured(self, request: Request) -> Response:
        newest = sorted(self._state.models.all(), key=lambda model: str(model.get("created")))[-_FEATURED:]
        return self._list_response(request, lambda model: model in newest)

    async def get(self, request: Request) -> Response:
        return self._model_response(request, self._find_model(request))

    async def add_favorite(self, request: Request) -> Response:
        model = self._find_model(request, "favorite")
        self._state.favorites.add(str(model["id"]))
        return self._model_response(request, model)

    async def remove_favorite(self, request: Request) -> Response:
        model = self._find_model(request, "favorite")
        self._state.favorites.discard(str(model["id"]))
        return self._model_response(request, model)

    async def activate(self, request: Request) -> Response:
        return self._deploy(request, "activate", "active")

    async def deactivate(self, request: Request) -> Response:
        return self._deploy(request, "deactivate", "inactive")

    async def old_list(self, request: Request) -> Response:
        base_url = _base_url(request)
        models: JSON = [self._dialect.old_model(model, base_url) for model in self._state.models.all()]
        return json_response(models if self._dialect.lists == "old-bare" else {"models": models})

    def _deploy(self, request: Request, action: str, status: str) -> Response:
        model: Model = {**self._find_model(request, action), "deployments": [{"status": status}]}
        self._state.models.add(model)
        self._state.broadcast.send("deployment_status_changed", {"model": model["id"], "status": status})
        return self._model_response(request, model)

    def _find_model(self, request: Request, *action: str) -> Model:
        # In the decoded path, a slash in an id could not be distinguished from a separator.
        id, *rest = request.scope["raw_path"].decode("ascii").removeprefix(_PREFIX).split("/")
        if tuple(rest) != action:
            raise HTTPException(404)
        model = self._state.models.get(unquote(id))
        if model is None:
            raise RequestError(404, None, f"Model not found: {unquote(id)}")
        return model

    def _model_response(self, request: Request, stored: Model) -> Response:
        model = self._dialect.model(stored, _base_url(request))
        return json_response({"data": model} if self._dialect.detail == "wrapped" else model)

    def _list_response(self, request: Request, matches: Callable[[Model], bool]) -> Response:
        base_url = _base_url(request)
        models = filter(matches, self._state.models.all())
        data: JSON = [self._dialect.model(model, base_url) for model in models]
        return json_response({"object": "list", "data": data})


def _base_url(request: Request) -> str:
    return str(request.base_url).rstrip("/")
