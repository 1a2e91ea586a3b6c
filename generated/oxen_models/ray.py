# Copied by oxen-codegen from templates/package/ray.py. Do not edit.
"""Run the rows of a Ray data set in actors on several machines (extra `ray`).

>>> import oxen_models.ray
>>> results = oxen_models.ray.run(
...     dataset, {"prompt": "text"}, "/shared/journals", model="qwen-image", folder="s3://bucket/pictures"
... )
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any

from oxen_models._runtime.batch_options import BatchOptions
from oxen_models._runtime.errors import ConfigurationError
from oxen_models._runtime.extras import describe_missing_extra
from oxen_models._runtime.journal_shards import JournalShards
from oxen_models._runtime.paths import expand_path
from oxen_models._runtime.table_folder import expand_folder, is_url
from oxen_models._runtime.table_keys import read_key
from oxen_models._runtime.table_parquet import NUMBER_COLUMNS, to_text
from oxen_models._runtime.table_requests import TableOptions, ToRequest
from oxen_models._runtime.table_rows import ADDED_COLUMNS
from oxen_models._runtime.table_sources import import_pyarrow
from oxen_models.tables import create_options

if TYPE_CHECKING:
    from oxen_models._async_client import AsyncOxen


class RowActor:
    """A class for `Dataset.map_batches` that runs the rows of each batch, as `tables.run` does.

    Each actor runs one batch at a time, with a new client. `run` creates the actors; with
    `map_batches`, pass `batch_format="pyarrow"` and `compute=ActorPoolStrategy(size=actors)`.

    Args:
        to_request: As in `tables.run`.
        journal: The absolute path of a folder that all machines share. It has a journal for each batch.
        key: The column whose values name the rows: text or integers, each of them once.
        actors: The number of actors.
        max_in_flight: The maximum number of requests of all actors that are sent and not finished.
        create_client: Creates the client of a batch, which is closed after it. Defaults to `AsyncOxen`, whose
            key is in the environment or in the login file of each machine. The function is sent to the
            actors, so it should not contain a key.
        options: `model`, `folder`, `sidecar`, `prefix`, `timeout` and `resend_unknown`, as in `tables.run`;
            `folder` must be an absolute path or a URL.

    Raises:
        ConfigurationError: An argument is invalid.
    """

    def __init__(
        self,
        to_request: ToRequest,
        journal: str | PathLike[str],
        key: str = "id",
        *,
        actors: int,
        max_in_flight: int = 16,
        create_client: Callable[[], AsyncOxen] | None = None,
        model: str | None = None,
        folder: str | PathLike[str] | None = None,
        sidecar: bool = False,
        prefix: str = "",
        timeout: float | None = None,
        resend_unknown: bool = False,
    ) -> None:
        self._options = _create_options(
            to_request=to_request,
            journal=journal,
            key=key,
            actors=actors,
            max_in_flight=max_in_flight,
            model=model,
            folder=folder,
            sidecar=sidecar,
            prefix=prefix,
            timeout=timeout,
            resend_unknown=resend_unknown,
        )
        self._shards = JournalShards(journal)
        self._create_client = create_client
        self._lock = asyncio.Lock()

    async def __call__(self, batch: Any) -> AsyncGenerator[Any]:
        """Run the rows of a `pyarrow.Table`, and yield it with the columns that `tables.run` adds.

        Raises:
            ConfigurationError: The batch is no Arrow table, a column is missing, or a key is not unique.
            JournalError: A journal is damaged, in use, or cannot be written.
        """
        pyarrow = import_pyarrow("a Ray data set")
        if not isinstance(batch, pyarrow.Table):
            raise ConfigurationError(
                f"a batch must be an Arrow table, got {type(batch).__name__}; pass batch_format='pyarrow'"
            )
        async with self._lock:
            result = await self._run(pyarrow, batch)
        yield result

    async def _run(self, pyarrow: Any, batch: Any) -> Any:
        options = self._options
        if options.key not in batch.column_names:
            raise ConfigurationError(f"the source has no column {options.key!r:.80}")
        column = enumerate(batch.column(options.key).to_pylist(), 1)
        keys = [read_key({options.key: key}, options.key, number) for number, key in column]
        rows: dict[str, dict[str, Any]] = {}
        if keys:
            rows = await self._run_rows(batch, keys)
        for name in ADDED_COLUMNS:
            column_name = f"{options.prefix}{name}"
            values = [rows[key][column_name] for key in keys]
            if name in NUMBER_COLUMNS:
                numbers = [None if value is None else float(value) for value in values]
                batch = batch.append_column(column_name, pyarrow.array(numbers, pyarrow.float64()))
            else:
                texts = list(map(to_text, values))
                batch = batch.append_column(column_name, pyarrow.array(texts, pyarrow.string()))
        return batch

    async def _run_rows(self, batch: Any, keys: list[str]) -> dict[str, dict[str, Any]]:
        """Return the rows with their results by key."""
        from oxen_models._async_client import AsyncOxen
        from oxen_models._runtime._async.table import AsyncTableRun

        batch_options = replace(
            self._options.batch,
            journal=self._shards.find(keys),
            fill_journal=partial(self._shards.fill, keys),
        )
        options = replace(self._options, batch=batch_options)
        rows: dict[str, dict[str, Any]] = {}

        def write(row: dict[str, Any]) -> None:
            rows[str(row[options.key])] = row

        async with (self._create_client or AsyncOxen)() as client:
            await AsyncTableRun(client, batch, write, options).run()
        return rows


def _create_options(
    *,
    to_request: ToRequest,
    journal: str | PathLike[str],
    key: str,
    actors: int,
    max_in_flight: int,
    model: str | None,
    folder: str | PathLike[str] | None,
    sidecar: bool,
    prefix: str,
    timeout: float | None,
    resend_unknown: bool,
) -> TableOptions:
    """Return the options of an actor.

    Raises:
        ConfigurationError: An argument is invalid.
    """
    if not 1 <= actors <= max_in_flight:
        raise ConfigurationError(
            f"max_in_flight must be at least 1 for each of {actors} actors, got {max_in_flight}"
        )
    paths = [("journal", expand_path("journal", journal))]
    if folder is not None and not is_url(expanded := expand_folder(folder)):
        paths.append(("folder", expanded))
    for name, path in paths:
        if not os.path.isabs(path):
            raise ConfigurationError(
                f"{name} must be an absolute path, because each actor has a working directory of its own, "
                f"got {path!r}"
            )
    batch = BatchOptions(
        max_in_flight=max_in_flight // actors,
        journal=journal,
        resend_unknown=resend_unknown,
        reconcile=True,
        timeout=timeout,
    )
    batch.validate()
    return create_options(
        to_request, batch, model=model, key=key, prefix=prefix, folder=folder, sidecar=sidecar
    )


def run(
    dataset: Any,
    to_request: ToRequest,
    journal: str | PathLike[str],
    key: str = "id",
    *,
    actors: int = 2,
    max_in_flight: int = 16,
    batch_size: int = 256,
    num_cpus: float = 1,
    create_client: Callable[[], AsyncOxen] | None = None,
    model: str | None = None,
    folder: str | PathLike[str] | None = None,
    sidecar: bool = False,
    prefix: str = "",
    timeout: float | None = None,
    resend_unknown: bool = False,
) -> Any:
    """Return a data set with the rows of another one and the columns that `tables.run` adds.

    As with every data set of Ray, the rows run when it is read. A batch whose worker is lost is retried by
    Ray on another one: its journal has what was sent, so that nothing is paid twice. So does a data set that
    is read again with the same journals. Rows of unknown outcome are looked for in the queue and the history.

    Args:
        dataset: A `ray.data.Dataset`.
        to_request: As in `tables.run`. It is sent to the actors.
        journal: A folder that all machines share under the same absolute path. It has a journal for each
            batch.
        key: The column whose values name the rows: text or integers, each of them once.
        actors: The number of actors.
        max_in_flight: The maximum number of requests of all actors that are sent and not finished. Each actor
            has an equal share.
        batch_size: The number of rows in a batch. An actor ends a batch before it begins the next one, so
            this should be a multiple of its share of `max_in_flight`.
        num_cpus: The number of CPUs that Ray reserves for an actor. A share is enough for most.
        create_client: Creates the client of a batch, which is closed after it. Defaults to `AsyncOxen`.
        model: The id of the model, if `to_request` is a mapping.
        folder: Where files are saved: a path that all machines share, or a URL of fsspec.
        sidecar: Whether to write a JSON file beside each file.
        prefix: Put before the names of the columns that are added.
        timeout: Seconds to wait for each request.
        resend_unknown: Send requests again that may have been accepted. They may be billed twice.

    Raises:
        ConfigurationError: An argument is invalid, or Ray is not installed.
    """
    try:
        ray: Any = import_module("ray.data")
    except ImportError:
        raise ConfigurationError(describe_missing_extra("oxen_models.ray", "ray", "ray")) from None
    arguments: dict[str, Any] = {
        "to_request": to_request,
        "journal": os.path.abspath(expand_path("journal", journal)),
        "key": key,
        "actors": actors,
        "max_in_flight": max_in_flight,
        "model": model,
        "folder": None if folder is None else _make_absolute(expand_folder(folder)),
        "sidecar": sidecar,
        "prefix": prefix,
        "timeout": timeout,
        "resend_unknown": resend_unknown,
    }
    _create_options(**arguments)  # so that an invalid argument raises here
    return dataset.map_batches(
        RowActor,
        fn_constructor_kwargs={**arguments, "create_client": create_client},
        compute=ray.ActorPoolStrategy(size=actors),
        batch_size=batch_size,
        batch_format="pyarrow",
        num_cpus=num_cpus,
    )


def _make_absolute(folder: str) -> str:
    return folder if is_url(folder) else os.path.abspath(folder)


__all__ = ["RowActor", "run"]
