# Copied by oxen-codegen from templates/package/_cli/model_commands.py. Do not edit.
"""Groups whose commands are the models, so that each model has options of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType

from .failures import find_option

if TYPE_CHECKING:
    from oxen_models._runner.models import RunnableModel

Call = Callable[..., int | None]


class ModelIdType(StringParamType):
    """The id of a model; it completes those of the package."""

    name = "model"

    def __init__(self, *families: str) -> None:
        self._families = families

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return complete_models(incomplete, *self._families)


COMPLETES_MODELS = ModelIdType()


class ModelGroup(click.Group):
    """A group with a command for each model.

    Args:
        name: The name of the group.
        call: Called with the model, the values of its parameters and the other options.
        options: The other options, of which each command gets a copy.
        options_help: The help of the group.
    """

    def __init__(
        self, name: str, call: Call, options: Callable[[], list[click.Parameter]], options_help: str
    ) -> None:
        super().__init__(name, help=options_help, subcommand_metavar="MODEL [OPTIONS]", no_args_is_help=True)
        self._call = call
        self._options = options

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [item.value for item in complete_models("", "images", "videos", "audio")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from oxen_models._runner.models import read_recorded

        model = read_recorded(cmd_name)
        return None if model is None else self.create_command(model)

    def create_command(self, model: RunnableModel) -> ModelCommand:
        """Return the command of a model."""
        return ModelCommand(model, self._call, self._options())

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        id, *rest = args
        if ctx.resilient_parsing or id.startswith("-"):
            return super().resolve_command(ctx, args)
        model = find_model(id, find_option(rest, "--base-url"))
        if model.operation is not None and model.operation.family == "chat":
            raise click.UsageError(f"{id!r} is a chat model. Use: oxen-models chat {id} PROMPT")
        return id, self.create_command(model), rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Models"):
            formatter.write_text(
                f"`oxen-models list` lists them. `oxen-models {self.name} MODEL --help` describes the "
                "options of one."
            )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return complete_models(incomplete, "images", "videos", "audio")


class ModelCommand(click.Command):
    """The command of a model.

    Args:
        model: The model.
        call: Called with the model, the values of its parameters and the other options.
        options: The other options.
    """

    def __init__(self, model: RunnableModel, call: Call, options: list[click.Parameter]) -> None:
        from .parameters import ModelOptions

        reserved = {name for option in options for name in (*option.opts, *option.secondary_opts)}
        self.model_options = ModelOptions(model, {*reserved, "--help"})
        """The options of the parameters."""
        self._model = model
        self._call = call
        self._own_options = options
        parameters = [option for found in self.model_options.sections.values() for option in found]
        super().__init__(
            model.id,
            params=[*parameters, *options],
            callback=self._run,
            epilog="A text is read from a file by @name and from the standard input by -. Objects are JSON.",
        )

    def _run(self, **arguments: Any) -> int | None:
        values: Mapping[str, Any] = self.model_options.pop_values(arguments)
        return self._call(self._model, values, **arguments)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:

        from oxen_models._runtime.printable import escape_line

        described = self._model.model
        text = f"{described.display_name}. {described.description or ''}"
        with formatter.indentation():
            formatter.write_paragraph()
            formatter.write_text(escape_line(text.strip()))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        help_option = self.get_help_option(ctx)
        sections: dict[str, list[Any]] = {
            **self.model_options.sections,
            "Options": [*self._own_options, help_option],
        }
        for title, options in sections.items():
            records = [option.get_help_record(ctx) for option in options if option is not None]
            with formatter.section(title):
                formatter.write_dl([record for record in records if record is not None])


def complete_models(incomplete: str, *families: str) -> list[CompletionItem]:
    """Return the models of the package whose id begins with a text.

    Args:
        incomplete: The beginning of the id.
        families: The families of the models. Defaults to all.
    """
    from oxen_models._runner.model_ids import NAMES

    return [
        CompletionItem(id, help=name)
        for family in families or NAMES
        for id, name in NAMES.get(family, {}).items()
        if id.startswith(incomplete)
    ]


def find_model(id: str, base_url: str | None) -> RunnableModel:
    """Return a model of the package, or else one that the server describes.

    Raises:
        click.UsageError: There is no such model; the text has the nearest name.
        OxenError: The server returned an error or could not be reached.
    """
    from oxen_models._runner.models import read_recorded

    model = read_recorded(id)
    if model is not None:
        return model
    from oxen_models._runner.runner import Runner
    from oxen_models._runtime.errors import NotFoundError
    from oxen_models._runtime.suggestions import suggest_similar

    from .options import create_client

    with create_client(base_url) as oxen:
        try:
            return Runner(oxen).find_model(id)
        except NotFoundError:
            known = [item.value for item in complete_models("")]
            raise click.UsageError(f"no model {id!r}{suggest_similar(id, known)}") from None
