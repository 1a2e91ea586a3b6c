"""What an answer of the hub means: decisions only."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .errors import APIError, UnexpectedAnswerError, error_class
from .retries import retry_after
from .values import text

# A URL and base64, of which one is set.
_Output: TypeAlias = tuple[str | None, str | None]
_LONGEST_DETAIL = 2000
_MEDIA = ("images", "videos")


def read(status: int, headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
    """The JSON object of an answer.

    Raises:
        APIError: The hub refused or failed, also where it says so under 200.
        UnexpectedAnswerError: The answer is no JSON object.
    """
    answer = _object(content)
    # A job that failed is told of with its error beside it.
    says_so = (
        answer is not None
        and "generation_id" not in answer
        and (answer.get("error") or answer.get("status") == "error")
    )
    if not 200 <= status < 300 or says_so:
        raise _error(status, headers, content, answer)
    if answer is None:
        raise UnexpectedAnswerError(f"the hub answered HTTP {status} without a JSON object: {_text(content)}")
    return answer


def outputs(answer: Mapping[str, Any], medium: str) -> list[_Output]:
    """The URL and the base64 of each result, of which one is set.

    Args:
        answer: What a generating endpoint answered, the queue, or an event.
        medium: The key of the results: images, videos or audios.

    Raises:
        UnexpectedAnswerError: There is no result in it.
    """
    # A job is told of with its parameters beside it, and a list of bare URLs may be what was sent.
    is_job = "generation_id" in answer
    urls = [url for key in ("result_url", "url") if (url := text(answer, key))]
    single: list[_Output] = [(url, None) for url in urls[:1]]
    every = (_listed(answer.get(key), strings=not is_job) for key in (medium, *_MEDIA))
    listed = next(filter(None, every), None) or []
    encoded = text(answer, "b64_json")
    found = (single or listed if is_job else listed or single) or ([(None, encoded)] if encoded else [])
    if not found:
        raise UnexpectedAnswerError(
            f"the hub's answer has no {medium}; it has: {', '.join(answer)[:300] or 'nothing'}"
        )
    return found


def model(answer: Mapping[str, Any]) -> str | None:
    """The model, as the hub names it in its answer."""
    return text(answer, "model") or text(answer, "model_name")


def created(answer: Mapping[str, Any]) -> int | None:
    """When the result was made, in Unix seconds; the hub may leave it out."""
    value = answer.get("created", answer.get("completed_at"))
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _error(
    status: int, headers: Mapping[str, str], content: bytes, answer: dict[str, Any] | None
) -> APIError:
    kind, detail = None, None
    if answer is not None:
        error: object = answer.get("error")
        inner = error if is_object(error) else {}
        candidates: tuple[object, ...] = (
            inner.get("detail"),
            inner.get("message"),
            inner.get("title"),
            error,
            answer.get("status_description"),
            answer.get("status_message"),
        )
        detail = next((each.strip() for each in candidates if isinstance(each, str) and each.strip()), None)
        kind = next(
            (each for each in (inner.get("type"), answer.get("status_message")) if isinstance(each, str)),
            None,
        )
    if detail is None:
        detail = f"the hub gave no reason: {_text(content)}"
    if 300 <= status < 400:
        detail = "the hub redirects, which is not followed because the key would go along"
    return error_class(status)(
        status, detail[:_LONGEST_DETAIL], kind, headers.get("x-request-id"), retry_after(headers)
    )


def _listed(items: object, *, strings: bool) -> list[_Output]:
    found: list[_Output] = []
    for item in items if is_list(items) else []:
        values = {"url": item} if strings and isinstance(item, str) else item
        if is_object(values):
            url, encoded = (text(values, key) for key in ("url", "b64_json"))
            if url or encoded:
                found.append((url, encoded))
    return found


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return answer if is_object(answer) else None


def _text(content: bytes) -> str:
    """The words of an answer that is not JSON; proxies send pages."""
    page = re.sub(r"(?s)<(script|style)[ >].*?</\1>|<[^>]*>", " ", content[:20_000].decode(errors="replace"))
    words = " ".join(page.split())
    return f"{words[:300]}…" if len(words) > 300 else words or "an empty answer"
