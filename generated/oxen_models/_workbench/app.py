# Copied by oxen-codegen from templates/package/_workbench/app.py. Do not edit.
"""The HTTP interface: each request is a call of the runner."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, NoReturn, TypeAlias, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from oxen_models._runtime.errors import OxenError
from oxen_models._runtime.json_schema.json_types import is_object
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from .files import URL, respond_file
from .guard import has_token, require_cookie, require_token
from .history import read_history
from .media import keep_media
from .page import respond_page
from .responses import JSON, RequestError, respond_error, write_json
from .runs import MAX_COUNT, Runs
from .session import Session

T = TypeVar("T")
Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
MAX_BODY_SIZE = 2**20
"""Bytes of a JSON body; files are sent on their own."""


def create_app(session: Session, runs: Runs, port: int) -> Starlette:
    """Return the application.

    Args:
        session: The session.
        runs: Its runs.
        port: The port of the server, which is in the name of the cookie because ports share cookies.
    """
    return _Interface(session, runs, f"workbench-{port}").create_app()


class _Interface:
    """The handlers."""

    def __init__(self, session: Session, runs: Runs, cookie_name: str) -> None:
        self._session = session
        self._runs = runs
        self._cookie_name = cookie_name
        self._limiter = CapacityLimiter(math.inf)  # requests to a slow API must not delay others

    def create_app(self) -> Starlette:
        """Return the application with these handlers."""
        api: list[tuple[str, str, Handler]] = [
            ("GET", "/api/session", self._get_session),
            ("POST", "/api/media", self._add_media),
            ("GET", "/api/runs", self._list_runs),
            ("POST", "/api/runs", self._start_run),
            ("GET", "/api/runs/{id}/events", self._watch_run),
            ("POST", "/api/runs/{id}/cancel", self._cancel_run),
            ("GET", "/api/history", self._list_history),
        ]
        routes = [Route(path, self._with_token(handler), methods=[method]) for method, path, handler in api]
        routes += [
            Route("/", self._get_page),
            Route(f"{URL}{{name}}", self._get_file),
        ]
        handlers: Any = {
            HTTPException: _respond_http_error,
            RequestError: _respond_error,
            OxenError: _respond_error,
            ClientDisconnect: _respond_nothing,
        }
        return Starlette(routes=routes, exception_handlers=handlers)

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        return await run_sync(function, *arguments, limiter=self._limiter)

    def _with_token(self, handler: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            require_token(self._session, request)
            return await handler(request)

        return handle

    async def _get_page(self, request: Request) -> Response:
        if "token" in request.query_params:
            if not has_token(self._session, request.query_params["token"]):
                raise RequestError(
                    403,
                    "forbidden",
                    "the token is wrong; open the address that the command printed",
                )
            response = RedirectResponse("/", 303)
            response.set_cookie(self._cookie_name, self._session.cookie, httponly=True, samesite="strict")
            return response
        require_cookie(self._session, request, self._cookie_name)
        return await self._run(respond_page, self._session)

    async def _get_file(self, request: Request) -> Response:
        require_cookie(self._session, request, self._cookie_name)
        return await self._run(respond_file, self._session, request.path_params["name"])

    async def _get_session(self, request: Request) -> Response:
        return JSON(await self._run(self._session.describe))

    async def _add_media(self, request: Request) -> Response:
        name = request.query_params.get("name", "file")
        return JSON(await keep_media(self._session, name, request.stream()), 201)

    async def _list_runs(self, request: Request) -> Response:
        return JSON({"runs": self._runs.list_all()})

    async def _list_history(self, request: Request) -> Response:
        return JSON({"items": await self._run(read_history, self._session)})

    async def _start_run(self, request: Request) -> Response:
        arguments = _check_run(await _read_object(request))
        count, is_confirmed = arguments["count"], arguments["is_confirmed"]
        make_plan = partial(self._session.runner.plan, arguments["model"], arguments["values"], count=count)
        try:
            plan = await self._run(make_plan)
        except RecursionError:
            raise RequestError(400, "request", "values are nested too deeply") from None
        try:
            run = await self._run(
                partial(self._runs.start, plan, arguments["values"], is_confirmed=is_confirmed)
            )
        except OxenError as error:
            return respond_error(error, plan)
        return JSON({"run": run}, 201)

    async def _cancel_run(self, request: Request) -> Response:
        return JSON({"run": await self._run(self._runs.cancel, request.path_params["id"])})

    async def _watch_run(self, request: Request) -> Response:
        changes = self._runs.watch(request.path_params["id"])
        first = await anext(changes)  # raises if there is no such run

        async def write() -> AsyncIterator[str]:
            yield _write_event(first)
            async for run in changes:
                yield _write_event(run)

        return StreamingResponse(write(), media_type="text/event-stream")


def _write_event(run: dict[str, Any]) -> str:
    return f"event: run\ndata: {write_json(run)}\n\n"


async def _read_object(request: Request) -> dict[str, Any]:
    """Return the JSON object of a body.

    Raises:
        RequestError: The body is too large or is not a JSON object.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_SIZE:
            raise RequestError(413, "size", f"a request must have at most {MAX_BODY_SIZE:,} bytes")
    try:
        value = json.loads(body, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        value = None
    if not is_object(value):
        raise RequestError(400, "request", "the body must be a JSON object")
    return value


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _check_run(body: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a run with their defaults.

    Raises:
        RequestError: A property is missing, unknown or invalid.
    """
    arguments = {"count": 1, "is_confirmed": False, **body}
    count = arguments["count"]
    if arguments.keys() != {"model", "values", "count", "is_confirmed"}:
        raise RequestError(400, "request", "the properties must be model, values, count and is_confirmed")
    if not isinstance(arguments["model"], str) or not is_object(arguments["values"]):
        raise RequestError(400, "request", "model must be a string and values an object")
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_COUNT:
        raise RequestError(400, "request", f"count must be an integer from 1 to {MAX_COUNT}")
    if not isinstance(arguments["is_confirmed"], bool):
        raise RequestError(400, "request", "is_confirmed must be a boolean")
    return arguments


async def _respond_error(request: Request, error: Exception) -> Response:
    return respond_error(error)


async def _respond_nothing(request: Request, error: Exception) -> Response:
    return Response(status_code=400)


async def _respond_http_error(request: Request, error: HTTPException) -> Response:
    kind = "missing" if error.status_code == 404 else "request"
    response = respond_error(RequestError(error.status_code, kind, error.detail))
    response.headers.update(error.headers or {})
    return response
