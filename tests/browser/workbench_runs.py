"""The workbench in a browser with its server: runs, confirmation, files, history and the budget."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from helpers.workbench import serve_page
from oxen_models._runner.limits import Limits
from oxen_models.testing import Hub
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from browser.conftest import PHONE_WIDTH, ColorScheme, PageOpener
from browser.forms import choose_program, copy_program, find_field
from browser.pages import find_findings

IMAGE = "z-image-turbo"
EDIT = "qwen-image-edit-plus"
REJECTED = ("status of 402", "status of 409", "status of 422")
"""What the browser's console says about responses that the page shows."""


class Served:
    """Serves the workbench for one test, and opens its page."""

    def __init__(self, browser: Browser, folder: Path, stack: ExitStack) -> None:
        self._browser = browser
        self._folder = folder
        self._stack = stack
        self._openers: list[PageOpener] = []

    def open(
        self,
        fragment: str,
        *,
        limits: Limits | None = None,
        generation_time: float | None = None,
        **options: Any,
    ) -> Page:
        """Return the page of a server that has started."""
        hub = self._stack.enter_context(Hub(generation_time=generation_time))
        page = self._stack.enter_context(serve_page(hub.url, self._folder, limits))
        self.server = page.server
        opener = PageOpener(self._browser, page.server.url, REJECTED)
        self._openers.append(opener)
        self._stack.callback(opener.close)
        return opener(f"?token={page.session.token}{fragment}", **options)

    def check(self) -> None:
        """Raise if a page had a fault."""
        assert [fault for opener in self._openers for fault in opener.faults] == []


@pytest.fixture
def served(browser: Browser, tmp_path: Path) -> Iterator[Served]:
    """The workbench with a server and a stand-in."""
    with ExitStack() as stack:
        served = Served(browser, tmp_path, stack)
        yield served
        served.check()


def run(page: Page) -> None:
    """Press the button that runs the request."""
    page.locator(".bar .primary").click()


def choose_file(field: Locator) -> None:
    """Choose an image as the only one of a list."""
    field.get_by_role("button", name="Remove Image 1").click()
    with BytesIO() as file:
        Image.new("RGB", (64, 48), "teal").save(file, "PNG")
        field.locator("input[type=file]").last.set_input_files(
            FilePayload(name="teal.png", mimeType="image/png", buffer=file.getvalue())
        )
    expect(field.get_by_role("img")).not_to_have_js_property("naturalWidth", 0)


def test_run_shows_progress_result_and_cost(
    served: Served, color_scheme: ColorScheme, screenshots: Path
) -> None:
    """A run reports its status by events, and ends with a preview, its cost and an item of the history."""
    page = served.open(
        f"#model={IMAGE}", limits=Limits(budget=Decimal(5)), generation_time=1, color_scheme=color_scheme
    )
    expect(page.locator(".bar .primary")).to_contain_text("$")
    run(page)
    card = page.locator(".run")
    expect(card.get_by_role("progressbar")).to_be_visible()
    page.screenshot(path=screenshots / f"workbench-running-{color_scheme}.png")
    expect(card.locator(".state")).to_have_text("Succeeded")
    picture = card.get_by_role("img")
    expect(picture).to_be_visible()
    expect(picture).not_to_have_js_property("naturalWidth", 0)
    expect(card.locator(".cost")).to_contain_text("$")
    expect(page.locator(".grid li")).to_have_count(1)
    expect(page.locator("#budget")).to_contain_text("of $5")
    page.screenshot(path=screenshots / f"workbench-result-{color_scheme}.png", full_page=True)
    assert find_findings(page) == []
    page.set_viewport_size({"width": PHONE_WIDTH, "height": 800})
    page.screenshot(path=screenshots / f"workbench-result-phone-{color_scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH


def test_failed_job_shows_its_error(served: Served, screenshots: Path) -> None:
    """The error of a failed job is shown, and the request can be changed and run again."""
    page = served.open(f"#model={EDIT}")
    find_field(page, "prompt").locator("textarea").fill(" ")
    run(page)
    card = page.locator(".run")
    expect(card.locator(".state")).to_have_text("Failed")
    expect(card.get_by_role("alert")).not_to_be_empty()
    page.screenshot(path=screenshots / "workbench-failed.png", full_page=True)
    find_field(page, "prompt").locator("textarea").fill("Add a funny hat")
    run(page)
    expect(card.locator(".state")).to_have_text("Succeeded")
    page.reload()
    expect(page.locator("td.failed .error")).not_to_be_empty()


def test_running_job_is_cancelled(served: Served) -> None:
    """Cancel ends a run that has no result yet."""
    page = served.open(f"#model={IMAGE}", generation_time=600)
    run(page)
    card = page.locator(".run")
    card.get_by_role("button", name="Cancel").click()
    expect(card.locator(".state")).to_have_text("Cancelled")
    expect(card.get_by_role("progressbar")).to_be_hidden()
    expect(page.locator("td.cancelled")).to_have_count(1)


def test_reloaded_page_follows_run(served: Served) -> None:
    """A run that has not ended can be cancelled after a reload, which shows its end."""
    page = served.open(f"#model={IMAGE}", generation_time=600)
    run(page)
    expect(page.locator(".run").get_by_role("progressbar")).to_be_visible()
    page.reload()
    page.get_by_role("button", name=f"Cancel the run of {IMAGE}").click()
    expect(page.locator("td.cancelled")).to_have_count(1)


def test_run_reports_end_of_server(served: Served) -> None:
    """A server that ends during a run is reported in place of an endless progress."""
    page = served.open(f"#model={IMAGE}", generation_time=600)
    run(page)
    expect(page.locator(".run").get_by_role("progressbar")).to_be_visible()
    served.server.should_exit = True
    expect(page.locator(".outcome").get_by_role("alert")).to_have_text(
        "the server has ended; the job may continue"
    )
    expect(page.get_by_role("progressbar")).to_have_count(0)


def test_number_of_results_is_limited(served: Served) -> None:
    """The field shows the number of results that a run has, and amounts have cents."""
    page = served.open(f"#model={IMAGE}", limits=Limits(budget=Decimal("0.2")))
    results = page.get_by_label("Results", exact=True)
    for given, shown in [("99", "4"), ("0", "1"), ("", "1")]:
        results.fill(given)
        results.blur()
        expect(results).to_have_value(shown)
    expect(page.locator("#budget")).to_have_text("spent $0 of $0.20")


def test_expensive_run_is_confirmed(served: Served) -> None:
    """A request above the limit is sent after a confirmation, and not after its rejection."""
    page = served.open(f"#model={IMAGE}", limits=Limits(confirm_above=Decimal(0)))
    run(page)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("$")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(".run")).to_have_count(0)
    run(page)
    dialog.get_by_role("button", name="Run").click()
    expect(page.locator(".run .state")).to_have_text("Succeeded")


