"""How a request is refused."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ._dialect import Dialect
from ._json import json_answer


class Refusal(Exception):
    """Ends a request with an error envelope.

    `kind` is the hub's word for it (`invalid_params`), `detail` the text for people.
    """

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail


class Errors:
    """Answers in the envelope of one hub."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def answer(self, status: int, kind: str, detail: str) -> Response:
        return json_answer(self._dialect.error(kind, detail), status)

    async def refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return self.answer(error.status, error.kind, str(error))

    async def unrouted(self, request: Request, error: Exception) -> Response:
        """No such route (404), or not by this method (405)."""
        assert isinstance(error, HTTPException)
        kind = "resource_not_found" if error.status_code == 404 else "method_not_allowed"
        detail = f"{error.detail}: {request.method} {request.url.path}"
        answer = self.answer(error.status_code, kind, detail)
        answer.headers.update(error.headers or {})
        return answer
