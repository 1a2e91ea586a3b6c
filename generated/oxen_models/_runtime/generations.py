# Copied by oxen-codegen from templates/package/_runtime/generations.py. Do not edit.
"""Jobs as the API returns them in the queue, in the history and in events. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias, get_args

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .arguments import check_string
from .context import CallContext
from .errors import ConfigurationError, JobFailed, UnexpectedResponseError
from .generated_files import GeneratedFile, find_files, is_result_list, media_key
from .hints import hint_stale_bindings
from .responses import Response
from .server_errors import job_failed_class, parse_job_error
from .values import text

JobStatus: TypeAlias = Literal["queued", "processing", "succeeded", "failed", "cancelled"]
CostKey: TypeAlias = Literal["model", "media_type", "namespace", "day"]
MediaType: TypeAlias = Literal["image", "video", "audio"]

FINAL_STATUSES = frozenset({"succeeded", "failed", "cancelled"})
_FILTER_VALUES: Mapping[str, tuple[str, ...]] = {
    "status": get_args(JobStatus),
    "media_type": get_args(MediaType),
}
_COMPLETED_EVENT = "media_generation_completed"
MAX_SECONDS = 253_402_300_800
"""The beginning of the year 10000, which `datetime` does not have, in Unix seconds."""
MAX_DOLLAR_EXPONENT = 30
"""Maximum power of ten of an amount, or of its reciprocal. Sums of other amounts may overflow."""
_STATUSES_WITHOUT_MEDIA = frozenset(get_args(JobStatus)) - {"succeeded"}
# The keys of a record that the server adds to the submitted parameters.
_RECORD_KEYS = frozenset(
    {
        "completed_at",
        "cost",
        "enqueued_at",
        "error",
        "error_message",
        "error_provider",
        "error_provider_code",
        "error_retryable",
        "generation_id",
        "media_type",
        "model",
        "model_name",
        "result_url",
        "started_at",
        "status",
        "target_directory",
        "target_namespace",
        "target_repo",
        "url",
        "user_id",
        "user_image",
        "username",
    }
)


@dataclass(frozen=True, slots=True)
class Generation:
    """A job as the server last returned it. Source: GET /queue and GET /generations."""

    generation_id: str
    status: str
    """A `JobStatus`, or a status that the API does not document."""
    model: str | None
    """The id of the model."""
    media_type: str | None
    """A `MediaType`, or one that the API does not document; None if the record does not have it."""
    prompt: str | None
    error: str | None
    """The reason of the failure; None if the job did not fail."""
    enqueued_at: int | None
    """Unix seconds; None if the record does not have them. The same applies to the next two."""
    started_at: int | None
    completed_at: int | None
    target_namespace: str | None
    """The user or organization that is billed and owns the result."""
    target_repo: str | None
    target_directory: str | None
    cost: Decimal | None
    """US dollars; None if the record does not have the cost, as in the queue."""
    media: tuple[GeneratedFile, ...]
    """The generated files, in the order of the record; empty until the job has succeeded."""
    record: Mapping[str, Any] = field(repr=False)
    """The record as received, with the submitted parameters."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters as submitted, by wire name.

        The API returns them in the record, beside its own keys. A key that it does not document is taken for
        a parameter.
        """
        return {
            name: value
            for name, value in self.record.items()
            if name not in _RECORD_KEYS and not is_result_list(name, value)
        }


@dataclass(frozen=True, slots=True)
class GenerationCompleted:
    """An event: a job succeeded or failed. Source: GET /events."""

    generation_id: str
    status: str
    """succeeded or failed; a cancelled job has no event."""
    media_type: str | None
    """A `MediaType`, or one that the API does not document; None if the event does not have it."""
    model: str | None
    """The id of the model; None if the job failed."""
    error: str | None
    """The reason of the failure; None if the job did not fail."""
    media: tuple[GeneratedFile, ...]
    """The generated files, in the order of the event; empty if the job failed."""
    record: Mapping[str, Any] = field(repr=False, compare=False)
    """The data of the event as received."""

    @property
    def url(self) -> str | None:
        """The URL of the first file, which expires; None if the job failed."""
        return self.media[0].url if self.media else None


def build_filters(**filters: str | None) -> dict[str, str]:
    """Return the query of a list of jobs, without the filters that are None.

    Raises:
        ConfigurationError: `status` or `media_type` has a value that the API does not document, or a filter
            is not a string.
    """
    for name, values in _FILTER_VALUES.items():
        if filters.get(name) is not None and filters[name] not in values:
            *others, last = map(repr, values)
            raise ConfigurationError(
                f"{name} must be {', '.join(others)} or {last}, got {filters[name]!r:.80}"
            )
    return select_filters(**filters)


def select_filters(**filters: str | None) -> dict[str, str]:
    """Return the filters that are not None.

    Raises:
        ConfigurationError: A filter is not a string.
    """
    selected = {name: value for name, value in filters.items() if value is not None}
    for name, value in selected.items():
        check_string(name, value)
    return selected


def parse_generation(response: Response, generation_id: str) -> Generation:
    """Return the job with this id in a response.

    Raises:
        UnexpectedResponseError: The response does not contain a job, or it contains another one.
    """
    return _check_id(_parse_record(response.json, response, generation_id), generation_id, response)


def parse_generations(response: Response) -> list[Generation]:
    """Return the jobs in a response.

    Raises:
        UnexpectedResponseError: The response does not contain a list of jobs.
    """
    records = response.json.get("generations")
    if not is_list(records):
        raise UnexpectedResponseError("the response has no list of jobs", response=response)
    return [_parse_record(record, response) for record in records if is_object(record)]


def find_jobs(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the id and the status of each job that the response to a submission names."""
    records = body.get("generations")
    return [
        (id, text(record, "status") or "queued")
        for record in (*(records if is_list(records) else ()), body.get("generation"), body)
        if is_object(record) and (id := text(record, "generation_id"))
    ]


