"""A run that ended early continues: nothing is lost, and nothing is paid twice."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from oxen_models import journal, tables
from oxen_models.testing import Hub

from .conftest import RunTable, draw, make_rows

QUEUE = "/api/ai/queue"
SUFFIXES = [".csv", ".jsonl", ".parquet"]


def read_statuses(sink: Path) -> dict[str, str]:
    """Return the statuses of the rows of a sink by key."""
    if sink.suffix == ".csv":
        with sink.open(newline="", encoding="utf-8") as file:
            rows: list[Any] = list(csv.DictReader(file))
    elif sink.suffix == ".jsonl":
        rows = [json.loads(line) for line in sink.read_text().splitlines()]
    else:
        parquet: Any = pytest.importorskip("pyarrow.parquet")
        rows = parquet.read_table(sink).to_pylist()
    assert len({str(row["id"]) for row in rows}) == len(rows)
    return {str(row["id"]): row["status"] for row in rows}


class Crash(BaseException):
    """The end of a process, as far as the run is concerned."""


def crash_after(number: int) -> Callable[[Any], None]:
    """Return a progress function that crashes when this number of rows has succeeded."""

    def crash(progress: tables.TableProgress) -> None:
        if progress.succeeded >= number:
            raise Crash

    return crash


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_new_rows_run_and_finished_do_not(hub: Hub, run_sync: RunTable, tmp_path: Path, suffix: str) -> None:
    """A second run sends the rows that are new, whatever the order is."""
    sink = tmp_path / f"out{suffix}"
    run_sync(make_rows(3), draw, sink)
    progress = run_sync(make_rows(5)[::-1], draw, sink)
    assert (progress.succeeded, progress.skipped, hub.count("POST", QUEUE)) == (2, 3, 5)
    assert read_statuses(sink) == {str(number): "succeeded" for number in range(5)}


# A task that is cancelled while a file is opened leaves it to the garbage collector.
@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <_io.FileIO:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.async_values
@pytest.mark.parametrize(("suffix", "delete_sink"), [(".csv", False), (".jsonl", True), (".parquet", False)])
def test_crash_loses_and_repeats_nothing(
    hub: Hub, run_table: RunTable, tmp_path: Path, suffix: str, delete_sink: bool
) -> None:
    """Rows of a run that crashed are completed by the journal, even if the sink is lost."""
    sink, folder = tmp_path / f"out{suffix}", tmp_path / "files"
    with pytest.raises(Crash):
        run_table(make_rows(12), draw, sink, folder=folder, progress=crash_after(3), max_in_flight=4)
    sent = hub.count("POST", QUEUE)
    assert 3 <= sent < 12
    if delete_sink:
        sink.unlink()
    progress = run_table(make_rows(12), draw, sink, folder=folder)
    assert read_statuses(sink) == {str(number): "succeeded" for number in range(12)}
    assert (hub.count("POST", QUEUE), progress.failed) == (12, 0)
    assert len(list(folder.glob("*.webp"))) == 12


@pytest.mark.slow
def test_torn_line_is_removed(hub: Hub, run_sync: RunTable, tmp_path: Path) -> None:
    """What a killed run had written of the last row is removed, wherever it ends, and the row is written."""
    rows = [{"id": number, "text": f'é\n"{number}",\r\n'} for number in range(2)]
    for suffix in (".csv", ".jsonl"):
        sink = tmp_path / f"out{suffix}"
        run_sync(rows, draw, sink, max_in_flight=1)
        content = sink.read_bytes()
        complete = content[:-1].rindex(b"succeeded", 0, content.rindex(b"succeeded"))
        for size in range(complete + 400 if suffix == ".jsonl" else len(content) - 150, len(content), 11):
            sink.write_bytes(content[:size])
            assert run_sync(rows, draw, sink).failed == 0
            assert read_statuses(sink) == {"0": "succeeded", "1": "succeeded"}
        sink.write_bytes(content[:9])  # a part of the header
        run_sync(rows, draw, sink)
        assert read_statuses(sink) == {"0": "succeeded", "1": "succeeded"}
    assert hub.count("POST", QUEUE) == 4


@pytest.mark.slow
def test_rejected_row_may_change(hub: Hub, run_table: RunTable, tmp_path: Path) -> None:
    """A row that was not accepted runs again, also with other values, and replaces the one in the sink."""
    sink = tmp_path / "out.jsonl"
    hub.respond_next(400, path=QUEUE)
    run_table(make_rows(1), draw, sink)
    assert read_statuses(sink) == {"0": "rejected"}
    run_table([{"id": 0, "text": "other"}], draw, sink)
    assert read_statuses(sink) == {"0": "succeeded"}


@pytest.mark.slow
def test_unknown_row_is_not_sent_again(hub: Hub, run_table: RunTable, tmp_path: Path) -> None:
    """A row that may have been accepted is sent again only with `resend_unknown`."""
    sink = tmp_path / "out.jsonl"
    hub.respond_next(500, path=QUEUE)
    for _ in range(2):
        run_table(make_rows(1), draw, sink)
        assert (read_statuses(sink), hub.count("POST", QUEUE)) == ({"0": "unknown"}, 1)
    run_table(make_rows(1), draw, sink, resend_unknown=True)
    assert (read_statuses(sink), hub.count("POST", QUEUE)) == ({"0": "succeeded"}, 2)


@pytest.mark.slow
def test_unfinished_job_is_waited_for(own_hub: Hub, tmp_path: Path) -> None:
    """A row whose job has not ended in time is unfinished, and the next run has the end of the job."""
    run, sink = ClientRunner(asynchronous=False), tmp_path / "out.jsonl"
    own_hub.inject_fault("job-stuck", times=1)
    run(lambda oxen: tables.run(make_rows(1), draw, sink, client=oxen, timeout=0.1), base_url=own_hub.url)
    assert read_statuses(sink) == {"0": "unfinished"}
    [job_id] = [entry.job_id for entry in journal.read(f"{sink}.journal")]
    run(lambda oxen: oxen.job(job_id).cancel(), base_url=own_hub.url)
    run(lambda oxen: tables.run(make_rows(1), draw, sink, client=oxen), base_url=own_hub.url)
    assert (read_statuses(sink), own_hub.count("POST", QUEUE)) == ({"0": "failed"}, 1)


@pytest.mark.slow
def test_unsaved_file_is_saved_later(hub: Hub, run_table: RunTable, tmp_path: Path) -> None:
    """A row whose file cannot be saved is unfinished, and the next run saves it without sending it."""
    sink, folder = tmp_path / "out.jsonl", tmp_path / "files"
    hub.respond_next(404, method="GET", path="/api/repos/*", times=None)
    run_table(make_rows(2), draw, sink, folder=folder)
    assert set(read_statuses(sink).values()) == {"unfinished"}
    assert list(folder.iterdir()) == []
    hub.clear()
    run_table(make_rows(2), draw, sink, folder=folder)
    assert (set(read_statuses(sink).values()), len(list(folder.iterdir()))) == ({"succeeded"}, 2)
    assert hub.count("POST", QUEUE) == 0


@pytest.mark.slow
def test_sink_that_cannot_be_written_ends_run(hub: Hub, run_table: RunTable, tmp_path: Path) -> None:
    """An error of a function that gets the rows is raised; the journal has what was sent."""
    numbers = count()

    def fail(row: dict[str, Any]) -> None:
        if next(numbers) == 2:
            raise OSError("disk full")

    path = tmp_path / "journal"
    options: dict[str, Any] = {"journal": path, "folder": tmp_path / "files", "max_in_flight": 2}
    with pytest.raises(OSError, match="disk full"):
        run_table(make_rows(8), draw, fail, **options)
    assert len(list(journal.read(path))) == hub.count("POST", QUEUE) < 8
    rows: list[Any] = []
    run_table(make_rows(8), draw, rows.append, **options)
    assert {row["id"] for row in rows} == set(range(8))
    assert hub.count("POST", QUEUE) == 8


@pytest.mark.slow
def test_journal_of_other_rows_raises(run_sync: RunTable, tmp_path: Path) -> None:
    """A key that the journal has for a request that was accepted cannot be used for another one."""
    path = tmp_path / "journal"
    run_sync(make_rows(1), draw, tmp_path / "a.jsonl", journal=path)
    with pytest.raises(ox.JournalError, match="another request with the key '0'"):
        run_sync([{"id": 0, "text": "other"}], draw, tmp_path / "b.jsonl", journal=path)


@pytest.mark.slow
def test_parquet_is_locked_until_written(
    run_sync: RunTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second run with the same Parquet file raises until the first one has deleted its lines."""
    pytest.importorskip("pyarrow")
    sink, errors, unlink = tmp_path / "out.parquet", list[str](), Path.unlink

    def run_and_unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name == "out.parquet.part.jsonl":
            with pytest.raises(ox.ConfigurationError) as caught:
                run_sync(make_rows(1), draw, sink, journal=tmp_path / "other")
            errors.append(str(caught.value))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", run_and_unlink)
    run_sync(make_rows(1), draw, sink)
    assert errors == [f"{sink}.part.jsonl: another run is writing this table; wait until it has ended"]
    assert read_statuses(sink) == {"0": "succeeded"}


@pytest.mark.slow
def test_foreign_parquet_is_not_changed(hub: Hub, run_sync: RunTable, tmp_path: Path) -> None:
    """A Parquet file that no run wrote is neither overwritten nor continued; one without rows is."""
    arrow: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    sink = tmp_path / "out.parquet"
    parquet.write_table(arrow.table({"id": arrow.array([], arrow.int64())}), sink)
    content = sink.read_bytes()
    with pytest.raises(ox.ConfigurationError, match="the file has no column 'status'"):
        run_sync(make_rows(1), draw, sink)
    assert (list(tmp_path.iterdir()), sink.read_bytes()) == ([sink], content)
    sink.unlink()
    for size in (0, 1, 2):
        run_sync(make_rows(size), draw, sink)
    assert (len(read_statuses(sink)), hub.count("POST", QUEUE)) == (2, 2)
