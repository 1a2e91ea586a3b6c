"""Errors in responses and job records of the API: their parts and their classes. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oxen_models._runtime.json_schema.json_types import is_object

from .errors import (
    NO_SOURCE,
    APIError,
    ContentRejectedAPIError,
    ContentRejectedJobFailed,
    ErrorSource,
    InsufficientCreditsAPIError,
    InsufficientCreditsJobFailed,
    JobFailed,
    error_class,
)

_TEXT_KEYS = ("detail", "message", "title", "error_message", "description")
# The last ones are less specific than the error itself.
_OUTER_TEXT_KEYS = (*_TEXT_KEYS, "status_description", "status_message")
# Compiled on use, because this module is imported with every client.
_NO_CREDITS = r"(you have )?(insufficient|not enough|run out of) credits?\b"
# Types and codes of OpenAI, fal, Alibaba and ByteDance.
_CONTENT_CODES = (
    r"content_policy_violation|content_filter|moderation_blocked|data_?inspection_?failed"
    r"|\w*SensitiveContentDetected(\.\w+)*"
)
_CONTENT_TEXTS = (
    r"\b(content_policy_violation|moderation_blocked|DataInspectionFailed|\w*SensitiveContentDetected)\b"
    r"|\bGreen net check\b|\bflagged by (a|our|the) (safety system|content checker|content filter)\b"
    r"|\brejected (as a result of|by) (our|the) safety system\b|\b(content|request) moderated\b"
    r"|\bviolat(es?|ed|ing) (our|the) (content|usage) polic|\bmay contain sensitive (content|information)\b"
    r"|\bNSFW content (was )?detected\b"
)
# The meaning of these statuses is known without the text.
_STATUSES_WITH_A_CLASS = frozenset({401, 402, 404, 409, 413, 426, 429})


@dataclass(frozen=True, slots=True)
class ErrorParts:
    """The parts of an error."""

    status: int | None = None
    """The HTTP status in the body; None if the body does not contain one."""
    detail: str | None = None
    """The most specific text; None without one."""
    type: str | None = None
    """The server's name for the kind of error; None without one."""
    source: ErrorSource = NO_SOURCE


def is_error(body: Mapping[str, Any]) -> bool:
    """Return whether a response contains an error, whatever its HTTP status is."""
    # The record of a failed job contains the job's error, which is not one of the request.
    if "generation_id" in body:
        return False
    status: object = body.get("status")
    return bool(body.get("error")) or status == "error" or _parse_status(status) is not None


def parse_error(body: Mapping[str, Any]) -> ErrorParts:
    """Return the parts of the error in a response. The error may be an object, a text, or the body itself."""
    error: object = body.get("error")
    inner = error if is_object(error) else {}
    return ErrorParts(
        _parse_status(body.get("status")) or _parse_status(inner.get("code")),
        _find_text(inner, _TEXT_KEYS) or _find_text(body, ("error", *_OUTER_TEXT_KEYS)),
        _find_text(inner, ("type",)) or _find_text(body, ("type", "status_message")),
        ErrorSource(
            _find_text(inner, ("provider",)),
            _find_text(inner, ("provider_code",)),
            _find_text(inner, ("reason",)),
            _parse_bool(inner.get("retryable")),
        ),
    )


def parse_job_error(record: Mapping[str, Any]) -> ErrorParts:
    """Return the parts of the error in the record or the event of a failed job."""
    parts = ErrorParts()
    for key in ("error_message", "error"):
        value: object = record.get(key)
        if is_object(value):
            parts = parse_error({"error": value})
        elif isinstance(value, str) and value.strip():
            parts = ErrorParts(detail=value.strip())
        if parts.detail is not None:
            break
    inner, retryable = parts.source, _parse_bool(record.get("error_retryable"))
    return ErrorParts(
        None,
        parts.detail,
        _find_text(record, ("error_type",)) or parts.type,
        ErrorSource(
            _find_text(record, ("error_provider",)) or inner.provider,
            _find_text(record, ("error_provider_code",)) or inner.provider_code,
            _find_text(record, ("error_reason",)) or inner.reason,
            inner.retryable if retryable is None else retryable,
        ),
    )


def api_error_class(status: int, parts: ErrorParts) -> type[APIError]:
    """Return the class of an error in a response with this status."""
    if parts.type == "insufficient_credits":
        return InsufficientCreditsAPIError
    if status < 500 and status not in _STATUSES_WITH_A_CLASS and _is_content_rejected(parts):
        return ContentRejectedAPIError
    return error_class(status)


def job_failed_class(parts: ErrorParts) -> type[JobFailed]:
    """Return the class of the error of a failed job."""
    # A provider's text about credits is about the account of the server, not of the user.
    is_own = parts.source.provider is None and re.match(_NO_CREDITS, parts.detail or "", re.IGNORECASE)
    if parts.type == "insufficient_credits" or is_own:
        return InsufficientCreditsJobFailed
    return ContentRejectedJobFailed if _is_content_rejected(parts) else JobFailed


def _is_content_rejected(parts: ErrorParts) -> bool:
    codes = (parts.type, parts.source.provider_code, parts.source.reason)
    is_known_code = any(re.fullmatch(_CONTENT_CODES, code, re.IGNORECASE) for code in codes if code)
    return is_known_code or bool(re.search(_CONTENT_TEXTS, parts.detail or "", re.IGNORECASE))


def _find_text(values: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    texts = (values.get(key) for key in keys)
    return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), None)


def _parse_status(value: object) -> int | None:
    return value if isinstance(value, int) and 400 <= value < 600 else None


def _parse_bool(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
