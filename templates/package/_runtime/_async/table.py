"""Table runs: `run_many` with the rows of a table, whose results are saved and written to another table."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from shutil import rmtree
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from ..chat_results import Completion
from ..errors import ConfigurationError, OxenError
from ..progress import Progress, progress_callback
from ..provenance import find_sidecar
from ..request import AnyRequest
from ..table_folder import RemoteFolder, create_folder, expand_folder, is_same_file, is_url, name_pattern
from ..table_progress import TableProgress, describe_table_progress
from ..table_requests import ColumnRequests, TableOptions
from ..table_rows import RowEnd, TableRows
from ..table_sinks import SinkLike, find_sink
from ..table_sources import Row, SourceLike, find_source
from .batch import AsyncBatchRun
from .client import AsyncClient
from .concurrency import Workers, call_back
from .dynamic import AsyncAnyModel
from .files import AsyncMedia
from .outcomes import AsyncOutcome
from .results import AsyncResult
from .threads import run_blocking


@dataclass(frozen=True, slots=True)
class AsyncTableRun:
    """A run of the rows of a table."""

    client: AsyncClient
    source: SourceLike
    sink: SinkLike
    options: TableOptions

    async def run(self) -> TableProgress:
        """Run the rows. Errors are those of `tables.run`."""
        options = self.options
        source = await run_blocking(find_source, self.source)
        sink, path = await run_blocking(find_sink, self.sink, options.key, options.prefix, source.schema)
        if path is not None and await run_blocking(is_same_file, self.source, path):
            raise ConfigurationError(f"sink must be another file than the source, got {str(path)!r}")
        journal = options.batch.journal or (None if path is None else f"{path}.journal")
        batch = replace(options.batch, journal=journal)
        batch.validate()
        session = self.client._session  # pyright: ignore[reportPrivateUsage]
        session.settings.require_key()
        to_request = await self._find_builder()
        budget = None if batch.budget is None else Decimal(batch.budget)
        required = () if callable(options.to_request) else tuple(options.to_request.values())
        with progress_callback(options.progress, describe_table_progress) as report:
            rows = TableRows(source, sink, options.key, options.prefix, to_request, budget)

            async def report_rows(_: Progress) -> None:
                await call_back(report, rows.describe_progress())

            stack = ExitStack()
            stack.callback(rows.close)
            try:
                saver = _AsyncSaver(options.folder, options.sidecar)
                await run_blocking(rows.check, required)
                await run_blocking(saver.open, stack)
                await run_blocking(rows.open)
                batch = replace(batch, progress=report_rows, find_key=rows.find_key, reads_in_thread=True)
                async with AsyncBatchRun(session, rows.requests(), batch) as run:
                    await self._write_outcomes(run, rows, saver)
                progress = rows.describe_progress()
                await call_back(report, progress)
                return progress
            finally:
                await run_blocking(stack.close)

    async def _write_outcomes(
        self, run: AsyncBatchRun[Any, Any], rows: TableRows, saver: _AsyncSaver
    ) -> None:
        """Write each outcome, after its files were saved; other outcomes are not delayed by that."""
        workers: Workers[None] = Workers()
        saving = 0
        try:
            async for outcome in run:
                if not saver.is_needed(outcome):
                    await run_blocking(rows.finish, outcome.index, describe_end(outcome))
                    continue
                if saving == self.options.batch.max_in_flight:
                    saving -= 1
                    await workers.next_result()
                workers.start(partial(_save_row, saver, rows, outcome))
                saving += 1
            while saving:
                saving -= 1
                await workers.next_result()
        except Exception:
            # What the server has made is saved, although the run has ended.
            while saving:
                saving -= 1
                with suppress(Exception):
                    await workers.next_result()
            raise
        except BaseException:
            workers.stop()
            raise

    async def _find_builder(self) -> Callable[[Row], AnyRequest]:
        """Return the function that builds the request of a row."""
        if callable(self.options.to_request):
            return self.options.to_request
        assert self.options.model is not None
        build = self.options.build
        if build is None:
            model = AsyncAnyModel(self.client._session, self.options.model)  # pyright: ignore[reportPrivateUsage]
            schema = await model._load()  # pyright: ignore[reportPrivateUsage]
            build = partial(schema.build_request, extra_body={}, verb=None)
        return ColumnRequests(self.options.to_request, build)


class _AsyncSaver:
    """Saves the files of results into a folder, or at a URL.

    Args:
        folder: The folder or the URL; None to save nothing.
        sidecar: Whether to write a sidecar beside each file.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, sidecar: bool) -> None:
        self._folder = None if folder is None else expand_folder(folder)
        self._sidecar = sidecar
        self._remote: RemoteFolder | None = None

    def open(self, stack: ExitStack) -> None:
        """Create the folder.

        Raises:
            ConfigurationError: It cannot be created.
        """
        if self._folder is None:
            return
        if is_url(self._folder):
            self._remote = RemoteFolder(self._folder)
            self._folder = stack.enter_context(TemporaryDirectory())
        else:
            create_folder(self._folder)

    def is_needed(self, outcome: AsyncOutcome[Any, Any]) -> bool:
        """Return whether an outcome has files to save."""
        return self._folder is not None and isinstance(outcome.result, AsyncResult)

    async def save(self, key: str, result: Any) -> tuple[str, ...]:
        """Save the files of a result, and return their paths or URLs.

        Raises:
            MediaError: A file could not be downloaded or written.
        """
        assert self._folder is not None
        pattern = name_pattern(key, len(result))
        if self._remote is None:
            return tuple(map(str, await result.save_all(self._folder, pattern, sidecar=self._sidecar)))
        folder = await run_blocking(mkdtemp, dir=self._folder)
        try:
            files = await result.save_all(folder, pattern, sidecar=self._sidecar)
            if self._sidecar:
                for file in files:
                    await run_blocking(self._remote.upload, find_sidecar(file))
            return tuple([await run_blocking(self._remote.upload, file) for file in files])
        finally:
            await run_blocking(rmtree, folder, ignore_errors=True)


async def _save_row(saver: _AsyncSaver, rows: TableRows, outcome: AsyncOutcome[Any, Any]) -> None:
    """Save the files of an outcome, and write its row."""
    end = describe_end(outcome)
    try:
        files = await saver.save(rows.find_key(outcome.index), outcome.result)
        end = replace(end, files=files)
    except OxenError as error:
        end = replace(end, error=error)
    await run_blocking(rows.finish, outcome.index, end)


def describe_end(outcome: AsyncOutcome[Any, Any]) -> RowEnd:
    """Return what is written for an outcome, without its files."""
    result = outcome.result
    media: tuple[AsyncMedia, ...] = () if result is None or isinstance(result, Completion) else result.media
    return RowEnd(
        error=outcome.error,
        urls=tuple(medium.url for medium in media if medium.url),
        answer=result.text if isinstance(result, Completion) else None,
        cost=outcome.cost,
        job_id=outcome.job_id,
    )
