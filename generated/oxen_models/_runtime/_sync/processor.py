# Derived by oxen-codegen from _runtime/_async/processor.py. Do not edit.
"""Processing of one request of a batch run: its entry in the journal, its submission and its job."""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from ..batch_options import BatchOptions
from ..billing import warn_if_billed_without_result
from ..bodies import encode_body, encode_queue_body
from ..budget import ZERO, Budget, Refusal
from ..cancellation import CancellationToken
from ..chat_results import parse_completion
from ..context import CallContext
from ..digests import digest_body
from ..errors import (
    ConfigurationError,
    InvalidRequestError,
    JobCancelled,
    JobError,
    JobFailed,
    JobNotFound,
    JournalError,
    OxenError,
    UnpricedRequestError,
)
from ..generations import find_jobs, parse_dollars
from ..request import AnyRequest, ChatRequestBase, RequestLike, typed_class
from ..responses import Response
from ..scheduler import MIN_WAIT_TIMEOUT
from ..submissions import QUEUE_PATH, NotStartedError, RunEndedError, Submission, Submissions, was_rejected
from ..telemetry import observe
from .chat import check_targets
from .dispatch import Dispatcher
from .gate import Gate
from .job import Job, read_history
from .outcomes import Outcome, Finished, Item, replay, without_frames
from .results import AnyResult, result_to_json, result_type
from .session import Session
from .threads import run_blocking

if TYPE_CHECKING:
    from ..journal import Entry, Journal


COST_TIMEOUT = 10.0
"""Seconds to wait for the cost of a job. Its result is returned without the cost then."""


