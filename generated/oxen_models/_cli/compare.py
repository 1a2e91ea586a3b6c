# Copied by oxen-codegen from templates/package/_cli/compare.py. Do not edit.
"""`compare`: the same parameters for several models, side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .costs import confirm_cost, cost_options, create_limits, print_estimate
from .failures import describe_error, find_exit_code
from .model_commands import COMPLETES_MODELS
from .options import base_url_option, create_client, timeout_option
from .output import get_output, output_option, print_note, print_text
from .texts import TextError, parse_text, read_text

if TYPE_CHECKING:
    from oxen_models.compare import Comparison, Plan

_COST_OPTIONS = ("yes", "confirm_above", "budget")


def _add_cost_options(command: Any) -> Any:
    for option in cost_options:
        command = option(command)
    return command


@click.command()
@click.argument("models", nargs=-1, required=True, type=COMPLETES_MODELS, metavar="MODEL...")
@click.option("--prompt", help="The prompt; @name for a file, - for the standard input.")
@click.option("--image", "images", multiple=True, metavar="PATH|URL", help="An input image. Repeatable.")
@click.option("--aspect-ratio")
@click.option("--resolution")
@click.option("--duration", help="Seconds of a video.")
@click.option("--seed", type=int)
@click.option("--set", "others", multiple=True, metavar="NAME=VALUE", help="A parameter. Repeatable.")
@click.option("--sheet", type=click.Path(), help="Write a contact sheet, such as sheet.png.")
@click.option("--folder", type=click.Path(file_okay=False), help="Save all files in a folder.")
@timeout_option
@_add_cost_options
@base_url_option
@output_option
def compare_command(
    models: Sequence[str],
    sheet: str | None,
    folder: str | None,
    timeout: float | None,
    base_url: str | None,
    **options: Any,
) -> int:
    """Send the same parameters to several models of one task.

    They are adapted to each model; every change is printed.
    """
    costs = {name: options.pop(name) for name in _COST_OPTIONS}
    plan = _plan(models, options)
    _confirm(plan, costs)
    with create_client(base_url) as oxen:
        comparison = oxen.compare(plan, budget=costs["budget"], timeout=timeout)
        files = {} if folder is None else _save(comparison, Path(folder))
        if sheet is not None:
            comparison.save(sheet)
    values = [
        {
            "model": item.model,
            "seconds": round(item.seconds, 3),
            "cost": item.cost,
            "urls": [medium.url for medium in item.result or ()],
            "files": files.get(item.model, []),
            "error": None if item.error is None else describe_error(item.error),
        }
        for item in comparison
    ]
    get_output().show_list(values, lambda: print_text(str(comparison)), list(models))
    errors = [item.error for item in comparison if item.error is not None]
    return find_exit_code(errors[0]) if errors else 0


def _plan(models: Sequence[str], options: Mapping[str, Any]) -> Plan:
    from oxen_models import compare

    parameters = dict(options)
    images, others = parameters.pop("images"), parameters.pop("others")
    if images:
        parameters["image"] = list(images)
    try:
        if parameters["prompt"] is not None:
            parameters["prompt"] = read_text(parameters["prompt"])
        parameters |= dict(map(_parse_pair, others))
    except TextError as error:
        raise click.UsageError(str(error)) from None
    return compare.plan(models, **parameters)


def _confirm(plan: Plan, costs: Mapping[str, Any]) -> None:
    """Print the plan and its estimate, and ask if that is above the limit."""
    print_note(str(plan))
    print_estimate(plan.estimate)
    if create_limits(costs).needs_confirmation(plan.estimate) and not confirm_cost(plan.estimate):
        from oxen_models._runner.runner import NotConfirmedError

        raise NotConfirmedError("the cost was not confirmed; nothing was sent")


def _save(comparison: Comparison, folder: Path) -> dict[str, list[str]]:
    """Save the files of each model, and return their paths by model."""
    found: dict[str, list[str]] = {}
    for item in comparison:
        if item.result is not None:
            name = re.sub(r"[^\w.-]", "_", item.model)
            pattern = f"{name}_{{index}}_{{id}}.{{ext}}"
            found[item.model] = [str(path) for path in item.result.save_all(folder, pattern)]
    return found


def _parse_pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise TextError(f"--set must be NAME=VALUE, got {text!r}")
    return name.strip().replace("-", "_"), parse_text(value, {})
