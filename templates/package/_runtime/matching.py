"""Match requests of unknown outcome with jobs of the server. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .bodies import digest_json
from .generations import Generation
from .journal import Entry

MAX_CLOCK_DIFFERENCE = timedelta(seconds=5)
"""The server's clock has seconds only, and the difference of the clocks is known by the header `Date`."""
MAX_DELIVERY_TIME = timedelta(minutes=15)
"""A proxy may deliver a request to the server this long after it was sent."""
_TARGETS = ("model", "target_namespace", "target_repo", "target_directory")


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What became of the requests of unknown outcome in a journal."""

    adopted: tuple[Entry, ...]
    """The requests whose job was found; the journal has it now."""
    unresolved: tuple[Entry, ...]
    """The requests that no job, or no single one, certainly belongs to. They are unchanged."""


def earliest_time(entries: Iterable[Entry], clock_difference: timedelta) -> datetime:
    """Return the server's time before which no job of these requests was enqueued."""
    return min(entry.sent_at for entry in entries) + clock_difference - MAX_CLOCK_DIFFERENCE


def match_jobs(
    entries: Iterable[Entry],
    generations: Iterable[Generation],
    known_jobs: Collection[str],
    clock_difference: timedelta,
) -> dict[str, str]:
    """Return the jobs that certainly belong to requests, by the key of the request.

    A job belongs to a request if the model and all parameters are equal and it was enqueued when the request
    was sent. Equal requests share their jobs. If there are more such jobs than requests, some were submitted
    elsewhere, and none is certain.

    Args:
        entries: The requests of unknown outcome.
        generations: The jobs of the queue and the history.
        known_jobs: The jobs of other requests of the journal.
        clock_difference: The server's clock minus the clock of the journal.
    """
    jobs = {
        generation.generation_id: generation
        for generation in generations
        if generation.generation_id not in known_jobs
    }
    by_digest: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_digest[entry.digest].append(entry)
    matches: dict[str, str] = {}
    for equal_entries in by_digest.values():
        candidates = [
            id
            for id, generation in jobs.items()
            if any(_may_belong(generation, entry, clock_difference) for entry in equal_entries)
        ]
        if len(candidates) <= len(equal_entries):
            matches.update((entry.key, id) for entry, id in zip(equal_entries, candidates, strict=False))
    return matches


def _may_belong(generation: Generation, entry: Entry, clock_difference: timedelta) -> bool:
    if generation.model != entry.model or generation.enqueued_at is None:
        return False
    sent_at = entry.sent_at + clock_difference
    enqueued_at = datetime.fromtimestamp(generation.enqueued_at, UTC)
    if not sent_at - MAX_CLOCK_DIFFERENCE <= enqueued_at <= sent_at + MAX_DELIVERY_TIME:
        return False
    return _without_targets(entry.body) == digest_json(
        {name: generation.record.get(name) for name in entry.body if name not in _TARGETS}
    )


def _without_targets(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _TARGETS}
