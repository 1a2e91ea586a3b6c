# Copied by oxen-codegen from templates/package/_workbench/runs.py. Do not edit.
"""Runs: requests that the page sent, whose jobs are followed until they end. Thread-safe."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import TYPE_CHECKING, Any

from oxen_models._runner.commands import FIND_JOB_HINT, format_result_command
from oxen_models._runner.destinations import Destination
from oxen_models._runner.requests import describe_estimate
from oxen_models._runner.runner import JobReport, Plan, sum_costs
from oxen_models._runtime.errors import JobCancelled, JobFailed, OutcomeUnknownError
from oxen_models._runtime.generations import FINAL_STATUSES

from .files import describe_file
from .responses import RequestError
from .session import Session

if TYPE_CHECKING:
    from oxen_models._runtime._sync.job import Job

MAX_COUNT = 4
"""Jobs of a run: as many as the documentation of the API states."""
MAX_ACTIVE_JOBS = 48
"""Jobs that are followed at once, each in a thread."""
MAX_RUNS = 100
"""Runs that a session remembers."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _FollowedJob:
    job: Job[Any]
    status: str = "queued"
    is_active: bool = True
    """Whether it has not ended or its files are not saved yet."""
    report: JobReport | None = None
    error: str | None = None


@dataclass(slots=True)
class Run:
    """A request that was sent. Its jobs change, with the lock of the runs."""

    model: str
    values: Mapping[str, Any]
    estimate: dict[str, Any]
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(init=False)
    """The start of the names of its files."""
    jobs: list[_FollowedJob] = field(default_factory=list[_FollowedJob])
    error: str | None = None
    """Why it has no jobs."""
    listeners: set[Callable[[], object]] = field(default_factory=set[Callable[[], object]])

    def __post_init__(self) -> None:
        self.id = f"{self.created:%Y%m%d-%H%M%S}-{token_hex(4)}"

    @property
    def active_jobs(self) -> list[str]:
        """The ids of the jobs that have not ended or whose files are not saved yet."""
        return [followed.job.id for followed in self.jobs if followed.is_active]

    @property
    def status(self) -> str:
        """The status of all jobs together."""
        statuses = {followed.status for followed in self.jobs}
        if self.active_jobs:
            return "queued" if statuses == {"queued"} else "running"
        if not self.jobs or statuses - FINAL_STATUSES:
            return "unknown"
        errors = any(followed.error for followed in self.jobs)
        return "failed" if errors else "cancelled" if "cancelled" in statuses else "succeeded"

    def describe(self) -> dict[str, Any]:
        """Return the run as JSON."""
        reports = [followed.report for followed in self.jobs if followed.report is not None]
        cost, unknown = sum_costs(reports)
        is_known = not unknown and 0 < len(reports) == len(self.jobs)
        errors = [self.error, *(followed.error for followed in self.jobs)]
        return {
            "id": self.id,
            "model": self.model,
            "values": self.values,
            "status": self.status,
            "jobs": [{"id": followed.job.id, "status": followed.status} for followed in self.jobs],
            "files": [describe_file(file.path) for report in reports for file in report.files],
            "cost": cost if is_known else None,
            "estimate": self.estimate,
            "error": "\n".join(dict.fromkeys(filter(None, errors))) or None,
            "created": self.created.isoformat(),
        }


