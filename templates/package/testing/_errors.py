"""Error responses."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ._dialect import Dialect
from ._json import json_response


class RequestError(Exception):
    """A request that the hub refuses.

    Args:
        status: The HTTP status.
        type: The type of the error; None for an error that has only a message.
        detail: The text.
        provider: The name of the model's provider, if it is the model that refuses the request.
    """

    def __init__(self, status: int, type: str | None, detail: str, provider: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.type = type
        self.detail = detail
        self.provider = provider


class ErrorResponses:
    """Makes the error responses of one hub."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def response(self, error: RequestError) -> Response:
        body = self._dialect.error(error.status, error.type, error.detail, error.provider)
        return json_response(body, error.status)

    async def handle_request_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestError)
        return self.response(error)

    async def handle_http_exception(self, request: Request, error: Exception) -> Response:
        """Respond to a request for a path (404) or with a method (405) that the hub does not have."""
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return self.response(not_found())
        response = self.response(RequestError(error.status_code, "method_not_allowed", error.detail))
        response.headers.update(error.headers or {})
        return response


def url_expired() -> RequestError:
    """Return the error for a presigned URL that is not valid any more."""
    return RequestError(403, "forbidden", "Request has expired")


def not_found() -> RequestError:
    """Return the error for a path or a generation that does not exist."""
    return RequestError(404, "resource_not_found", "The requested resource could not be found")
