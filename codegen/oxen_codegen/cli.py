"""The command line, `oxen-codegen`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click

from . import config as configuration
from .config import Config
from .diagnostics import CodegenError, Diagnostic, make_printable
from .records import Record

DEFAULT_BASE_URL = "https://hub.oxen.ai"

P = ParamSpec("P")

_SCHEMAS = click.option(
    "--schemas",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of model schemas: recorded ones, or raw answers of the hub.",
)
_OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that gets the package; schemas from elsewhere are copied in.",
)
_TEMPLATES = click.option(
    "--templates",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder of templates, each in the place of the built-in one with the same relative path.",
)
_BASE_URL = click.option(
    "--base-url", default=DEFAULT_BASE_URL, show_default=True, help="The hub to read from."
)
_FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="Markdown is for a pull request.",
)


def _sentences(command: Callable[P, int]) -> Callable[P, None]:
    """A mistake becomes a sentence and exit code 2, never a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except CodegenError as error:
            click.echo(f"oxen-codegen: {make_printable(str(error))}", err=True)
            code = 2
        except BrokenPipeError:  # nobody reads on; click ends it
            raise
        except OSError as error:
            click.echo(f"oxen-codegen: {error.filename}: {error.strerror or error}", err=True)
            code = 2
        except KeyboardInterrupt:
            click.echo("oxen-codegen: interrupted", err=True)
            # Not sys.exit(), which waits for threads that wait for a hub. Files are whole at any time.
            os._exit(130)
        sys.exit(code)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="oxen-models")
def main() -> None:
    """Keep typed bindings true to the models of an Oxen.ai hub."""


@main.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="All models; files of models that are gone go, too.")
@_BASE_URL
@_SCHEMAS
@_sentences
def fetch(ids: Sequence[str], everything: bool, base_url: str, schemas: Path | None) -> int:
    """Record what the hub says of models. Needs OXEN_API_KEY."""
    from .fetch import Hub
    from .fetch import fetch as run

    if bool(ids) == everything:
        raise CodegenError("name the models to fetch or say --all, not both")
    config = configuration.load(Path.cwd())
    folder = schemas or config.schemas
    with closing(Hub(base_url)) as hub, _progress("fetch") as on_models:
        outcome = run(hub, ids, folder, config, on_models)
    _report(outcome.findings)
    click.echo(
        f"fetch: {len(outcome.written)} written, {outcome.unchanged} unchanged, "
        f"{len(outcome.removed)} removed, {outcome.failed} failed; {folder}"
    )
    if outcome.idle:
        click.echo(f"fetch: {outcome.idle} more recorded, not included, and left as they are")
    for name in outcome.removed:
        click.echo(f"removed: {make_printable(name)}")
    return 1 if outcome.failed else 0


@main.command()
@_SCHEMAS
@_OUTPUT
@_TEMPLATES
@_sentences
def generate(schemas: Path | None, output: Path | None, templates: Path | None) -> int:
    """Make the package what the recorded schemas say."""
    from .generate import generate as run
    from .generate import templates_folder

    config = _config(output, templates)
    outcome = run(config, schemas or config.schemas, templates_folder())
    _report(outcome.build.findings)
    listed = ", ".join(f"{count} at {path}" for path, count in sorted(outcome.build.listed.items()))
    failed = outcome.build.failed
    click.echo(
        f"generate: {outcome.build.bound} bound, {sum(outcome.build.listed.values())} only listed"
        f"{f' ({listed})' if listed else ''}, {failed} failed"
        f"{f' ({outcome.build.kept} keep the module they had)' if failed else ''}"
        f"{f', {outcome.build.left_out} left out' if outcome.build.left_out else ''}; "
        f"{len(outcome.changes)} files changed in {config.folder}"
    )
    return 1 if outcome.build.failed else 0


@main.command()
@_SCHEMAS
@_OUTPUT
@_TEMPLATES
@_sentences
def check(schemas: Path | None, output: Path | None, templates: Path | None) -> int:
    """Say what `generate` would change; write nothing."""
    from .generate import check as run
    from .generate import templates_folder

    config = _config(output, templates)
    outcome = run(config, schemas or config.schemas, templates_folder())
    _report([finding for finding in outcome.build.findings if finding.severity == "error"])
    for name, how in outcome.changes:
        click.echo(f"{how}: {config.folder / name}")
    if outcome.changes:
        given = "".join(
            f" {option} {value}"
            for option, value in (("--schemas", schemas), ("--output", output), ("--templates", templates))
            if value
        )
        click.echo(f"check: {len(outcome.changes)} files differ; to repair: oxen-codegen generate{given}")
    else:
        click.echo("check: the package is what the schemas and templates say")
    return 1 if outcome.changes or outcome.build.failed else 0


