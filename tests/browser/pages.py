"""Pages of different shapes in a browser: tabs, copy buttons, accessibility, a phone, light and dark.

`nox -s browser` runs these tests; `nox -s tests` does not collect them.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import PHONE_WIDTH, ColorScheme, PageOpener

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
LANGUAGES = {"Python", "Python (async)", "httpx", "openai", "cURL"}
MODELS = {
    "edit": "models/qwen-image-edit-plus/",
    "video": "models/wan-v2-7-text-to-video/",
    "speech": "models/bytedance-seed-audio-1-0/",
    "chat": "models/claude-sonnet-5/",
}
PAGES = {**MODELS, "index": "models/", "api": "api/batches/"}

each_page = pytest.mark.parametrize("name", PAGES)
each_model = pytest.mark.parametrize("name", MODELS)


def find_findings(page: Page) -> list[str]:
    """Return the serious and critical findings of axe."""
    page.evaluate(AXE)
    result: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{finding['id']}: {node['html']}"
        for finding in result["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


def find_chosen_languages(page: Page) -> set[str]:
    """Return the labels of the tabs with a language that are chosen, visible or not."""
    chosen: list[str] = page.eval_on_selector_all(
        ".tabbed-set > input:checked", "inputs => inputs.map(input => input.labels[0].textContent.trim())"
    )
    return LANGUAGES & {*chosen}


@each_page
def test_axe_reports_nothing_serious(
    name: str, color_scheme: ColorScheme, open_page: PageOpener, screenshots: Path
) -> None:
    """A page has the colors of the reader's system, and no serious finding of axe in them."""
    page = open_page(PAGES[name], color_scheme=color_scheme)
    page.screenshot(path=screenshots / f"{name}-{color_scheme}.png", full_page=True)
    scheme = page.locator("body").get_attribute("data-md-color-scheme")
    assert scheme == {"light": "default", "dark": "slate"}[color_scheme]
    assert find_findings(page) == []


@each_page
def test_page_fits_phone(name: str, open_page: PageOpener, screenshots: Path) -> None:
    """A page on a phone does not scroll sideways."""
    page = open_page(PAGES[name], width=PHONE_WIDTH, color_scheme="dark")
    page.screenshot(path=screenshots / f"{name}-phone.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH


@each_model
def test_tab_shows_its_program(name: str, open_page: PageOpener) -> None:
    """Choosing a tab shows the program of that tab and hides the others."""
    page = open_page(MODELS[name])
    tabs = page.locator(".tabbed-set").first
    labels = tabs.locator("> .tabbed-labels > label")
    blocks = tabs.locator("> .tabbed-content > .tabbed-block")
    assert labels.count() == blocks.count() >= 2
    for number in range(labels.count()):
        labels.nth(number).click()
        for other in range(blocks.count()):
            expect(blocks.nth(other)).to_be_visible(visible=other == number)


@each_model
def test_copy_button_copies_shown_program(name: str, open_page: PageOpener) -> None:
    """The button of each visible block copies its text."""
    page = open_page(MODELS[name])
    blocks = page.locator(".highlight:visible")
    assert blocks.count() >= 2
    for number in range(blocks.count()):
        block = blocks.nth(number)
        block.hover()
        block.locator("button.md-code__button[data-md-type=copy]").click()
        copied: str = page.evaluate("navigator.clipboard.readText()")
        assert copied.strip() == block.locator("code").inner_text().strip()


@pytest.mark.parametrize(
    ("language", "others"),
    [("Python (async)", ("video", "chat")), ("httpx", ("video", "speech")), ("cURL", ("video", "chat"))],
)
def test_language_is_kept(language: str, others: Collection[str], open_page: PageOpener) -> None:
    """A language that is chosen in one set of tabs is chosen in all, also on the next page."""
    page = open_page(MODELS["edit"])
    page.locator("label:visible").get_by_text(language, exact=True).click()
    assert find_chosen_languages(page) == {language}
    for name in others:
        assert find_chosen_languages(open_page(MODELS[name])) == {language}


def test_search_finds_model(open_page: PageOpener) -> None:
    """A model is found by its id."""
    page = open_page("")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("combobox", name="Search").fill("qwen-image-edit-plus")
    expect(page.locator("a[href*='models/qwen-image-edit-plus/']").first).to_be_visible()
