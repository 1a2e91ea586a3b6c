"""The hub as an ASGI application."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ._chat import chat_routes
from ._downloads import Downloads
from ._errors import ErrorResponses, RequestError
from ._generation import generation_routes
from ._json import json_response
from ._links import USER, result_path
from ._middleware import CutConnection, FaultMiddleware
from ._model_routes import model_routes
from ._queue import queue_routes
from ._state import State


def create_app(state: State, cut_connection: CutConnection) -> ASGIApp:
    """Return the application that serves `state`."""
    downloads = Downloads(state)
    errors = ErrorResponses(state.dialect)
    app = Starlette(
        routes=[
            *model_routes(state),
            *generation_routes(state),
            *chat_routes(state),
            *queue_routes(state, downloads),
            *state.uploads.routes(),
            Route("/api/authorize", _authorize),
            Route("/api/users/me", _whoami),
            Route(result_path("{workspace}", "{name}"), downloads.download),
        ],
        exception_handlers={
            RequestError: errors.handle_request_error,
            HTTPException: errors.handle_http_exception,
        },
    )
    app.router.redirect_slashes = False
    return FaultMiddleware(app, state, errors, cut_connection)


async def _authorize(request: Request) -> Response:
    """Confirm the API key, which the middleware has checked."""
    return json_response({"user": {"name": USER, "email": f"{USER}@example.invalid"}})


async def _whoami(request: Request) -> Response:
    """Return the user of the API key, whose uploads are kept in a repository of theirs."""
    return json_response({"user": {"username": USER}})
