"""The files that the rows of a table run are written to."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .atomic_file import replace_file
from .errors import ConfigurationError, JournalError
from .journal_lock import lock_descriptor
from .paths import expand_path
from .table_keys import KeyIndex
from .table_sources import (
    JSON_LINES_SUFFIXES,
    SUFFIXES,
    Row,
    read_csv,
    read_csv_header,
    read_json_lines,
)

FINAL_STATUSES = ("succeeded", "failed")
"""The statuses of rows that another run does not run again."""
SinkLike: TypeAlias = str | os.PathLike[str] | Callable[[dict[str, Any]], object]
"""A path, or a function that is called with each row."""


class Sink(Protocol):
    """Receives the rows of a run."""

    def open(self, keys: KeyIndex, columns: Sequence[str]) -> Decimal:
        """Read the rows of an earlier run, add the keys of the final ones to `keys`, and drop the others.

        Args:
            keys: The keys.
            columns: The names of the columns of all rows.

        Returns:
            The cost of the final rows.
        """
        ...

    def check(self, row: Row, number: int) -> None:
        """Raise if a row of the source cannot be written."""

    def write(self, row: Row) -> None:
        """Write a row."""

    def close(self) -> None:
        """Complete the file."""


class CallableSink:
    """Calls a function with each row. It has no rows of an earlier run."""

    def __init__(self, function: Callable[[Row], object]) -> None:
        self._function = function

    def open(self, keys: KeyIndex, columns: Sequence[str]) -> Decimal:
        return Decimal(0)

    def check(self, row: Row, number: int) -> None:
        """Accept every row."""

    def write(self, row: Row) -> None:
        self._function(row)

    def close(self) -> None:
        """Do nothing."""


class LineSink:
    """A CSV or JSON Lines file, to which each row is appended by one write.

    Args:
        path: The file. A missing folder is created.
        key: The column with the key.
        prefix: The prefix of the columns that the run adds.
        read_earlier: Returns the rows of an earlier run if the file is empty. Defaults to no rows.
    """

    def __init__(
        self, path: Path, key: str, prefix: str, read_earlier: Callable[[], Iterator[Row]] | None = None
    ) -> None:
        self.path = path
        self._read_earlier = read_earlier
        self._key = key
        self._prefix = prefix
        self._is_csv = path.suffix.lower() not in JSON_LINES_SUFFIXES
        self._columns: tuple[str, ...] = ()
        self._has_header = False
        self._file: BinaryIO | None = None

    def open(self, keys: KeyIndex, columns: Sequence[str]) -> Decimal:
        self._columns = tuple(columns)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            self._lock(file)
            self._check_file()
            with replace_file(self.path) as part:
                self._file = part.open("wb")
                self._lock(self._file)
                return self._copy_final_rows(keys)

    def check(self, row: Row, number: int) -> None:
        if self._is_csv and (unknown := row.keys() - set(self._columns)):
            raise ConfigurationError(
                f"row {number} has the column {min(unknown)!r:.80}, which the first row does not have, and a "
                "CSV file cannot get another column; pass a sink with the suffix .jsonl"
            )

    def write(self, row: Row) -> None:
        assert self._file is not None
        text = self._format_csv(row) if self._is_csv else f"{to_json(row)}\n"
        self._file.write(_encode(text))
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _format_csv(self, row: Row) -> str:
        header = "" if self._has_header else _format_cells(self._columns)
        self._has_header = True
        return header + _format_cells([_to_cell(row.get(name)) for name in self._columns])

    def _check_file(self) -> None:
        """Raise if the file has something else than rows of an earlier run."""
        if self._is_begun():
            return
        columns = read_csv_header(self.path) if self._is_csv else next(self._read_rows(), ())
        self.check_columns(self.path, columns)

    def _is_begun(self) -> bool:
        """Return whether a killed run may have written all of the file and no complete line; also if it is
        empty.
        """
        if self._is_csv:
            start = _encode(_format_cells(self._columns))
            with self.path.open("rb") as file:
                return start.startswith(file.read(len(start) + 1))
        start = _encode(f"{{{to_json(self._columns[0])}: ") if self._columns else b"{"
        with self.path.open("rb") as file:
            line = file.readline()
        return not line.endswith(b"\n") and (line.startswith(start) or start.startswith(line))

    def check_columns(self, path: Path, columns: Collection[str]) -> None:
        """Raise if a file with some columns is not the table of an earlier run."""
        if missing := {self._key, f"{self._prefix}status"}.difference(columns):
            raise ConfigurationError(
                f"{path}: the file has no column {min(missing)!r}, so it is not the table of an "
                "earlier run; pass another sink"
            )

    def _copy_final_rows(self, keys: KeyIndex) -> Decimal:
        cost = Decimal(0)
        status = f"{self._prefix}status"
        for row in self._read_rows():
            self.check_columns(self.path, row)
            if not self._has_header:
                self._columns += tuple(name for name in row if name not in self._columns)
            if row[status] in FINAL_STATUSES:
                keys.finish(str(row[self._key]))
                cost += _to_cost(row.get(f"{self._prefix}cost"))
                self.write(row)
        return cost

    def _read_rows(self) -> Iterator[Row]:
        if self._read_earlier is not None and not self.path.stat().st_size:
            return self._read_earlier()
        read = read_csv if self._is_csv else read_json_lines
        return read(self.path, may_be_torn=True)

    def _lock(self, file: BinaryIO) -> None:
        try:
            lock_descriptor(file.fileno(), str(self.path), exclusive=True)
            # Another run may have replaced the file after it was opened here.
            is_current = file.name != str(self.path) or os.path.samestat(
                os.fstat(file.fileno()), self.path.stat()
            )
        except (JournalError, FileNotFoundError):
            is_current = False
        if not is_current:
            raise ConfigurationError(
                f"{self.path}: another run is writing this table; wait until it has ended"
            )


class ParquetSink:
    """A Parquet file, which is written at the end of the run from a JSON Lines file beside it.

    Args:
        path: The file. The one beside it has the suffix `.part.jsonl` until the end of the run.
        key: The column with the key.
        prefix: The prefix of the columns that the run adds.
        schema: The Arrow schema of the source; None if it has none.
    """

    def __init__(self, path: Path, key: str, prefix: str, schema: Any) -> None:
        from .table_parquet import ParquetWriter

        self._path = path
        self._writer = ParquetWriter(path, prefix, schema)
        part = path.with_name(f"{path.name}.part.jsonl")
        self._lines = LineSink(part, key, prefix, self._read_earlier)
        self._is_open = False

    def open(self, keys: KeyIndex, columns: Sequence[str]) -> Decimal:
        if self._path.exists() and (found := self._writer.read_columns()):
            self._lines.check_columns(self._path, found)
        cost = self._lines.open(keys, columns)
        self._is_open = True
        return cost

    def check(self, row: Row, number: int) -> None:
        """Accept every row."""

    def write(self, row: Row) -> None:
        self._lines.write(row)

    def close(self) -> None:
        try:
            if self._is_open:  # each line has been flushed
                self._writer.write(lambda: read_json_lines(self._lines.path))
                self._lines.path.unlink()
        finally:
            self._lines.close()  # and so unlock it, since another run would continue with its lines

    def _read_earlier(self) -> Iterator[Row]:
        return self._writer.read_rows() if self._path.exists() else iter(())


def find_sink(sink: SinkLike, key: str, prefix: str, schema: Any) -> tuple[Sink, Path | None]:
    """Return a sink, and its path if it has one. Opens nothing.

    Raises:
        ConfigurationError: The suffix is that of no format, or pyarrow is required and not installed.
    """
    if callable(sink):
        return CallableSink(sink), None
    if not isinstance(sink, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"sink must be a path or a function, got {sink!r:.80}")
    path = Path(expand_path("sink", sink))
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigurationError(f"sink must have a suffix of {', '.join(SUFFIXES)}, got {str(path)!r}")
    if suffix == ".parquet":
        return ParquetSink(path, key, prefix, schema), path
    return LineSink(path, key, prefix), path


def to_json(value: object) -> str:
    """Return JSON; content of files is replaced by its digest, as in a sidecar, and other values by text."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_to_json_value)
    except ValueError:  # NaN or infinity, which are not JSON
        with_nan = json.loads(json.dumps(value, default=_to_json_value))
        return json.dumps(_replace_nan(with_nan), ensure_ascii=False)


