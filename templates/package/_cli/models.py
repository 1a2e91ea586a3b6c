"""`list`, `search` and `show`: the models."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from .model_commands import COMPLETES_MODELS, find_model
from .options import base_url_option, create_client, parse_dollars
from .output import get_output, output_option, print_table, print_text

if TYPE_CHECKING:
    from oxen_models._runner.models import RunnableModel
    from oxen_models._runtime.hub_models import HubModel
    from oxen_models.catalog import ModelInfo

_KINDS = click.Choice(("text", "image", "video", "audio"))
_COLUMNS = ("MODEL", "DEVELOPER", "TASKS", "DEFAULT COST", "NAME")


@click.command()
@click.option("--task", help="A use of the model, such as image-edit.")
@click.option(
    "--family", type=click.Choice(("images", "videos", "audio", "chat")), help="What the model makes."
)
@click.option("--input", "input_kind", type=_KINDS, help="A kind of input.")
@click.option("--makes", "output_kind", type=_KINDS, help="A kind of output.")
@click.option("--accepts", multiple=True, help="A parameter that the model has. Repeatable.")
@click.option("--developer", help="The developer of the model.")
@click.option(
    "--max-price",
    type=parse_dollars,
    metavar="DOLLARS",
    help="Maximum cost of a request with default values.",
)
@click.option("--live", is_flag=True, help="List the models of the server instead; filters are rejected.")
@base_url_option
@output_option
def list_command(live: bool, base_url: str | None, **filters: Any) -> None:
    """List the models of the package: those at the time of its release, without a request."""
    if live:
        if any(filters.values()):
            raise click.UsageError("--live cannot be combined with filters")
        with create_client(base_url) as oxen:
            _show_live(oxen.models.list())
        return
    from oxen_models import catalog

    filters["input"], filters["output"] = filters.pop("input_kind"), filters.pop("output_kind")
    _show_recorded(catalog.models(**filters))


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--live", is_flag=True, help="Let the server search in the models that it lists now.")
@base_url_option
@output_option
def search_command(words: Sequence[str], live: bool, base_url: str | None) -> None:
    """Find models whose id, name, developer or summary has all WORDS."""
    if live:
        with create_client(base_url) as oxen:
            _show_live(oxen.models.search(" ".join(words)))
        return
    from oxen_models import catalog

    found = catalog.models(search=" ".join(words))
    if not found and get_output().is_human:
        from oxen_models._runtime.suggestions import suggest_similar

        names = [model.id for model in catalog.models()]
        print_text(f"no model has all these words{suggest_similar('-'.join(words), names)}", err=True)
        return
    _show_recorded(found)


@click.command()
@click.argument("model", type=COMPLETES_MODELS)
@base_url_option
@output_option
def show_command(model: str, base_url: str | None) -> None:
    """Describe a MODEL: what it makes, its price and its parameters, with an example."""
    found = find_model(model, base_url)
    price = _describe_price(found)
    value = {
        "id": found.id,
        "name": found.model.display_name,
        "description": found.model.description,
        "family": found.operation.family if found.operation else None,
        "inputs": found.model.inputs,
        "outputs": found.model.outputs,
        "price": price,
        "in_package": found.is_recorded,
        "schema": found.model.request_schema,
    }
    get_output().show(value, _write_description(found, price), [found.id])


def _show_recorded(models: Sequence[ModelInfo]) -> None:
    def print_models() -> None:
        from oxen_models._runtime.json_schema.prices import format_range

        print_table(
            _COLUMNS,
            [
                (
                    model.id,
                    model.developer or "",
                    ", ".join(model.tasks),
                    format_range(*model.default_cost) if model.default_cost else "",
                    model.display_name,
                )
                for model in models
            ],
        )

    get_output().show_list([asdict(model) for model in models], print_models, [m.id for m in models])


def _show_live(models: Sequence[HubModel]) -> None:
    def print_models() -> None:
        rows = [
            (model.id, ", ".join(model.inputs), ", ".join(model.outputs), model.display_name)
            for model in models
        ]
        print_table(("MODEL", "INPUTS", "OUTPUTS", "NAME"), rows)

    get_output().show_list([dict(model.record) for model in models], print_models, [m.id for m in models])


def _describe_price(model: RunnableModel) -> str | None:
    from oxen_models._runtime.json_schema.prices import describe_price

    return describe_price(model.model.record.get("pricing"))


def _write_description(model: RunnableModel, price: str | None) -> str:
    from .generate import run_command

    described = model.model
    lines = [f"{described.display_name} ({model.id})"]
    lines += [described.description] if described.description else []
    lines.append(f"{', '.join(described.inputs)} -> {', '.join(described.outputs)}")
    lines.append(f"price: {price or 'not known'}")
    family = model.operation.family if model.operation else None
    if family == "chat":
        return "\n".join([*lines, "", f"oxen-models chat {model.id} 'Hello'"])
    context = click.Context(click.Command(model.id))
    formatter = click.HelpFormatter(max_width=100)
    model_options = run_command.create_command(model).model_options
    for title, options in model_options.sections.items():
        with formatter.section(title):
            records = [option.get_help_record(context) for option in options]
            formatter.write_dl([record for record in records if record is not None])
    example = f"oxen-models run {shlex.quote(model.id)} {model_options.write_example()}"
    return "\n".join([*lines, "", formatter.getvalue(), example])
