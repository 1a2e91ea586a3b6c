"""`compare`: the same parameters for several models, side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .costs import confirm_cost, cost_options, create_limits, print_estimate
from .failures import describe_error, find_exit_code, print_error, report_interrupted_submission
from .model_commands import COMPLETES_MODELS
from .options import ExpandedPath, base_url_option, create_client, parse_pair, timeout_option
from .output import get_output, output_option, print_note, print_text
from .texts import TextError, parse_text, read_text

if TYPE_CHECKING:
    from oxen_models._runtime.errors import OxenError
    from oxen_models.compare import ComparedModel, Comparison, Plan

_COST_OPTIONS = ("yes", "confirm_above", "budget")


def _add_cost_options(command: Any) -> Any:
    for option in cost_options:
        command = option(command)
    return command


@click.command()
@click.argument("models", nargs=-1, required=True, type=COMPLETES_MODELS, metavar="MODEL...")
@click.option("--prompt", help="The prompt; @name for a file, - for the standard input.")
@click.option("--image", "images", multiple=True, metavar="PATH|URL", help="An input image. Repeatable.")
@click.option("--aspect-ratio", help="The shape, as width to height, such as 16:9.")
@click.option("--resolution", help="The size, such as 1K, 720p or 1 MP.")
@click.option("--duration", metavar="SECONDS", help="The length of a video.")
@click.option("--seed", type=int, help="The number that fixes the randomness.")
@click.option(
    "--set",
    "others",
    multiple=True,
    metavar="NAME=VALUE",
    type=parse_pair,
    help="A further parameter. Repeatable.",
)
@click.option("--sheet", type=ExpandedPath(dir_okay=False), help="Write a contact sheet, such as sheet.png.")
@click.option("--folder", type=ExpandedPath(file_okay=False), help="Save all files in this folder.")
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
    from oxen_models._runtime.errors import OxenError

    costs = {name: options.pop(name) for name in _COST_OPTIONS}
    plan = _plan(models, options)
    _check_paths(sheet, folder)
    _approve(plan, costs)
    with create_client(base_url) as oxen:
        with report_interrupted_submission():
            comparison = oxen.compare(plan, budget=costs["budget"], timeout=timeout)
        reports = [_Report(item, item.error) for item in comparison]
        try:
            for report in reports:
                report.save(folder)
        finally:  # what was paid for is printed
            _print(comparison, reports)
        errors = [report.error for report in reports if report.error is not None]
        if sheet is not None:
            try:
                comparison.save(sheet)
            except OxenError as error:
                print_error(error, get_output().format)
                errors.append(error)
    return find_exit_code(errors[0], "submission") if errors else 0


@dataclass(slots=True)
class _Report:
    """The result of a model with its saved files."""

    item: ComparedModel
    error: OxenError | None
    """Why there is no result, or why its files were not saved."""
    files: list[str] = field(default_factory=list[str])

    def save(self, folder: str | None) -> None:
        """Save the files of the result, if there is one."""
        from oxen_models._runtime.errors import OxenError

        if folder is None or self.item.result is None:
            return
        name = re.sub(r"[^\w.-]", "_", self.item.model)
        try:
            paths = self.item.result.save_all(folder, f"{name}_{{index}}_{{id}}.{{ext}}")
        except OxenError as error:
            self.error = error
        else:
            self.files = list(map(str, paths))


def _print(comparison: Comparison, reports: Sequence[_Report]) -> None:
    output = get_output()
    values = [
        {
            "model": report.item.model,
            "seconds": round(report.item.seconds, 3),
            "cost": report.item.cost,
            "urls": [medium.url for medium in report.item.result or ()],
            "files": report.files,
            "error": None if report.error is None else describe_error(report.error, "submission"),
        }
        for report in reports
    ]
    output.show_list(values, lambda: print_text(str(comparison)), [report.item.model for report in reports])
    for report in reports:
        if report.error is not None and report.error is not report.item.error and output.is_human:
            print_error(report.error, output.format)


def _plan(models: Sequence[str], options: Mapping[str, Any]) -> Plan:
    from oxen_models import compare

    parameters = dict(options)
    images, others = parameters.pop("images"), parameters.pop("others")
    if images:
        parameters["image"] = list(images)
    try:
        if parameters["prompt"] is not None:
            parameters["prompt"] = read_text(parameters["prompt"])
        parameters |= {name.replace("-", "_"): parse_text(value, {}) for name, value in others}
    except TextError as error:
        raise click.UsageError(str(error)) from None
    return compare.plan(models, **parameters)


def _check_paths(sheet: str | None, folder: str | None) -> None:
    """Check that a contact sheet can be written, and create the folder of the files.

    Raises:
        ConfigurationError: Pillow is not installed, the suffix is not that of an image, or a folder is not
            writable.
        MediaError: A folder does not exist or cannot be created.
    """
    from oxen_models._runtime.contact_sheet import MAX_TILE_SIZE, open_sheet
    from oxen_models._runtime.paths import check_file, check_folder
    from oxen_models._runtime.saving import map_os_errors

    if sheet is not None:
        with map_os_errors(sheet):
            file = open_sheet(sheet, None, MAX_TILE_SIZE)
        check_file(file.target.path)
    if folder is not None:
        path = Path(folder)
        with map_os_errors(folder):
            path.mkdir(parents=True, exist_ok=True)
        check_folder(path)


def _approve(plan: Plan, costs: Mapping[str, Any]) -> None:
    """Print the plan and its estimate, and ask if that is above the limit.

    Raises:
        BudgetExceededError: The plan could exceed the budget.
        NotConfirmedError: It was not confirmed.
        UnpricedRequestError: There is a budget, and the cost is unknown.
    """
    from oxen_models._runner.spending import Spending

    print_note(str(plan))
    print_estimate(plan.estimate)
    spending = Spending(create_limits(costs))
    spending.approve("compare", plan.estimate, lambda: confirm_cost(plan.estimate))
