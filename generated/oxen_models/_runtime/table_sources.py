# Copied by oxen-codegen from templates/package/_runtime/table_sources.py. Do not edit.
"""The rows of a source table, which are read as they are needed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Protocol, TypeAlias, cast

from .errors import ConfigurationError
from .extras import describe_missing_extra
from .paths import expand_path

Row: TypeAlias = dict[str, Any]
"""A row: its values by column."""

JSON_LINES_SUFFIXES = (".jsonl", ".ndjson")
SUFFIXES = (".csv", *JSON_LINES_SUFFIXES, ".parquet")
_READ_ROWS = 1024
"""Rows of a Parquet file or a data set that are decoded at once."""
_CONVERTED_ROWS = 64
"""Rows that are Python values at once, because each may contain an image."""
_MAX_CELL_LENGTH = 2**31 - 1  # the default is 131,072 characters, fewer than an answer or an image may have
_limit_lock = Lock()


class ArrowStream(Protocol):
    """A table of pyarrow, pandas or polars, by the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None, /) -> object: ...


SourceLike: TypeAlias = str | PathLike[str] | ArrowStream | Iterable[Mapping[str, Any]]
"""A path, a table, or an iterable of rows."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table that can be read row by row.

    Attributes:
        read: Returns the rows, with only some columns if they are given and if that takes less time.
        columns: The names of the columns; None if every row has its own.
        total: The number of rows; None if it is not known before they are read.
        is_repeatable: Whether `read` returns the rows again when it is called again.
        schema: The Arrow schema; None if the source has none.
    """

    read: Callable[[Sequence[str] | None], Iterator[Row]]
    columns: tuple[str, ...] | None = None
    total: int | None = None
    is_repeatable: bool = True
    schema: Any = None


def import_pyarrow(feature: str, module: str = "pyarrow") -> Any:
    """Return a module of pyarrow.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise ConfigurationError(describe_missing_extra(feature, "pyarrow", "tables")) from None


def find_source(source: SourceLike) -> Source:
    """Return the rows of a path, a table or an iterable. Reads no more than the head of a file.

    Raises:
        ConfigurationError: The source is none of these, cannot be read, or two columns have the same name.
    """
    if isinstance(source, str | PathLike):
        return _open_path(Path(expand_path("source", source)))
    untyped: Any = source
    if hasattr(source, "with_format") and hasattr(source, "column_names"):
        return _open_dataset(untyped)
    if hasattr(source, "__arrow_c_stream__"):
        return _open_stream(untyped)
    if isinstance(source, Mapping | bytes) or not hasattr(source, "__iter__"):
        raise ConfigurationError(
            "source must be a path, an Arrow table, a frame of pandas or polars, a data set, or an iterable "
            f"of mappings, got {type(untyped).__name__}"
        )
    total = len(untyped) if hasattr(source, "__len__") else None
    return Source(
        partial(_read_mappings, untyped), total=total, is_repeatable=not isinstance(source, Iterator)
    )


def read_csv(path: Path, columns: Sequence[str] | None = None, *, may_be_torn: bool = False) -> Iterator[Row]:
    """Return the rows of a CSV file with a header, as text.

    Args:
        path: The file.
        columns: Ignored, because all columns are read in any case.
        may_be_torn: Whether to omit an incomplete row at the end.

    Raises:
        ConfigurationError: The file cannot be read, or a row has not as many cells as the header.
    """
    with map_read_errors(path), path.open(encoding="utf-8-sig", newline="") as file:
        lines = _decode_lines(cast(BinaryIO, file.buffer)) if may_be_torn else iter(file)
        reader = csv.reader(lines, strict=True)
        header = _read_cells(reader) or []
        try:
            while (cells := _read_cells(reader)) is not None:
                if cells and len(cells) != len(header):
                    raise ConfigurationError(
                        f"{path}, line {reader.line_num}: expected {len(header)} cells, got {len(cells)}"
                    )
                if cells:
                    yield dict(zip(header, cells, strict=True))
        except csv.Error:
            if not may_be_torn or next(lines, None) is not None:
                raise


def read_csv_header(path: Path) -> list[str]:
    """Return the names of the columns of a CSV file; no names if it is empty.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    with map_read_errors(path), path.open(encoding="utf-8-sig", newline="") as file:
        return _read_cells(csv.reader(file, strict=True)) or []


def read_json_lines(
    path: Path, columns: Sequence[str] | None = None, *, may_be_torn: bool = False
) -> Iterator[Row]:
    """Return the rows of a file with a JSON object in each line.

    Args:
        path: The file.
        columns: Ignored, because all columns are read in any case.
        may_be_torn: Whether to omit an incomplete row at the end.

    Raises:
        ConfigurationError: The file cannot be read, or a line is not an object.
    """
    with map_read_errors(path), path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                if may_be_torn and not line.endswith(b"\n"):
                    return
                raise ConfigurationError(f"{path}, line {number}: not JSON: {error}") from None
            if not isinstance(row, dict):
                raise ConfigurationError(f"{path}, line {number}: expected a JSON object, got {row!r:.40}")
            yield cast(Row, row)


