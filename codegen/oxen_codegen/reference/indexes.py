"""The lists of models: by task, developer, input and output, and price; what changed recently."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jinja2 import Environment

from ..operations import FAMILIES
from .pages import ModelPage

MAX_ENTRIES = 10
"""Updates on the page of recent changes."""
_UNKNOWN_DEVELOPER = "Unknown developer"
_ENTRY = re.compile(r"^### Models, (\d{4}-\d{2}-\d{2})\n(.*?)(?=^#{1,3} |\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Item:
    """A model in a list, with what the list states about it."""

    page: ModelPage
    note: str


@dataclass(frozen=True, slots=True)
class Group:
    """Models below one heading."""

    heading: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """The changes of one update, as the changelog has them."""

    day: str
    markdown: str


def render_indexes(pages: Iterable[ModelPage], changelog: str, templates: Environment) -> dict[str, str]:
    """Return the Markdown of the lists, by the name of the file in the folder of the model pages.

    Args:
        pages: The pages of all models, removed ones included.
        changelog: The text of the changelog.
        templates: The templates of the site.
    """
    current: list[ModelPage] = []
    removed: list[ModelPage] = []
    for page in sorted(pages, key=lambda page: (page.title.casefold(), page.id)):
        (removed if page.removal else current).append(page)
    lists = {
        "index": ("Models", "By task", list_by_task(current)),
        "developers": ("Models by developer", "By developer", list_by_developer(current)),
        "media": ("Models by input and output", "By input and output", list_by_media(current)),
        "prices": ("Models by price", "By price", list_by_price(current)),
    }
    others = {name: label for name, (_, label, _) in lists.items()} | {"changes": "Recent changes"}
    render = templates.get_template("docs/index.md.jinja").render
    files = {
        f"{name}.md": render(title=title, groups=groups, count=len(current), name=name, indexes=others)
        for name, (title, _, groups) in lists.items()
    }
    changes = templates.get_template("docs/changes.md.jinja")
    return files | {"changes.md": changes.render(entries=list_entries(changelog), removed=removed)}


def list_by_task(pages: Iterable[ModelPage]) -> list[Group]:
    """Return the models by the tasks that they do, images first."""
    return _group(pages, _name_tasks, lambda page: page.summary, _rank_task)


def list_by_developer(pages: Iterable[ModelPage]) -> list[Group]:
    """Return the models by developer, in alphabetical order; those of unknown developers last."""
    return _group(
        pages,
        lambda page: page.developer or _UNKNOWN_DEVELOPER,
        lambda page: page.summary,
        lambda page: (not page.developer, page.developer.casefold()),
    )


def list_by_media(pages: Iterable[ModelPage]) -> list[Group]:
    """Return the models by what they accept and return, those with the fewest kinds of input first."""
    return _group(
        pages,
        lambda page: f"{_join(page.inputs)} to {_join(page.outputs)}".capitalize(),
        lambda page: page.summary,
        lambda page: (page.outputs, len(page.inputs), page.inputs),
    )


def list_by_price(pages: Iterable[ModelPage]) -> list[Group]:
    """Return the models by the unit that is billed, the cheapest first; those without a price last."""
    ordered = sorted(pages, key=lambda page: page.rate[1] if page.rate else Decimal(0))
    return _group(
        ordered, _name_unit, lambda page: page.price, lambda page: (not page.price, _name_unit(page))
    )


def list_entries(changelog: str) -> list[Entry]:
    """Return the changes of the last updates in a changelog, the newest first."""
    # The headings of an entry are one level below that of its day.
    entries = [
        Entry(day, re.sub("^####", "###", text.strip(), flags=re.MULTILINE))
        for day, text in _ENTRY.findall(changelog.replace("\r\n", "\n"))
    ]
    return sorted(entries, key=lambda entry: entry.day, reverse=True)[:MAX_ENTRIES]


def _group(
    pages: Iterable[ModelPage],
    name: Callable[[ModelPage], str],
    note: Callable[[ModelPage], str],
    rank: Callable[[ModelPage], Any],
) -> list[Group]:
    """Return models below the headings that `name` gives them, with the headings in the order of `rank`."""
    groups: dict[str, list[Item]] = {}
    for page in sorted(pages, key=rank):
        groups.setdefault(name(page), []).append(Item(page, note(page)))
    return [Group(heading, tuple(items)) for heading, items in groups.items()]


def _name_tasks(page: ModelPage) -> str:
    return ", ".join(page.tasks).capitalize() or "Other"


def _rank_task(page: ModelPage) -> tuple[int, str]:
    family = FAMILIES.index(page.family) if page.family in FAMILIES else len(FAMILIES)
    return family, _name_tasks(page)


def _join(kinds: tuple[str, ...]) -> str:
    """Return kinds of media as a text such as "text, image and audio"."""
    if len(kinds) < 2:
        return "".join(kinds) or "unknown"
    return f"{', '.join(kinds[:-1])} and {kinds[-1]}"


def _name_unit(page: ModelPage) -> str:
    if not page.price:
        return "No recorded price"
    return f"Per {page.rate[0]}" if page.rate else "Other prices"
