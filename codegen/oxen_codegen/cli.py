"""The command line, `oxen-codegen`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from os import PathLike
from os.path import expanduser
from pathlib import Path
from typing import Any

import click

from .config import Config, find_template_dir, load_config, package_version
from .diagnostics import CodegenError, Diagnostic, make_printable
from .environment import DEFAULT_BASE_URL
from .records import Record
from .terminal import print_text, report_diagnostics, report_errors, show_progress


class _Folder(click.Path):
    """A folder, in whose path `~` is the home folder; a shell expands it only at the start of a word."""

    def convert(
        self, value: str | PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        return super().convert(expanduser(value), param, ctx)


_SCHEMAS = click.option(
    "--schemas",
    type=_Folder(path_type=Path, file_okay=False),
    help="The folder of model schemas: recorded files or saved responses of the server. "
    "Defaults to `schemas` in the package.",
)
_OUTPUT = click.option(
    "--output",
    type=_Folder(path_type=Path, file_okay=False),
    help="The folder that contains the package. Schemas from another folder are copied into the package. "
    "Defaults to `output` of the configuration.",
)
_TEMPLATES = click.option(
    "--templates",
    type=_Folder(path_type=Path, file_okay=False),
    help="A folder of templates; each replaces the built-in template with the same relative path. "
    "Defaults to `templates` of the configuration.",
)
_BASE_URL = click.option(
    "--base-url",
    help=f"The address of the server. Defaults to OXEN_BASE_URL, else OXEN_HOST, else {DEFAULT_BASE_URL}.",
)
_FORMAT = click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="The format of the diff. Markdown is the format of a pull request.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="oxen-models")
def main() -> None:
    """Generate typed bindings for the models of Oxen.ai."""


@main.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "fetch_all", is_flag=True, help="All models. Files of removed models are deleted.")
@_BASE_URL
@_SCHEMAS
@report_errors
def fetch(ids: Sequence[str], fetch_all: bool, base_url: str | None, schemas: Path | None) -> int:
    """Record models of the API. An API key is sent if there is one.

    Exit code: 0 done; 1 done, except for the models that are reported; 2 nothing was changed.
    """
    from .build import PackageBuilder
    from .fetch import fetch as fetch_models
    from .hub import HubClient

    if bool(ids) == fetch_all:
        raise CodegenError("expected either model ids or --all")
    config = load_config(Path.cwd())
    folder = schemas or config.schemas
    with closing(HubClient(base_url)) as hub, show_progress("fetch") as progress:
        result = fetch_models(hub, ids, folder, PackageBuilder(config, find_template_dir()), progress)
    report_diagnostics(result.diagnostics)
    click.echo(
        f"fetch: {len(result.written)} written, {result.unchanged} unchanged, "
        f"{len(result.removed)} removed, {result.failed} failed; {folder}"
    )
    if result.skipped:
        click.echo(
            f"fetch: {result.skipped} recorded models are excluded by the configuration and were not changed"
        )
    for model_id in result.removed:
        click.echo(f"removed: {make_printable(model_id)}")
    return 1 if result.failed else 0


@main.command()
@_SCHEMAS
@_OUTPUT
@_TEMPLATES
@report_errors
def generate(schemas: Path | None, output: Path | None, templates: Path | None) -> int:
    """Build the package from the recorded schemas.

    Exit code: 0 done; 2 nothing was changed.
    """
    from .generate import generate as generate_package

    config = _load_config(output, templates)
    result = generate_package(config, schemas or config.schemas, find_template_dir())
    package = result.package
    report_diagnostics(package.diagnostics)
    listed = ", ".join(f"{count} {family}" for family, count in sorted(package.listed.items()))
    click.echo(
        f"generate: {package.bound} bound, {package.listed.total()} only listed"
        f"{f' ({listed})' if listed else ''}{f', {package.excluded} excluded' if package.excluded else ''}; "
        f"{_count_files(len(result.differences))} changed in {config.folder}"
    )
    return 0


@main.command()
@_SCHEMAS
@_OUTPUT
@_TEMPLATES
@report_errors
def check(schemas: Path | None, output: Path | None, templates: Path | None) -> int:
    """List the files that `generate` would change; change nothing.

    Exit code: 0 up to date; 1 files differ; 2 the package cannot be built.
    """
    from .generate import generate as generate_package

    config = _load_config(output, templates)
    result = generate_package(config, schemas or config.schemas, find_template_dir(), dry_run=True)
    for name, how in result.differences:
        click.echo(f"{how}: {config.folder / name}")
    if not result.differences:
        click.echo("check: up to date")
        return 0
    options = "".join(
        f" {option} {value}"
        for option, value in (("--schemas", schemas), ("--output", output), ("--templates", templates))
        if value
    )
    count = _count_files(len(result.differences))
    click.echo(f"check: out of date ({count}); run: oxen-codegen generate{options}")
    return 1


@main.command()
@click.option(
    "--from", "old_source", metavar="OLD", help="The old catalogue. Defaults to the recorded schemas."
)
@click.option(
    "--to", "new_source", metavar="NEW", default="live", show_default=True, help="The new catalogue."
)
@_FORMAT
@_BASE_URL
@report_errors
def diff(old_source: str | None, new_source: str, output_format: str, base_url: str | None) -> int:
    """Compare two catalogues, and classify the changes for callers.

    OLD and NEW are a folder of model schemas, a git revision of this repository, or `live` for the API.
    Without recorded schemas, OLD defaults to the schemas of the installed package.

    Exit code: 0 no changes; 1 no changes, except for the models that are reported; 3 changes that break no
    call; 4 breaking changes; 2 no diff was made.
    """
    from .diff.compare import compare
    from .diff.formats import FORMATS
    from .diff.source import LIVE, default_folder, load_models

    config = load_config(Path.cwd())
    sources = [str(default_folder(config)) if old_source is None else old_source, new_source]
    catalogues = {source: load_models(source, config) for source in sources if source != LIVE}
    skipped: list[Diagnostic] = []
    if LIVE in sources:
        recorded = {model_id for records in catalogues.values() for model_id in records}
        catalogues[LIVE], skipped = _read_live(config, base_url, recorded)
        report_diagnostics(skipped)
    old, new = (
        {
            model_id: record
            for model_id, record in catalogues[source].items()
            if config.selection.matches(record)
        }
        for source in sources
    )
    result = compare(old, new, config.names, config.client, config.renamed)
    print_text(FORMATS[output_format](result, package_version(config, find_template_dir())))
    return {None: 1 if skipped else 0, "breaking": 4}.get(result.max_impact, 3)


@main.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--dry-run", is_flag=True, help="Print the result; change nothing.")
@click.option("--allow-removals", is_flag=True, help="Allow the removal of more than a fifth of the models.")
@_FORMAT
@_BASE_URL
@_TEMPLATES
@report_errors
def update(
    ids: Sequence[str],
    dry_run: bool,
    allow_removals: bool,
    output_format: str,
    base_url: str | None,
    templates: Path | None,
) -> int:
    """Fetch, compare, generate, and add to CHANGELOG.md.

    Updates all models, or the models with the given IDs. The update is atomic. A removed model keeps a module
    for one minor version; its calls raise ModelRemovedError.

    Exit code: 0 done; 1 done, except for the models that are reported; 2 nothing was changed.
    """
    from .diff.formats import FORMATS
    from .hub import HubClient
    from .update import update as update_package

    config = _load_config(None, templates)
    with closing(HubClient(base_url)) as hub, show_progress("update") as progress:
        result = update_package(
            hub,
            ids,
            config,
            find_template_dir(),
            allow_removals=allow_removals,
            dry_run=dry_run,
            progress=progress,
        )
    report_diagnostics(result.diagnostics)
    print_text(FORMATS[output_format](result.diff, result.version))
    verb = "would change" if dry_run else "changed"
    click.echo(f"update: {_count_files(result.files)} {verb} in {config.folder}", err=True)
    return 1 if result.failed else 0


@main.command()
@_SCHEMAS
@click.option(
    "--output",
    type=_Folder(path_type=Path, file_okay=False),
    required=True,
    help="The folder of the Markdown files. Files of models that are not recorded are deleted from it.",
)
@report_errors
def docs(schemas: Path | None, output: Path) -> int:
    """Write a Markdown page for each recorded model.

    Exit code: 0 done; 2 not all files were written.
    """
    from .reference.site import write_site

    config = load_config(Path.cwd())
    count = write_site(config, schemas or config.schemas, find_template_dir(), output)
    click.echo(f"docs: {_count_files(count)}; {output}")
    return 0


def _read_live(
    config: Config, base_url: str | None, recorded: Collection[str]
) -> tuple[Mapping[str, Record], list[Diagnostic]]:
    """Return the models of the API that the configuration selects, and errors of those without a valid id."""
    from .diff.live import fetch_models
    from .hub import HubClient, split_valid_ids

    with closing(HubClient(base_url)) as hub, show_progress("diff") as progress:
        listed, unusable = hub.list_ids()
        ids, invalid = split_valid_ids(config.selection.ids_to_fetch(listed))
        unlisted = config.selection.unlisted(listed, recorded)
        return fetch_models(hub, ids, unlisted, progress), [*unusable, *invalid.values()]


def _count_files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _load_config(output: Path | None, templates: Path | None) -> Config:
    config = load_config(Path.cwd())
    return replace(config, output=output or config.output, templates=templates or config.templates)
