"""Invalid tables and arguments raise before anything is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from oxen_models import tables
from oxen_models.testing import Hub

from .conftest import RunTable, draw, make_rows

MODEL = {"model": "z-image-turbo"}
PROMPT = {"prompt": "text"}
ROW = {"id": 1, "text": "x"}


def without(name: str) -> dict[str, Any]:
    """Return a row without a column."""
    return {key: value for key, value in ROW.items() if key != name}


SOURCES: list[tuple[Any, str]] = [
    ([ROW, ROW], "row 2: an earlier row has the key '1', too"),
    ([ROW, {"id": "1", "text": "y"}], "row 2: an earlier row has the key '1', too"),
    ([without("id")], "row 1: the key in the column 'id' must be a text or an integer, got None"),
    ([ROW, without("id")], "row 2: the key in the column 'id' must be a text or an integer, got None"),
    ([{"id": " ", "text": "x"}], "must be a text or an integer, got ' '"),
    ([{"id": True, "text": "x"}], "must be a text or an integer, got True"),
    ([{"id": 1.5, "text": "x"}], "must be a text or an integer, got 1.5"),
    ([{"id": "\ud800", "text": "x"}], "must be a text or an integer"),
    ([without("text")], "the source has no column 'text'; its columns are: id"),
    ([{**ROW, "url": "u"}], "the source has a column 'url', which the run adds; pass another prefix"),
    ([[1]], r"row 1 must be a mapping, got list: \[1\]"),
    (5, "source must be a path, an Arrow table, .*, or an iterable of mappings, got int"),
    (ROW, "iterable of mappings, got dict"),
    ("rows.txt", "source must have a suffix of .csv, .jsonl, .ndjson, .parquet, got 'rows.txt'"),
    ("missing.csv", "missing.csv: the table cannot be read: No such file"),
    (iter([without("text")]), "the source has no column 'text'"),
    (iter([without("id")]), "no column 'id'; its columns are: text; choose one with unique values as key"),
]


@pytest.mark.parametrize(("source", "message"), SOURCES)
def test_invalid_source_raises(
    hub: Hub, run_sync: RunTable, tmp_path: Path, source: Any, message: str
) -> None:
    """Nothing is sent, and neither a sink nor a folder is created, if the source is invalid."""
    with pytest.raises(ox.ConfigurationError, match=message):
        run_sync(source, PROMPT, tmp_path / "out.csv", folder=tmp_path / "files", **MODEL)
    assert (hub.count("POST", "/api/ai/"), list(tmp_path.iterdir())) == (0, [])


FILES: list[tuple[str, bytes, str]] = [
    ("a.csv", b"id,text\n1,x,y\n", "line 2: expected 2 cells, got 3"),
    ("a.csv", b"id,text\n1\n", "line 2: expected 2 cells, got 1"),
    ("a.csv", b"id,id\n1,2\n", "several columns with the name 'id'"),
    ("a.csv", b'id,text\n1,"x\n', "not a CSV file in UTF-8: unexpected end of data"),
    ("a.csv", b"id,text\n1,\xff\n", "not a CSV file in UTF-8"),
    ("a.csv", b"", "the source has no column 'id'"),
    ("a.jsonl", b'{"id": 1, "text": "x"}\n{"id": 2', "line 2: not JSON"),
    ("a.jsonl", b"[1]\n", r"line 1: expected a JSON object, got \[1\]"),
    ("a.parquet", b"PAR1", "not a Parquet file"),
]


@pytest.mark.parametrize(("name", "content", "message"), FILES)
def test_unreadable_file_raises(
    hub: Hub, run_sync: RunTable, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    """The whole file is read before anything is sent, and an error names the line."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ox.ConfigurationError, match=message):
        run_sync(tmp_path / name, PROMPT, tmp_path / "out.jsonl", **MODEL)
    assert hub.count("POST", "/api/ai/") == 0


