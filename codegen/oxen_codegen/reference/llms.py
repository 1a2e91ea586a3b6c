"""The pages of a site as plain Markdown, for readers that are programs: llms.txt and what it lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n+", re.DOTALL)
_TITLE = re.compile(r"^# +(.*?) *$", re.MULTILINE)
_TAB = re.compile(r' *===[!+]? "(.*)"')
_FENCE = re.compile(r" *(`{3,}|~{3,})")
_LINK = re.compile(r"\]\((?![a-z]+:|[/#])([^()\s]+?)\.(md|html)(#[^()\s]*)?\)")
_NO_TEXT = ("#", "|", "```", "    ", "- ", "[", "!")
"""What a heading, a table, code, a list, a link or an admonition begins with."""
_INDENT = 4  # columns of the content of a tab


@dataclass(frozen=True, slots=True)
class Page:
    """A page in Markdown."""

    url: str
    """The address of its Markdown version."""
    markdown: str

    @property
    def title(self) -> str:
        """The first heading, as Markdown; the address of a page without one."""
        title = _TITLE.search(self.markdown)
        return title[1] if title else self.url

    @property
    def summary(self) -> str:
        """The first paragraph below the title on one line, as Markdown; "" if something else is there."""
        _, _, text = self.markdown.partition("\n\n")
        paragraph = text.lstrip("\n").partition("\n\n")[0]
        return "" if paragraph.startswith(_NO_TEXT) else " ".join(paragraph.split())


def flatten_tabs(markdown: str, base: str) -> str:
    """Return a page without front matter and tabs, and with the full addresses of the pages that it links.

    The content of a tab follows a line with the labels of the tab and of those around it.

    Args:
        markdown: The page.
        base: The address of the folder of the page, from which its links start.
    """
    lines: list[str] = []
    labels: list[str] = []
    fence = ""
    is_new = False
    for line in _FRONT_MATTER.sub("", markdown).splitlines():
        depth = min((len(line) - len(line.lstrip())) // _INDENT, len(labels))
        if fence:
            fence = "" if line.strip() == fence else fence
        elif tab := _TAB.fullmatch(line):
            labels[depth:] = [tab[1]]
            is_new = True
            continue
        elif line.strip():
            del labels[depth:]
            if is_new and labels:
                lines += [f"**{', '.join(labels)}**", ""]
            is_new = False
            opened = _FENCE.match(line)
            fence = opened[1] if opened else ""
            if not opened:
                line = _LINK.sub(lambda link: _link_markdown(link, base), line)
        elif lines and not lines[-1]:
            continue  # the line before a tab has been omitted
        lines.append(line[_INDENT * len(labels) :] if line.strip() else "")
    return "\n".join(lines).strip() + "\n"


def format_llms(title: str, summary: str, sections: Mapping[str, Iterable[Page]]) -> str:
    """Return the text of llms.txt: a list of pages in sections."""
    parts = [f"# {title}", f"> {summary}"]
    for heading, pages in sections.items():
        items = [f"- [{page.title}]({page.url}){page.summary and f': {page.summary}'}" for page in pages]
        parts += [f"## {heading}", "\n".join(items)]
    return "\n\n".join(parts) + "\n"


def _link_markdown(link: re.Match[str], base: str) -> str:
    target = urljoin(base, link[1])
    folder = "" if link[2] == "html" or link[1].endswith("index") else "/index"
    return f"]({target}{folder}.{link[2]}{link[3] or ''})"
