"""Look for the jobs of requests whose outcome is unknown."""

from __future__ import annotations

import os
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..errors import JournalError
from ..generations import Generation, parse_generations
from ..matching import Reconciliation, earliest_time, match_jobs
from ..paths import expand_path
from ..responses import Response, parse_date
from .history import AsyncGenerations
from .session import AsyncSession
from .threads import run_blocking

if TYPE_CHECKING:
    from ..journal import Entry, Journal

PAGE_SIZE = 100


async def reconcile(session: AsyncSession, path: str | os.PathLike[str]) -> Reconciliation:
    """Look for the jobs of the requests in a journal. Errors are those of `AsyncClient.reconcile`."""
    from ..journal import Journal

    expanded = expand_path("journal", path)
    if not await run_blocking(os.path.exists, expanded):
        raise JournalError(f"{expanded}: there is no such journal")
    journal = await run_blocking(Journal, expanded)
    try:
        return await adopt_jobs(session, journal)
    finally:
        await run_blocking(journal.close)


async def adopt_jobs(session: AsyncSession, journal: Journal) -> Reconciliation:
    """Record the jobs that certainly belong to requests of unknown outcome.

    Raises:
        JournalError: The journal is damaged or cannot be written.
        OxenError: The server returned an error or could not be reached.
    """
    entries, known_jobs = await run_blocking(_read_unknown, journal)
    if not entries:
        return Reconciliation((), (), {})
    response = await session.get("/queue")
    clock_difference = _clock_difference(response)
    generations = parse_generations(response)
    since = int(earliest_time(entries, clock_difference).timestamp())
    for model in sorted({entry.model for entry in entries}):
        generations += await _read_history(session, model, since)
    matches = match_jobs(entries, generations, known_jobs, clock_difference)
    adopted: list[Entry] = []
    for key, job_id in matches.certain.items():
        await run_blocking(journal.accepted, key, job_id)
        entry = await run_blocking(journal.find, key)
        if entry is not None:
            adopted.append(entry)
    unresolved = tuple(entry for entry in entries if entry.key not in matches.certain)
    return Reconciliation(tuple(adopted), unresolved, matches.possible)


def _read_unknown(journal: Journal) -> tuple[list[Entry], set[str]]:
    """Return the entries of unknown outcome, and the jobs of all others."""
    entries: list[Entry] = []
    known_jobs: set[str] = set()
    for entry in journal.entries():
        if entry.state in ("sending", "unknown"):
            entries.append(entry)
        elif entry.job_id is not None:
            known_jobs.add(entry.job_id)
    return entries, known_jobs


async def _read_history(session: AsyncSession, model: str, since: int) -> list[Generation]:
    generations: list[Generation] = []
    async for generation in AsyncGenerations(session, {"model": model}, PAGE_SIZE):
        if generation.enqueued_at is not None and generation.enqueued_at < since:
            break
        generations.append(generation)
    return generations


def _clock_difference(response: Response) -> timedelta:
    """Return the server's clock minus the own one, by the header `Date`."""
    date = parse_date(response.headers.get("date", ""))
    if date is None or date.year == MAXYEAR:  # after which there may be no time to add
        return timedelta()
    return date - datetime.now(UTC)