class Processor:
    """Processes the requests of a run, each to its outcome.

    Args:
        session: The session of the client.
        options: The options of the run.
        gate: Lets submissions pass.
        waits: Ends the waits for jobs when the run ends.
        submissions: Sends the submissions and records them.
        journal: The journal; None without one.
        budget: The budget; None without one.
    """

    def __init__(
        self,
        session: Session,
        options: BatchOptions,
        gate: Gate,
        waits: CancellationToken,
        submissions: Submissions,
        journal: Journal | None,
        budget: Budget | None,
    ) -> None:
        self._session = session
        self._options = options
        self._waits = waits
        self._dispatcher = Dispatcher(session, gate, submissions, options.timeout)
        self._journal = journal
        self._budget = budget
        self._occurrences: Counter[str] = Counter()
        self._occurrences_lock = Lock()

    def process(self, item: Item) -> Finished:
        """Process one request, to its outcome or to the end of the run. Raises nothing."""
        index, request = item.index, item.request
        try:
            submission = run_blocking(self._prepare, item)
            entry = self._find_entry(submission)
            replayed = (
                None
                if entry is None
                else replay(self._session, index, request, entry, resend_unknown=self._options.resend_unknown)
            )
            if replayed is not None:
                return Finished(item, replayed, is_replayed=True)
            job_id = entry.job_id if entry is not None and entry.state == "accepted" else None
            refusal = self._reserve(item, job_id)
            if refusal is not None:
                return Finished(item, refusal=refusal)
            with observe("oxen.request", request.model_id, job_id) as call:
                outcome = self._run_one(item, submission, job_id)
                call.record(
                    "succeeded" if outcome.error is None else None,
                    outcome.job_id,
                    outcome.cost,
                    outcome.error,
                )
            return Finished(item, outcome)
        except RunEndedError:
            return Finished(item)
        except (InvalidRequestError, UnpricedRequestError) as error:
            return Finished(item, Outcome(index, request, None, without_frames(error), None))
        except Exception as error:
            return Finished(item, error=without_frames(error))

    def _reserve(self, item: Item, job_id: str | None) -> Refusal | None:
        """Reserve the highest cost of a request, unless its job of an earlier run is counted already."""
        if self._budget is None or item.estimate is None:
            return None
        if job_id is not None:
            item.reserved = self._budget.find_reserved(job_id)
            return None
        reserved = self._budget.reserve(item.request.model_id, item.index, item.estimate)
        if isinstance(reserved, Refusal):
            return reserved
        item.reserved = reserved
        return None

    def _settle(self, item: Item, cost: Decimal | None) -> None:
        if self._budget is not None:
            self._budget.settle(item.reserved, cost)

    def _run_one(self, item: Item, submission: Submission, job_id: str | None) -> Outcome[Any, Any]:
        index, request = item.index, item.request
        result: AnyResult | None = None
        try:
            if isinstance(request, ChatRequestBase):
                with observe("oxen.chat", request.model_id) as call:
                    completion = parse_completion(
                        (self._dispatcher.send(index, request, submission)).response
                    )
                    call.record("succeeded")
                self._settle(item, completion.cost)
                return Outcome(index, request, completion, None, None, completion.cost)
            if job_id is None:
                warn_if_billed_without_result(request)
                job, started = self._submit(index, request, submission)
                job_id = job.id
            else:
                job, started = self._create_job(request, job_id, "unknown"), time.monotonic()
            result = job.result(self._remaining_timeout(started))
            cost, _ = self._find_cost(job_id, result.response, self._remaining_timeout(started))
            self._settle(item, cost)
            self._record_result(submission, result, cost)
        except JournalError:
            raise
        except OxenError as error:
            if self._waits.is_set:
                raise RunEndedError from None
            cost = self._settle_failure(item, job_id, error)
            self._record_failure(submission, error, cost)
            return Outcome(index, request, None, without_frames(error), job_id, cost)
        except NotStartedError:  # the run will send it later
            self._settle(item, ZERO)
            raise
        return Outcome(index, request, result, None, job_id, cost)

    def _settle_failure(self, item: Item, job_id: str | None, error: OxenError) -> Decimal | None:
        """Count a request that has no result, and return its cost if the server reports one."""
        if job_id is None:
            self._settle(item, ZERO if was_rejected(error) else None)
            return None
        if not isinstance(error, JobFailed | JobCancelled):  # the job may continue or be billed
            self._settle(item, None)
            return None
        cost, is_known = self._find_cost(job_id, error.response, None)
        self._settle(item, ZERO if cost is None and is_known else cost)
        return cost

    def _find_cost(
        self, job_id: str, response: Response | None, timeout: float | None
    ) -> tuple[Decimal | None, bool]:
        """Return the cost of a job that has ended, None if there is none, and whether it is known."""
        record = {} if response is None else response.json
        cost = parse_dollars(record.get("cost"))
        try:
            if cost is None:
                timeout = COST_TIMEOUT if timeout is None else min(timeout, COST_TIMEOUT)
                cost = (read_history(self._session, job_id, timeout)).cost
            return cost, True
        except OxenError:
            return None, False

    def _prepare(self, item: Item) -> Submission:
        """Return the submission of a request. This reads its files."""
        request = item.request
        if isinstance(request, ChatRequestBase):
            check_targets(self._session)
            path, body = request.endpoint, encode_body(request, None)
            context = CallContext(model_id=request.model_id)
        else:
            path, body = QUEUE_PATH, encode_queue_body(request, 1, self._session.settings.targets, None)
            context = CallContext(
                request_class=typed_class(request), model_id=request.model_id, is_submission=True
            )
        if self._budget is not None and item.estimate is None:
            item.estimate = request.estimate()
        timeout = self._session.settings.request_timeout(path, None)
        if self._options.timeout is not None:
            timeout = min(timeout, self._options.timeout)
        if self._options.journal is None:
            return Submission(path, "", "", request.model_id, body, {}, timeout, context)
        from ..journal import request_digest

        digested_body = digest_body(request)
        digest = request_digest(digested_body)
        if item.key is None:
            find_key = self._options.find_key
            item.key = self._create_key(request, digest) if find_key is None else find_key(item.index)
        return Submission(path, item.key, digest, request.model_id, body, digested_body, timeout, context)

    def _create_key(self, request: AnyRequest, digest: str) -> str:
        """Return the key of a request, which differs from those of all other requests of the run.

        Raises:
            ConfigurationError: The caller's `key` returned the same value for another request, or no string.
        """
        key = digest if self._options.key is None else self._options.key(request)
        if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"key must return a string for each request, got {key!r:.80}")
        with self._occurrences_lock:
            self._occurrences[key] += 1
            occurrence = self._occurrences[key]
        if self._options.key is None:
            return f"{digest}:{occurrence}"
        if occurrence > 1:
            raise ConfigurationError(f"key must return another value for each request, got {key!r:.80} again")
        return key

    def _find_entry(self, submission: Submission) -> Entry | None:
        """Return the entry of a request in the journal.

        Raises:
            JournalError: It is an entry of another request.
        """
        if self._journal is None:
            return None
        entry = run_blocking(self._journal.find, submission.key)
        if entry is not None and entry.state != "rejected" and entry.digest != submission.digest:
            raise JournalError(
                f"the journal has another request with the key {submission.key!r:.80}: return another key, "
                "or pass another journal"
            )
        return entry

    def _submit(
        self, index: int, request: RequestLike, submission: Submission
    ) -> tuple[Job[AnyResult], float]:
        """Submit a request when the gate lets it pass. Return its job and the time at which it was sent."""
        with observe("oxen.submit", request.model_id) as call:
            sent = self._dispatcher.send(index, request, submission)
            [(job_id, status), *_] = find_jobs(sent.response.json)
            call.record(status, job_id)
        return self._create_job(request, job_id, status, sent.stream_epoch), sent.started

    def _create_job(
        self, request: RequestLike, job_id: str, status: str, stream_epoch: int | None = None
    ) -> Job[AnyResult]:
        return Job(
            self._session,
            job_id,
            result_type(request),
            status,
            stream_epoch=stream_epoch,
            submission=CallContext(
                request_class=typed_class(request), model_id=request.model_id, is_submission=True
            ),
            token=self._waits,
        )

    def _remaining_timeout(self, started: float) -> float | None:
        if self._options.timeout is None:
            return None
        return max(started + self._options.timeout - time.monotonic(), MIN_WAIT_TIMEOUT)

    def _record_result(self, submission: Submission, result: AnyResult, cost: Decimal | None) -> None:
        if self._journal is not None:
            run_blocking(self._journal.succeeded, submission.key, result_to_json(result), cost)

    def _record_failure(self, submission: Submission, error: OxenError, cost: Decimal | None) -> None:
        state = _final_state(error)
        if self._journal is not None and state is not None and isinstance(error, JobError):
            record = None if error.response is None else error.response.json
            run_blocking(self._journal.ended, submission.key, state, error.detail, record, cost)


def _final_state(error: OxenError) -> Literal["failed", "cancelled", "gone"] | None:
    """Return the final state of a job for the journal; None for an error that does not end a job."""
    if isinstance(error, JobFailed):
        return "failed"
    if isinstance(error, JobCancelled):
        return "cancelled"
    return "gone" if isinstance(error, JobNotFound) else None