def test_run_above_budget_is_rejected(served: Served) -> None:
    """The reason is shown, and nothing is sent."""
    page = served.open(f"#model={IMAGE}", limits=Limits(budget=Decimal("0.000001")))
    run(page)
    expect(page.locator(".outcome").get_by_role("alert")).to_contain_text("budget")
    expect(page.locator(".run")).to_have_count(0)


def test_invalid_request_is_not_sent(served: Served) -> None:
    """Run names the missing parameter at its field and moves the focus there."""
    page = served.open(f"#model={IMAGE}")
    page.get_by_role("button", name="Clear", exact=True).click()
    run(page)
    field = find_field(page, "prompt")
    expect(field.locator(".error")).to_be_visible()
    expect(field.locator("textarea")).to_be_focused()


def test_rejected_value_is_named_at_its_field(served: Served, tmp_path: Path) -> None:
    """A problem that only the server finds is shown at the field until a change."""
    page = served.open(f"#model={EDIT}")
    field = find_field(page, "input_image")
    choose_file(field)
    for file in (tmp_path / "media").iterdir():
        file.unlink()
    run(page)
    alert = page.locator(".outcome").get_by_role("alert")
    expect(alert).to_contain_text("input_image")
    page.evaluate("new Promise(requestAnimationFrame)")  # in which a change is shown
    error = field.locator(":scope > .error:visible")
    expect(error).to_have_count(1)
    assert error.inner_text() in alert.inner_text()
    find_field(page, "prompt").locator("textarea").fill("A crown")
    expect(error).to_have_count(0)


def test_chosen_file_is_sent(served: Served) -> None:
    """A file is kept by the server, shown, valid in the form and after a reload, and sent."""
    page = served.open(f"#model={EDIT}")
    choose_file(find_field(page, "input_image"))
    expect(page.locator(".summary")).to_have_text("The values are valid.")
    choose_program(page, "Python", "Blocking")
    assert "Path(" in copy_program(page)
    page.wait_for_url(re.compile("media%2F"))
    page.reload()
    expect(page.locator(".summary")).to_have_text("The values are valid.")
    run(page)
    expect(page.locator(".run .state")).to_have_text("Succeeded")


def test_earlier_request_is_used_again(served: Served) -> None:
    """An item of the history puts its model and values in the form."""
    page = served.open(f"#model={IMAGE}")
    find_field(page, "prompt").locator("textarea").fill("An ox on the moon")
    run(page)
    item = page.locator(".grid li")
    expect(item).to_have_count(1)
    page.get_by_role("combobox", name="Model", exact=True).fill("flux-3-image")
    page.keyboard.press("Enter")
    item.get_by_role("button").click()
    expect(page.locator(".facts code")).to_have_text(IMAGE)
    expect(find_field(page, "prompt").locator("textarea")).to_have_value("An ox on the moon")
