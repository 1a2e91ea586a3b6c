# Copied by oxen-codegen from templates/package/_cli/generate.py. Do not edit.
"""`run` and `submit`: call a model, by the runner."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from .costs import confirm_plan, cost_options, create_limits, print_estimate
from .failures import report_interrupted_submission
from .model_commands import ModelGroup
from .options import base_url_option, create_client, save_options, timeout_option
from .output import get_output, output_option, print_note, print_text

if TYPE_CHECKING:
    from oxen_models import Oxen
    from oxen_models._runner.models import RunnableModel
    from oxen_models._runner.runner import Plan, Runner


def _send_options(command: Any) -> Any:
    """Add the options of both commands."""
    for option in (
        output_option,
        base_url_option,
        click.option("--extra-body", metavar="JSON", help="Properties to send without validation."),
        click.option("--target-directory", help="The directory of the results in that repository."),
        click.option("--target-repo", metavar="NAME", help="Where the results are kept: namespace/name."),
        *cost_options,
        click.option(
            "--dry-run",
            type=click.Choice(("json", "curl", "python", "httpx")),
            is_flag=False,
            flag_value="json",
            help="Validate, and print the request (json) or a program instead of sending it.",
        ),
        click.option(
            "--count",
            type=click.IntRange(1),
            metavar="N",
            default=1,
            show_default=True,
            help="The number of jobs.",
        ),
    ):
        command = option(command)
    return command


def _run_options() -> list[click.Parameter]:
    @click.command()
    @save_options
    @timeout_option
    @_send_options
    def run(**options: object) -> None:
        """Carry the options."""

    return run.params


def _submit_options() -> list[click.Parameter]:
    @click.command()
    @_send_options
    def submit(**options: object) -> None:
        """Carry the options."""

    return submit.params


def _run(
    model: RunnableModel,
    values: Mapping[str, Any],
    *,
    out: str | None,
    sidecar: bool,
    show: bool,
    timeout: float | None,
    **options: Any,
) -> int:
    from oxen_models._runner.destinations import parse_destination
    from oxen_models._runner.requests import describe_estimate

    from .waiting import finish_jobs

    destination = parse_destination(out)
    with create_client(options["base_url"]) as client:
        oxen = _with_targets(client, options)
        runner, plan = _plan(oxen, model, values, options)
        if options["dry_run"]:
            _print_program(options["dry_run"], oxen, plan, values)
            return 0
        with report_interrupted_submission():
            jobs = runner.send(plan, confirm_plan)
        described = {"model": model.id, "estimate": describe_estimate(plan.estimate)}
        return finish_jobs(
            runner,
            jobs,
            destination,
            timeout=timeout,
            sidecar=sidecar,
            show=show,
            out=out,
            described=described,
        )


def _submit(model: RunnableModel, values: Mapping[str, Any], **options: Any) -> int:
    from oxen_models._runner.requests import describe_estimate

    with create_client(options["base_url"]) as client:
        oxen = _with_targets(client, options)
        runner, plan = _plan(oxen, model, values, options)
        if options["dry_run"]:
            _print_program(options["dry_run"], oxen, plan, values)
            return 0
        with report_interrupted_submission():
            ids = [job.id for job in runner.send(plan, confirm_plan)]
        value = {
            "model": model.id,
            "estimate": describe_estimate(plan.estimate),
            "jobs": [{"id": id, "status": "queued"} for id in ids],
        }
        get_output().show(value, "\n".join(ids), ids)  # before the client is closed, which takes a moment
    print_note(f"wait for it and save its files with: oxen-models result {' '.join(ids)}")
    return 0


run_command = ModelGroup(
    "run",
    _run,
    _run_options,
    "Call a MODEL: validate, estimate the cost, send, wait, and save the files.\n\n"
    "The options are the parameters of the model.",
)
submit_command = ModelGroup(
    "submit",
    _submit,
    _submit_options,
    "Submit a request to the queue and print the ids of its jobs, without waiting.\n\n"
    "The options are the parameters of the MODEL.",
)


def _with_targets(client: Oxen, options: Mapping[str, Any]) -> Oxen:
    return client.with_options(
        target_repo=options["target_repo"], target_directory=options["target_directory"]
    )


def _plan(
    oxen: Oxen, model: RunnableModel, values: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[Runner, Plan]:
    """Validate the request and print its estimated cost."""
    from oxen_models._runner.runner import Runner

    runner = Runner(oxen, create_limits(options))
    extra_body = _parse_object(options["extra_body"])
    plan = runner.plan(model, values, count=options["count"], extra_body=extra_body)
    print_estimate(plan.estimate)
    return runner, plan


def _parse_object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    from oxen_models._runtime.json_schema.json_types import is_object

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not is_object(value):
        raise click.BadParameter("must be a JSON object", param_hint="--extra-body")
    return value


def _print_program(format: str, oxen: Oxen, plan: Plan, values: Mapping[str, Any]) -> None:
    from oxen_models._runtime.bodies import encode_queue_body

    from .programs import write_program

    settings = oxen._session.settings  # pyright: ignore[reportPrivateUsage]
    encoded = encode_queue_body(plan.request, plan.count, settings.targets, plan.extra_body)
    body = json.loads(encoded if isinstance(encoded, bytes) else b"".join(encoded))
    print_text(write_program(format, plan, values, settings.url("/queue"), body))
