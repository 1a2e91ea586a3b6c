"""Limits of what a command may cost, and the question whether to send a request."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from .options import parse_dollars
from .output import get_output, print_note, print_text

if TYPE_CHECKING:
    from oxen_models._runner.limits import Limits
    from oxen_models._runner.runner import Plan
    from oxen_models._runtime.json_schema.estimates import Estimate, NoEstimate

cost_options = (
    click.option(
        "--budget",
        type=parse_dollars,
        metavar="DOLLARS",
        help="Send nothing that may cost more, or an unknown sum. Defaults to no limit.",
    ),
    click.option("--yes", "-y", is_flag=True, help="Do not ask."),
    click.option(
        "--confirm-above",
        type=parse_dollars,
        metavar="DOLLARS",
        default="1",
        show_default=True,
        help="Ask before a request that may cost more dollars.",
    ),
)


def create_limits(options: Mapping[str, Any]) -> Limits:
    """Return the limits of the options."""
    from oxen_models._runner.limits import Limits

    return Limits(
        confirm_above=None if options["yes"] else options["confirm_above"],
        budget=options["budget"],
        unpriced="allow" if options["budget"] is None else "refuse",
    )


def print_estimate(estimate: Estimate | NoEstimate) -> None:
    """Print the estimated cost with its basis, for readers."""
    print_note(f"estimate: {estimate} ({estimate.basis})" if estimate else str(estimate))


def confirm_plan(plan: Plan) -> bool:
    """Ask on the terminal whether to send a request."""
    return confirm_cost(plan.estimate)


def confirm_cost(estimate: Estimate | NoEstimate) -> bool:
    """Ask on the terminal whether to send a request."""
    from oxen_models._runtime.json_schema.prices import format_amount

    question = f"Send it for up to {format_amount(estimate.high)}?" if estimate else "Send it?"
    if not get_output().is_human:  # the estimate was not printed yet
        question = f"estimate: {estimate}\n{question}"
    return confirm(question, "pass --yes to send it, or a higher --confirm-above")


def confirm(question: str, remedy: str) -> bool:
    """Ask on the terminal; without a terminal, print the options that replace the answer."""
    from oxen_models._runtime.printable import escape_controls

    if not sys.stdin.isatty() or not sys.stderr.isatty():
        print_text(f"oxen-models: {remedy}", err=True)
        return False
    return click.confirm(escape_controls(question), err=True)