class Runs:
    """The runs of a session.

    Args:
        session: The session.
    """

    def __init__(self, session: Session) -> None:
        self._runner = session.runner
        self._folder = session.folder
        self._runs: dict[str, Run] = {}
        self._reserved = 0
        self._is_stopping = False
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(MAX_ACTIVE_JOBS, "workbench-run")

    def start(self, plan: Plan, values: Mapping[str, Any], *, is_confirmed: bool) -> dict[str, Any]:
        """Send a request, follow its jobs and return the run as JSON.

        A run whose outcome is unknown has the status "unknown" and no jobs.

        Args:
            plan: The request.
            values: The parameters of the page, for the run.
            is_confirmed: Whether the user confirmed the cost.

        Raises:
            RequestError: Too many jobs are active. Nothing was sent.
            ConfigurationError: Files cannot be written into the folder. Nothing was sent.
            OxenError: As `Runner.send` does.
        """
        Destination(self._folder).check()
        run = Run(plan.model.id, values, describe_estimate(plan.estimate))
        self._reserve(plan.count)
        try:
            for job in self._runner.send(plan, lambda plan: is_confirmed):
                run.jobs.append(_FollowedJob(job))
        except OutcomeUnknownError as error:
            run.error = f"{error}; {FIND_JOB_HINT}"
        finally:
            with self._lock:
                self._reserved -= plan.count
                if run.jobs or run.error:
                    self._add(run)
        for index, followed in enumerate(run.jobs):
            self._threads.submit(self._follow, run, followed, index)
        return self._describe(run)

    def list_all(self) -> list[dict[str, Any]]:
        """Return the runs as JSON, the newest first."""
        with self._lock:
            return [run.describe() for run in reversed(self._runs.values())]

    def cancel(self, id: str) -> dict[str, Any]:
        """Cancel the jobs of a run and return it as JSON.

        Raises:
            RequestError: There is no such run.
            OxenError: The server returned an error or could not be reached.
        """
        run = self._find(id)
        with self._lock:
            active = [followed for followed in run.jobs if followed.is_active]
        for followed in active:
            self._set_status(run, followed, self._runner.cancel(followed.job).status)
        return self._describe(run)

    async def watch(self, id: str) -> AsyncIterator[dict[str, Any]]:
        """Yield a run as JSON, now and after each change, until it ends or the server stops.

        Raises:
            RequestError: There is no such run.
        """
        run = self._find(id)
        changed = asyncio.Event()
        notify = partial(asyncio.get_running_loop().call_soon_threadsafe, changed.set)
        with self._lock:
            run.listeners.add(notify)
        try:
            while True:
                changed.clear()
                with self._lock:
                    described, is_last = run.describe(), not run.active_jobs or self._is_stopping
                yield described
                if is_last:
                    return
                await changed.wait()
        finally:
            with self._lock:
                run.listeners.discard(notify)

    def stop_watching(self) -> None:
        """End all iterators of `watch`."""
        with self._lock:
            self._is_stopping = True
            for run in self._runs.values():
                _notify(run)

    @property
    def is_sending(self) -> bool:
        """Whether a request is being sent."""
        return self._reserved > 0

    def list_active_jobs(self) -> list[str]:
        """Return the ids of the jobs that are followed."""
        with self._lock:
            return [id for run in self._runs.values() for id in run.active_jobs]

    def close(self) -> None:
        """Return when no job is followed any more, which is soon after the client was closed."""
        self._threads.shutdown()

    def _find(self, id: str) -> Run:
        run = self._runs.get(id)
        if run is None:
            raise RequestError(404, "missing", f"there is no run {id!r:.80}")
        return run

    def _reserve(self, count: int) -> None:
        with self._lock:
            active = sum(len(run.active_jobs) for run in self._runs.values()) + self._reserved
            if active + count > MAX_ACTIVE_JOBS:
                raise RequestError(
                    429,
                    "busy",
                    f"{active} jobs are active, and at most {MAX_ACTIVE_JOBS} are allowed; nothing was sent",
                )
            self._reserved += count

    def _add(self, run: Run) -> None:
        self._runs[run.id] = run
        if len(self._runs) > MAX_RUNS:
            del self._runs[next(id for id, other in self._runs.items() if not other.active_jobs)]

    def _describe(self, run: Run) -> dict[str, Any]:
        with self._lock:
            return run.describe()

    def _set_status(self, run: Run, followed: _FollowedJob, status: str) -> None:
        with self._lock:
            followed.status = status
            _notify(run)

    def _follow(self, run: Run, followed: _FollowedJob, index: int) -> None:
        report, error = None, None
        try:
            # The id makes the names unique, so that no existing file is overwritten.
            destination = Destination(self._folder, f"{run.id}_{index}_{{index}}.{{ext}}")
            [report] = self._runner.collect(
                [followed.job],
                destination,
                sidecar=True,
                on_status=lambda id, status: self._set_status(run, followed, status),
            )
            error = _describe_error(report, self._folder)
        except Exception:
            _log.exception("a job could not be followed")
            error = _add_command("the job could not be followed", followed.job.id, self._folder)
        with self._lock:
            if report is not None:
                followed.status = report.status
            followed.is_active, followed.report, followed.error = False, report, error
            _notify(run)


def _notify(run: Run) -> None:
    for notify in run.listeners:
        notify()


def _describe_error(report: JobReport, folder: Path) -> str | None:
    """Return why a job has no files; None if it has them or was cancelled."""
    if report.error is None or isinstance(report.error, JobCancelled):
        return None
    if isinstance(report.error, JobFailed):
        return str(report.error)
    return _add_command(str(report.error), report.job_id, folder)


def _add_command(text: str, job_id: str, folder: Path) -> str:
    return f"{text}; get its files with: {format_result_command([job_id], str(folder))}"
