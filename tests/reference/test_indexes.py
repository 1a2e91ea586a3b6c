"""The lists of models on the site: complete, linked, and safe against texts of the API."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from helpers.models import make_model
from helpers.reference import CONFIG, RECORDED_PAGES, TEMPLATES, convert, read_records
from oxen_codegen.records import Record, Removal, from_response
from oxen_codegen.reference.indexes import MAX_ENTRIES, list_entries, render_indexes
from oxen_codegen.reference.pages import build_pages
from oxen_models import catalog

LISTS = ("index", "developers", "media", "prices")
HOSTILE = '](https://evil.example) <script>x</script> `|` {: onclick=x } ::: os\n## Heading\n=== "Tab"'
ITEM = re.compile(r"^- \[.+?\]\(([^()\s]+)\.md\) ", re.MULTILINE)


def render(*records: Record, changelog: str = "") -> dict[str, str]:
    """Return the Markdown of the lists, by name without the extension."""
    files = render_indexes(build_pages(records, CONFIG), changelog, TEMPLATES)
    return {name.removesuffix(".md"): text for name, text in files.items()}


@cache
def render_recorded() -> dict[str, str]:
    """Return the lists of all recorded models."""
    return render(*read_records())


def find_tags(html: str) -> list[str]:
    """Return the tags without anchors and the names of pages, which differ from model to model."""
    same = re.sub(r' id="[^"]*"| href="#[^"]*"|(?<=href=")[a-z0-9._-]+(?=\.md")', "", html)
    return re.findall("<.*?>", same)


def find_section(page: str, slug: str) -> str:
    """Return the heading of the section that lists a model."""
    [section] = (section for section in page.split("\n## ") if f"]({slug}.md)" in section)
    return section.partition("\n")[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", LISTS)
def test_list_has_each_model_once(name: str) -> None:
    """Each list links the page of each recorded model once."""
    files = render_recorded()
    links = ITEM.findall(files[name])
    assert len(links) == len(read_records())
    assert set(links) == {page.slug for page in RECORDED_PAGES}


@pytest.mark.slow
def test_lists_link_each_other() -> None:
    """Each list links the others and the recent changes."""
    files = render_recorded()
    for name in LISTS:
        head = files[name].partition("\n## ")[0]
        linked = set(re.findall(r"\]\((\w+)\.md\)", head))
        assert linked == {*LISTS, "changes"} - {name}


def test_model_is_listed_in_its_sections() -> None:
    """A model is listed by its tasks, developer, media and the unit of its price."""
    model = make_model(
        "m",
        developer={"name": "Ox"},
        capabilities={"input": ["text", "image"], "output": ["image"]},
        pricing={"method": "per_image", "cost_per_image": 0.02},
    )
    files = render(from_response(model), from_response(make_model("other")))
    assert find_section(files["index"], "m") == "Text to image"
    assert find_section(files["developers"], "m") == "Ox"
    assert find_section(files["developers"], "other") == "Unknown developer"
    assert find_section(files["media"], "m") == "Text and image to image"
    assert find_section(files["prices"], "m") == "Per image"
    assert find_section(files["prices"], "other") == "No recorded price"


def test_prices_begin_with_cheapest() -> None:
    """Models of one unit are ordered by amount, not by the text of it."""
    prices = {"a": 0.1, "b": 0.09, "c": 2, "d": 0.5}
    records = [
        from_response(make_model(name, pricing={"method": "per_image", "cost_per_image": price}))
        for name, price in prices.items()
    ]
    assert ITEM.findall(render(*records)["prices"]) == ["b", "a", "d", "c"]


PRICES: dict[str, tuple[Any, str]] = {
    "grid": ({"method": "per_image", "cost_per_image_grid": {"hd": {"2K": 0.2, "1K": 0.1}}}, "Per image"),
    "resolutions": (
        {"method": "per_video_output_second", "cost_per_second_by_resolution": {"480p": 0.1}},
        "Per second",
    ),
    "tokens": ({"method": "token", "output_cost_per_token": 1e-6}, "Per million output tokens"),
    "unknown method": ({"method": "per_pixel", "cost_per_pixel": 3}, "Other prices"),
    "unknown form": ({"method": "per_image", "cost_per_image": "much"}, "Other prices"),
    "text": ("$5 per image", "Other prices"),
}


@pytest.mark.parametrize("form", PRICES)
def test_price_of_any_form_has_its_unit(form: str) -> None:
    """A price in any form is listed below the unit that is billed, without a condition of the price."""
    pricing, heading = PRICES[form]
    files = render(from_response(make_model("m", pricing=pricing)))
    assert find_section(files["prices"], "m") == heading


def test_tasks_on_site_are_those_of_catalogue() -> None:
    """The page of a model has the tasks that the catalogue has."""
    tasks = {model.id: model.tasks for model in catalog.models()}
    pages = {page.id: tuple(task.lower().replace(" ", "-") for task in page.tasks) for page in RECORDED_PAGES}
    assert pages == tasks


def test_removed_model_leaves_lists() -> None:
    """A removed model is listed as removed, with its successor, and nowhere else."""
    removed = from_response(make_model("old")).mark_removed(Removal("2026-11-20", "0.2.0", "new"))
    files = render(removed, from_response(make_model("new")))
    assert all(ITEM.findall(files[name]) == ["new"] for name in LISTS)
    assert "](old.md) `old`: removed on 2026-11-20; use `new`" in files["changes"]


def test_changes_show_last_updates() -> None:
    """The page of changes has the last updates of the changelog, the newest first, and no other text."""
    updates = [
        f"### Models, 2026-10-{day:02}\n\nModels: {day} added.\n\n#### Additive\n\n- `m`\n"
        for day in range(1, 13)
    ]
    changelog = "\n".join(["# Changelog", "## 0.2.0", "- Ours.", *updates[2:], "## 0.1.0", *updates[:2]])
    page = render(changelog=changelog)["changes"]
    days = [f"2026-10-{day:02}" for day in range(12, 12 - MAX_ENTRIES, -1)]
    assert [entry.day for entry in list_entries(changelog)] == days
    assert re.findall(r"^## (.*)", page, re.MULTILINE) == days
    assert page.count("### Additive") == MAX_ENTRIES
    assert "Ours" not in page


@pytest.mark.parametrize("name", LISTS)
def test_hostile_texts_stay_text(name: str) -> None:
    """Texts of the API add neither links nor headings, attributes or elements to a list."""
    hostile = make_model(
        HOSTILE,
        display_name=HOSTILE,
        summary=HOSTILE,
        developer={"name": HOSTILE},
        capabilities={"input": [HOSTILE], "output": ["image"]},
        pricing={"method": HOSTILE},
    )
    harmless = make_model("m", summary="A model.", pricing={"method": "none"})
    tags = [find_tags(convert(render(from_response(model))[name])) for model in (hostile, harmless)]
    assert tags[0] == tags[1]
