"""Use the form of the workbench as a user does: by its labels, fields and buttons."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Locator, Page, expect

LANGUAGES = ("Python", "Python (async)", "httpx", "cURL", "Command line", "JSON")
TRANSPORTS = ("Blocking", "Queue", "Events")


def list_parameters(page: Page, model_id: str) -> dict[str, dict[str, Any]]:
    """Return the parameters that the page shows for a model, by name."""
    parameters: list[dict[str, Any]] = page.evaluate("id => engine.listParameters(id)", model_id)
    return {parameter["name"]: parameter for parameter in parameters}


def find_field(page: Page, name: str) -> Locator:
    """Return the field of a parameter in the first form."""
    return page.locator(f'form > .field[data-name="{name}"], form > * > .field[data-name="{name}"]').or_(
        page.locator(f'form details > .row > .field[data-name="{name}"]')
    )


def fill_form(page: Page, model_id: str, values: Mapping[str, Any]) -> None:
    """Clear the form, and enter values."""
    page.get_by_role("button", name="Clear", exact=True).click()
    for summary in page.locator("summary").all():
        summary.click()
    parameters = list_parameters(page, model_id)
    for name, value in values.items():
        fill_field(find_field(page, name), parameters[name], value)


def fill_field(field: Locator, parameter: Mapping[str, Any], value: Any) -> None:
    """Enter the value of a parameter."""
    kind = parameter["kind"]
    if kind == "switch":
        _choose(field, [True, False], value)
    elif kind == "choice":
        _choose(field, parameter["options"], value)
    elif kind == "list":
        for index, item in enumerate(value):
            field.locator(":scope > .list > .line > .add").click()
            row = field.locator(":scope > .list > .rows > li").nth(index)
            fill_field(row.locator(":scope > .field"), parameter["item"], item)
    elif kind == "object" and parameter.get("properties"):
        members = {member["name"]: member for member in parameter["properties"]}
        for name, member in value.items():
            nested = field.locator(f':scope > .nested > .field[data-name="{name}"]')
            fill_field(nested, members[name], member)
    elif kind in ("object", "json"):
        field.locator("textarea").fill(json.dumps(value))
    elif kind == "text":
        field.locator("textarea").fill(value)
    else:
        field.locator("input[type=text]").fill(value if isinstance(value, str) else json.dumps(value))


def _choose(field: Locator, options: list[Any], value: Any) -> None:
    index = next(n for n, option in enumerate(options) if (type(option), option) == (type(value), value))
    select = field.locator("select")
    if select.count():
        select.select_option(str(index))
    else:
        field.locator("input[type=radio]").nth(index).check()


def choose_program(page: Page, language: str, transport: str) -> None:
    """Show the call in a language for a transport."""
    page.get_by_role("tab", name=language, exact=True).first.click()
    if language != "JSON":
        page.get_by_role("tab", name=transport, exact=True).first.click()


def copy_program(page: Page) -> str:
    """Press the button that copies the call, and return what it copied."""
    page.evaluate("document.getElementById('status').textContent = ''")
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(page.locator("#status")).to_have_text("The call is copied.")
    copied: str = page.evaluate("navigator.clipboard.readText()")
    return copied
