# Copied by oxen-codegen from templates/package/_runtime/matching.py. Do not edit.
"""Match requests of unknown outcome with jobs of the server. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .digests import digest_json
from .generations import Generation
from .journal import Entry

MAX_CLOCK_DIFFERENCE = timedelta(seconds=5)
"""The server's clock has seconds only, and the difference of the clocks is known by the header `Date`."""
MAX_DELIVERY_TIME = timedelta(minutes=15)
"""A proxy may deliver a request to the server this long after it was sent."""
_DIGEST = "sha256:"
_TARGETS = ("model", "target_namespace", "target_repo", "target_directory")


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The requests of unknown outcome in a journal: those whose job was found, and the others."""

    adopted: tuple[Entry, ...]
    """The requests whose job was found; the journal has it now."""
    unresolved: tuple[Entry, ...]
    """The requests that no single job certainly belongs to. They are unchanged in the journal."""
    possible_jobs: Mapping[str, tuple[str, ...]]
    """The ids of the jobs that may belong to an unresolved request, by the key of the request."""


@dataclass(frozen=True, slots=True)
class Matches:
    """The jobs of requests, by the key of the request."""

    certain: Mapping[str, str]
    possible: Mapping[str, tuple[str, ...]]


def earliest_time(entries: Iterable[Entry], clock_difference: timedelta) -> datetime:
    """Return the server's time before which no job of these requests was enqueued."""
    return min(entry.sent_at for entry in entries) + clock_difference - MAX_CLOCK_DIFFERENCE


def match_jobs(
    entries: Iterable[Entry],
    generations: Iterable[Generation],
    known_jobs: Collection[str],
    clock_difference: timedelta,
) -> Matches:
    """Find the jobs of requests.

    A job certainly belongs to a request if the model and all parameters are equal and it was enqueued when
    the request was sent. It may belong to one if the server's record of it has other media than were sent,
    such as the URL of a copy, because these cannot be compared. Equal requests share their jobs. If there are
    more such jobs than requests, some were submitted elsewhere, and none is certain.

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
    certain: dict[str, str] = {}
    possible: dict[str, tuple[str, ...]] = {}
    for equal_entries in by_digest.values():
        similarities = {
            id: max(_compare(generation, entry, clock_difference) for entry in equal_entries)
            for id, generation in jobs.items()
        }
        equal = [id for id, similarity in similarities.items() if similarity is Similarity.EQUAL]
        if len(equal) <= len(equal_entries):
            certain.update((entry.key, id) for entry, id in zip(equal_entries, equal, strict=False))
        candidates = tuple(id for id, similarity in similarities.items() if similarity is not Similarity.NONE)
        possible.update((entry.key, candidates) for entry in equal_entries if entry.key not in certain)
    return Matches(certain, possible)


class Similarity(IntEnum):
    """The similarity of a request and a job."""

    NONE = 0
    POSSIBLE = 1
    EQUAL = 2


def _compare(generation: Generation, entry: Entry, clock_difference: timedelta) -> Similarity:
    if generation.model != entry.model or generation.enqueued_at is None:
        return Similarity.NONE
    sent_at = entry.sent_at + clock_difference
    enqueued_at = datetime.fromtimestamp(generation.enqueued_at, UTC)
    if not sent_at - MAX_CLOCK_DIFFERENCE <= enqueued_at <= sent_at + MAX_DELIVERY_TIME:
        return Similarity.NONE
    parameters = {name: value for name, value in entry.body.items() if name not in _TARGETS}
    record = digest_json({name: generation.record.get(name) for name in parameters})
    return _compare_values(parameters, record)


def _compare_values(sent: object, recorded: object) -> Similarity:
    if is_object(sent) and is_object(recorded) and sent.keys() == recorded.keys():
        return min((_compare_values(sent[name], recorded[name]) for name in sent), default=Similarity.EQUAL)
    if is_list(sent) and is_list(recorded) and len(sent) == len(recorded):
        return min(map(_compare_values, sent, recorded), default=Similarity.EQUAL)
    if type(sent) is type(recorded) and sent == recorded:
        return Similarity.EQUAL
    if isinstance(sent, str) and isinstance(recorded, str) and sent.startswith(_DIGEST):
        if sent.removeprefix(_DIGEST) in recorded:
            return Similarity.EQUAL  # the URL of a file that was uploaded, which is named after its digest
        return Similarity.NONE if recorded.startswith(_DIGEST) else Similarity.POSSIBLE
    return Similarity.NONE