@contextmanager
def map_read_errors(path: Path) -> Generator[None]:
    """Raise errors of reading a file as `ConfigurationError`."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{path}: the table cannot be read: {error.strerror or error}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: the table is not a CSV file in UTF-8: {error}") from None


def _read_cells(reader: Iterator[list[str]]) -> list[str] | None:
    """Return the cells of the next row, of any length; None after the last one."""
    with _limit_lock:  # the limit is that of the process, so it is changed for this row only
        limit = csv.field_size_limit(_MAX_CELL_LENGTH)
        try:
            return next(reader, None)
        finally:
            csv.field_size_limit(limit)


def _decode_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """Return the complete lines of a file."""
    for number, line in enumerate(lines):
        if line.endswith(b"\n"):
            yield line.decode("utf-8" if number else "utf-8-sig")


def _open_path(path: Path) -> Source:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigurationError(f"source must have a suffix of {', '.join(SUFFIXES)}, got {str(path)!r}")
    with map_read_errors(path):
        path.open("rb").close()
    if suffix in JSON_LINES_SUFFIXES:
        return Source(partial(read_json_lines, path))
    if suffix == ".csv":
        return Source(partial(read_csv, path), _check_names(path, read_csv_header(path)))
    parquet = import_pyarrow("a Parquet file", "pyarrow.parquet")
    try:
        with parquet.ParquetFile(path) as file:
            schema, total = file.schema_arrow, file.metadata.num_rows
    except (ValueError, OSError) as error:  # those of pyarrow are subclasses
        raise ConfigurationError(f"{path}: the table is not a Parquet file: {error}") from None
    return Source(
        partial(_read_parquet, parquet, path), _check_names(path, schema.names), total, schema=schema
    )


def _read_parquet(parquet: Any, path: Path, columns: Sequence[str] | None) -> Iterator[Row]:
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_READ_ROWS, columns=None if columns is None else list(columns)):
                yield from _convert(batch)
    except (ValueError, OSError, OverflowError) as error:  # the last one for a time that Python does not have
        raise ConfigurationError(f"{path}: the table cannot be read: {error}") from None


def _open_stream(source: Any) -> Source:
    pyarrow = import_pyarrow("a table")
    if isinstance(source, pyarrow.RecordBatchReader):
        schema, is_repeatable = source.schema, False
    else:
        # The schema of a new stream; that of a frame is not known before it is converted.
        with _map_conversion_errors(pyarrow, source):
            schema, is_repeatable = pyarrow.RecordBatchReader.from_stream(source).schema, True
    total = len(source) if isinstance(source, Sized) else None
    columns = _check_names(type(source).__name__, schema.names)
    return Source(partial(_read_stream, pyarrow, source), columns, total, is_repeatable, schema)


def _read_stream(pyarrow: Any, source: Any, columns: Sequence[str] | None) -> Iterator[Row]:
    with _map_conversion_errors(pyarrow, source):
        for batch in pyarrow.RecordBatchReader.from_stream(source):
            yield from _convert(batch if columns is None else batch.select(columns))


@contextmanager
def _map_conversion_errors(pyarrow: Any, source: object) -> Generator[None]:
    """Raise errors of converting a frame as `ConfigurationError`."""
    try:
        yield
    except (ValueError, TypeError, OverflowError, pyarrow.ArrowException) as error:
        reason = "; ".join(map(str, error.args))
        raise ConfigurationError(f"{type(source).__name__}: the table cannot be read: {reason}") from None


def _open_dataset(source: Any) -> Source:
    names = source.column_names
    total = len(source) if hasattr(source, "__len__") else None
    columns = None if names is None else _check_names(type(source).__name__, names)
    return Source(partial(_read_dataset, source), columns, total)


def _read_dataset(source: Any, columns: Sequence[str] | None) -> Iterator[Row]:
    selected = source if columns is None else source.select_columns(list(columns))
    for table in selected.with_format("arrow").iter(batch_size=_READ_ROWS):
        yield from _convert(table)


def _convert(table: Any) -> Iterator[Row]:
    """Return the rows of an Arrow table or batch."""
    for start in range(0, table.num_rows, _CONVERTED_ROWS):
        yield from table.slice(start, _CONVERTED_ROWS).to_pylist()


def _read_mappings(rows: Iterable[Mapping[str, Any]], columns: Sequence[str] | None) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"row {number} must be a mapping, got {type(row).__name__}: {row!r:.80}")
        yield dict(row)


def _check_names(source: object, names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"{source}: the table has several columns with the name {name!r:.80}")
    return tuple(names)
