"""Parquet files of a table run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

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

    def read_rows(self) -> Iterator[Row]:
        """Return the rows of the file.

        Raises:
            ConfigurationError: The file cannot be read.
        """
        return find_source(self._path).read(None)

    def write(self, read: Callable[[], Iterator[Row]]) -> None:
        """Write the rows that `read` returns, atomically. It is called twice.

        A column has the type of the source if all of its values do, else the one that they have in common,
        and otherwise it has text.
        """
        names = dict.fromkeys(name for row in read() for name in row)
        types = {name: self._types.get(name, self._arrow.null()) for name in names}
        for block in _split(read()):
            for name in names:
                types[name] = self._widen(types[name], [row.get(name) for row in block])
        text = self._arrow.string()
        schema = self._arrow.schema(
            [(name, text if type_ == self._arrow.null() else type_) for name, type_ in types.items()]
        )
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            with self._parquet.ParquetWriter(part, schema) as writer:
                for block in _split(read()):
                    columns = [
                        self._convert([row.get(name) for row in block], schema.field(name).type)
                        for name in names
                    ]
                    writer.write_table(self._arrow.table(columns, schema=schema))
            part.replace(self._path)
        finally:
            part.unlink(missing_ok=True)

    def _widen(self, type_: Any, values: list[Any]) -> Any:
        """Return a type that accepts values of a type and other values."""
        try:
            if type_ != self._arrow.null():
                try:
                    self._convert(values, type_)
                    return type_
                except self._arrow.ArrowException:
                    pass
            types = [type_, self._arrow.infer_type(values)]
            schemas = [self._arrow.schema([("value", item)]) for item in types]
            widened = self._arrow.unify_schemas(schemas, promote_options="permissive").field(0).type
            self._convert(values, widened)
        except self._arrow.ArrowException:
            return self._arrow.string()
        return widened

    def _convert(self, values: list[Any], type_: Any) -> Any:
        """Return an Arrow array.

        Raises:
            pyarrow.ArrowException: A value does not have the type.
        """
        if type_ == self._arrow.string():
            return self._arrow.array([_to_text(value) for value in values], type_)
        if self._arrow.types.is_temporal(type_) and not all(isinstance(value, int) for value in values):
            return self._arrow.array(values, self._arrow.string()).cast(type_)
        return self._arrow.array(values, type_)


def _split(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while block := list(islice(rows, _BLOCK_ROWS)):
        yield block


def _to_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
