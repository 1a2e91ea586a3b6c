"""The rows of a table run: which of them run, their requests, and what is written for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from threading import Lock

from .errors import ConfigurationError, JobCancelled, JobFailed, JobNotFound, OxenError
from .request import AnyRequest
from .submissions import was_rejected
from .table_keys import KeyIndex, read_key
from .table_progress import TableProgress
from .table_sinks import Sink
from .table_sources import Row, Source

ADDED_COLUMNS = ("status", "error", "file", "url", "answer", "cost", "job_id", "seconds")
_ENDS = (JobFailed, JobCancelled, JobNotFound)


@dataclass(frozen=True, slots=True)
class StartedRow:
    """A row whose request was passed to the run."""

    key: str
    values: Row
    started: float


@dataclass(frozen=True, slots=True)
class RowEnd:
    """What is written for a row, in addition to its values."""

    error: OxenError | ValueError | None = None
    files: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    answer: str | None = None
    cost: Decimal | None = None
    job_id: str | None = None

    @property
    def status(self) -> str:
        """The status of the row."""
        if self.error is None:
            return "succeeded"
        if isinstance(self.error, _ENDS):
            return "failed"
        if self.job_id is not None:
            return "unfinished"
        is_rejected = not isinstance(self.error, OxenError) or was_rejected(self.error)
        return "rejected" if is_rejected else "unknown"


class TableRows:
    """The rows of a run. Thread-safe, because a cancelled run does not wait for its threads.

    Args:
        source: The source.
        sink: The sink.
        key: The column with the key.
        prefix: The prefix of the added columns.
        to_request: Returns the request of a row.
        budget: The budget in dollars; None without one.
    """

    def __init__(
        self,
        source: Source,
        sink: Sink,
        key: str,
        prefix: str,
        to_request: Callable[[Row], AnyRequest],
        budget: Decimal | None,
    ) -> None:
        self._source = source
        self._sink = sink
        self._key = key
        self._prefix = prefix
        self._to_request = to_request
        self._budget = budget
        self._total = source.total
        self._keys = KeyIndex()
        self._lock = Lock()
        self._is_closed = False
        self._rows: Iterator[Row] = iter(())
        self._columns: tuple[str, ...] = ()
        self._started_rows: dict[int, StartedRow] = {}
        self._succeeded = self._failed = self._skipped = 0
        self._spent = Decimal(0)
        self._started = time.monotonic()

    def check(self, required: tuple[str, ...]) -> None:
        """Check the rows as far as possible without running them.

        Args:
            required: The columns that the requests need.

        Raises:
            ConfigurationError: A column is missing, or a key is missing or is not unique.
        """
        columns = self._source.columns
        if columns is not None:
            self._check_columns(columns, required)
        if self._source.is_repeatable:
            columns = self._read_keys(columns)
            self._rows = self._source.read(None)
        else:
            self._rows = self._source.read(None)
            if columns is None:
                head = next(self._rows, None)
                columns = tuple(head or ())
                self._rows = self._rows if head is None else chain([head], self._rows)
        if columns or self._total:
            self._check_columns(columns, required)
        added = tuple(f"{self._prefix}{name}" for name in ADDED_COLUMNS) if columns else ()
        self._columns = (*columns, *added)

    def open(self) -> None:
        """Open the sink.

        Raises:
            ConfigurationError: The sink is not that of an earlier run.
            OSError: The sink cannot be written.
        """
        with self._lock:
            if not self._is_closed:
                self._spent = self._sink.open(self._keys, self._columns)

    def requests(self) -> Iterator[AnyRequest]:
        """Return the requests of the rows that are not finished. A row without a request is written."""
        index = 0
        for number, row in enumerate(self._rows, 1):
            key = read_key(row, self._key, number)
            if not self._source.is_repeatable:
                self._keys.add(key, number)
                self._check_added(row)
            if self._keys.is_finished(key):
                self._skipped += 1
                continue
            self._sink.check(row, number)
            started = StartedRow(key, row, time.monotonic())
            try:
                request = self._to_request(dict(row))
            except (OxenError, ValueError) as error:
                self._write(started, RowEnd(error))
                continue
            self._started_rows[index] = started
            index += 1
            yield request

    def find_key(self, index: int) -> str:
        """Return the key of the row with the request of that index."""
        return self._started_rows[index].key

    def finish(self, index: int, end: RowEnd) -> None:
        """Write the row with the request of that index."""
        self._write(self._started_rows[index], end)
        del self._started_rows[index]

    def describe_progress(self) -> TableProgress:
        """Return the progress."""
        return TableProgress(
            self._succeeded,
            self._failed,
            self._skipped,
            len(self._started_rows),
            self._total,
            self._spent,
            None if self._budget is None else max(self._budget - self._spent, Decimal(0)),
            time.monotonic() - self._started,
        )

    def close(self) -> None:
        """Complete the sink. Rows that end later are not written."""
        with self._lock:
            self._is_closed = True
            try:
                self._sink.close()
            finally:
                self._keys.close()

    def _read_keys(self, columns: tuple[str, ...] | None) -> tuple[str, ...]:
        """Check the keys of all rows, and return the names of their columns."""
        names: dict[str, None] = {}
        number = 0
        for number, row in enumerate(self._source.read(None if columns is None else [self._key]), 1):
            names |= dict.fromkeys(row)
            self._keys.add(read_key(row, self._key, number), number)
        self._total = number
        return tuple(names) if columns is None else columns

    def _check_columns(self, columns: tuple[str, ...], required: tuple[str, ...]) -> None:
        known = ", ".join(columns)
        for name in (self._key, *required):
            if name not in columns:
                advice = "; choose one with unique values as key" if columns and name == self._key else ""
                raise ConfigurationError(
                    f"the source has no column {name!r:.80}; its columns are: {known:.400}{advice}"
                )
        self._check_added(columns)

    def _check_added(self, columns: Collection[str]) -> None:
        for name in ADDED_COLUMNS:
            if f"{self._prefix}{name}" in columns:
                raise ConfigurationError(
                    f"the source has a column {self._prefix + name!r}, which the run adds; pass another "
                    "prefix, such as prefix='oxen_'"
                )

    def _write(self, row: StartedRow, end: RowEnd) -> None:
        values = {
            "status": end.status,
            "error": None if end.error is None else str(end.error),
            "file": "\n".join(end.files) or None,
            "url": "\n".join(end.urls) or None,
            "answer": end.answer,
            "cost": end.cost,
            "job_id": end.job_id,
            "seconds": round(time.monotonic() - row.started, 3),
        }
        with self._lock:
            if self._is_closed:
                return
            self._sink.write(
                {**row.values, **{f"{self._prefix}{name}": values[name] for name in ADDED_COLUMNS}}
            )
            self._succeeded += end.error is None
            self._failed += end.error is not None
            self._spent += end.cost or 0
