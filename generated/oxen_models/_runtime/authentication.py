# Copied by oxen-codegen from templates/package/_runtime/authentication.py. Do not edit.
"""Authentication of requests with the API key."""

from __future__ import annotations

from collections.abc import Generator

import httpx
from oxen_models._runtime.api_key import APIKey


class KeyAuth(httpx.Auth):
    """Adds the API key to a request when httpx sends it, so that no variable of this package contains it."""

    def __init__(self, key: APIKey) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Add the header."""
        _add_key(request, self._key)
        yield request


class _HiddenBytes(bytes):
    """Bytes whose `repr` does not contain them. Tracebacks show the headers of httpcore."""

    def __repr__(self) -> str:
        return "b'[key]'"


def _add_key(request: httpx.Request, key: APIKey) -> None:
    value = _HiddenBytes(f"Bearer {key.get_secret_value()}".encode())
    others = [(name, other) for name, other in request.headers.raw if name.lower() != b"authorization"]
    request.headers = httpx.Headers([*others, (b"Authorization", value)])
