"""The hub's own answer beside the result."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import httpx

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class RawResponse(Generic[R]):
    """An answer of the hub as it came, with the result in it."""

    status: int
    """The HTTP status."""
    headers: Mapping[str, str] = field(repr=False)
    """The headers; names are case-insensitive."""
    content: bytes = field(repr=False)
    """The body."""
    _result: R = field(repr=False)

    @property
    def request_id(self) -> str | None:
        """The hub's id of the request; None where it gave none."""
        return self.headers.get("x-request-id")

    def parse(self) -> R:
        """The result that the plain call returns."""
        return self._result


@dataclass(slots=True)
class Captured:
    """The last answer to a paid request."""

    response: httpx.Response | None = None
    content: bytes = b""

    def beside(self, result: R) -> RawResponse[R]:
        """The answer, with the result that was made from it."""
        assert self.response is not None, "a call that gave a result had an answer"
        return RawResponse(self.response.status_code, self.response.headers, self.content, result)


_capturing: ContextVar[Captured | None] = ContextVar("oxen_models_capturing", default=None)


@contextmanager
def capturing() -> Generator[Captured]:
    """Keep what comes back within the block."""
    captured = Captured()
    token = _capturing.set(captured)
    try:
        yield captured
    finally:
        _capturing.reset(token)


def capture(response: httpx.Response, content: bytes) -> None:
    """Keep an answer, if somebody asked for it."""
    captured = _capturing.get()
    if captured is not None:
        captured.response, captured.content = response, content
