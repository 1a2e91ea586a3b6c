"""The elements of an HTML page."""

from __future__ import annotations

from html.parser import HTMLParser


class Elements(HTMLParser):
    """The elements of a page, each with its attributes and the text in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.is_open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect an element."""
        self.found.append((tag, dict(attrs)))
        self.texts.append("")
        self.is_open = True

    def handle_endtag(self, tag: str) -> None:
        """End the text of an element."""
        self.is_open = False

    def handle_data(self, data: str) -> None:
        """Collect its text."""
        if self.is_open:
            self.texts[-1] += data

    def select(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        """Return the attributes and the texts of the elements with this tag."""
        pairs = zip(self.found, self.texts, strict=True)
        return [(attributes, text) for (found, attributes), text in pairs if found == tag]
