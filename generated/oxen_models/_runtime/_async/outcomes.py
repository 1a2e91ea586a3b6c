# Copied by oxen-codegen from templates/package/_runtime/_async/outcomes.py. Do not edit.
"""Outcomes of the requests of a batch run."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from ..budget import ZERO, Refusal
from ..chat_results import parse_completion
from ..context import CallContext
from ..errors import JobCancelled, JobError, JobNotFound, OutcomeUnknownError, OxenError
from ..generations import create_job_failed
from ..request import AnyRequest, ChatRequestBase, RequestLike, typed_class
from ..responses import Headers, Response
from .results import AsyncAnyResult, parse_result, result_type
from .session import AsyncSession

if TYPE_CHECKING:
    from oxen_models._runtime.json_schema.estimates import Estimate, NoEstimate

    from ..journal import Entry

ExceptionT = TypeVar("ExceptionT", bound=BaseException)

_OUTCOME_UNKNOWN = (
    "an earlier run sent this request and its outcome is unknown: the request may have been accepted, so it "
    "is not sent again; pass "
)
_LOOK_FOR_JOB = "reconcile=True to look for its job, or "  # a chat request has none
_RESEND = "resend_unknown=True to send it again"

OutcomeT_co = TypeVar("OutcomeT_co", covariant=True, default=AsyncAnyResult)
OutcomeRequestT_co = TypeVar("OutcomeRequestT_co", covariant=True, default=RequestLike)


@dataclass(frozen=True, slots=True)
class AsyncOutcome(Generic[OutcomeT_co, OutcomeRequestT_co]):
    """The outcome of one request of a batch: a result or an error."""

    index: int
    """The index of the request, counted from 0."""
    request: OutcomeRequestT_co
    result: OutcomeT_co | None
    """None if there is an error."""
    error: OxenError | None
    """None if there is a result."""
    job_id: str | None
    """The job of the request; None if it was not accepted by the queue, and for a chat request."""
    cost: Decimal | None = None
    """The cost in dollars by the history, or by the usage of a completion; None if the server reports none,
    or it could not be requested.
    """


@dataclass(slots=True)
class Item:
    """A request of a run."""

    index: int
    request: AnyRequest
    key: str | None = None
    """The key in the journal; None until it is known."""
    estimate: Estimate | NoEstimate | None = None
    """The estimate; None without a budget, and until it is known."""
    refusal: Refusal | None = None
    """The last refusal by the budget."""
    reserved: Decimal = ZERO
    """What the budget counts for it until its cost is known."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of the processing of a request: an outcome, a refusal by the budget, an error, or none of them
    if the run has ended.
    """

    item: Item
    outcome: AsyncOutcome[Any, Any] | None = None
    is_replayed: bool = False
    refusal: Refusal | None = None
    error: Exception | None = None


def replay(
    session: AsyncSession, index: int, request: AnyRequest, entry: Entry, *, resend_unknown: bool
) -> AsyncOutcome[Any, Any] | None:
    """Return the outcome of a request in the journal; None if it has none yet.

    Args:
        session: The session of the client.
        index: The index of the request.
        request: The request.
        entry: The entry of the request.
        resend_unknown: Whether a request that may have been accepted is sent again.
    """
    if entry.state in ("accepted", "rejected"):
        return None
    if entry.state in ("sending", "unknown"):
        if resend_unknown:
            return None
        advice = _RESEND if isinstance(request, ChatRequestBase) else f"{_LOOK_FOR_JOB}{_RESEND}"
        error = OutcomeUnknownError(f"{_OUTCOME_UNKNOWN}{advice}")
        return AsyncOutcome(index, request, None, error, None)
    if entry.state == "succeeded":
        response = Response(200, Headers({}), dict(entry.response or {}))
        if isinstance(request, ChatRequestBase):
            return AsyncOutcome(index, request, parse_completion(response), None, None, entry.cost)
        result = parse_result(result_type(request), response, session, entry.job_id)
        return AsyncOutcome(index, request, result, None, entry.job_id, entry.cost)
    job_id, detail = entry.job_id or "", entry.detail or ""
    job_error: JobError
    if entry.state == "failed":
        record = {"error_message": detail, **(entry.response or {})}
        job_error = create_job_failed(job_id, record, CallContext(request_class=typed_class(request)))
    else:
        error_class = JobCancelled if entry.state == "cancelled" else JobNotFound
        job_error = error_class(job_id, entry.state, detail)
    return AsyncOutcome(index, request, None, job_error, entry.job_id, entry.cost)


def without_frames(error: ExceptionT) -> ExceptionT:
    """Return an error without its traceback, whose frames keep the bodies of requests in memory."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)
