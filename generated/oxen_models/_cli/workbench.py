# Copied by oxen-codegen from templates/package/_cli/workbench.py. Do not edit.
"""`workbench`: a page that builds and runs requests, on the loopback interface."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from .costs import create_limits
from .failures import INTERRUPTED, report_interrupted_submission, report_missing_extra
from .loopback import bind_loopback
from .options import ExpandedPath, base_url_option, create_client, parse_dollars
from .output import print_text

if TYPE_CHECKING:
    from oxen_models import Oxen
    from oxen_models._workbench.runs import Runs

_DEFAULT_FOLDER = "~/oxen-models"
_DEMO_TIME = 2.0
"""Seconds of a generation of the stand-in, so that the progress can be seen."""
_PACKAGES = ("jsonschema", "starlette", "uvicorn")


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1024, 65535),
    metavar="PORT",
    help="Serve on this port of 127.0.0.1. Defaults to a free one.",
)
@click.option("--demo", is_flag=True, help="Use a stand-in of the API: no key, no costs.")
@click.option(
    "--budget",
    type=parse_dollars,
    metavar="DOLLARS",
    help="What all runs may cost together; with it, nothing of unknown cost is sent. Defaults to no limit.",
)
@click.option(
    "--confirm-above",
    type=parse_dollars,
    metavar="DOLLARS",
    default="1",
    show_default=True,
    help="Ask before a run that may cost more dollars.",
)
@click.option(
    "--output-dir",
    type=ExpandedPath(file_okay=False),
    metavar="FOLDER",
    help=f"Write results and their sidecars into this folder. Defaults to {_DEFAULT_FOLDER}, and to a "
    "temporary one with --demo.",
)
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@base_url_option
def workbench_command(
    port: int | None,
    demo: bool,
    budget: Decimal | None,
    confirm_above: Decimal,
    output_dir: str | None,
    no_browser: bool,
    base_url: str | None,
) -> int:
    """Serve a page that builds and runs requests, on 127.0.0.1 only.

    The address that is printed contains a secret; a browser that does not have it is rejected. The API key
    stays in this process. Ctrl-C ends it; jobs that have not ended continue on the server.
    """
    if demo and base_url is not None:
        raise click.UsageError("--demo and --base-url exclude each other")
    with report_missing_extra("workbench", _PACKAGES):
        from oxen_models._workbench.serve import Workbench
        from oxen_models._workbench.session import Session
    from oxen_models._runner.runner import Runner

    with TemporaryDirectory(prefix="oxen-models-") as temporary, _open_client(base_url, demo) as oxen:
        default = os.path.join(temporary, "results") if demo else os.path.expanduser(_DEFAULT_FOLDER)
        folder = Path(os.path.realpath(output_dir or default))
        media_folder = Path(temporary, "media").resolve()
        media_folder.mkdir()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise click.UsageError(f"{folder} cannot be created: {error.strerror}") from None
        limits = create_limits({"budget": budget, "confirm_above": confirm_above, "yes": False})
        runner = Runner(oxen, replace(limits, input_folders=(media_folder, folder)))
        session = Session(runner, folder, media_folder, is_demo=demo)
        workbench = Workbench(session, bind_loopback(port or 0, "--port"))
        address = f"{workbench.url}?token={session.token}"
        click.echo(address)
        print_text(f"serving on this machine only; results are saved in {folder}; Ctrl-C ends", err=True)
        if not no_browser and _has_display():
            webbrowser.open(address)
        workbench.serve_until_interrupted()
        code = 0 if demo else _report_end(workbench.runs, folder)
        oxen.close()  # which ends the waits of the runs
        workbench.runs.close()
    return code


@contextmanager
def _open_client(base_url: str | None, is_demo: bool) -> Generator[Oxen]:
    """Yield a client; with `is_demo`, one of a stand-in, which never receives the user's key."""
    if not is_demo:
        with create_client(base_url) as oxen:
            yield oxen
        return
    try:
        from oxen_models.testing import Hub
    except ModuleNotFoundError as error:
        raise click.UsageError(f"--demo: {error}") from None
    from oxen_models import Oxen

    with Hub(generation_time=_DEMO_TIME) as hub, Oxen("demo", base_url=hub.url) as oxen:
        yield oxen


def _has_display() -> bool:
    """Return whether a browser can open a window; in a terminal without one, it would take the terminal."""
    return sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _report_end(runs: Runs, folder: Path) -> int:
    """Print how to go on with jobs that have not ended, and return the exit code.

    Raises:
        OutcomeUnknownError: A request was being sent.
    """
    ids = runs.list_active_jobs()
    if ids:
        from oxen_models._runner.commands import format_result_command

        print_text(f"interrupted; jobs that continue: {' '.join(ids)}", err=True)
        print_text(f"get their files with: {format_result_command(ids, str(folder))}", err=True)
    if runs.is_sending:
        with report_interrupted_submission():
            raise KeyboardInterrupt
    return INTERRUPTED if ids else 0