ARGUMENTS: list[tuple[Any, Any, dict[str, Any], str]] = [
    (PROMPT, "out.csv", {}, "a mapping of columns requires a model: pass model="),
    (draw, "out.csv", MODEL, "model requires a mapping of columns as to_request"),
    (3, "out.csv", MODEL, "to_request must be a function or a mapping, got 3"),
    ({"promt": "text"}, "out.csv", MODEL, "z-image-turbo has no parameter 'promt'; did you mean 'prompt'"),
    ({"x": "text"}, "out.csv", MODEL, r"expected some of (?!.*\b(\w+), .*\b\1\b)"),
    ({"seed": "id"}, "out.csv", MODEL, "z-image-turbo requires 'prompt', which has no column"),
    (PROMPT, "out.csv", {"model": "claude-sonnet-5"}, "requires a typed call; pass a function"),
    (draw, "out.txt", {}, "sink must have a suffix of .csv, .jsonl, .ndjson, .parquet, got 'out.txt'"),
    (draw, 5, {}, "sink must be a path or a function, got 5"),
    (draw, print, {"reconcile": True}, "reconcile requires a journal"),
    (draw, "out.csv", {"max_in_flight": 0}, "max_in_flight must be a positive integer"),
    (draw, "out.csv", {"budget": 0.5}, "budget must be dollars as a Decimal or an int"),
    (draw, "out.csv", {"folder": "unknown://x"}, "folder 'unknown://x' cannot be used"),
    (draw, "out.csv", {"folder": "file"}, "folder 'file' cannot be created"),
]


@pytest.mark.parametrize(("to_request", "sink", "options", "message"), ARGUMENTS)
def test_invalid_argument_raises(
    hub: Hub,
    run_sync: RunTable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    to_request: Any,
    sink: Any,
    options: dict[str, Any],
    message: str,
) -> None:
    """Nothing is sent if an argument is invalid."""
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(ox.ConfigurationError, match=message):
        run_sync([ROW], to_request, sink, **options)
    assert hub.count("POST", "/api/ai/") == 0


def test_client_of_the_other_kind_raises(hub: Hub, tmp_path: Path) -> None:
    """Each of the two functions accepts clients of its own kind only."""
    sync: Any = ox.Oxen("any", base_url=hub.url)
    other: Any = ox.AsyncOxen("any", base_url=hub.url)
    with pytest.raises(ox.ConfigurationError, match=r"client must be an instance of Oxen, got AsyncOxen"):
        tables.run([ROW], draw, tmp_path / "out.csv", client=other)
    with pytest.raises(ox.ConfigurationError, match=r"client must be an instance of AsyncOxen, got Oxen"):
        asyncio.run(tables.run_async([ROW], draw, tmp_path / "out.csv", client=sync))
    assert hub.count("POST", "/api/ai/") == 0


@pytest.mark.slow
def test_late_duplicate_of_iterator_raises(hub: Hub, run_sync: RunTable, tmp_path: Path) -> None:
    """The rows of an iterator are checked as they are read; the rows before a duplicate are written."""
    with pytest.raises(ox.ConfigurationError, match="row 3: an earlier row has the key '1', too"):
        run_sync(iter([*make_rows(2), ROW]), draw, tmp_path / "out.jsonl")
    assert hub.count("POST", "/api/ai/queue") == 2
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2


@pytest.mark.slow
def test_late_added_column_of_iterator_raises(hub: Hub, run_sync: RunTable, tmp_path: Path) -> None:
    """A value of a later row in a column that the run adds is not overwritten."""
    with pytest.raises(ox.ConfigurationError, match="has a column 'status', which the run adds"):
        run_sync(iter([*make_rows(2), {**ROW, "id": 3, "status": "x"}]), draw, tmp_path / "out.jsonl")
    assert hub.count("POST", "/api/ai/queue") == 2


@pytest.mark.slow
def test_frame_without_arrow_types_raises(hub: Hub, run_sync: RunTable, tmp_path: Path) -> None:
    """A frame that Arrow cannot convert is an unreadable source."""
    pandas: Any = pytest.importorskip("pandas")
    for source, message in (
        (pandas.DataFrame({"id": [1, 2], "text": ["a", 2]}), "cannot be read: .*; Conversion failed for"),
        (pandas.DataFrame({"id": [1], "text": [object()]}), "cannot be read: .*; Conversion failed for"),
        (pandas.DataFrame([[1, 2]], columns=["id", "id"]), "cannot be read: Duplicate column names"),
        (pandas.Series([1], name="id"), "Series: the table cannot be read: "),
    ):
        with pytest.raises(ox.ConfigurationError, match=message):
            run_sync(source, PROMPT, tmp_path / "out.csv", **MODEL)
    assert (hub.count("POST", "/api/ai/"), list(tmp_path.iterdir())) == (0, [])


