"""The workbench from its file in a browser: form, errors, calls, comparison, address, keyboard and sizes."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import FilePayload, Page, expect

from browser.conftest import PHONE_WIDTH, WORKBENCH, ColorScheme, PageOpener
from browser.forms import LANGUAGES, TRANSPORTS, choose_program, copy_program, fill_field, find_field
from browser.pages import find_findings

SWITCH_TIME = 10
PAINT_TIME = 300
"""Milliseconds on an idle machine; the tests allow a busy one `SLACK` times as much."""
SLACK = 20
ROUNDS = 3
"""The fastest switch to a model counts, because other processes delay some."""
EDIT = "qwen-image-edit-plus"
STATES = {
    "form": "#model=gpt-image-2-5-flare",
    "video": "#model=bytedance-seedance-2-5-reference-to-video&language=curl&transport=events",
    "comparison": "#model=flux-2-flex&with=google-nano-banana-pro",
    "errors": f"#model={EDIT}&values={quote(json.dumps({'prompt': 1, 'input_image': [''], 'size': 2}))}",
}
DEEP_VALUES = quote('{"prompt":' + "[" * 50_000 + "]" * 50_000 + "}")
"""More levels than a program can visit by recursion."""


def read_values(page: Page) -> Any:
    """Return the body that the page shows as JSON."""
    choose_program(page, "JSON", "Blocking")
    return json.loads(page.locator(".call code").first.inner_text())


def open_folded(page: Page) -> None:
    """Unfold all parameters."""
    folded = page.locator("details:not([open]) > summary")
    while folded.count():
        folded.first.click()


@pytest.mark.parametrize("name", STATES)
def test_axe_reports_nothing_serious(
    name: str, color_scheme: ColorScheme, open_workbench: PageOpener, screenshots: Path
) -> None:
    """No serious finding of axe in either color scheme, with all parameters shown."""
    page = open_workbench(STATES[name], color_scheme=color_scheme)
    page.screenshot(path=screenshots / f"workbench-{name}-{color_scheme}.png", full_page=True)
    open_folded(page)
    assert find_findings(page) == []
    page.get_by_role("combobox", name="Model", exact=True).click()
    page.screenshot(path=screenshots / f"workbench-{name}-chooser-{color_scheme}.png")
    assert find_findings(page) == []


@pytest.mark.parametrize("name", STATES)
def test_page_fits_phone(name: str, open_workbench: PageOpener, screenshots: Path) -> None:
    """The page on a phone does not scroll sideways, with all parameters shown and the chooser open."""
    page = open_workbench(STATES[name], width=PHONE_WIDTH)
    open_folded(page)
    page.screenshot(path=screenshots / f"workbench-{name}-phone.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH
    page.get_by_role("combobox", name="Model", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH


def test_every_model_fits_phone(open_workbench: PageOpener) -> None:
    """The form of no model is wider than a phone."""
    page = open_workbench("", width=PHONE_WIDTH)
    too_wide: list[str] = page.evaluate(
        """width => {
          const found = [];
          for (const { id } of engine.listModels()) {
            history.replaceState(null, "", `#model=${id}`);
            dispatchEvent(new Event("hashchange"));
            for (const folded of document.querySelectorAll("details")) {
              folded.open = true;
              folded.dispatchEvent(new Event("toggle"));
            }
            if (document.documentElement.scrollWidth > width) found.push(id);
          }
          return found;
        }""",
        PHONE_WIDTH,
    )
    assert too_wide == []


def test_model_is_chosen_by_keyboard(open_workbench: PageOpener) -> None:
    """Typing, arrow keys and Enter choose a model; Escape keeps the current one."""
    page = open_workbench(f"#model={EDIT}")
    chooser = page.get_by_role("combobox", name="Model", exact=True)
    chooser.focus()
    page.keyboard.type("seedance 2.5")
    expect(chooser).to_have_value("seedance 2.5")
    options = page.get_by_role("listbox").get_by_role("option")
    expect(options.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    chosen = options.nth(1)
    assert chooser.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    model_id = chosen.locator("code").inner_text()
    page.keyboard.press("Enter")
    expect(page.locator(".facts code")).to_have_text(model_id)
    expect(chooser).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    page.keyboard.type("flux")
    expect(chooser).to_have_value("flux")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(page.locator(".facts code")).to_have_text(model_id)


def test_filters_limit_models(open_workbench: PageOpener) -> None:
    """The list has the models of the chosen task, with a price."""
    page = open_workbench("")
    page.get_by_role("combobox", name="Model", exact=True).click()
    options = page.get_by_role("listbox").get_by_role("option")
    total = options.count()
    page.get_by_role("combobox", name="Task").select_option("Image edit")
    edits = options.count()
    page.get_by_role("combobox", name="Price").select_option("With a price")
    priced = options.all_inner_texts()
    assert total == 130 > edits > len(priced) > 0
    assert all("Image edit" in text and "$" in text for text in priced)


def test_error_appears_at_field_while_typing(open_workbench: PageOpener) -> None:
    """A wrong number is named at its field in the words of the bindings, until it is right."""
    page = open_workbench("#model=flux-kontext-dev")
    open_folded(page)
    field = find_field(page, "guidance")
    number = field.locator("input[type=text]")
    expect(page.locator(".summary")).to_have_text("The values are valid.")
    number.fill("1000")
    error = field.locator(".error")
    expect(error).to_be_visible()
    expect(error).to_have_text("must be less than or equal to 10")
    expect(page.locator(".summary")).to_contain_text("1 problem:")
    expect(number).to_have_attribute("aria-invalid", "true")
    assert error.get_attribute("id") in (number.get_attribute("aria-describedby") or "").split()
    number.fill("3")
    expect(error).to_be_hidden()
    field.get_by_role("button", name="Reset").click()
    assert "guidance" not in read_values(page)


def test_untouched_field_shows_no_error(open_workbench: PageOpener) -> None:
    """A missing parameter is counted, and named at its field after a click on its name."""
    page = open_workbench(f"#model={EDIT}")
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.locator(".summary")).to_contain_text("2 problems:")
    expect(page.locator(".error:visible")).to_have_count(0)
    page.locator(".summary").get_by_role("button", name="prompt").click()
    expect(find_field(page, "prompt").locator("textarea")).to_be_focused()
    expect(find_field(page, "prompt").locator(".error")).to_be_visible()


def test_item_of_list_shows_its_error(open_workbench: PageOpener) -> None:
    """An error of one item stands at this item."""
    page = open_workbench(f"#model={EDIT}")
    field = find_field(page, "input_image")
    field.get_by_role("button", name="Add image").click()
    page.keyboard.type("dog")
    page.keyboard.press("Backspace")
    items = field.locator("li .field")
    items.nth(1).locator("input[type=text]").fill("")
    expect(items.nth(1).locator(".error:visible")).to_have_count(1)
    expect(items.nth(0).locator(".error:visible")).to_have_count(0)


def test_items_are_moved_and_removed(open_workbench: PageOpener) -> None:
    """The buttons of a list change the order of the items in the call."""
    page = open_workbench(f"#model={EDIT}")
    field = find_field(page, "input_image")
    field.get_by_role("button", name="Add image").click()
    page.keyboard.type("https://example.com/b.png")
    field.get_by_role("button", name="Move Image 2 up").click()
    assert read_values(page)["input_image"][0] == "https://example.com/b.png"
    field.get_by_role("button", name="Remove Image 2").click()
    assert read_values(page)["input_image"] == ["https://example.com/b.png"]


def add_field(page: Page, parameter: dict[str, Any]) -> None:
    """Add a field to the form, as the variable `field` of the page."""
    page.evaluate(
        """parameter => {
          const context = { onchange: () => field.showProblems([]), cites: () => false };
          globalThis.field = fields.build(parameter, context);
          document.querySelector("form").append(field.element);
        }""",
        parameter,
    )


def test_objects_in_list_are_filled(open_workbench: PageOpener) -> None:
    """Objects with lists of media are read as they are filled, with problems at their place."""
    page = open_workbench(f"#model={EDIT}")
    media = {"name": "url", "label": "URL", "kind": "media", "mediaKind": "image", "level": "required"}
    item = {"kind": "object", "properties": [media, {**media, "name": "more", "kind": "list", "item": media}]}
    parameter = {"name": "elements", "label": "Elements", "kind": "list", "level": "optional", "item": item}
    add_field(page, parameter)
    value = [{"url": "https://example.com/a.png", "more": ["https://example.com/b.png"]}, {"url": "c"}]
    fill_field(find_field(page, "elements"), parameter, value)
    assert page.evaluate("field.read()") == value
    page.evaluate("field.showProblems([{ path: [0, 'more', 0], message: 'wrong' }])")
    expect(page.locator(".error:visible")).to_have_count(1)
    expect(page.locator('[data-name="more"] li .error:visible')).to_have_text("wrong")
    page.evaluate("field.write([{ more: ['x', 'y'] }])")
    assert page.evaluate("field.read()") == [{"more": ["x", "y"]}]


def test_object_is_replaced_by_an_option(open_workbench: PageOpener) -> None:
    """A value that is accepted in place of an object is chosen by a button, and replaced by the object."""
    page = open_workbench(f"#model={EDIT}")
    width = {"name": "width", "label": "Width", "kind": "integer", "level": "optional"}
    parameter = {
        "name": "size", "label": "Size", "kind": "object", "level": "optional", "properties": [width],
        "options": ["square", "portrait"],
    }  # fmt: skip
    add_field(page, parameter)
    field = find_field(page, "size")
    field.get_by_role("button", name="square", exact=True).click()
    assert page.evaluate("field.read()") == "square"
    expect(field.get_by_role("button", pressed=True)).to_have_text("square")
    fill_field(field, parameter, {"width": 512})
    assert page.evaluate("field.read()") == {"width": 512}
    expect(field.get_by_role("button", pressed=True)).to_have_count(0)
    page.evaluate("field.write('portrait')")
    assert page.evaluate("field.read()") == "portrait"
    field.get_by_role("button", name="Reset Size").click()
    assert page.evaluate("field.read() === undefined")


def test_menu_inserts_citation_at_caret(open_workbench: PageOpener) -> None:
    """A citation is inserted where the caret is, chosen by the keyboard."""
    page = open_workbench("#model=flux-3-image")
    find_field(page, "input_image").get_by_role("button", name="Add image").click()
    page.keyboard.type("https://example.com/b.png")
    text = find_field(page, "prompt").locator("textarea")
    text.fill("The ox of , in ink")
    text.press("Home")
    for _ in "The ox of ":
        text.press("ArrowRight")
    find_field(page, "prompt").get_by_role("button", name="Cite a medium").press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(text).to_have_value("The ox of @Image2, in ink")
    expect(text).to_be_focused()


def test_small_file_becomes_data_url(open_workbench: PageOpener) -> None:
    """Without the server, a small file is sent as a data: URL; a larger one gets a message."""
    page = open_workbench("#model=flux-kontext-dev")
    field = find_field(page, "input_image")
    chooser = field.locator("input[type=file]")
    chooser.set_input_files(FilePayload(name="dot.png", mimeType="image/png", buffer=b"\x89PNG\r\n\x1a\n"))
    expect(field.locator("input[type=text]")).to_have_value("data:image/png;base64,iVBORw0KGgo=")
    chooser.set_input_files(FilePayload(name="big.png", mimeType="image/png", buffer=bytes(100_000)))
    expect(field.get_by_role("alert")).to_contain_text("oxen-models workbench")


def test_copy_button_copies_shown_call(open_workbench: PageOpener) -> None:
    """Each language and transport is shown by its tab, also by the keyboard, and copied as it is shown."""
    page = open_workbench(f"#model={EDIT}")
    programs = set[str]()
    for language in LANGUAGES:
        for transport in TRANSPORTS:
            choose_program(page, language, transport)
            copied = copy_program(page)
            assert copied.strip() == page.locator(".call code").inner_text().strip()
            programs.add(copied)
    assert len(programs) >= (len(LANGUAGES) - 2) * len(TRANSPORTS) + 2
    page.get_by_role("tab", name="JSON").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Python", exact=True)).to_be_focused()
    expect(page.get_by_role("tab", name="Python", exact=True)).to_have_attribute("aria-selected", "true")


def test_reload_restores_state(open_workbench: PageOpener) -> None:
    """Both models, their values, the language and the transport are in the address."""
    page = open_workbench(f"#model={EDIT}&language=curl&transport=queue")
    find_field(page, "prompt").locator("textarea").fill('Ärger & "hats" #1 = 100 %')
    page.get_by_role("button", name="Compare with…").click()
    page.wait_for_url(re.compile("with_values"))
    shown = page.locator(".call code").all_inner_texts()
    assert len(shown) == 2
    address = page.url
    page.reload()
    assert page.locator(".call code").all_inner_texts() == shown
    shared = open_workbench(address.removeprefix(WORKBENCH.as_uri()))
    assert shared.locator(".call code").all_inner_texts() == shown
    expect(shared.get_by_role("tab", name="Queue").first).to_have_attribute("aria-selected", "true")


def test_back_returns_to_previous_model(open_workbench: PageOpener) -> None:
    """Back and forward show the models in the order in which they were chosen, as they were filled."""
    page = open_workbench(f"#model={EDIT}")
    text = find_field(page, "prompt").locator("textarea")
    text.fill("Add a crown")
    page.get_by_role("combobox", name="Model", exact=True).fill("flux-3-image")
    page.keyboard.press("Enter")
    expect(page.locator(".facts code")).to_have_text("flux-3-image")
    page.go_back()
    expect(page.locator(".facts code")).to_have_text(EDIT)
    expect(text).to_have_value("Add a crown")
    page.go_forward()
    expect(page.locator(".facts code")).to_have_text("flux-3-image")


@pytest.mark.parametrize(
    ("fragment", "message"),
    [
        ("#model=no-such-model", "no model no-such-model"),
        (f"#model={EDIT}&values=%7B", "not JSON"),
        (f"#model={EDIT}&values=%5B%5D", "must be an object"),
        (f"#model={EDIT}&values=%E0%A4%A", "percent-encoded"),
        (f"#model={EDIT}&language=perl", "unknown language"),
        (f"#model={EDIT}&with=no-such-model", "no model no-such-model"),
        ("#=&&model", "no model"),
        ("#model=__proto__&values=%7B%22__proto__%22%3A1%7D", "no model __proto__"),
        (f"#model={EDIT}&values={DEEP_VALUES}", "too many levels"),
        (f"#model={EDIT}&with={EDIT}&with_values={DEEP_VALUES}", "too many levels"),
        (f"#model={'x' * 10**5}", "no model x"),
    ],
)
def test_broken_address_gives_message(fragment: str, message: str, open_workbench: PageOpener) -> None:
    """What is wrong in the address is named, and a form is shown."""
    page = open_workbench(fragment)
    expect(page.locator("#message")).to_contain_text(message)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator(".call code").last).not_to_be_empty()
    page.locator("#message").get_by_role("button", name="Close").click()
    expect(page.locator("#message")).to_be_hidden()


def test_markup_in_values_is_shown_as_text(open_workbench: PageOpener) -> None:
    """A value with markup and a script is text everywhere on the page."""
    attack = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"
    values = quote(json.dumps({"prompt": attack, attack: attack}))
    page = open_workbench(f"#model={EDIT}&values={values}")
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 3  # the session, the data and the program
    assert attack in page.locator(".call code").inner_text()


def test_comparison_carries_parameters_over(open_workbench: PageOpener) -> None:
    """The second model has the values of the first one, and what it lacks is listed."""
    page = open_workbench("#model=flux-kontext-dev&with=flux-deblur")
    expect(page.locator(".pane")).to_have_count(2)
    notes = page.get_by_role("region", name="Second model").locator(".notes")
    expect(notes).to_contain_text("prompt")
    page.get_by_role("button", name="Close", exact=True).last.click()
    expect(page.locator(".pane")).to_have_count(1)
    expect(page.get_by_role("button", name="Compare with…")).to_be_focused()


def test_page_without_server_offers_no_run(open_workbench: PageOpener) -> None:
    """The page from a file says how requests are run."""
    page = open_workbench("")
    assert page.get_by_role("button", name="Run").count() == 0
    expect(page.get_by_text("oxen-models workbench", exact=True)).to_be_visible()


def test_models_are_switched_quickly(open_workbench: PageOpener) -> None:
    """Switching to each model takes milliseconds until the form, its problems and its call are shown."""
    page = open_workbench("")
    times: list[float] = page.evaluate(
        """rounds => {
          const open = id => {
            history.replaceState(null, "", `#model=${id}`);
            const start = performance.now();
            dispatchEvent(new Event("hashchange"));
            return performance.now() - start;
          };
          const ids = engine.listModels().map(({ id }) => id);
          const times = Array.from({ length: rounds }, () => ids.map(open));
          return ids.map((id, index) => Math.min(...times.map(round => round[index])));
        }""",
        ROUNDS,
    )
    median, high = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"switch of models: median {median:.1f} ms, 95th percentile {high:.1f} ms, {len(times)} models")
    assert len(times) == 130
    assert high < SWITCH_TIME * SLACK


def test_page_is_painted_quickly(open_workbench: PageOpener) -> None:
    """The first paint has the form."""
    paint: float = open_workbench("").evaluate(
        """new Promise(resolve => new PerformanceObserver(list => resolve(list.getEntries().at(-1).startTime))
          .observe({ type: "paint", buffered: true }))"""
    )
    print(f"first contentful paint: {paint:.0f} ms")
    assert paint < PAINT_TIME * SLACK
