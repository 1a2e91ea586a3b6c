"""The pages of the recorded models, and HTML as the site makes it."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from markdown import Markdown
from oxen_codegen.config import find_template_dir, load_config
from oxen_codegen.records import Record, read_folder
from oxen_codegen.reference.pages import build_pages
from oxen_codegen.reference.site import load_templates

ROOT = Path(__file__).parents[2]
CONFIG = load_config(ROOT)
TEMPLATES = load_templates(find_template_dir())


@cache
def read_records() -> tuple[Record, ...]:
    """Return all recorded models."""
    records, _ = read_folder(CONFIG.schemas)
    return tuple(records.values())


RECORDED_PAGES = build_pages(read_records(), CONFIG)


def convert(page: str) -> str:
    """Return a page as HTML, by the Markdown extensions of the site."""
    converter = _create_converter()
    converter.reset()
    return converter.convert(page)


@cache
def _create_converter() -> Markdown:
    config: dict[str, Any] = tomllib.loads((ROOT / "docs/zensical.toml").read_text(encoding="utf-8"))
    extensions: dict[str, Any] = config["project"]["markdown_extensions"]
    return Markdown(extensions=[*extensions], extension_configs=extensions)
