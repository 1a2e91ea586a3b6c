# Copied by oxen-codegen from templates/package/_runtime/_async/history.py. Do not edit.
"""The history of jobs and their costs."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ..generations import Generation, parse_dollars, parse_generations
from ..values import count
from .session import AsyncSession, AsyncSessionBound

MAX_SEEN_IDS = 1000
"""The number of new jobs that may be added between two pages without an old job being yielded twice."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the history, with the totals of all pages."""

    generations: list[Generation]
    number: int
    """Counted from 1."""
    total_pages: int | None
    total_entries: int | None
    total_cost: Decimal | None
    """US dollars, over all pages."""


class AsyncGenerations(AsyncSessionBound):
    """The history, newest first: iterate over it for its jobs, or over `pages()`.

    Source: GET /generations. Each page is requested when the iteration reaches it.
    """

    def __init__(self, session: AsyncSession, query: Mapping[str, str], page_size: int) -> None:
        super().__init__(session)
        self._query = query
        self._page_size = page_size

    async def __aiter__(self) -> AsyncGenerator[Generation]:
        seen: deque[str] = deque(maxlen=MAX_SEEN_IDS)
        async for page in self.pages():
            # Jobs that are new since the last page push its last ones onto this one.
            for generation in page.generations:
                if generation.generation_id not in seen:
                    seen.append(generation.generation_id)
                    yield generation

    async def pages(self) -> AsyncGenerator[Page]:
        """Yield the history page by page.

        Raises:
            OxenError: The server returned an error or could not be reached.
        """
        number = 0
        while True:
            number += 1
            query = {**self._query, "page": str(number), "page_size": str(self._page_size)}
            response = await self._session.get("/generations", query)
            page = Page(
                parse_generations(response),
                number,
                count(response.json.get("total_pages")),
                count(response.json.get("total_entries")),
                parse_dollars(response.json.get("total_cost")),
            )
            if page.generations or number == 1:
                yield page
            is_short = len(page.generations) < self._page_size
            is_last = is_short if page.total_pages is None else number >= page.total_pages
            if not page.generations or is_last:
                return
