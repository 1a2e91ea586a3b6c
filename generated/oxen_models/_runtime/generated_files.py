# Copied by oxen-codegen from templates/package/_runtime/generated_files.py. Do not edit.
"""The files that models generate, as the server returns them. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .errors import UnexpectedResponseError
from .responses import Response
from .values import text

MAX_LISTED_KEYS_LENGTH = 300
_MEDIA_KEYS = ("images", "videos", "audios")


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """A file that a model generated, as the server returned it: its URL or its content."""

    url: str | None = field(default=None, repr=False)
    """The URL, which expires."""
    b64_json: str | None = field(default=None, repr=False)
    """The content in base64."""
    revised_prompt: str | None = None
    """The prompt that the model used in place of the request's; None if the server does not return one."""
    draft_task_id: str | None = None
    """The id of a draft, from which a final video can be rendered; None if the file is not a draft."""
    draft_expires_at: datetime | None = None
    """The time until which the draft can be rendered, with a time zone; None if the file is not a draft, or
    the server returns anything but an ISO 8601 time.
    """


def extract_files(
    body: Mapping[str, Any], key: str, *, generation_id: str | None = None, response: Response | None = None
) -> tuple[GeneratedFile, ...]:
    """Return the generated files, in the order of the response.

    Args:
        body: The response of a generating endpoint, the record of a job, or an event.
        key: The key of the results: images, videos or audios.
        generation_id: The job that the results are of; None if there is none.
        response: The response that contains `body`; None if there is none.

    Raises:
        UnexpectedResponseError: `body` does not contain a result.
    """
    files = find_files(body, key)
    if not files:
        names = ", ".join(body)[:MAX_LISTED_KEYS_LENGTH] or "nothing"
        raise UnexpectedResponseError(
            f"the response has no {key}; it has: {names}", generation_id=generation_id, response=response
        )
    return files


def find_files(body: Mapping[str, Any], key: str) -> tuple[GeneratedFile, ...]:
    """Return the generated files; none if `body` has no result. Arguments as of `extract_files`."""
    # The record of a job also contains its parameters: a list of URLs, or the list of another medium, may be
    # an input. A single URL repeats the first item of the list, for older clients.
    is_job = "generation_id" in body
    own = _parse_files(body.get(key), allow_strings=not is_job)
    others = (_parse_files(body.get(name), allow_strings=not is_job) for name in _MEDIA_KEYS if name != key)
    other = next(filter(None, others), ())
    url = text(body, "result_url") or text(body, "url")
    content = None if url else text(body, "b64_json")
    single = (GeneratedFile(url, content),) if url or content else ()
    return own or (single or other if is_job else other or single)


def has_file_list(body: Mapping[str, Any]) -> bool:
    """Return whether the response of a blocking call contains generated files."""
    return any(_parse_files(body.get(key), allow_strings=True) for key in _MEDIA_KEYS)


def media_key(body: Mapping[str, Any]) -> str:
    """Return the key of the results in the record of a job or an event: images, videos or audios."""
    media_type = text(body, "media_type")
    if f"{media_type}s" in _MEDIA_KEYS:
        return f"{media_type}s"
    return next((key for key in _MEDIA_KEYS if _parse_files(body.get(key), allow_strings=False)), "images")


def is_result_list(key: str, value: object) -> bool:
    """Return whether a value in the record of a job is the list of its results, and not a parameter."""
    is_empty = is_list(value) and not value
    return key in _MEDIA_KEYS and (is_empty or bool(_parse_files(value, allow_strings=False)))


def _parse_files(items: object, *, allow_strings: bool) -> tuple[GeneratedFile, ...]:
    return tuple(_iterate_files(items, allow_strings=allow_strings))


def _iterate_files(items: object, *, allow_strings: bool) -> Iterator[GeneratedFile]:
    for item in items if is_list(items) else []:
        values = {"url": item} if allow_strings and isinstance(item, str) else item
        if is_object(values):
            url, encoded = (text(values, key) for key in ("url", "b64_json"))
            if url or encoded:
                yield GeneratedFile(
                    url,
                    encoded,
                    text(values, "revised_prompt"),
                    text(values, "draft_task_id"),
                    _parse_time(text(values, "draft_expires_at")),
                )


def _parse_time(value: str | None) -> datetime | None:
    try:
        time = None if value is None else datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return time if time is None or time.tzinfo is not None else time.replace(tzinfo=UTC)
