# Copied by oxen-codegen from templates/package/_runtime/parsing.py. Do not edit.
"""Parse response bodies of the generating endpoints, and the errors in them. Pure functions."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from oxen_models._runtime.environment import KEY_ADVICE
from oxen_models._runtime.json_schema.json_types import is_object

from .context import NO_CONTEXT, CallContext
from .errors import APIError, AuthenticationError, OutcomeUnknownError, UnexpectedResponseError
from .hints import hint_stale_bindings
from .responses import Response
from .retries import retry_after
from .server_errors import api_error_class, is_error, parse_error
from .values import text

MAX_DETAIL_LENGTH = 2000
MAX_EXCERPT_LENGTH = 300


def parse_response(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    context: CallContext = NO_CONTEXT,
    *,
    allow_empty: bool = False,
) -> Response:
    """Return the response of a request that succeeded.

    Args:
        status: The HTTP status.
        headers: The headers, without the API key.
        content: The body, without the API key.
        context: The subject of the call.
        allow_empty: Accept an empty body, as in the response to a DELETE request.

    Raises:
        APIError: The server returned an error, possibly with status 200.
        UnexpectedResponseError: The body is not a JSON object.
        OutcomeUnknownError: The body is not a JSON object, and the call is a submission.
    """
    body = _parse_object(content)
    response = Response(status, headers, {} if body is None else body)
    if not 200 <= status < 300 or is_error(response.json):
        raise _api_error(response, content, context)
    if body is None and not (allow_empty and not content.strip()):
        text = f"the server returned HTTP {status} without a JSON object: {_excerpt(content)}"
        if context.is_submission:
            raise OutcomeUnknownError(f"{text}; the request may have been accepted", response=response)
        raise UnexpectedResponseError(text, generation_id=context.generation_id, response=response)
    return response


def model_name(body: Mapping[str, Any]) -> str | None:
    """Return the id of the model; None if the body does not name it."""
    return text(body, "model") or text(body, "model_name")


def created_at(body: Mapping[str, Any]) -> int | None:
    """Return the time of creation in Unix seconds; None if the body does not have it."""
    value = body.get("created", body.get("completed_at"))
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _api_error(response: Response, content: bytes, context: CallContext) -> APIError:
    parts = parse_error(response.json)
    status = response.status
    if 200 <= status < 300 and parts.status is not None:
        status = parts.status
    detail = parts.detail or f"the server gave no reason: {_excerpt(content)}"
    if 300 <= status < 400:
        detail = "the server redirects, which is not followed because the API key would be sent along"
    detail = detail[:MAX_DETAIL_LENGTH]
    class_ = api_error_class(status, parts)
    hint = hint_stale_bindings(
        context.request_class,
        class_,
        detail,
        parts.type,
        provider_code=parts.source.provider_code,
        extra_names=context.extra_names,
    )
    if issubclass(class_, AuthenticationError):
        hint = f"check the API key: {KEY_ADVICE}"
    return class_(
        status,
        detail,
        parts.type,
        retry_after(response.headers),
        source=parts.source,
        generation_id=context.generation_id,
        response=response,
        hint=hint,
    )


def _parse_object(content: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return body if is_object(body) else None


def _excerpt(content: bytes) -> str:
    """Return the first words of a body that is not JSON. Proxies send HTML pages."""
    page = re.sub(r"(?s)<(script|style)[ >].*?</\1>|<[^>]*>", " ", content[:20_000].decode(errors="replace"))
    words = " ".join(page.split())
    if len(words) > MAX_EXCERPT_LENGTH:
        return f"{words[:MAX_EXCERPT_LENGTH]}…"
    return words or "an empty body"
