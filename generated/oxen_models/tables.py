# Copied by oxen-codegen from templates/package/tables.py. Do not edit.
"""Run the rows of a table: each row is a request, and the results are rows of another table.

>>> from oxen_models import tables
>>> tables.run(
...     "prompts.csv",
...     {"prompt": "text"},
...     "results.csv",
...     model="qwen-image",
...     folder="pictures",
... )
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from decimal import Decimal
from os import PathLike
from typing import TYPE_CHECKING

from oxen_models._runtime.arguments import check_flag, check_progress, check_string
from oxen_models._runtime.batch_options import BatchOptions
from oxen_models._runtime.budget import Unpriced
from oxen_models._runtime.errors import ConfigurationError
from oxen_models._runtime.table_progress import TableProgress
from oxen_models._runtime.table_requests import Builder, TableOptions, ToRequest, create_builder
from oxen_models._runtime.table_sinks import SinkLike
from oxen_models._runtime.table_sources import SourceLike

if TYPE_CHECKING:
    from oxen_models._async_client import AsyncOxen
    from oxen_models._client import Oxen


def run(
    source: SourceLike,
    to_request: ToRequest,
    sink: SinkLike,
    key: str = "id",
    *,
    model: str | None = None,
    client: Oxen | None = None,
    folder: str | PathLike[str] | None = None,
    sidecar: bool = False,
    prefix: str = "",
    journal: str | PathLike[str] | None = None,
    progress: bool | Callable[[TableProgress], object] = False,
    max_in_flight: int = 16,
    budget: Decimal | int | None = None,
    unpriced: Unpriced = "refuse",
    timeout: float | None = None,
    max_consecutive_failures: int | None = None,
    resend_unknown: bool = False,
    reconcile: bool = False,
) -> TableProgress:
    """Run the rows of a table with `run_many`, and write each row and its result to another table.

    A row is written as soon as its result is known, with these columns in addition to its own: `status`,
    `error`, `file` and `url` (one in a line if there are several), `answer` of a chat model, `cost` in
    dollars, `job_id`, and `seconds` from starting the row.

    A run continues an earlier one with the same sink and journal: rows with the status `succeeded` or
    `failed` are skipped. All others run again, and what the server has accepted is not sent again:
    `unfinished` (the job has not ended, or its files could not be saved), `unknown` (it may have been
    accepted; see `resend_unknown` and `reconcile`), and `rejected` (it was certainly not accepted).

    Args:
        source: A path of a CSV, JSON Lines or Parquet file, a table of pyarrow, pandas or polars, a data set
            of `datasets`, or an iterable of mappings. All but CSV, JSON Lines and mappings need the extra
            `tables`. An iterator is read as the rows are sent; all other sources are read twice.
        to_request: A function that returns the request of a row, or the names of columns by parameter of the
            `model`. An empty cell omits the parameter, and text is converted if the parameter requires a
            number, a boolean or a list.
        sink: A path with the suffix `.csv`, `.jsonl`, `.ndjson` or `.parquet`, or a function that is called
            with each row: from several threads, but once at a time.
        key: The column whose values name the rows: text or integers, each of them once.
        model: The id of the model, if `to_request` is a mapping.
        client: The client. Defaults to a new `Oxen()`.
        folder: Where the files of the results are saved: a path, or a URL of fsspec such as
            `s3://bucket/folder` (extra `tables`). They are named after the keys. Defaults to not saving them.
        sidecar: Whether to write a JSON file beside each file, as in `save()`.
        prefix: Put before the names of the columns that are added.
        journal: The journal of the run. Defaults to `<sink>.journal`, and to none if the sink is a function.
        progress: True for a progress bar on a terminal (extra `progress`), or a function that is called with
            each change.
        max_in_flight: The maximum number of requests that are sent and not finished, and of results that are
            being saved. Memory use grows with it, not with the number of rows.
        budget: Dollars. The run stops before the request that could exceed them, as `run_many` does.
        unpriced: With a budget, whether to "refuse" or to "allow" requests whose cost cannot be estimated.
        timeout: Seconds to wait for each request, from sending it until its job has ended. Defaults to that
            of `run_many`.
        max_consecutive_failures: End the run after this number of failures in a row. Defaults to no limit.
        resend_unknown: Send requests again that may have been accepted. They may be billed twice.
        reconcile: Look for the jobs of requests that may have been accepted before the run starts.

    Returns:
        The progress at the end.

    Raises:
        ConfigurationError: An argument is invalid, the source cannot be read, a column is missing, a key is
            missing or not unique, or the sink is not that of an earlier run. Unless the source is an
            iterator, nothing was sent.
        BudgetExceededError: The next request could exceed the budget.
        JournalError: The journal is damaged, in use, or cannot be written.
        OSError: The sink cannot be written.
        RunStoppedError: `max_consecutive_failures` requests failed in a row.
    """
    from oxen_models._client import Oxen
    from oxen_models._runtime._sync.table import TableRun

    batch = BatchOptions(
        max_in_flight=max_in_flight,
        journal=journal,
        resend_unknown=resend_unknown,
        reconcile=reconcile,
        timeout=timeout,
        max_consecutive_failures=max_consecutive_failures,
        budget=budget,
        unpriced=unpriced,
    )
    options = create_options(
        to_request,
        batch,
        model=model,
        key=key,
        prefix=prefix,
        folder=folder,
        sidecar=sidecar,
        progress=progress,
    )
    with ExitStack() as stack:
        if client is None:
            client = stack.enter_context(Oxen())
        _check_client(client, Oxen)
        return TableRun(client, source, sink, options).run()


async def run_async(
    source: SourceLike,
    to_request: ToRequest,
    sink: SinkLike,
    key: str = "id",
    *,
    model: str | None = None,
    client: AsyncOxen | None = None,
    folder: str | PathLike[str] | None = None,
    sidecar: bool = False,
    prefix: str = "",
    journal: str | PathLike[str] | None = None,
    progress: bool | Callable[[TableProgress], object] = False,
    max_in_flight: int = 16,
    budget: Decimal | int | None = None,
    unpriced: Unpriced = "refuse",
    timeout: float | None = None,
    max_consecutive_failures: int | None = None,
    resend_unknown: bool = False,
    reconcile: bool = False,
) -> TableProgress:
    """Run the rows of a table as `run` does, with an `AsyncOxen`. `progress` may be a coroutine function.

    The source, `to_request` and `sink` are used in threads, each of them by one thread at a time.
    """
    from oxen_models._async_client import AsyncOxen
    from oxen_models._runtime._async.table import AsyncTableRun

    batch = BatchOptions(
        max_in_flight=max_in_flight,
        journal=journal,
        resend_unknown=resend_unknown,
        reconcile=reconcile,
        timeout=timeout,
        max_consecutive_failures=max_consecutive_failures,
        budget=budget,
        unpriced=unpriced,
    )
    options = create_options(
        to_request,
        batch,
        model=model,
        key=key,
        prefix=prefix,
        folder=folder,
        sidecar=sidecar,
        progress=progress,
    )
    async with AsyncExitStack() as stack:
        if client is None:
            client = await stack.enter_async_context(AsyncOxen())
        _check_client(client, AsyncOxen)
        return await AsyncTableRun(client, source, sink, options).run()


def _check_client(client: object, expected: type) -> None:
    if not isinstance(client, expected):
        actual = type(client).__name__
        raise ConfigurationError(f"client must be an instance of {expected.__name__}, got {actual}")


def create_options(
    to_request: ToRequest,
    batch: BatchOptions,
    *,
    model: str | None,
    key: str,
    prefix: str,
    folder: str | PathLike[str] | None,
    sidecar: bool,
    progress: bool | Callable[[TableProgress], object] = False,
) -> TableOptions:
    """Return the options of a table run. Arguments are those of `run`.

    Raises:
        ConfigurationError: There is a mapping without a model, a model without a mapping, a model without a
            typed call, a parameter that the call does not have, or a value of another type.
    """
    check_string("key", key)
    check_string("prefix", prefix)
    check_flag("sidecar", sidecar)
    check_progress(progress)
    if model is not None:
        check_string("model", model)
    return TableOptions(
        to_request=to_request,
        model=model,
        build=_find_builder(to_request, model),
        key=key,
        prefix=prefix,
        folder=folder,
        sidecar=sidecar,
        progress=progress,
        batch=batch,
    )


def _find_builder(to_request: ToRequest, model: str | None) -> Builder | None:
    """Return the function that builds the requests of a model from parameters; None if the package does not
    have the model, or `to_request` is a function.
    """
    if callable(to_request):
        if model is not None:
            raise ConfigurationError("model requires a mapping of columns as to_request")
        return None
    if not isinstance(to_request, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"to_request must be a function or a mapping, got {to_request!r:.80}")
    if model is None:
        raise ConfigurationError("a mapping of columns requires a model: pass model=")
    from oxen_models.catalog import get

    try:
        info = get(model)
    except KeyError:
        return None
    if info.module is None:
        raise ConfigurationError(
            f"{model}: a mapping of columns requires a typed call; pass a function that returns a request"
        )
    return create_builder(to_request, info)


__all__ = ["TableProgress", "run", "run_async"]
