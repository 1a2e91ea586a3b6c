# Copied by oxen-codegen from templates/package/_cli/output.py. Do not edit.
"""What commands print: text for readers, JSON for programs, or only names for scripts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

FORMATS = ("auto", "human", "json", "jsonl", "quiet")
_META = "oxen_models.output"
C = TypeVar("C", bound=Callable[..., Any])


class Output:
    """The standard output of a command.

    Args:
        format: One of `FORMATS`. `auto` is `human` on a terminal, and `json` otherwise.
    """

    def __init__(self, format: str) -> None:
        self.format = resolve_format(format)

    @property
    def is_human(self) -> bool:
        """Whether the output is for readers."""
        return self.format == "human"

    def show(self, value: Mapping[str, Any], human: str, quiet: Iterable[str] = ()) -> None:
        """Print a value.

        Args:
            value: The value as JSON.
            human: The text for readers; control characters are escaped.
            quiet: The lines that `quiet` prints.
        """
        if self.is_human:
            print_text(human)
        elif self.format == "quiet":
            print_text("\n".join(quiet))
        else:
            click.echo(write_json(value, indent=2 if self.format == "json" else None))

    def show_list(
        self, values: Sequence[Mapping[str, Any]], human: Callable[[], object], quiet: Iterable[str]
    ) -> None:
        """Print values: as a JSON list, each on a line of `jsonl`, or by a function for readers."""
        if self.is_human:
            human()
        elif self.format == "quiet":
            print_text("\n".join(quiet))
        elif self.format == "json":
            click.echo(write_json(values, indent=2))
        else:
            for value in values:
                click.echo(write_json(value))


def output_option(command: C) -> C:
    """Add the option `--output` to a command."""

    def store(context: click.Context, parameter: click.Parameter, format: str) -> None:
        context.meta[_META] = Output(format)

    option: Callable[[C], C] = click.option(
        "--output",
        type=click.Choice(FORMATS),
        default="auto",
        show_default=True,
        expose_value=False,
        is_eager=True,
        callback=store,
        help="human on a terminal and json elsewhere, by default; quiet prints names or paths only.",
    )
    return option(command)


def get_output() -> Output:
    """Return the output of the current command."""
    output: Output = click.get_current_context().meta[_META]
    return output


def resolve_format(format: str) -> str:
    """Return the format that `auto` stands for."""
    if format != "auto":
        return format
    return "human" if sys.stdout.isatty() else "json"


def print_text(text: str, *, err: bool = False) -> None:
    """Print text of which parts may be the server's: control characters are escaped."""
    if text:
        from oxen_models._runtime.printable import escape_controls

        click.echo(escape_controls(text), err=err)


def print_note(text: str) -> None:
    """Print a line about the course of a command on the standard error, for readers only."""
    if get_output().is_human:
        print_text(text, err=True)


def write_json(value: object, *, indent: int | None = None) -> str:
    """Return JSON in ASCII, which has no control characters."""
    import json

    return json.dumps(value, indent=indent, default=_write_value)


def _write_value(value: object) -> str:
    from decimal import Decimal

    return f"{value:f}" if isinstance(value, Decimal) else str(value)  # without an exponent


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: by rich if it is installed and the output is a terminal, else in plain text."""
    from oxen_models._runtime.printable import escape_line

    cells = [[escape_line(cell) for cell in row] for row in rows]
    if not cells:
        print_text("nothing found", err=True)
        return
    if sys.stdout.isatty():
        try:
            from rich.console import Console
            from rich.table import Table
            from rich.text import Text
        except ImportError:
            pass
        else:
            table = Table(*columns, box=None, pad_edge=False)
            for row in cells:
                table.add_row(*map(Text, row))  # a plain string would be markup
            Console().print(table)
            return
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for line in (columns, *cells):
        click.echo("  ".join(map(str.ljust, line, widths)).rstrip())
