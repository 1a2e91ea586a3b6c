"""Facts for a journal, and the entries that it should have after them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from oxen_models._runtime.journal import Journal, request_digest
from oxen_models.journal import Entry

BODY: dict[str, Any] = {"model": "painter", "prompt": "Ein Hütchen ☂ \ud83d"}
DIGEST = request_digest(BODY)
PICTURE = "iVBORw0KGgo" * 30
RESPONSE: dict[str, Any] = {"images": [{"b64_json": PICTURE, "url": "https://h/1"}], "created": 1.5}
Fact = tuple[str, tuple[Any, ...]]
FACTS: list[Fact] = [
    ("sending", ("a", DIGEST, "painter", BODY)),
    ("accepted", ("a", "job-a")),
    ("sending", ("b\udc80", DIGEST, "painter", BODY)),
    ("rejected", ("b\udc80", "Zu viel auf einmal")),
    ("succeeded", ("a", RESPONSE, Decimal("0.040"))),
    ("sending", ("b\udc80", DIGEST, "painter", BODY)),
    ("unknown", ("b\udc80", "no response")),
    ("sending", ("c", DIGEST, "painter", {**BODY, "prompt": "long " * 2000})),
    ("accepted", ("c", "job-c")),
    ("ended", ("c", "failed", "out of oxen \udc80", {"status": "failed", "url": "data:,x"})),
    ("sending", ("d", DIGEST, "painter", BODY)),
    ("accepted", ("d", "job-d")),
    ("ended", ("d", "cancelled", None, None)),
    ("sending", ("e", DIGEST, "painter", BODY)),
    ("accepted", ("e", "job-e")),
    ("ended", ("e", "gone", None, None)),
    ("sending", ("f", DIGEST, "painter", BODY)),
    ("rejected", ("f", "")),
    ("sending", ("g", DIGEST, "painter", BODY)),
    ("accepted", ("g", "job-g")),
    ("sending", ("h", DIGEST, "painter", BODY)),
]
_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def write_fact(journal: Journal, fact: Fact) -> None:
    """Write a fact to a journal."""
    name, arguments = fact
    getattr(journal, name)(*arguments)


def write_journal(path: Path, facts: Iterable[Fact] = FACTS) -> None:
    """Write a journal and close it."""
    with Journal(path) as journal:
        for fact in facts:
            write_fact(journal, fact)


def expected_entries(facts: Iterable[Fact]) -> list[Entry]:
    """Return the entries that a journal of these facts should have, without their times."""
    known: dict[str, Entry] = {}
    for name, (key, *more) in facts:
        if name == "sending":
            known[key] = Entry(key, more[0], more[1], "sending", more[2], _TIME)
            continue
        sent = known[key]
        cleared = replace(sent, response=None, detail=None, cost=None, ended_at=None)
        if name == "accepted":
            known[key] = replace(cleared, state="accepted", job_id=more[0])
        elif name == "succeeded":
            known[key] = replace(cleared, state="succeeded", response=more[0], cost=more[1], ended_at=_TIME)
        elif name == "ended":
            known[key] = replace(cleared, state=more[0], detail=more[1], response=more[2], ended_at=_TIME)
        else:
            known[key] = replace(cleared, state=name, detail=more[0])  # type: ignore[arg-type]
    return list(known.values())


def without_times(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries with fixed times, to compare them with the expected ones."""
    return [
        replace(entry, sent_at=_TIME, ended_at=None if entry.ended_at is None else _TIME) for entry in entries
    ]


@contextmanager
def fast_folder() -> Generator[Path]:
    """Create a folder in memory if there is such a file system, because syncing to a disk is slow."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@contextmanager
def file_size_limit(size: int) -> Generator[None]:
    """Let writes beyond a size fail, as on a full disk."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    writes_bytecode = not sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # a truncated file would break each later import of the module
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        sys.dont_write_bytecode = not writes_bytecode
