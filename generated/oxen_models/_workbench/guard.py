# Copied by oxen-codegen from templates/package/_workbench/guard.py. Do not edit.
"""Checks that a request is of the page of this server, in the browser that has its address."""

from __future__ import annotations

import hmac
from asyncio import CancelledError
from collections.abc import Mapping
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .responses import RequestError, respond_error
from .session import Session

TOKEN_HEADER = "x-workbench-token"
_NAMES = ("127.0.0.1", "localhost", "[::1]")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Rejects requests for other hosts and from other origins, and adds headers to each response.

    A page of another host that resolves to this machine has another Host header (DNS rebinding).

    Args:
        app: The application.
        port: The port of the server.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in _NAMES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._check(Headers(scope=scope))
        except RequestError as error:
            await respond_error(error)(scope, receive, send_with_headers)
        else:
            with suppress(CancelledError):  # the server ends and has closed the connection
                await self._app(scope, receive, send_with_headers)

    def _check(self, headers: Headers) -> None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            raise RequestError(403, "forbidden", "the host is not that of this server")
        if any(origin.lower() not in {f"http://{host}" for host in self._hosts} for origin in origins):
            raise RequestError(403, "forbidden", "the origin is not that of this server")
        # Scripts of other ports of this host are of the same site, and a request without CORS has no origin.
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            raise RequestError(403, "forbidden", "the request is not one of the page of this server")


def has_token(session: Session, token: str) -> bool:
    """Return whether a token is that of the session."""
    return hmac.compare_digest(token.encode(), session.token.encode())


def require_token(session: Session, request: Request) -> None:
    """Raise if a request does not have the token in its header.

    Raises:
        RequestError: The token is missing or wrong.
    """
    if not has_token(session, request.headers.get(TOKEN_HEADER, "")):
        raise RequestError(403, "forbidden", f"the header {TOKEN_HEADER} has no valid token")


def require_cookie(session: Session, request: Request, name: str) -> None:
    """Raise if a request does not have the cookie.

    Raises:
        RequestError: The cookie is missing or wrong.
    """
    cookies: Mapping[str, str] = request.cookies
    if not hmac.compare_digest(cookies.get(name, "").encode(), session.cookie.encode()):
        raise RequestError(403, "forbidden", "open the address that oxen-models workbench printed")