@pytest.mark.slow
def test_date_beyond_those_of_python_raises(hub: Hub, run_sync: RunTable, tmp_path: Path) -> None:
    """A table with a date that no row can have is an unreadable source, also as a file."""
    arrow: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    table = arrow.table({"id": [1], "text": ["x"], "day": arrow.array([2**31 - 1], arrow.date32())})
    parquet.write_table(table, tmp_path / "rows.parquet")
    for source in (table, tmp_path / "rows.parquet"):
        with pytest.raises(ox.ConfigurationError, match="the table cannot be read: days=2147483647"):
            run_sync(source, draw, tmp_path / "out.csv")
    assert hub.count("POST", "/api/ai/queue") == 0


def test_error_of_the_function_is_raised(hub: Hub, run_sync: RunTable, tmp_path: Path) -> None:
    """An error of `to_request` that is not about values ends the run."""

    def fail(row: dict[str, Any]) -> Any:
        raise KeyError("wrong")

    def skip(row: dict[str, Any]) -> Any:
        return None

    with pytest.raises(KeyError, match="wrong"):
        run_sync([ROW], fail, tmp_path / "out.jsonl")
    with pytest.raises(TypeError, match=r"must be a .*Request, got NoneType"):
        run_sync([ROW], skip, tmp_path / "out.jsonl")


SINKS: list[tuple[str, bytes, str]] = [
    ("a.csv", b"id,text\n1,x\n", "the file has no column 'status', so it is not the table of an earlier run"),
    ("a.jsonl", b'{"status": "failed"}\n', "the file has no column 'id'"),
    ("a.jsonl", b"words\n", "line 1: not JSON"),
    ("a.csv", b"id,name\n1,x\n2,y", "the file has no column 'status'"),
    ("a.csv", b"name,value\n", "the file has no column 'id'"),
    ("a.csv", b"id,text\n", "the file has no column 'status'"),
    ("a.csv", b"a,b", "the file has no column 'id'"),
    ("a.csv", b"\n", "the file has no column 'id'"),
    ("a.csv", b'"a', "not a CSV file in UTF-8"),
    ("a.jsonl", b'{"config": 1}', "the file has no column 'id'"),
    ("a.jsonl", b'{"id": 1}', "the file has no column 'status'"),
    ("a.jsonl", b'{"name": 1, "', "the file has no column 'id'"),
    ("a.jsonl", b'{"id": 1}\n{"id": 2', "the file has no column 'status'"),
    ("a.jsonl", b"words", "the file has no column 'id'"),
    ("a.jsonl", b"\n", "the file has no column 'id'"),
]


@pytest.mark.parametrize(("name", "content", "message"), SINKS)
def test_foreign_sink_is_not_changed(
    hub: Hub, run_sync: RunTable, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    """A file that no run wrote is neither overwritten nor continued."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ox.ConfigurationError, match=message):
        run_sync([ROW], draw, tmp_path / name)
    assert (tmp_path / name).read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert hub.count("POST", "/api/ai/") == 0


def test_source_as_sink_raises(run_sync: RunTable, tmp_path: Path) -> None:
    """The source is not overwritten."""
    path = tmp_path / "a.csv"
    path.write_text("id,text,status\n1,x,succeeded\n")
    with pytest.raises(ox.ConfigurationError, match="sink must be another file than the source"):
        run_sync(path, draw, path, prefix="x_")


@pytest.mark.slow
def test_sink_in_use_raises(hub: Hub, run_sync: RunTable, tmp_path: Path) -> None:
    """A second run with the same sink raises, and the first one continues."""
    errors: list[str] = []

    def draw_twice(row: dict[str, Any]) -> Any:
        with pytest.raises(ox.ConfigurationError) as caught:
            run_sync([ROW], draw, tmp_path / "out.jsonl", journal=tmp_path / "other")
        errors.append(str(caught.value))
        return draw(row)

    assert run_sync([ROW], draw_twice, tmp_path / "out.jsonl").succeeded == 1
    assert errors[0].endswith("another run is writing this table; wait until it has ended")
    assert hub.count("POST", "/api/ai/queue") == 1


@pytest.mark.slow
def test_csv_cannot_get_another_column(hub: Hub, run_sync: RunTable, tmp_path: Path) -> None:
    """A row of an iterator with a further column raises before it is sent; JSON Lines accept it."""
    rows: Callable[[], Any] = lambda: iter([ROW, {"id": 2, "text": "y", "more": 1}])  # noqa: E731
    with pytest.raises(ox.ConfigurationError, match="row 2 has the column 'more'"):
        run_sync(rows(), draw, tmp_path / "out.csv")
    assert hub.count("POST", "/api/ai/queue") == 1
    assert run_sync(rows(), draw, tmp_path / "out.jsonl").succeeded == 2
