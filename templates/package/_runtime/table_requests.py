"""Requests from the rows of a table: by a function, or by the columns that have the parameters."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from oxen_models._runtime.json_schema import json_types
from oxen_models._runtime.suggestions import suggest_similar

from .batch_options import BatchOptions
from .catalog import ModelInfo
from .errors import ConfigurationError, InvalidRequestError, Problem
from .request import AnyRequest
from .table_progress import ProgressLike
from .table_sources import Row

ToRequest: TypeAlias = Callable[[dict[str, Any]], AnyRequest] | Mapping[str, str]
"""A function, or the names of columns by parameter."""
Builder: TypeAlias = Callable[[dict[str, Any]], AnyRequest]
"""Returns the request with parameters. Raises an `InvalidRequestError` if one is missing or invalid."""
_BOOLEANS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
"""The booleans in a CSV file of pandas or of a spreadsheet, as JSON."""
_COMMON_PARAMETERS = ("response_format", "target_namespace")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """The options of a table run."""

    to_request: ToRequest
    model: str | None
    build: Builder | None
    """Builds the requests of the model; None for a function, and for a model that is not in the package."""
    key: str
    prefix: str
    folder: str | os.PathLike[str] | None
    sidecar: bool
    progress: ProgressLike
    batch: BatchOptions


def create_builder(columns: Mapping[str, str], info: ModelInfo) -> Builder:
    """Return the function that builds the requests of a model with a typed call.

    Raises:
        ConfigurationError: A parameter does not exist, or a required one has no column.
    """
    known = dict.fromkeys((*info.parameters, *_COMMON_PARAMETERS))
    for name in columns:
        if name not in known:
            hint = suggest_similar(name, known) or f"; expected some of {', '.join(known)}"
            raise ConfigurationError(f"to_request: {info.id} has no parameter {name!r:.80}{hint}")
    request_class = info.find_request_class()
    assert request_class is not None  # because the model has a call
    required = [name for name, field in request_class.model_fields.items() if field.is_required()]
    for name in required:
        if name not in columns:
            raise ConfigurationError(f"to_request: {info.id} requires {name!r}, which has no column")

    def build(values: dict[str, Any]) -> AnyRequest:
        if missing := [Problem(name, "", "is required") for name in required if name not in values]:
            raise InvalidRequestError(info.id, tuple(missing))
        return info.request(**values)

    return build


class ColumnRequests:
    """Builds a request from the columns of a row.

    An empty cell omits the parameter. A value that the parameter does not accept is converted, because CSV
    files have only text, frames have floats in place of integers beside empty cells, and a list of one image
    is often a path: text is read as JSON, an integral float is an integer, and another value is an item.

    Args:
        columns: The names of the columns by parameter.
        build: Returns the request with parameters.
    """

    def __init__(self, columns: Mapping[str, str], build: Builder) -> None:
        self._columns = dict(columns)
        self._build = build
        self._converted: dict[str, bool] = {}
        """Whether a parameter is a list, of those whose values were converted."""

    def __call__(self, row: Row) -> AnyRequest:
        cells = {name: row.get(column) for name, column in self._columns.items()}
        values = {name: value for name, value in cells.items() if value is not None and value != ""}
        try:
            return self._build(_convert_all(values, self._converted))
        except InvalidRequestError as error:
            names = {problem.parameter: problem.expects_list for problem in error.problems}
            converted = _convert_all(values, {**self._converted, **names})
            if converted == values:
                raise
            request = self._build(converted)
        self._converted |= {name: is_list for name, is_list in names.items() if name in values}
        return request


def _convert_all(values: Mapping[str, Any], names: Mapping[str, bool]) -> dict[str, Any]:
    return {
        name: _convert(value, is_list=names[name]) if name in names else value
        for name, value in values.items()
    }


def _convert(value: Any, *, is_list: bool) -> object:
    converted: object = value
    if isinstance(value, str):
        with suppress(ValueError):
            converted = json.loads(_BOOLEANS.get(value, value))
    elif isinstance(value, float) and value.is_integer():
        converted = int(value)
    return [value] if is_list and not json_types.is_list(converted) else converted