@main.command()
@click.option("--from", "before", metavar="A", help="The old catalogue. Defaults to the recorded schemas.")
@click.option("--to", "after", metavar="B", default="live", show_default=True, help="The new catalogue.")
@_FORMAT
@_BASE_URL
@_sentences
def diff(before: str | None, after: str, form: str, base_url: str) -> int:
    """Compare two catalogues and report what the changes mean for callers.

    A and B are a folder of model schemas, a git revision of this repository, or `live` for the API, which
    needs OXEN_API_KEY. Without recorded schemas, A defaults to the schemas of the installed package. The exit
    code is 0 without changes, 3 with compatible changes, and 4 with breaking changes.
    """
    from .diff.compare import compare
    from .diff.formats import FORMATS
    from .diff.source import LIVE, default_folder, load_models
    from .generate import templates_folder

    config = configuration.load(Path.cwd())
    sides = [str(default_folder(config)) if before is None else before, after]
    catalogues = {side: load_models(side, config) for side in sides if side != LIVE}
    if LIVE in sides:
        known = {model_id for records in catalogues.values() for model_id in records}
        catalogues[LIVE] = _live(config, base_url, known)
    old, new = (
        {model_id: each for model_id, each in catalogues[side].items() if config.selection.takes(each)}
        for side in sides
    )
    found = compare(old, new, config.names, config.client)
    _show(FORMATS[form](found, configuration.version(config, templates_folder())))
    return {None: 0, "breaking": 4}.get(found.max_impact, 3)


@main.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--dry-run", is_flag=True, help="Say what would change; write nothing.")
@click.option("--allow-removals", is_flag=True, help="Also if more than a fifth of the models are gone.")
@_FORMAT
@_BASE_URL
@_TEMPLATES
@_sentences
def update(
    ids: Sequence[str], dry_run: bool, allow_removals: bool, form: str, base_url: str, templates: Path | None
) -> int:
    """Fetch, say what changed, generate, and write an entry in CHANGELOG.md: all of it, or nothing.

    Without an ID, all models. Needs OXEN_API_KEY. A model that left keeps a module that says so.
    """
    from .diff.formats import FORMATS
    from .fetch import Hub
    from .generate import templates_folder
    from .update import update as run

    config = _config(None, templates)
    with closing(Hub(base_url)) as hub, _progress("update") as on_models:
        outcome = run(
            hub,
            ids,
            config,
            templates_folder(),
            allow_removals=allow_removals,
            dry_run=dry_run,
            on_models=on_models,
        )
    _report(outcome.findings)
    _show(FORMATS[form](outcome.diff, outcome.version))
    done = "would change" if dry_run else "changed"
    click.echo(f"update: {outcome.files} files {done} in {config.folder}", err=True)
    return 1 if outcome.failed else 0


def _live(config: Config, base_url: str, known: Collection[str]) -> Mapping[str, Record]:
    from .diff.source import fetch_models
    from .fetch import Hub, recordable

    with closing(Hub(base_url)) as hub, _progress("diff") as on_models:
        listed = hub.ids()
        ids, unnamed = recordable(config.selection.wanted(listed))
        _report(list(unnamed.values()))
        return fetch_models(hub, ids, config.selection.unlisted(listed, known), on_models)


@contextmanager
def _progress(label: str) -> Generator[Callable[[int], Callable[[], None]]]:
    """A bar that begins once it is known how many models there are."""
    with ExitStack() as stack:

        def on_models(number: int) -> Callable[[], None]:
            bar = click.progressbar(
                length=number, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()
            )
            stack.enter_context(bar)
            return lambda: bar.update(1)

        yield on_models


def _show(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding))


def _config(output: Path | None, templates: Path | None) -> Config:
    config = configuration.load(Path.cwd())
    return replace(config, output=output or config.output, templates=templates or config.templates)


def _report(findings: Sequence[Diagnostic]) -> None:
    for finding in findings:
        click.echo(str(finding), err=True)
