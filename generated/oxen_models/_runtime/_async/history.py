# Copied by oxen-codegen from templates/package/_runtime/_async/history.py. Do not edit.
"""The history of jobs and their costs."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import get_args

from ..errors import ConfigurationError
from ..generations import CostKey, Generation, cost_key, parse_dollars, parse_generations
from ..values import count
from .session import AsyncSession, AsyncSessionBound

COSTS_PAGE_SIZE = 1000
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
        async for _, generations in self._pages():
            for generation in generations:
                yield generation

    async def pages(self) -> AsyncGenerator[Page]:
        """Yield the history page by page, and stop at a page without new jobs.

        Raises:
            OxenError: The server returned an error or could not be reached.
        """
        async for page, _ in self._pages():
            yield page

    async def _pages(self) -> AsyncGenerator[tuple[Page, list[Generation]]]:
        """Yield each page and the jobs of it that no earlier page had."""
        seen: deque[str] = deque(maxlen=MAX_SEEN_IDS)
        number = repeated = first_total = 0
        while True:
            number += 1
            page = await self._request_page(number)
            new = [generation for generation in page.generations if generation.generation_id not in seen]
            seen.extend(generation.generation_id for generation in new)
            repeated += len(page.generations) - len(new)
            if number == 1:
                first_total = page.total_entries or 0
            # Jobs that were added since the first page push as many jobs onto later pages.
            added = (page.total_entries or 0) - first_total
            if number > 1 and not new and (not page.generations or repeated > added):
                return
            yield page, new
            is_short = len(page.generations) < self._page_size
            if is_short if page.total_pages is None else number >= page.total_pages:
                return

    async def _request_page(self, number: int) -> Page:
        query = {**self._query, "page": str(number), "page_size": str(self._page_size)}
        response = await self._session.get("/generations", query)
        return Page(
            parse_generations(response),
            number,
            count(response.json.get("total_pages")),
            count(response.json.get("total_entries")),
            parse_dollars(response.json.get("total_cost")),
        )


async def sum_costs(
    session: AsyncSession, since: datetime | None, by: CostKey, query: Mapping[str, str]
) -> dict[str, Decimal]:
    """Return the costs of jobs by name. Arguments and errors are those of `AsyncClient.costs`."""
    if by not in get_args(CostKey):
        raise ConfigurationError(f"by must be one of {', '.join(get_args(CostKey))}, got {by!r:.40}")
    if since is not None and not isinstance(since, datetime):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"since must be a datetime, got {since!r:.40}")
    try:
        start = None if since is None else since.timestamp()
    except (OSError, OverflowError, ValueError) as error:
        raise ConfigurationError(f"since cannot be converted to a Unix time: {since}: {error}") from None
    sums: dict[str, Decimal] = {}
    async for generation in AsyncGenerations(session, query, COSTS_PAGE_SIZE):
        if start is not None and generation.enqueued_at is not None and generation.enqueued_at < int(start):
            break
        if generation.cost is not None:
            name = cost_key(generation, by)
            sums[name] = sums.get(name, Decimal(0)) + generation.cost
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))
