# Copied by oxen-codegen from templates/package/_mcp/serve.py. Do not edit.
"""Serve over the standard streams, or over HTTP on the loopback interface."""

from __future__ import annotations

import hmac
import logging
import signal
import socket
from functools import partial
from typing import Any

import anyio
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MIN_TOKEN_LENGTH = 16
_NAMES = ("127.0.0.1", "localhost")
_log = logging.getLogger(__name__)


class TokenMiddleware:
    """Rejects requests without the token.

    Args:
        app: The application.
        token: The token, which requests send as `Authorization: Bearer TOKEN`.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scheme, _, token = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
            if scheme.lower() != b"bearer" or not hmac.compare_digest(token.strip(), self._token):
                headers = {"WWW-Authenticate": "Bearer"}
                response = PlainTextResponse("the token is missing or wrong", 401, headers)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


def create_app(server: Server[Any], token: str, port: int) -> Starlette:
    """Return the HTTP application, which checks the token, the host and the origin of each request.

    Args:
        server: The server.
        token: The token of clients.
        port: The port, which is a part of hosts and origins.
    """
    security = TransportSecuritySettings(
        allowed_hosts=[f"{name}:{port}" for name in _NAMES],
        allowed_origins=[f"http://{name}:{port}" for name in _NAMES],
    )
    app = server.streamable_http_app(transport_security=security)
    app.add_middleware(TokenMiddleware, token=token)
    return app


class _HTTPServer(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Return when all calls have ended, so that clients receive the ids of their jobs."""
        if self.server_state.tasks:
            _log.warning("waiting for calls that have not ended; Ctrl-C again does not wait")
        await super().shutdown(sockets)


def serve_http(server: Server[Any], token: str, bound: socket.socket) -> None:
    """Serve over HTTP at the path `/mcp` until the process is interrupted.

    Args:
        server: The server.
        token: The token of clients.
        bound: The socket, which listens on 127.0.0.1. It is closed at the end.
    """
    _, port = bound.getsockname()
    config = uvicorn.Config(create_app(server, token, port), log_level="warning", access_log=False)
    _HTTPServer(config).run(sockets=[bound])


def serve_stdio(server: Server[Any]) -> None:
    """Serve over the standard input and output until the input ends or the process is interrupted."""
    # An exception would wait for the thread that reads the input, which ends with the next line.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(partial(_serve_stdio, server))


async def _serve_stdio(server: Server[Any]) -> None:
    async with stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options())
