"""Check the built site: internal links and anchors lead somewhere, and nothing loads from another host."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src")}
FORM_PAGE = Path("workbench", "app.html")
FOREIGN_CSS = re.compile(r"""(?:@import\s*|url\()['"\s]*((?:https?:)?//[^'")\s]+)""")


class Page(HTMLParser):
    """The ids and the references of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)
        self.loaded += FOREIGN_CSS.findall(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the ids and the references of a tag."""
        attributes = dict(attrs)
        for name, value in attrs:
            if name == "id" or (tag, name) == ("a", "name"):
                self.ids.add(value or "")
            elif (tag, name) == ("a", "href"):
                self.links.append(value or "")
            # The canonical address and the neighbours of a page are not loaded.
            elif (tag, name) in LOADED and attributes.get("rel") not in ("canonical", "next", "prev"):
                self.loaded.append(value or "")


def read_pages(site: Path) -> dict[Path, Page]:
    """Return the pages of a site."""
    return {file: Page(file.read_text(encoding="utf-8")) for file in sorted(site.rglob("*.html"))}


def find_faults(site: Path, pages: Mapping[Path, Page]) -> Iterator[str]:
    """Yield each fault of a site, after the page that has it."""
    for file, page in pages.items():
        name = file.relative_to(site).as_posix()
        for reference in (*page.links, *page.loaded):
            parts = urlsplit(reference)
            if parts.scheme or parts.netloc:
                if reference in page.loaded and parts.scheme != "data":
                    yield f"{name}: loads {reference}"
                continue
            if file.name == "404.html":
                continue  # its links begin with the path of the site
            target = file if not parts.path else (file.parent / unquote(parts.path)).resolve()
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                yield f"{name}: {reference} does not exist"
            elif target == site / FORM_PAGE:
                continue  # the fragment is the state of the form
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                yield f"{name}: {reference} has no such anchor"
    for style in sorted(site.rglob("*.css")):
        for reference in FOREIGN_CSS.findall(style.read_text(encoding="utf-8")):
            yield f"{style.relative_to(site).as_posix()}: loads {reference}"


def main() -> int:
    """Print the faults of the site in the given folder, and return 1 if there are any."""
    site = Path(sys.argv[1]).resolve()
    pages = read_pages(site)
    faults = list(find_faults(site, pages))
    print("\n".join(faults))
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links checked")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
