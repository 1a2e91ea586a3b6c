"""The programs that the workbench shows for a call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from helpers.reference import RECORDED_PAGES, TEMPLATES
from oxen_codegen.reference.examples import LANGUAGES, TRANSPORTS, render_examples
from oxen_codegen.reference.pages import ModelPage

from .conftest import WRITE_CALL, Workbench

PAGES = {page.id: page for page in RECORDED_PAGES if page.values is not None}
SAMPLE = ("qwen-image-edit-plus", "z-image-turbo", "bytedance-seed-audio-1-0")


def compare_with_pages(workbench: Workbench, pages: Iterable[ModelPage]) -> int:
    """Compare the programs of the examples, and return their number."""
    arguments: list[tuple[Any, ...]] = []
    expected: list[str] = []
    for page in pages:
        assert page.values is not None
        levels = dict(page.values.list_levels())
        for example in render_examples(page, TEMPLATES):
            values = levels[example.level]
            arguments.append((page.id, values, LANGUAGES[example.language][1], TRANSPORTS[example.transport]))
            expected.append(example.code)
    for call, program, code in zip(
        arguments, workbench.call_each(WRITE_CALL, arguments), expected, strict=True
    ):
        assert program == code, call
    return len(expected)


def test_programs_equal_those_of_the_page(workbench: Workbench) -> None:
    """For the values of a reference page, the workbench shows the programs of that page."""
    assert compare_with_pages(workbench, [PAGES[id] for id in SAMPLE])


@pytest.mark.slow
def test_programs_equal_those_of_all_pages(workbench: Workbench) -> None:
    """For each model, language, transport and level, the workbench shows the program of the page."""
    assert compare_with_pages(workbench, PAGES.values()) > 3_000
