"""The journal of a batch run: the state of each billable request, from which another run continues.

Each fact is on disk before the action that depends on it. Media are not in the file: those of a request are
replaced by their digests, those of a response are in a folder beside it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import IO, Any, Literal, Self

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .errors import ConfigurationError, JournalError
from .journal_file import JournalFile
from .journal_media import MediaFolder
from .journal_table import Row, Table
from .paths import expand_path

State = Literal["sending", "unknown", "rejected", "accepted", "succeeded", "failed", "cancelled", "gone"]
EndState = Literal["failed", "cancelled", "gone"]

# The states from which a request can reach another one; None before the first.
_PREVIOUS: Mapping[State, tuple[State | None, ...]] = {
    "sending": (None, "sending", "unknown", "rejected"),
    "unknown": ("sending", "unknown"),
    "rejected": ("sending", "unknown", "rejected"),
    "accepted": ("sending", "unknown", "accepted"),
    "succeeded": ("sending", "unknown", "accepted", "succeeded"),
    "failed": ("sending", "unknown", "accepted", "failed"),
    "cancelled": ("sending", "unknown", "accepted", "cancelled"),
    "gone": ("sending", "unknown", "accepted", "gone"),
}
# From the least to the most advanced; `merge` keeps the more advanced one.
_RANKS: Mapping[str, int] = {
    "rejected": 0,
    "sending": 1,
    "unknown": 2,
    "accepted": 3,
    "gone": 4,
    "cancelled": 5,
    "failed": 6,
    "succeeded": 7,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """The last known state of one request."""

    key: str
    """The key of the request; the default is its digest and the number of equal requests before it."""
    digest: str
    """The SHA-256 of the request's body, in hex."""
    model: str
    """The id of the model."""
    state: State
    """`sending` and `unknown`: it may have been accepted, and is not sent again. `rejected`: it was certainly
    not accepted, and the next run sends it again. `accepted`: it has a job. `succeeded`, `failed`,
    `cancelled` and `gone`: the job has ended.
    """
    body: dict[str, Any]
    """The body of the request, with the digests of media in place of them."""
    sent_at: datetime
    """The time at which it was last sent."""
    job_id: str | None = None
    """The job; None if the request was not accepted, or its outcome is unknown."""
    response: dict[str, Any] | None = None
    """The response of a request that succeeded, or the record of a job that ended otherwise."""
    detail: str | None = None
    """The reason if the request was rejected, its outcome is unknown, or its job failed."""
    cost: Decimal | None = None
    """The cost in dollars; None if it is unknown."""
    ended_at: datetime | None = None
    """The time at which the end of the job was recorded; None before."""


