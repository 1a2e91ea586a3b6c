"""Render the Markdown files of the reference."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from ..changelog_file import read_changelog
from ..config import Config
from ..describe import Constraint
from ..diagnostics import CodegenError, Diagnostic
from ..lock import READ_LOCK_TIMEOUT, exclusive_lock
from ..records import Record, missing_schemas_error, read_folder
from ..render import create_environment
from ..tree import write_files
from .examples import add_filters, render_examples
from .indexes import render_indexes
from .markdown import write_code, write_json_code, write_text, write_yaml
from .pages import ModelPage, build_pages
from .parameters import COMMON_PARAMETERS, Parameter

MODEL_FOLDER = "models"


def load_templates(template_dir: Path) -> Environment:
    """Return the templates of the site, with the filters that texts of the API have to pass.

    Args:
        template_dir: The folder of built-in templates.
    """
    templates = create_environment(FileSystemLoader(template_dir))
    templates.filters["text"] = write_text
    templates.filters["code"] = write_code
    templates.filters["json_code"] = write_json_code
    templates.filters["yaml"] = write_yaml
    templates.filters["allowed"] = write_allowed
    add_filters(templates)
    return templates


def render_page(page: ModelPage, templates: Environment) -> str:
    """Return the Markdown of a model's page, with its programs in tabs."""
    template = "chat" if page.family == "chat" else "model"
    own = {parameter.wire_name for parameter in page.parameters}
    context: dict[str, Any] = {
        "page": page,
        "examples": render_examples(page, templates),
        "common": [parameter for parameter in COMMON_PARAMETERS if parameter.wire_name not in own],
    }
    return templates.get_template(f"docs/{template}.md.jinja").render(context)


def render_site(
    records: Iterable[Record], config: Config, template_dir: Path, changelog: str = ""
) -> dict[str, str]:
    """Return the Markdown files of the reference, by path below the folder of the site.

    Args:
        records: The models.
        config: The configuration of the package.
        template_dir: The folder of built-in templates.
        changelog: The text of the changelog, of which one page shows the recent updates.

    Raises:
        CodegenError: The generator cannot read the schema of a model.
    """
    templates = load_templates(template_dir)
    pages = build_pages(records, config)
    files = {f"{page.slug}.md": render_page(page, templates) for page in pages}
    files |= render_indexes(pages, changelog, templates)
    return {f"{MODEL_FOLDER}/{name}": text for name, text in files.items()}


def write_site(config: Config, schemas: Path, template_dir: Path, output: Path) -> int:
    """Write the Markdown files of the reference, and return their number.

    Args:
        config: The configuration of the package.
        schemas: The folder of recorded models.
        template_dir: The folder of built-in templates.
        output: The folder of the files. Pages of models that are not recorded are deleted from it.

    Raises:
        CodegenError: There is no record, a record cannot be read, or a file cannot be written.
    """
    with exclusive_lock(schemas, READ_LOCK_TIMEOUT):
        records, errors = read_folder(schemas)
    if not records and not errors:  # all pages would be deleted
        raise missing_schemas_error(schemas)
    if errors:
        diagnostics = [Diagnostic(name, error.path, error.message, "error") for name, error in errors.items()]
        raise CodegenError(
            f"{schemas}: {len(errors)} records cannot be read; nothing was written", diagnostics
        )
    changelog = read_changelog(config.changelog)
    files = render_site(records.values(), config, template_dir, changelog)
    for page in (output / MODEL_FOLDER).glob("*.md"):
        if f"{MODEL_FOLDER}/{page.name}" not in files:
            page.unlink()
    write_files(files, output)
    return len(files)


def write_allowed(parameter: Parameter) -> str:
    """Return the options and limits of a parameter."""
    texts = [_write_constraint(constraint) for constraint in parameter.constraints]
    if unsupported := parameter.unsupported.rstrip("."):
        texts.append(write_text(f"{unsupported[0].lower()}{unsupported[1:]}"))
    return "; ".join(dict.fromkeys(texts))


def _write_constraint(constraint: Constraint) -> str:
    return f"{'each: ' if constraint.depth else ''}{constraint.describe(write_json_code)}"
