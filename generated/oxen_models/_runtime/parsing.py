# Copied by oxen-codegen from templates/package/_runtime/parsing.py. Do not edit.
"""Parse response bodies of the generating endpoints, and the errors in them. Pure functions."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from oxen_models._runtime.environment import advise_key
from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .context import NO_CONTEXT, CallContext
from .errors import (
    APIError,
    AuthenticationError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    UnexpectedResponseError,
)
from .generated_files import has_file_list
from .generations import find_jobs
from .hints import hint_similar_model, hint_stale_bindings
from .long_json import parse_json
from .responses import Response
from .retries import GATEWAY_STATUSES, retry_after
from .server_errors import api_error_class, is_error, parse_error
from .values import text

_SENTENCES = {
    401: "the server rejected the API key",
    404: "the server has no such page",
    413: "the server rejected the request as too large",
    429: "the server limits the rate of requests",
}
MAX_DETAIL_LENGTH = 2000
MAX_EXCERPT_LENGTH = 300
_REDIRECTED = "the server redirects, which is not followed because the API key would be sent along"


def parse_response(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    context: CallContext = NO_CONTEXT,
    *,
    is_billable: bool = False,
    allow_empty: bool = False,
) -> Response:
    """Return the response of a request that succeeded.

    A billable request that has a result has succeeded, even if the response contains an error as well: a
    submission whose response names a job, and a blocking call whose response contains files.

    Args:
        status: The HTTP status.
        headers: The headers, without the API key.
        content: The body, without the API key.
        context: The subject of the call.
        is_billable: Whether the request is billed if the server accepted it.
        allow_empty: Accept an empty body, as in the response to a DELETE request.

    Raises:
        APIError: The server returned an error, possibly with status 200.
        OutcomeUnknownError: The request is billable, and the response neither has a result nor rejects it.
        UnexpectedResponseError: The body is not a JSON object.
    """
    body = _parse_object(content) if is_billable else _parse_read(content)
    response = Response(status, headers, {} if body is None else body)
    is_success = 200 <= status < 300
    if context.is_submission and find_jobs(response.json):
        return response
    if is_billable and is_success and has_file_list(response.json):
        return response
    if is_billable and (status < 400 if context.is_submission else not is_success and status < 400):
        raise _unknown_outcome(response, content)
    if not is_success or is_error(response.json):
        raise api_error(response, content, context)
    if body is None and not (allow_empty and not content.strip()):
        text = f"the server returned HTTP {status} without a JSON object: {_excerpt(content)}"
        raise UnexpectedResponseError(text, generation_id=context.generation_id, response=response)
    return response


def names_job(content: bytes) -> bool:
    """Return whether a response to a submission names a job, in which case the request was accepted."""
    return b"generation_id" in content and bool(find_jobs(_parse_object(content) or {}))


def model_name(body: Mapping[str, Any]) -> str | None:
    """Return the id of the model; None if the body does not name it."""
    return text(body, "model") or text(body, "model_name")


def created_at(body: Mapping[str, Any]) -> int | None:
    """Return the time of creation in Unix seconds; None if the body does not have it."""
    value = body.get("created", body.get("completed_at"))
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _unknown_outcome(response: Response, content: bytes) -> OutcomeUnknownError:
    detail = (parse_error(response.json).detail or _excerpt(content))[:MAX_DETAIL_LENGTH]
    if 300 <= response.status < 400:
        detail = _REDIRECTED
    return OutcomeUnknownError(
        f"the server returned HTTP {response.status} without a result: {detail}; the request may have been "
        "accepted, so it is not sent again",
        response=response,
    )


def api_error(response: Response, content: bytes, context: CallContext) -> APIError:
    parts = parse_error(response.json)
    status = response.status
    if 200 <= status < 300 and parts.status is not None:
        status = parts.status
    detail = parts.detail or f"{_describe_status(status)}, and gave no reason: {_excerpt(content)}"
    if 300 <= status < 400:
        detail = _REDIRECTED
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
    seconds = retry_after(response.headers)
    if issubclass(class_, AuthenticationError):
        hint = f"check the API key: {advise_key()}"
    elif issubclass(class_, RateLimitError) and seconds:
        hint = f"send it again after {seconds:.0f} seconds"
    elif issubclass(class_, NotFoundError) and context.model_id is not None and response.json:
        hint = hint_similar_model(context.model_id)
    elif issubclass(class_, NotFoundError) and not response.json:
        hint = "check base_url: this page is not one of the API"
    return class_(
        status,
        detail,
        parts.type,
        seconds,
        source=parts.source,
        generation_id=context.generation_id,
        response=response,
        hint=hint,
    )


def _describe_status(status: int) -> str:
    """Return what the server did."""
    if status in GATEWAY_STATUSES:
        return "a proxy of the server could not reach it"
    if status >= 500:
        return "the server failed"
    return _SENTENCES.get(status, "the server rejected the request")


def _parse_object(content: bytes) -> dict[str, Any] | None:
    body = _parse_value(content)
    return body if is_object(body) else None


def _parse_read(content: bytes) -> dict[str, Any] | None:
    """Return the object in a response to a request that reads. A list becomes the value of `data`, and a job
    loses the object around it.
    """
    body = _parse_value(content)
    if is_list(body):
        return {"data": body}
    if not is_object(body):
        return None
    job: object = body.get("generation")
    return job if is_object(job) and "generation_id" not in body else body


def _parse_value(content: bytes) -> object:
    """Return the value of JSON; None if it is not valid."""
    try:
        value: object = parse_json(content)
    except (ValueError, RecursionError):
        return None
    return value


def _excerpt(content: bytes) -> str:
    """Return the first words of a body that is not JSON. Proxies send HTML pages."""
    page = re.sub(r"(?s)<(script|style)[ >].*?</\1>|<[^>]*>", " ", content[:20_000].decode(errors="replace"))
    words = " ".join(page.split())
    if len(words) > MAX_EXCERPT_LENGTH:
        return f"{words[:MAX_EXCERPT_LENGTH]}…"
    return words or "an empty body"
