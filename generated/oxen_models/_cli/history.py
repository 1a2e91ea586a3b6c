# Copied by oxen-codegen from templates/package/_cli/history.py. Do not edit.
"""`history` and `costs`: past jobs and what they cost."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import click

from .options import base_url_option, create_client
from .output import get_output, output_option, print_note, print_table

_AGE = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse_time(text: str) -> datetime:
    """Return the time of an option: a date, a time with or without a zone (that of this machine), or an age.

    Raises:
        click.BadParameter: It is neither.
    """
    try:
        if match := _AGE.fullmatch(text):
            return datetime.now(UTC) - int(match[1]) * _UNITS[match[2]]
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"must be a date such as 2026-10-01, or an age such as 7d, got {text!r}"
        ) from None


@click.command()
@click.option("--status", help="queued, processing, succeeded, failed or cancelled.")
@click.option("--model", help="The id of the model.")
@click.option("--media-type", help="image, video or audio.")
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="Maximum number of jobs."
)
@base_url_option
@output_option
def history_command(limit: int, base_url: str | None, **filters: Any) -> None:
    """List past jobs with their costs, newest first."""
    from oxen_models._runtime.json_schema.prices import format_amount

    with create_client(base_url) as oxen:
        found = list(islice(oxen.generations(**filters, page_size=min(limit, 100)), min(limit, sys.maxsize)))
    rows = [
        (
            g.generation_id,
            "" if g.enqueued_at is None else f"{datetime.fromtimestamp(g.enqueued_at):%Y-%m-%d %H:%M}",
            g.status,
            g.model or "",
            "" if g.cost is None else format_amount(g.cost),
            (g.prompt or "")[:40],
        )
        for g in found
    ]
    get_output().show_list(
        [dict(record.record) for record in found],
        lambda: print_table(("JOB", "TIME", "STATUS", "MODEL", "COST", "PROMPT"), rows),
        [record.generation_id for record in found],
    )


@click.command()
@click.option(
    "--since",
    type=parse_time,
    metavar="TIME",
    help="A date such as 2026-10-01, or an age such as 12h, 7d, 4w. Defaults to all jobs.",
)
@click.option(
    "--by",
    type=click.Choice(("model", "media_type", "namespace", "day")),
    default="model",
    show_default=True,
    help="What the costs are summed by.",
)
@click.option("--model", help="Only jobs of this model.")
@base_url_option
@output_option
def costs_command(since: datetime | None, by: Any, model: str | None, base_url: str | None) -> None:
    """Sum what past jobs cost. Jobs for which the server reports no cost are not included."""
    from oxen_models._runtime.json_schema.prices import format_amount

    with create_client(base_url) as oxen:
        costs = oxen.costs(since=since, by=by, model=model)
    rows = [(name, format_amount(cost)) for name, cost in costs.items()]
    get_output().show_list(
        [{by: name, "cost": cost} for name, cost in costs.items()],
        lambda: print_table((by.upper(), "COST"), rows),
        [f"{name}\t{cost:f}" for name, cost in costs.items()],
    )
    if costs:
        print_note(f"total: {format_amount(sum(costs.values()))}")