def request_digest(body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the body of a request, in hex.

    Bodies that are equal as JSON have equal digests: the order of keys does not matter, and 4 equals 4.0.
    """
    text = json.dumps(_normalize(dict(body)), sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


class Journal:
    """The facts about the requests of a batch, by key. Thread-safe.

    Args:
        path: The file, which is created if it does not exist. The media of the responses are beside it, in a
            folder with the suffix `.media`.

    Raises:
        JournalError: The journal is damaged, in use or a copy, or the file cannot be read or written. Every
            method may raise it. After a failure to write, `sending` fails, so that a run ends; other facts
            are still written if possible.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = JournalFile(path, writable=True)
        self._media = MediaFolder(f"{self._file.path}.media")
        self._media.remove_parts()

    def find(self, key: str) -> Entry | None:
        """Return the state of the request with a key; None if it was never sent."""
        row = self._file.find(key)
        return None if row is None else _entry(row, self._media)

    def entries(self) -> Iterator[Entry]:
        """Return all entries in the order in which they were first sent, without loading all of them."""
        return (_entry(row, self._media) for row in self._file.rows())

    def requests(self) -> Iterator[Entry]:
        """Return all entries as `entries` does, without their responses."""
        return (_entry(row._replace(response=None), self._media) for row in self._file.rows())

    def sending(self, key: str, digest: str, model: str, body: Mapping[str, Any]) -> None:
        """Record that a request is about to be sent. It may be billed from then on."""

        def change(table: Table) -> None:
            row = table.find(key)
            self._check_transition(key, row, "sending", None)
            if row is not None and row.state != "rejected" and row.digest != digest:
                raise JournalError(
                    f"{self._file.path}: the key {key!r:.80} is that of another request, which may have been "
                    "accepted"
                )
            table.put(Row(key, digest, model, "sending", _dump(dict(body)), _now()))

        self._file.write(change, after_failure=False)

    def accepted(self, key: str, job_id: str) -> None:
        """Record the job of a request."""
        self._update(key, "accepted", job_id=job_id)

    def rejected(self, key: str, detail: str) -> None:
        """Record that a request was certainly not accepted and may be sent again."""
        self._update(key, "rejected", detail=detail)

    def unknown(self, key: str, detail: str) -> None:
        """Record that a request may have been accepted."""
        self._update(key, "unknown", detail=detail)

    def succeeded(self, key: str, response: dict[str, Any], cost: Decimal | None = None) -> None:
        """Record a result. The media in the response are on disk before it."""
        self._end(key, "succeeded", response, cost=None if cost is None else str(cost))

    def ended(
        self,
        key: str,
        state: EndState,
        detail: str | None,
        record: dict[str, Any] | None,
        cost: Decimal | None = None,
    ) -> None:
        """Record that a job has ended without a result."""
        self._end(key, state, record, detail=detail, cost=None if cost is None else str(cost))

    def merge(self, other: Iterator[Entry]) -> None:
        """Add entries of another journal, or none of them if one conflicts.

        Raises:
            JournalError: Two entries with the same key are of different requests or have different jobs.
        """

        def change(table: Table) -> None:
            for entry in other:
                row, old = _row(entry, self._media), table.find(entry.key)
                if old is None or _is_newer(row, old):
                    table.put(row)

        self._file.write(change)

    def close(self) -> None:
        """Close the journal, so that another run can use it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self, key: str, state: State, response: dict[str, Any] | None, **columns: str | None) -> None:
        row = self._file.find(key)
        job_id = None if row is None else row.job_id  # for the errors
        stored = None if response is None else _dump(self._media.store(response, job_id))
        self._update(key, state, job_id=job_id, response=stored, ended_at=_now(), **columns)

    def _update(self, key: str, state: State, *, job_id: str | None = None, **columns: Any) -> None:
        def change(table: Table) -> None:
            row = table.find(key)
            self._check_transition(key, row, state, job_id)
            assert row is not None
            empty: dict[str, Any] = {"response": None, "detail": None, "cost": None, "ended_at": None}
            table.put(row._replace(**{**empty, **columns, "state": state, "job_id": job_id or row.job_id}))

        self._file.write(change, job_id)

    def _check_transition(self, key: str, row: Row | None, state: State, job_id: str | None) -> None:
        old_state = None if row is None else row.state
        if old_state not in _PREVIOUS[state]:
            raise JournalError(
                f"{self._file.path}: request {key!r:.80} is {old_state or 'not in the journal'}, so it "
                f"cannot be {state}",
                generation_id=job_id,
            )
        if row is not None and job_id is not None and row.job_id not in (None, job_id):
            raise JournalError(
                f"{self._file.path}: request {key!r:.80} has two jobs: {row.job_id} and {job_id}",
                generation_id=job_id,
            )


def read(path: str | os.PathLike[str]) -> Generator[Entry]:
    """Return the entries of a journal in the order in which they were first sent.

    The journal may be finished or unfinished, or a copy. Only an incomplete write of a killed run is removed
    from the file.

    Raises:
        JournalError: The journal is damaged or in use, or cannot be read.
    """
    with JournalFile(path, writable=False) as file:
        media = MediaFolder(f"{file.path}.media")
        for row in file.rows():
            yield _entry(row, media)


def export(path: str | os.PathLike[str], out: str | os.PathLike[str] | IO[str]) -> None:
    """Write the entries of a journal as JSON Lines: one object per line, with the fields of `Entry`.

    Inline media stay where they are: a string `data:sha256:<digest>` in a response is the name of a file in
    the folder `<path>.media`.

    Args:
        path: The journal.
        out: A file that is open for writing, or the path of one, which is replaced.

    Raises:
        JournalError: The journal is damaged or in use, or cannot be read.
        ConfigurationError: `out` is the journal itself, or is not a file.
        OSError: The lines cannot be written.
    """
    with JournalFile(path, writable=False) as file:
        if isinstance(out, str | os.PathLike):
            target = expand_path("out", out)
            if os.path.exists(target) and os.path.samefile(target, file.path):
                raise ConfigurationError(f"out must be another file than the journal, got {target!r}")
            with open(target, "w", encoding="utf-8", opener=_open_private) as lines:
                _write_lines(file.rows(), lines)
        elif hasattr(out, "write"):
            _write_lines(file.rows(), out)
        else:
            raise ConfigurationError(f"out must be a path or an open file, got {out!r:.80}")


def merge(target: str | os.PathLike[str], *sources: str | os.PathLike[str]) -> None:
    """Add the entries of other journals to a journal, which is created if it does not exist.

    If several journals contain a request, the most advanced state is kept. With a new target, a copy of a
    lost journal can be continued.

    Raises:
        JournalError: A journal is damaged or in use, cannot be read or written, or two of them have different
            jobs for the same request. The target is unchanged by the journal that conflicts.
        ConfigurationError: A source is the target, or an argument is not a path.
    """
    target_path = os.path.realpath(expand_path("target", target))
    for source in sources:
        if os.path.realpath(expand_path("source", source)) == target_path:
            raise ConfigurationError(f"sources must be other files than the target, got {str(source)!r}")
    with Journal(target) as journal:
        for source in sources:
            journal.merge(read(source))


def _entry(row: Row, media: MediaFolder) -> Entry:
    return Entry(
        row.key,
        row.digest,
        row.model,
        row.state,  # type: ignore[arg-type]
        json.loads(row.body),
        datetime.fromisoformat(row.sent_at),
        row.job_id,
        None if row.response is None else media.restore(json.loads(row.response)),
        row.detail,
        None if row.cost is None else Decimal(row.cost),
        None if row.ended_at is None else datetime.fromisoformat(row.ended_at),
    )


def _row(entry: Entry, media: MediaFolder) -> Row:
    return Row(
        entry.key,
        entry.digest,
        entry.model,
        entry.state,
        _dump(entry.body),
        entry.sent_at.isoformat(),
        entry.job_id,
        None if entry.response is None else _dump(media.store(entry.response)),
        entry.detail,
        None if entry.cost is None else str(entry.cost),
        None if entry.ended_at is None else entry.ended_at.isoformat(),
    )


def _write_lines(rows: Iterator[Row], lines: IO[str]) -> None:
    for row in rows:
        values = row._asdict()
        for name in ("body", "response"):
            values[name] = None if values[name] is None else json.loads(values[name])
        lines.write(f"{_dump(values)}\n")


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _is_newer(row: Row, old: Row) -> bool:
    if row.digest != old.digest and "rejected" not in (row.state, old.state):
        raise JournalError(f"the journals have different requests with the key {row.key!r:.80}")
    if row.job_id is not None and old.job_id not in (None, row.job_id):
        raise JournalError(
            f"the journals have different jobs for the request {row.key!r:.80}: {old.job_id} and {row.job_id}"
        )
    return _RANKS[row.state] > _RANKS[old.state]


def _normalize(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if is_list(value):
        return [_normalize(item) for item in value]
    if is_object(value):
        return {name: _normalize(item) for name, item in value.items()}
    return value


def _dump(value: object) -> str:
    # ASCII only, because a response may contain a lone surrogate.
    return json.dumps(value, separators=(",", ":"))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
