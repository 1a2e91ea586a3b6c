# Copied by oxen-codegen from templates/package/_cli/main.py. Do not edit.
"""The group of all commands, each of which is loaded when it is used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from .failures import EXIT_CODES, report_errors

# The module and the help of each command, so that no module is loaded to list them.
_COMMANDS = {
    "list": ("models", "List models by task, developer, media or price."),
    "search": ("models", "Find models by words."),
    "show": ("models", "Describe a model: parameters, price, an example."),
    "run": ("generate", "Call a model, wait and save the files."),
    "submit": ("generate", "Submit a request to the queue and print its job."),
    "wait": ("jobs", "Wait until jobs end."),
    "result": ("jobs", "Wait for jobs and save their files."),
    "cancel": ("jobs", "Cancel jobs."),
    "jobs": ("jobs", "List the jobs in the queue."),
    "history": ("history", "List past jobs with their costs."),
    "costs": ("history", "Sum what past jobs cost."),
    "batch": ("batch", "Call a model for each row of a table."),
    "compare": ("compare", "Compare models with the same parameters."),
    "chat": ("chat", "Talk to a chat model."),
    "upload": ("upload", "Upload files for use in requests."),
    "login": ("login", "Check an API key and store it in the login file."),
    "workbench": ("workbench", "Serve a page that builds and runs requests."),
    "mcp": ("mcp", "Serve the models to agents by the Model Context Protocol."),
}
_EPILOG = f"Exit codes: {'; '.join(f'{code} {text}' for code, text in EXIT_CODES.items())}."


class CommandGroup(click.Group):
    """The group of all commands."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> NoReturn:
        """Run a command and exit: the exit code is one of `EXIT_CODES`."""
        arguments = sys.argv[1:] if args is None else list(args)
        with report_errors(arguments):
            options["standalone_mode"] = False
            code: Any = super().main(arguments, *rest, **options)
        sys.exit(code or 0)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f".{module}", __package__), f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            from oxen_models._runtime.suggestions import suggest_similar

            raise click.UsageError(f"no command {name!r}{suggest_similar(name, _COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        commands = [
            CompletionItem(name, help=text)
            for name, (_, text) in _COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return commands if not incomplete.startswith("-") else super().shell_complete(ctx, incomplete)


@click.command(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EPILOG,
    no_args_is_help=True,
)
@click.version_option(package_name="oxen-models")
def cli() -> None:
    """Call the models of Oxen.ai: validated, priced and within a budget before anything is sent.

    The API key is that of OXEN_API_KEY, else of the login file, which `oxen-models login` writes.
    """
