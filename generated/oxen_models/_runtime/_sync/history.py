"""What was generated, and what it cost."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ..generations import Generation, dollars, generations
from ..values import count
from .session import Part, Session

# So many new ones may come in between two pages, and no old one is told of twice.
_MOST_SEEN = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the history, with the totals of all pages."""

    generations: list[Generation]
    number: int
    """From 1."""
    total_pages: int | None
    total_entries: int | None
    total_cost: Decimal | None
    """Dollars, over all pages."""


class Generations(Part):
    """The history, newest first as the hub has it: iterate over it, or over its `pages()`.

    Source: GET /generations. A page is asked for when it is reached.
    """

    def __init__(self, session: Session, query: Mapping[str, str], page_size: int) -> None:
        super().__init__(session)
        self._query = query
        self._page_size = page_size

    def __iter__(self) -> Generator[Generation]:
        seen: deque[str] = deque(maxlen=_MOST_SEEN)
        for page in self.pages():
            # What is new since the last page pushes its last ones onto this one.
            for generation in page.generations:
                if generation.generation_id not in seen:
                    seen.append(generation.generation_id)
                    yield generation

    def pages(self) -> Generator[Page]:
        """The history page by page.

        Raises:
            OxenError: The hub refused, failed, or could not be reached.
        """
        number = 0
        while True:
            number += 1
            query = {**self._query, "page": str(number), "page_size": str(self._page_size)}
            answer = (self._session.get("/generations", query)).json
            page = Page(
                generations(answer),
                number,
                count(answer.get("total_pages")),
                count(answer.get("total_entries")),
                dollars(answer.get("total_cost")),
            )
            if page.generations or number == 1:
                yield page
            is_short = len(page.generations) < self._page_size
            if not page.generations or (is_short if page.total_pages is None else number >= page.total_pages):
                return