def _to_json_value(value: Any) -> object:
    if isinstance(value, bytes | bytearray):
        return f"sha256:{sha256(value).hexdigest()}"
    if isinstance(value, Decimal):
        number = float(value)
        return str(value) if Decimal(repr(number)) != value and value.is_finite() else number
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):  # a scalar or an array of numpy
        return value.tolist()
    return str(value)


def _replace_nan(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if is_list(value):
        return [_replace_nan(item) for item in value]
    if is_object(value):
        return {name: _replace_nan(item) for name, item in value.items()}
    return value


def _encode(text: str) -> bytes:
    # A lone surrogate becomes an escape sequence, which JSON reads as the surrogate.
    return text.encode(errors="backslashreplace")


def _format_cells(cells: Iterable[object]) -> str:
    lines = StringIO()
    # Only cells with a character of the terminator are quoted, and a cell may have a carriage return.
    csv.writer(lines, lineterminator="\r\n").writerow(cells)
    return lines.getvalue().removesuffix("\r\n") + "\n"


def _to_cell(value: object) -> object:
    if value is None or (isinstance(value, str | int | float | Decimal) and not isinstance(value, bool)):
        return value
    text = to_json(value)
    return json.loads(text) if text.startswith('"') else text


def _to_cost(value: object) -> Decimal:
    try:
        return Decimal(str(value or 0))
    except InvalidOperation:
        return Decimal(0)
