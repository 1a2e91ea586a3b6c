"""One call of a model: validate, estimate, confirm, send, wait, save, report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, Any

from oxen_models._runner.model_ids import NAMES
from oxen_models._runtime.errors import (
    HubUnreachableError,
    JobCancelled,
    OutcomeUnknownError,
    OxenError,
)
from oxen_models._runtime.generations import FINAL_STATUSES
from oxen_models._runtime.json_schema.estimates import Estimate, NoEstimate
from oxen_models._runtime.request import RequestLike
from oxen_models._runtime.scheduler import MIN_WAIT_TIMEOUT
from oxen_models._runtime.submissions import was_rejected
from oxen_models._runtime.suggestions import suggest_similar

from .destinations import Destination, SavedFile
from .limits import Limits
from .models import RunnableModel, read_recorded
from .requests import build_request, estimate_request
from .spending import Spending

if TYPE_CHECKING:
    from oxen_models import Oxen
    from oxen_models._runtime._sync.job import Job
    from oxen_models._runtime._sync.results import AnyResult

_UNBILLED = ("failed", "cancelled")
"""The statuses of jobs that are free if the history has no cost of them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A validated request with its estimated cost."""

    model: RunnableModel
    request: RequestLike
    estimate: Estimate | NoEstimate
    count: int = 1
    """The number of jobs."""
    extra_body: Mapping[str, Any] | None = None
    """Properties that are sent in addition."""


@dataclass(frozen=True, slots=True)
class JobReport:
    """The end of a job, or its last status, with its files and its cost."""

    job_id: str
    model: str | None
    status: str
    """The last known status."""
    files: tuple[SavedFile, ...] = ()
    """The saved files; those before the error if one could not be saved."""
    urls: tuple[str, ...] = ()
    """The URLs of the results, which expire."""
    cost: Decimal | None = None
    """Dollars, by the history; None if it does not have the cost."""
    error: OxenError | None = None
    """Why the job has no result, or why its files were not saved. A `JobTimeout` if it continues."""


def sum_costs(reports: Iterable[JobReport]) -> tuple[Decimal, int]:
    """Return the sum of the known costs in dollars, and the number of jobs whose cost is not known."""
    known, unknown = Decimal(0), 0
    for report in reports:
        known += report.cost or 0
        unknown += report.cost is None and report.status not in _UNBILLED
    return known, unknown


Confirm = Callable[[Plan], bool]
"""Returns whether a request is sent, whose cost is above the limit or unknown."""
OnStatus = Callable[[str, str], object]
"""Called with the id of a job and its new status."""


class Runner:
    """Calls models by their id. Thread-safe.

    Args:
        oxen: The client.
        limits: What the calls may spend and read.
    """

    def __init__(self, oxen: Oxen, limits: Limits | None = None) -> None:
        self.oxen = oxen
        self.limits = limits or Limits()
        self.spending = Spending(self.limits)

    def find_model(self, id: str) -> RunnableModel:
        """Return a model of the package, or else one that the server describes.

        Raises:
            ModelRemovedError: The model was removed from the API.
            NotFoundError: There is no such model.
            OxenError: The server returned another error or could not be reached.
        """
        model = read_recorded(id)
        if model is not None:
            return model
        try:
            found = self.oxen.models.get(id)
        except HubUnreachableError as error:
            suggestion = suggest_similar(id, chain(*NAMES.values()))
            raise HubUnreachableError(f"{error}; the package has no model {id!r:.80}{suggestion}") from None
        return RunnableModel(found.id, found.request_schema, found.inputs, found.record, is_recorded=False)

    def plan(
        self,
        model: RunnableModel | str,
        values: Mapping[str, Any],
        *,
        count: int = 1,
        extra_body: Mapping[str, Any] | None = None,
    ) -> Plan:
        """Validate parameters and estimate the cost. Sends nothing, except for the schema of a model that is
        not in the package.

        Args:
            model: The model or its id.
            values: Parameters by the names of the API. A string for a medium is a URL or a path.
            count: The number of jobs.
            extra_body: Properties that are sent in addition.

        Raises:
            InvalidRequestError: A value does not match the schema, or a file or a URL is not allowed.
            ConfigurationError: The model has no call that generates media, or an extra is not installed.
            OxenError: The model is not in the package, and could not be requested.
        """
        if isinstance(model, str):
            model = self.find_model(model)
        request = build_request(model, self.limits.check_inputs(model, values))
        return Plan(model, request, estimate_request(model, request, count), count, extra_body)

    def send(self, plan: Plan, confirm: Confirm) -> list[Job[AnyResult]]:
        """Submit a request to the queue and return its jobs.

        Args:
            plan: The request.
            confirm: Called if the request needs a confirmation.

        Raises:
            BudgetExceededError: The request could exceed a limit. Nothing was sent.
            NotConfirmedError: It was not confirmed. Nothing was sent.
            UnpricedRequestError: Its cost is unknown, and the limits reject this. Nothing was sent.
            OutcomeUnknownError: The request may have been accepted and billed: no response was received, or
                one that does not exclude it, such as that of a failing proxy.
            OxenError: The server returned an error or could not be reached.
        """
        reserved = self.spending.approve(plan.model.id, plan.estimate, partial(confirm, plan))
        try:
            jobs: Sequence[Any] = self.oxen.submit(
                plan.request, num_generations=plan.count, extra_body=plan.extra_body
            )
        except OutcomeUnknownError:
            raise
        except OxenError as error:
            if not was_rejected(error):
                raise OutcomeUnknownError(
                    f"{error}; the request may have been accepted and billed", response=error.response
                ) from error
            self.spending.release(reserved)
            raise
        self.spending.assign(reserved, [job.id for job in jobs])
        return list(jobs)

    def collect(
        self,
        jobs: Sequence[Job[Any]],
        destination: Destination | None,
        *,
        timeout: float | None = None,
        sidecar: bool = False,
        on_status: OnStatus | None = None,
    ) -> list[JobReport]:
        """Wait for jobs, save their files, and return a report of each.

        Errors of a job are in its report. A job whose report has a `JobTimeout` continues.

        Args:
            jobs: The jobs, which another process may have submitted.
            destination: Where the files are saved; None to save none.
            timeout: Seconds to wait for all jobs together. Defaults to 600 for each job that makes an image
                or a sound, and 3600 for each that makes a video.
            sidecar: Whether to write a file beside each one that states how it was made.
            on_status: Called with each new status of a job.
        """
        deadline = None if timeout is None else monotonic() + timeout
        ended: list[tuple[JobReport, AnyResult | None]] = []
        for job in jobs:
            rest = None if deadline is None else max(deadline - monotonic(), MIN_WAIT_TIMEOUT)
            ended.append(self._wait(job, rest, on_status))
        if destination is None:
            return [report for report, _ in ended]
        total = sum(len(result) for _, result in ended if result is not None)
        reports: list[JobReport] = []
        first = 0
        for report, result in ended:
            if result is not None:
                report = _save(destination, report, result, first, total, sidecar)
                first += len(result)
            reports.append(report)
        return reports

    def cancel(self, job: Job[Any]) -> JobReport:
        """Cancel a job and return its report. A job that has ended keeps its status.

        Raises:
            JobNotFound: There is no such job.
            OxenError: The server returned an error or could not be reached.
        """
        job.cancel()
        [report] = self.collect([job], None, timeout=0)
        is_cancelled = isinstance(report.error, JobCancelled)
        return replace(report, error=None) if is_cancelled else report

    def _wait(
        self, job: Job[Any], timeout: float | None, on_status: OnStatus | None
    ) -> tuple[JobReport, AnyResult | None]:
        result, error = None, None
        report_status = None if on_status is None else partial(on_status, job.id)
        try:
            result = job.result(timeout, on_status=report_status)
        except OxenError as raised:
            error = raised
        cost = None
        if job.status in FINAL_STATUSES:
            with suppress(OxenError):  # the cost can be requested later
                cost = job.cost()
                is_free = cost is None and job.status in _UNBILLED
                self.spending.settle(job.id, Decimal(0) if is_free else cost)
        urls = () if result is None else tuple(medium.url for medium in result.media if medium.url)
        return JobReport(job.id, job.model, job.status, urls=urls, cost=cost, error=error), result


def _save(
    destination: Destination, report: JobReport, result: AnyResult, first: int, total: int, sidecar: bool
) -> JobReport:
    files: list[SavedFile] = []
    error = None
    try:
        for file in destination.save(result, first, total, sidecar=sidecar):
            files.append(file)  # those before an error remain
    except OxenError as raised:
        error = raised
    return replace(report, files=tuple(files), error=error)
