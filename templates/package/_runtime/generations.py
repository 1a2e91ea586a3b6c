"""How to read what the hub says of jobs, in the queue and on the event stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias, get_args

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .errors import ConfigurationError, OutcomeUnknownError, UnexpectedResponseError
from .values import text

JobStatus: TypeAlias = Literal["queued", "processing", "succeeded", "failed", "cancelled"]
MediaType: TypeAlias = Literal["image", "video"]

_CHOICES: Mapping[str, tuple[str, ...]] = {"status": get_args(JobStatus), "media_type": get_args(MediaType)}
ENDED = frozenset({"succeeded", "failed", "cancelled"})
_COMPLETED = "media_generation_completed"


@dataclass(frozen=True, slots=True)
class Generation:
    """A job as the hub last told of it. Source: GET /queue and GET /generations."""

    generation_id: str
    status: str
    """A `JobStatus`, or a new word of the hub's."""
    model: str | None
    """The model's id."""
    media_type: str | None
    """A `MediaType`, or a new word of the hub's; None where it does not say."""
    prompt: str | None
    error: str | None
    """Why it failed; None where it did not."""
    enqueued_at: int | None
    """Unix seconds, as in the next two; None for what has not happened."""
    started_at: int | None
    completed_at: int | None
    target_namespace: str | None
    """Who is billed for it, and where its result is kept."""
    target_repo: str | None
    target_directory: str | None
    cost: Decimal | None
    """Dollars; None where the hub does not say, as in the queue."""
    answer: Mapping[str, Any] = field(repr=False)
    """The hub's whole answer, with the submitted parameters."""


@dataclass(frozen=True, slots=True)
class GenerationCompleted:
    """An event: a job has ended, well or not. Source: GET /events."""

    generation_id: str
    status: str
    """succeeded or failed; a cancelled job has no event."""
    media_type: str | None
    """image or video."""
    model: str | None
    """The model's id; None where the job failed."""
    url: str | None = field(repr=False)
    """The result's URL, which expires; None where the job failed."""
    error: str | None
    """Why it failed; None where it did not."""


def filters(**given: str | None) -> dict[str, str]:
    """The query of a list of jobs; what is None is left out.

    Raises:
        ConfigurationError: The hub has no such status or medium; the filter would match nothing.
    """
    for name, choices in _CHOICES.items():
        if given.get(name) is not None and given[name] not in choices:
            *most, last = map(repr, choices)
            raise ConfigurationError(f"{name} has to be {', '.join(most)} or {last}: {given[name]!r:.80}")
    return {name: value for name, value in given.items() if value is not None}


def generation(answer: Mapping[str, Any]) -> Generation:
    """A job as the hub writes it.

    Raises:
        UnexpectedResponseError: It is not a job.
    """
    id, status = text(answer, "generation_id"), text(answer, "status")
    if id is None or status is None:
        raise UnexpectedResponseError(
            f"the hub's answer is no job; it has: {', '.join(answer)[:300] or 'nothing'}"
        )
    return Generation(
        id,
        status,
        text(answer, "model_name") or text(answer, "model"),
        text(answer, "media_type"),
        text(answer, "prompt"),
        reason(answer),
        _seconds(answer, "enqueued_at"),
        _seconds(answer, "started_at"),
        _seconds(answer, "completed_at"),
        text(answer, "target_namespace"),
        text(answer, "target_repo"),
        text(answer, "target_directory"),
        dollars(answer.get("cost")),
        answer,
    )


def generations(answer: Mapping[str, Any]) -> list[Generation]:
    """The jobs of a list.

    Raises:
        UnexpectedResponseError: It is not one.
    """
    items = answer.get("generations")
    if not is_list(items):
        raise UnexpectedResponseError("the hub's answer is not a list of jobs")
    return [generation(item) for item in items if is_object(item)]


def enqueued(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Id and status of each job that the queue took.

    Raises:
        OutcomeUnknownError: The answer has no job, and no refusal either.
    """
    items = answer.get("generations")
    jobs = [
        (id, text(item, "status") or "queued")
        for item in (items if is_list(items) else [])
        if is_object(item) and (id := text(item, "generation_id"))
    ]
    if not jobs:
        raise OutcomeUnknownError(
            "the hub took the request and named no job; it may have been accepted, so it is not sent again"
        )
    return jobs


def completed(event: str, data: str) -> GenerationCompleted | None:
    """What an event says of a job; None where it is about something else, or malformed."""
    if event != _COMPLETED:
        return None
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not is_object(told):
        return None
    id, status = text(told, "generation_id"), text(told, "status")
    if id is None or status is None:
        return None
    return GenerationCompleted(
        id, status, text(told, "media_type"), text(told, "model"), text(told, "url"), reason(told)
    )


def reason(answer: Mapping[str, Any]) -> str | None:
    """Why a job failed."""
    for key in ("error_message", "error"):
        value = answer.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value and is_object(value):
            return next(
                (said for each in ("detail", "message", "title") if (said := text(value, each))), None
            )
    return None


def dollars(value: object) -> Decimal | None:
    """An amount of money, which the hub writes as a string."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _seconds(answer: Mapping[str, Any], key: str) -> int | None:
    value = answer.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        return None
    return int(value)
