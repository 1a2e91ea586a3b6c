"""Log each request, check its API key and inject faults."""

import asyncio
import re
from collections.abc import Callable
from typing import TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._errors import ErrorResponses, RequestError
from ._faults import Fault
from ._links import REPOSITORIES, is_file
from ._model_routes import is_public
from ._state import State

CutConnection: TypeAlias = Callable[[Scope], None]
"""Aborts the connection of a request, as a failing network does."""


class FaultMiddleware:
    """ASGI middleware that logs requests, and passes on those that no fault or missing key prevents."""

    def __init__(
        self, app: ASGIApp, state: State, errors: ErrorResponses, cut_connection: CutConnection
    ) -> None:
        self._app = app
        self._state = state
        self._errors = errors
        self._cut_connection = cut_connection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = str(scope["path"])
        if not _is_own_host(request.headers.get("host", "")):
            # A page that a browser shows could reach the hub under a name of its own.
            detail = "the Host header must be 127.0.0.1 or localhost"
            await self._errors.response(RequestError(421, "misdirected_request", detail))(
                scope, receive, send
            )
            return
        fault = self._state.faults.draw_for_request(request.method, path)
        body = b""
        is_unread = fault is not None and fault.kind == "cut-before-body"
        try:
            if not is_unread:
                body = await request.body()
        except ClientDisconnect:
            is_unread = True
        # Logged even if the client has gone, because the request may have to be paid for.
        received = self._state.requests.add(request.method, path, request.headers, body)
        sender = _FaultySender(send, fault, lambda: self._cut_connection(scope))
        if is_unread:
            sender.cut()
        else:
            request.state.received = received
            messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

            async def replay() -> Message:
                return messages.pop() if messages else await receive()

            await (self._early_response(request, path, fault) or self._app)(scope, replay, sender.send)
        if not sender.is_complete:
            sender.cut()
            # uvicorn would respond 500 as long as it has not noticed the disconnect.
            while (await receive())["type"] != "http.disconnect":
                pass

    def _early_response(self, request: Request, path: str, fault: Fault | None) -> Response | None:
        if fault is not None and fault.response is not None:
            return Response(fault.response.content, fault.response.status, headers=fault.response.headers)
        if path.startswith(REPOSITORIES) and _is_old_command_line(request.headers.get("user-agent", "")):
            detail = "Oxen CLI out of date. Please upgrade."
            return self._errors.response(RequestError(426, "update_required", detail))
        is_signed = is_file(path) and "oxen_signature" in request.url.query
        if not f"{path}/".startswith("/api/") or is_signed:
            return None
        if self._state.dialect.list_access == "public" and is_public(request.method, path):
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return None
        detail = "You must be authenticated to perform this action."
        return self._errors.response(RequestError(401, "unauthenticated", detail))


def _is_own_host(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return name.lower() in ("127.0.0.1", "localhost")


def _is_old_command_line(agent: str) -> bool:
    """Return whether the repository server takes a user agent for its own command line, in an old version."""
    if "oxen" not in agent.lower() or "Postman" in agent:
        return False
    version = re.match(r"\d+(\.\d+){0,2}", agent.partition("/")[2])
    return version is None or [*map(int, version[0].split("."))] < [0, 36, 0]


class _FaultySender:
    """Sends a response, or the part of it that a fault lets through."""

    def __init__(self, send: Send, fault: Fault | None, cut_connection: Callable[[], None]) -> None:
        self._send = send
        self._fault = fault
        self._cut_connection = cut_connection
        self._is_cut = False
        self.is_complete = False

    def cut(self) -> None:
        if not self._is_cut:
            self._is_cut = True
            self._cut_connection()

    async def send(self, message: Message) -> None:
        if self._is_cut:
            return
        kind = self._fault.kind if self._fault else None
        is_start = message["type"] == "http.response.start"
        if kind == "cut-before-response":
            self.cut()
            return
        if kind == "slow" and is_start and self._fault:
            await asyncio.sleep(self._fault.amount or 0)
        if kind == "cut-mid-response" and not is_start:
            body: bytes = message.get("body", b"")
            await self._send({**message, "body": body[: len(body) // 2], "more_body": True})
            self.cut()
            return
        await self._send(message)
        self.is_complete = not is_start and not message.get("more_body", False)
