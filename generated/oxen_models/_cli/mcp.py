# Copied by oxen-codegen from templates/package/_cli/mcp.py. Do not edit.
"""`mcp`: the MCP server."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import click

from .failures import report_missing_extra
from .loopback import bind_loopback
from .options import ExpandedPath, base_url_option, create_client, parse_dollars

TOKEN_VARIABLE = "OXEN_MCP_TOKEN"
_PACKAGES = ("mcp", "mcp_types", "jsonschema", "anyio", "uvicorn", "starlette")


@click.command()
@click.option(
    "--budget",
    type=parse_dollars,
    metavar="DOLLARS",
    help="What all calls may cost together. Defaults to no limit.",
)
@click.option(
    "--per-call", type=parse_dollars, metavar="DOLLARS", help="What a call may cost. Defaults to no limit."
)
@click.option(
    "--confirm-above",
    type=parse_dollars,
    metavar="DOLLARS",
    default="1",
    show_default=True,
    help="Let the client ask the user before a call that may cost more.",
)
@click.option("--allow-unpriced", is_flag=True, help="Do not ask before a call whose cost is unknown.")
@click.option(
    "--allow",
    "folders",
    multiple=True,
    type=ExpandedPath(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    metavar="FOLDER",
    help="Read input files below this folder; without it, none. Repeatable.",
)
@click.option(
    "--output-dir",
    type=ExpandedPath(file_okay=False, resolve_path=True, path_type=Path),
    metavar="FOLDER",
    default="~/oxen-models",
    show_default=True,
    help="Write results below this folder.",
)
@click.option(
    "--http",
    "port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help=f"Serve HTTP on 127.0.0.1 in place of the standard streams, with the token in {TOKEN_VARIABLE}.",
)
@base_url_option
def mcp_command(
    budget: Decimal | None,
    per_call: Decimal | None,
    confirm_above: Decimal,
    allow_unpriced: bool,
    folders: Sequence[Path],
    output_dir: Path,
    port: int | None,
    base_url: str | None,
) -> None:
    """Serve the models to agents by the Model Context Protocol, within limits.

    An agent finds models, sees their prices, and calls them. Invalid parameters and calls above a limit are
    rejected before anything is sent.
    """
    with report_missing_extra("mcp", _PACKAGES):
        from oxen_models._mcp.serve import MIN_TOKEN_LENGTH, serve_http, serve_stdio
        from oxen_models._mcp.server import create_server
    from oxen_models._runner.destinations import Destination
    from oxen_models._runner.limits import Limits
    from oxen_models._runner.runner import Runner

    token = os.environ.get(TOKEN_VARIABLE, "")
    if port is not None and len(token) < MIN_TOKEN_LENGTH:
        raise click.UsageError(
            f"--http requires a token of {MIN_TOKEN_LENGTH} characters in {TOKEN_VARIABLE}"
        )
    limits = Limits(
        confirm_above=confirm_above,
        per_call=per_call,
        budget=budget,
        unpriced="allow" if allow_unpriced else "confirm",
        input_folders=tuple(folders),
        public_urls=True,
    )
    with create_client(base_url) as oxen:
        server = create_server(Runner(oxen, limits), Destination(output_dir))
        if port is None:
            if sys.stdin.isatty():
                click.echo("serving on the standard streams, for a client; Ctrl-C ends", err=True)
            serve_stdio(server)
        else:
            bound = bind_loopback(port, "--http")
            click.echo(f"serving at http://127.0.0.1:{port}/mcp", err=True)
            serve_http(server, token, bound)
