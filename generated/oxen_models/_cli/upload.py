# Copied by oxen-codegen from templates/package/_cli/upload.py. Do not edit.
"""`upload`: upload files for use in requests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from .options import ExpandedPath, base_url_option, create_client
from .output import get_output, output_option, print_text


@click.command()
@click.argument("files", nargs=-1, required=True, type=ExpandedPath(exists=True, dir_okay=False))
@base_url_option
@output_option
def upload_command(files: Sequence[str], base_url: str | None) -> None:
    """Upload FILES, at no cost, and print their URLs, which expire after about an hour."""
    with create_client(base_url) as oxen:
        urls = [oxen.upload(Path(file)) for file in files]
    values = [{"file": file, "url": url} for file, url in zip(files, urls, strict=True)]
    get_output().show_list(values, lambda: print_text("\n".join(urls)), urls)
