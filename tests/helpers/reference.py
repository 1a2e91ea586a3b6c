"""The pages of the recorded models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from oxen_codegen.config import find_template_dir, load_config
from oxen_codegen.records import read_folder
from oxen_codegen.reference.pages import ModelPage, build_pages
from oxen_codegen.reference.site import load_templates

TEMPLATES = load_templates(find_template_dir())


def _build_recorded_pages() -> Sequence[ModelPage]:
    config = load_config(Path(__file__).parent)
    records, _ = read_folder(config.schemas)
    return build_pages(records.values(), config)


RECORDED_PAGES = _build_recorded_pages()
