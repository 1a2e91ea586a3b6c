"""`batch`: a request for each row of a table, by `oxen_models.tables`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .costs import confirm
from .failures import INTERRUPTED
from .model_commands import COMPLETES_MODELS
from .options import ExpandedPath, base_url_option, create_client, parse_dollars, parse_pair
from .output import get_output, output_option, print_text

if TYPE_CHECKING:
    from decimal import Decimal

    from oxen_models.tables import TableProgress

_JOB_FAILED = 4


@click.command()
@click.argument("source", type=ExpandedPath(exists=True, dir_okay=False))
@click.option("--model", required=True, type=COMPLETES_MODELS, help="The id of the model.")
@click.option(
    "--map",
    "columns",
    multiple=True,
    required=True,
    metavar="PARAMETER=COLUMN",
    type=parse_pair,
    help="The column that has the values of a parameter. Repeatable.",
)
@click.option("--key", default="id", show_default=True, help="The column that names the rows.")
@click.option(
    "--out",
    "-o",
    "folder",
    required=True,
    type=ExpandedPath(file_okay=False, path_type=Path),
    help="The folder in which files are saved.",
)
@click.option(
    "--results",
    help="The table of the results: CSV, JSON Lines or Parquet. Defaults to results.csv in the folder.",
)
@click.option("--journal", help="The journal of the run. Defaults to the name of the results with .journal.")
@click.option(
    "--budget",
    type=parse_dollars,
    metavar="DOLLARS",
    help="End before this could be exceeded. Defaults to no limit.",
)
@click.option("--allow-unpriced", is_flag=True, help="With a budget, send requests of unknown cost, too.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask if there is no budget.")
@click.option(
    "--max-in-flight",
    type=click.IntRange(1),
    metavar="N",
    default=16,
    show_default=True,
    help="Maximum number of unfinished requests.",
)
@click.option(
    "--max-failures",
    type=click.IntRange(1),
    metavar="N",
    help="End after N failures in a row. Defaults to no limit.",
)
@click.option("--sidecar", is_flag=True, help="Write beside each file how it was made, as JSON.")
@click.option("--resend-unknown", is_flag=True, help="Send again what may have been accepted and billed.")
@base_url_option
@output_option
def batch_command(
    source: str,
    model: str,
    columns: Sequence[tuple[str, str]],
    key: str,
    folder: Path,
    results: str | None,
    journal: str | None,
    budget: Decimal | None,
    allow_unpriced: bool,
    yes: bool,
    max_in_flight: int,
    max_failures: int | None,
    sidecar: bool,
    resend_unknown: bool,
    base_url: str | None,
) -> int:
    """Send a request for each row of SOURCE, a CSV, JSON Lines or Parquet file.

    The same command continues a run that ended early, and sends nothing twice.
    """
    from oxen_models import tables
    from oxen_models._runtime.errors import MediaError, OxenError

    sink = results or str(folder / "results.csv")
    if budget is None and not yes:
        _confirm()
    try:
        with create_client(base_url) as oxen:
            end = tables.run(
                source,
                dict(columns),
                sink,
                key,
                model=model,
                client=oxen,
                folder=folder,
                sidecar=sidecar,
                journal=journal,
                progress=_can_show_progress(),
                max_in_flight=max_in_flight,
                budget=budget,
                unpriced="allow" if allow_unpriced else "refuse",
                max_consecutive_failures=max_failures,
                resend_unknown=resend_unknown,
            )
    except KeyboardInterrupt:
        print_text("\ninterrupted; the same command continues the run", err=True)
        return INTERRUPTED
    except OxenError:  # a MediaError is an OSError as well
        raise
    except OSError as error:
        reason = error.strerror or error
        raise MediaError(f"{sink!r} could not be written: {reason}; the same command continues") from None
    get_output().show({**asdict(end), "rate": end.rate}, _describe(end))
    return _JOB_FAILED if end.failed else 0


def _describe(end: TableProgress) -> str:
    from oxen_models._runtime.json_schema.prices import format_amount

    left = "" if end.left is None else f", {format_amount(end.left)} left"
    return (
        f"{end.succeeded} succeeded, {end.failed} failed, {end.skipped} skipped; "
        f"{format_amount(end.spent)} spent{left}; {end.seconds:.1f} s"
    )


def _confirm() -> None:
    """Ask whether to run without a budget.

    Raises:
        NotConfirmedError: It was not confirmed, or there is no terminal.
    """
    from oxen_models._runner.limits import Limits
    from oxen_models._runner.spending import Spending
    from oxen_models._runtime.json_schema.estimates import NoEstimate

    question = partial(confirm, "Run without a budget?", "pass --budget, or --yes to run without one")
    Spending(Limits(unpriced="confirm")).approve("batch", NoEstimate("there is no budget"), question)


def _can_show_progress() -> bool:
    """Return whether a progress bar is shown: for readers, if rich is installed."""
    return get_output().is_human and find_spec("rich") is not None
