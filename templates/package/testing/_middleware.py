"""What every request passes first: it is noted, and may be cut, delayed or answered before any route."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._errors import Errors
from ._faults import Fault
from ._state import State

Cut: TypeAlias = Callable[[Scope], None]
"""Ends the connection that a request came by, as a failing network would."""


class FaultMiddleware:
    """Takes a note of every request, and lets through those that nothing stops before the routes."""

    def __init__(self, app: ASGIApp, state: State, errors: Errors, cut: Cut) -> None:
        self._app = app
        self._state = state
        self._errors = errors
        self._cut = cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = str(scope["path"])
        fault = self._state.faults.draw_for(request.method, path)
        body = b""
        unread = fault is not None and fault.kind == "cut-before-body"
        try:
            if not unread:
                body = await request.body()
        except ClientDisconnect:
            unread = True
        # Also when nobody waits for an answer: somebody may have to pay for it.
        received = self._state.requests.add(request.method, path, request.headers, body)
        line = _Line(send, fault, lambda: self._cut(scope))
        if unread:
            line.cut()
        else:
            request.state.received = received
            messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

            async def replay() -> Message:
                return messages.pop() if messages else await receive()

            await (self._stopped(request, path, fault) or self._app)(scope, replay, line.send)
        if not line.whole:
            line.cut()
            # Until uvicorn knows, it would answer 500.
            while (await receive())["type"] != "http.disconnect":
                pass

    def _stopped(self, request: Request, path: str, fault: Fault | None) -> Response | None:
        if fault is not None and fault.answer is not None:
            answer = fault.answer
            return Response(answer.content, answer.status, headers=answer.headers)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if f"{path}/".startswith("/api/") and not (scheme.lower() == "bearer" and token.strip()):
            return self._errors.answer(401, "unauthenticated", "A bearer token is missing")
        return None


class _Line:
    """Where an answer goes out: as it is, or as the fault has it."""

    def __init__(self, send: Send, fault: Fault | None, cut: Callable[[], None]) -> None:
        self._send = send
        self._fault = fault
        self._cut = cut
        self._is_cut = False
        self.whole = False

    def cut(self) -> None:
        if not self._is_cut:
            self._is_cut = True
            self._cut()

    async def send(self, message: Message) -> None:
        if self._is_cut:
            return
        kind = self._fault.kind if self._fault else None
        starts = message["type"] == "http.response.start"
        if kind == "cut-before-response":
            self.cut()
            return
        if kind == "slow" and starts and self._fault:
            await asyncio.sleep(self._fault.amount or 0)
        if kind == "cut-mid-response" and not starts:
            body: bytes = message.get("body", b"")
            await self._send({**message, "body": body[: len(body) // 2], "more_body": True})
            self.cut()
            return
        await self._send(message)
        self.whole = not starts and not message.get("more_body", False)
