"""`jobs`, `wait`, `result` and `cancel`: jobs in the queue, also those of other processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from .failures import print_error
from .options import base_url_option, create_client, save_options, timeout_option
from .output import get_output, output_option, print_table

_IDS = click.argument("ids", nargs=-1, required=True, metavar="ID...")


@click.command()
@click.option("--status", help="queued, processing, succeeded, failed or cancelled. Defaults to active jobs.")
@click.option("--model", help="The id of the model.")
@click.option("--media-type", help="image, video or audio.")
@base_url_option
@output_option
def jobs_command(base_url: str | None, **filters: Any) -> None:
    """List the jobs in the queue: by default those that have not ended."""
    with create_client(base_url) as oxen:
        records = [job.generation for job in oxen.jobs(**filters)]
    found = [record for record in records if record is not None]
    rows = [(g.generation_id, g.status, g.model or "", (g.prompt or "")[:60]) for g in found]
    get_output().show_list(
        [dict(record.record) for record in found],
        lambda: print_table(("JOB", "STATUS", "MODEL", "PROMPT"), rows),
        [record.generation_id for record in found],
    )


@click.command()
@_IDS
@timeout_option
@base_url_option
@output_option
def wait_command(ids: Sequence[str], timeout: float | None, base_url: str | None) -> int:
    """Wait until jobs end. The exit code is 0 if all of them succeeded."""
    from oxen_models._runner.runner import Runner

    from .waiting import finish_jobs

    with create_client(base_url) as oxen:
        return finish_jobs(Runner(oxen), [oxen.job(id) for id in ids], None, timeout=timeout)


@click.command()
@_IDS
@save_options
@timeout_option
@base_url_option
@output_option
def result_command(
    ids: Sequence[str],
    out: str | None,
    sidecar: bool,
    show: bool,
    timeout: float | None,
    base_url: str | None,
) -> int:
    """Wait for jobs and save their files."""
    from oxen_models._runner.destinations import parse_destination
    from oxen_models._runner.runner import Runner

    from .waiting import finish_jobs

    destination = parse_destination(out)
    with create_client(base_url) as oxen:
        jobs = [oxen.job(id) for id in ids]
        return finish_jobs(
            Runner(oxen), jobs, destination, timeout=timeout, sidecar=sidecar, show=show, out=out
        )


@click.command()
@_IDS
@base_url_option
@output_option
def cancel_command(ids: Sequence[str], base_url: str | None) -> int:
    """Cancel jobs. This has no effect on a job that has ended."""
    from oxen_models._runner.runner import Runner
    from oxen_models._runtime.errors import OxenError

    from .failures import find_exit_code

    code, output = 0, get_output()
    ended: list[dict[str, str]] = []
    with create_client(base_url) as oxen:
        for job in [oxen.job(id) for id in ids]:
            try:
                report = Runner(oxen).cancel(job)
                ended.append({"id": report.job_id, "status": report.status})
            except OxenError as error:
                print_error(error, output.format)
                code = code or find_exit_code(error)
    rows = [(job["id"], job["status"]) for job in ended]
    if rows or not output.is_human:
        output.show_list(ended, lambda: print_table(("JOB", "STATUS"), rows), [id for id, _ in rows])
    return code
