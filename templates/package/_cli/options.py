"""Options that several commands have."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from decimal import Decimal

    from oxen_models import Oxen

C = TypeVar("C", bound=Callable[..., Any])


class ExpandedPath(click.Path):
    """A path, in which `~` is the home folder. A shell expands it only at the start of a word, and clients
    start the MCP server without one.
    """

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        return super().convert(os.path.expanduser(value), param, ctx)


def parse_dollars(text: str) -> Decimal:
    """Return the amount of an option.

    Raises:
        click.BadParameter: It is not an amount of money.
    """
    from decimal import Decimal, InvalidOperation

    try:
        amount = Decimal(str(text).removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or amount < 0:
        raise click.BadParameter(f"must be an amount in dollars such as 0.50, got {text!r}")
    return amount


def parse_seconds(text: str) -> float:
    """Return the seconds of an option.

    Raises:
        click.BadParameter: It is not a number that the client accepts as a timeout.
    """
    from oxen_models._runtime.settings import MAX_TIMEOUT

    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_TIMEOUT:
        raise click.BadParameter(
            f"must be a positive number of seconds, at most {MAX_TIMEOUT:,.0f}, got {text!r}"
        )
    return seconds


def parse_pair(text: str) -> tuple[str, str]:
    """Return the name and the value of an option.

    Raises:
        click.BadParameter: There is no equals sign.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"must be a name, an equals sign and a value, got {text!r}")
    return name.strip(), value


base_url_option = click.option(
    "--base-url",
    help="The address of the API. Defaults to OXEN_BASE_URL, else OXEN_HOST, else https://hub.oxen.ai.",
)
timeout_option = click.option(
    "--timeout",
    type=parse_seconds,
    metavar="SECONDS",
    help="Seconds to wait; a job continues afterwards. Defaults to 600, and to 3600 for a video.",
)


def save_options(command: C) -> C:
    """Add the options of saving files to a command."""
    for option in (
        click.option("--sidecar", is_flag=True, help="Write beside each file how it was made, as JSON."),
        click.option(
            "--show/--no-show", default=True, help="Show images, if the terminal supports it (default)."
        ),
        click.option(
            "--out",
            "-o",
            "out",
            metavar="PATH",
            help="A file, a folder, or a pattern such as 'out/{index}_{id}.{ext}'. Defaults to this folder.",
        ),
    ):
        command = option(command)
    return command


def create_client(base_url: str | None) -> Oxen:
    """Return a client with the key of the environment or of the login file."""

    from oxen_models import Oxen

    return Oxen(base_url=base_url)
