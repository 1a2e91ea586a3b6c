"""Wait for jobs with a display of their progress, save their files and print a report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import click
from oxen_models._runner.commands import format_result_command
from oxen_models._runner.destinations import Destination
from oxen_models._runner.runner import JobReport, Runner, sum_costs
from oxen_models._runtime.generations import FINAL_STATUSES
from oxen_models._runtime.json_schema.prices import format_amount
from oxen_models._runtime.printable import escape_line

from .failures import INTERRUPTED, describe_error, find_exit_code, print_error
from .output import get_output, print_note, print_text
from .terminal_images import show_image

if TYPE_CHECKING:
    from oxen_models._runtime._sync.job import Job
    from oxen_models._runtime.errors import OxenError


def finish_jobs(
    runner: Runner,
    jobs: Sequence[Job[Any]],
    destination: Destination | None,
    *,
    timeout: float | None,
    sidecar: bool = False,
    show: bool = False,
    out: str | None = None,
    described: Mapping[str, Any] | None = None,
) -> int:
    """Wait for jobs, save their files, print the report and return the exit code.

    Args:
        runner: The runner.
        jobs: The jobs.
        destination: Where the files are saved; None to save none.
        timeout: Seconds to wait; None for the default.
        sidecar: Whether to write a file beside each one that states how it was made.
        show: Whether to show saved images in the terminal.
        out: The option of the destination, for the command that resumes the wait.
        described: Further properties of the report as JSON.
    """
    started = monotonic()
    try:
        with _show_progress(jobs) as on_status:
            reports = runner.collect(jobs, destination, timeout=timeout, sidecar=sidecar, on_status=on_status)
    except KeyboardInterrupt:
        _ask_to_cancel(runner, jobs, out)
        return INTERRUPTED
    _print_reports(reports, described or {}, monotonic() - started, out)
    errors = [report.error for report in reports if report.error is not None]
    if show and get_output().is_human:
        for path in (file.path for report in reports for file in report.files):
            show_image(path)
    return find_exit_code(errors[0], "job") if errors else 0


def _print_reports(
    reports: Sequence[JobReport], described: Mapping[str, Any], seconds: float, out: str | None
) -> None:
    output = get_output()
    known, unknown = sum_costs(reports)
    cost = None if unknown else known
    jobs = [_describe(report) for report in reports]
    paths = [str(file.path) for report in reports for file in report.files]
    lines = [*paths, *(f"{r.job_id} {r.status}" for r in reports if not r.files)]
    if output.format == "jsonl":
        output.show_list(jobs, list, ())
    else:
        output.show({**described, "jobs": jobs, "cost": cost}, "\n".join(lines), paths)
    for report in reports:
        if report.error is not None and output.format in ("human", "quiet"):
            print_error(report.error, output.format)
        if report.error is not None and not _is_final(report.error):
            print_note(f"resume with: {format_result_command([report.job_id], out)}")
    cost_text = f"cost: {format_amount(known)}" if known or not unknown else "cost: not known"
    if known and unknown:
        cost_text += f" without {unknown} of {len(reports)} jobs"
    print_note(f"{cost_text}, {seconds:.1f} s, {', '.join(report.job_id for report in reports)}")


def _describe(report: JobReport) -> dict[str, Any]:
    return {
        "id": report.job_id,
        "model": report.model,
        "status": report.status,
        "files": [{"path": str(file.path), "url": file.url} for file in report.files],
        "urls": list(report.urls),
        "cost": report.cost,
        "error": None if report.error is None else describe_error(report.error, "job"),
    }


def _ask_to_cancel(runner: Runner, jobs: Sequence[Job[Any]], out: str | None) -> None:
    """Ask once whether to cancel the jobs, and print how to go on."""
    from oxen_models._runtime.errors import OxenError

    active = [job for job in jobs if job.status not in FINAL_STATUSES]
    ids = [job.id for job in active or jobs]
    print_text(f"\ninterrupted; jobs: {' '.join(ids)}", err=True)
    is_cancelled = False
    if active and sys.stdin.isatty():
        try:
            is_cancelled = click.confirm("Cancel them?" if len(ids) > 1 else "Cancel it?", err=True)
        except (click.Abort, KeyboardInterrupt):
            print_text("", err=True)
    if is_cancelled:
        for job in active:
            try:
                report = runner.cancel(job)
                print_text(f"{report.job_id} {report.status}", err=True)
            except OxenError as error:
                print_text(f"oxen-models: {error}", err=True)
    else:
        print_text(f"resume with: {format_result_command(ids, out)}", err=True)


def _is_final(error: OxenError) -> bool:
    """Return whether the job of an error has no result and will have none."""
    from oxen_models._runtime.errors import JobError, JobTimeout

    return isinstance(error, JobError) and not isinstance(error, JobTimeout)


@contextmanager
def _show_progress(jobs: Sequence[Job[Any]]) -> Generator[Callable[[str, str], None] | None]:
    """Show the status of the jobs and the elapsed time during the block, for readers."""
    if not get_output().is_human:
        yield None
        return
    try:
        if not sys.stderr.isatty():
            raise ImportError
        import rich.progress
        from rich.console import Console
    except ImportError:
        yield lambda id, status: print_note(f"{id} {status}") if status != "unknown" else None
        return
    columns = (
        rich.progress.SpinnerColumn(),
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.BarColumn(),
        rich.progress.TimeElapsedColumn(),
    )
    console = Console(file=sys.stderr)
    with rich.progress.Progress(*columns, console=console, transient=True) as bar:
        ended: set[str] = set()
        task = bar.add_task("waiting", total=len(jobs) if len(jobs) > 1 else None)

        def show(id: str, status: str) -> None:
            if status in FINAL_STATUSES:
                ended.add(id)
            bar.update(task, description=escape_line(f"{status} {id}"[:80]), completed=len(ended))

        yield show