def parse_event(event: str, data: str) -> GenerationCompleted | None:
    """Return the completion of a job in a server-sent event; None for other and malformed events."""
    if event != _COMPLETED_EVENT:
        return None
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not is_object(body):
        return None
    id, status = text(body, "generation_id"), text(body, "status")
    if id is None or status is None:
        return None
    return GenerationCompleted(
        id,
        status,
        text(body, "media_type"),
        text(body, "model") or text(body, "model_name"),
        parse_job_error(body).detail,
        _find_media(body, status),
        body,
    )


def create_job_failed(
    generation_id: str,
    record: Mapping[str, Any],
    submission: CallContext,
    response: Response | None = None,
) -> JobFailed:
    """Return the error of a failed job, with a hint if the bindings may be out of date.

    Args:
        generation_id: The id of the job.
        record: The record of the job.
        submission: The context of the call that submitted the job.
        response: The response that contains the record; None if there is none.
    """
    parts = parse_job_error(record)
    detail = parts.detail or "the job failed; the server gave no reason"
    class_ = job_failed_class(parts)
    hint = hint_stale_bindings(
        submission.request_class,
        class_,
        detail,
        parts.type,
        provider_code=parts.source.provider_code,
        extra_names=submission.extra_names,
    )
    return class_(
        generation_id,
        "failed",
        detail,
        source=parts.source,
        response=response,
        hint=hint,
    )


def cost_key(generation: Generation, by: CostKey) -> str:
    """Return the name under which the cost of a job is summed; "unknown" if its record does not have it."""
    match by:
        case "model":
            name = generation.model
        case "media_type":
            name = generation.media_type
        case "namespace":
            name = generation.target_namespace
        case "day":
            seconds = generation.enqueued_at
            name = None if seconds is None else datetime.fromtimestamp(seconds, UTC).date().isoformat()
    return name or "unknown"


def parse_dollars(value: object) -> Decimal | None:
    """Return an amount of money, which the API writes as a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount.adjusted()) <= MAX_DOLLAR_EXPONENT else None


def _parse_record(
    record: Mapping[str, Any], response: Response, generation_id: str | None = None
) -> Generation:
    id, status = text(record, "generation_id"), text(record, "status")
    if id is None or status is None:
        raise UnexpectedResponseError(
            f"the response has no job; it has: {', '.join(record)[:300] or 'nothing'}",
            generation_id=generation_id,
            response=response,
        )
    return Generation(
        id,
        status,
        text(record, "model_name") or text(record, "model"),
        text(record, "media_type"),
        text(record, "prompt"),
        parse_job_error(record).detail,
        _parse_seconds(record, "enqueued_at"),
        _parse_seconds(record, "started_at"),
        _parse_seconds(record, "completed_at"),
        text(record, "target_namespace"),
        text(record, "target_repo"),
        text(record, "target_directory"),
        parse_dollars(record.get("cost")),
        _find_media(record, status),
        record,
    )


def _check_id(generation: Generation, generation_id: str, response: Response) -> Generation:
    if generation.generation_id.lower() != generation_id.lower():  # UUIDs are not case-sensitive
        raise UnexpectedResponseError(
            f"the response is the record of another job: {generation.generation_id!r:.80}",
            generation_id=generation_id,
            response=response,
        )
    return generation


def _find_media(body: Mapping[str, Any], status: str) -> tuple[GeneratedFile, ...]:
    # Before a job has succeeded, a list in its record can only be a parameter.
    return () if status in _STATUSES_WITHOUT_MEDIA else find_files(body, media_key(body))


def _parse_seconds(record: Mapping[str, Any], key: str) -> int | None:
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MAX_SECONDS:
        return None
    return int(value)
