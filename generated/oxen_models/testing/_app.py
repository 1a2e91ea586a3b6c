"""The hub as an ASGI application."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from ._catalogue import catalogue_routes
from ._downloads import Downloads
from ._errors import Errors, Refusal
from ._generate import generation_routes
from ._middleware import Cut, FaultMiddleware
from ._queue import queue_routes
from ._state import State


def create_app(state: State, cut: Cut) -> ASGIApp:
    """The application that serves `state`, and cuts connections with `cut`."""
    downloads = Downloads(state)
    errors = Errors(state.dialect)
    app = Starlette(
        routes=[
            *catalogue_routes(state),
            *generation_routes(state),
            *queue_routes(state, downloads),
            Route("/files/{name}", downloads.one),
        ],
        exception_handlers={Refusal: errors.refused, HTTPException: errors.unrouted},
    )
    app.router.redirect_slashes = False
    return FaultMiddleware(app, state, errors, cut)
