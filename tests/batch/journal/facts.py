"""Facts for a journal, and the entries that it should return for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oxen_models._runtime.journal import Entry, Journal, digest_of

BODY: dict[str, Any] = {"model": "painter", "prompt": "Ein Hütchen ☂"}
DIGEST = digest_of(BODY)
PICTURE = "iVBORw0KGgo" * 30
ANSWER: dict[str, Any] = {"images": [{"b64_json": PICTURE}], "created": 1.5, "note": "half a char: \ud83d"}
Fact = tuple[str, tuple[Any, ...]]
FACTS: list[Fact] = [
    ("sending", (0, BODY)),
    ("enqueued", (0, "job-0")),
    ("sending", (2, BODY)),
    ("succeeded", (0, "job-0", ANSWER)),
    ("refused", (2, "Zu viel auf einmal")),
    ("sending", (2, {**BODY, "seed": 1})),
    ("succeeded", (2, None, {"images": []})),
    ("sending", (5, BODY)),
    ("ended", (5, "failed", "job-5", "of the hub's own")),
    ("sending", (4, BODY)),
    ("ended", (4, "gone", "job-4", None)),
    ("sending", (3, BODY)),
    ("ended", (3, "cancelled", "job-3", None)),
]


def write_fact(journal: Journal, fact: Fact) -> None:
    """Write a fact to a journal."""
    name, arguments = fact
    getattr(journal, name)(*arguments)


def expected_entries(facts: list[Fact]) -> list[Entry | None]:
    """Return the entries that a journal of these facts should have."""
    known: dict[int, Entry] = {}
    for name, (index, *more) in facts:
        if name == "sending":
            known[index] = Entry(digest_of(more[0]), "sending")
            continue
        digest = known[index].digest
        if name == "enqueued":
            known[index] = Entry(digest, "enqueued", more[0])
        elif name == "refused":
            known[index] = Entry(digest, "refused", detail=more[0])
        elif name == "succeeded":
            known[index] = Entry(digest, "succeeded", more[0], more[1])
        else:
            known[index] = Entry(digest, more[0], more[1], detail=more[2])
    return [known.get(index) for index in range(max(known, default=-1) + 1)]


def read_entries(path: Path) -> list[Entry | None]:
    """Open a journal and return its entries."""
    with Journal(path) as journal:
        return list(journal)
