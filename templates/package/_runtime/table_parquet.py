"""Parquet files of a table run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from .atomic_file import replace_file
from .table_sources import Row, find_source, import_pyarrow

_BLOCK_ROWS = 1024
NUMBER_COLUMNS = ("cost", "seconds")
"""The columns with numbers, of those that a run adds; the others have text."""


class ParquetWriter:
    """Writes rows that were JSON as a Parquet file, block by block.

    Args:
        path: The file.
        prefix: The prefix of the columns that a run adds.
        schema: The Arrow schema of the other columns; None if their types follow from the values.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """

    def __init__(self, path: Path, prefix: str, schema: Any) -> None:
        self._path = path
        self._arrow = import_pyarrow("a Parquet file")
        self._parquet = import_pyarrow("a Parquet file", "pyarrow.parquet")
        # Content of files is replaced by its digest, which is text.
        self._types: dict[str, Any] = {
            field.name: field.type for field in schema or () if "binary" not in str(field.type)
        }
        self._types |= {f"{prefix}{name}": self._arrow.float64() for name in NUMBER_COLUMNS}

    def read_columns(self) -> tuple[str, ...]:
        """Return the names of the columns of the file.

        Raises:
            ConfigurationError: The file cannot be read.
        """
        return find_source(self._path).columns or ()

    def read_rows(self) -> Iterator[Row]:
        """Return the rows of the file.

        Raises:
            ConfigurationError: The file cannot be read.
        """
        return find_source(self._path).read(None)

    def write(self, read: Callable[[], Iterator[Row]]) -> None:
        """Write the rows that `read` returns, atomically. It is called three times.

        A column has the type of the source if all of its values do, else the one that they have in common,
        and otherwise it has text. No value is changed.
        """
        null, text = self._arrow.null(), self._arrow.string()
        inferred: dict[str, Any] = {}
        for block in _split(read()):
            for name in dict.fromkeys(name for row in block for name in row):
                inferred[name] = self._widen(inferred.get(name, null), [row.get(name) for row in block])
        types: dict[str, list[Any]] = {
            name: [*filter(self._is_writable, (self._types.get(name, null), type_)), text]
            for name, type_ in inferred.items()
        }
        for block in _split(read()):
            for name, candidates in types.items():
                values = [row.get(name) for row in block]
                types[name] = [type_ for type_ in candidates if self._has_type(values, type_)]
        schema = self._arrow.schema([(_escape(name), candidates[0]) for name, candidates in types.items()])
        with (
            replace_file(self._path) as part,
            self._parquet.ParquetWriter(part, schema) as writer,
        ):
            for block in _split(read()):
                columns = [
                    self._convert([row.get(name) for row in block], field.type)
                    for name, field in zip(types, schema, strict=True)
                ]
                writer.write_table(self._arrow.table(columns, schema=schema))

    def _widen(self, type_: Any, values: list[Any]) -> Any:
        """Return the type that values and those of a type have in common; text without one."""
        try:
            types = (type_, self._arrow.infer_type(values))
            schemas = [self._arrow.schema([("value", item)]) for item in types]
            return self._arrow.unify_schemas(schemas, promote_options="permissive").field(0).type
        except (self._arrow.ArrowException, OverflowError, UnicodeEncodeError):
            return self._arrow.string()

    def _is_writable(self, type_: Any) -> bool:
        """Return whether a column of a Parquet file can have a type."""
        # A column of nulls has text, because all of its values may be in another run.
        if type_ == self._arrow.null():
            return False
        table = self._arrow.table({"value": self._arrow.nulls(1, type_)})
        try:
            self._parquet.write_table(table, BytesIO())
        except self._arrow.ArrowException:  # such as for a dictionary of polars
            return False
        return True

    def _has_type(self, values: list[Any], type_: Any) -> bool:
        """Return whether a column of a type can have values unchanged."""
        try:
            self._convert(values, type_)
        except (self._arrow.ArrowException, OverflowError, UnicodeEncodeError):
            return False
        return True

    def _convert(self, values: list[Any], type_: Any) -> Any:
        """Return an Arrow array.

        Raises:
            pyarrow.ArrowException: A value does not have the type.
            OverflowError: An integer is too large.
            UnicodeEncodeError: A text has a lone surrogate, and the type is not that of texts.
        """
        if type_ == self._arrow.string():
            return self._arrow.array([to_text(value) for value in values], type_)
        kind = self._find_kind(type_)
        if kind == "number" and all(value is None or type(value) is int for value in values):
            return self._arrow.array(values, type_)  # also integers of 64 bits without a sign
        array = self._arrow.array(values)
        found = self._find_kind(array.type)
        # A cast would also read numbers and times from other kinds of values.
        if found not in (kind, "null") and (found, kind) != ("other", "time"):
            raise self._arrow.ArrowInvalid(f"{array.type} is not {type_}")
        converted = array.cast(type_)
        if found == "number" and not converted.cast(array.type).equals(array):
            raise self._arrow.ArrowInvalid(f"{type_} does not have the precision of the values")
        return converted

    def _find_kind(self, type_: Any) -> str:
        types = self._arrow.types
        if types.is_integer(type_) or types.is_floating(type_) or types.is_decimal(type_):
            return "number"
        if types.is_temporal(type_):
            return "time"
        return str(type_) if types.is_boolean(type_) or types.is_null(type_) else "other"


def _split(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while block := list(islice(rows, _BLOCK_ROWS)):
        yield block


def to_text(value: object) -> str | None:
    """Return a text as it is except for lone surrogates, any other value but None as JSON."""
    if value is None:
        return None
    return _escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _escape(text: str) -> str:
    """Return a text with escape sequences in place of lone surrogates, which UTF-8 does not have."""
    return text.encode(errors="backslashreplace").decode()
