"""The sources of tables: files, tables of other packages, data sets and iterables."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from helpers.client_runner import ClientRunner
from oxen_models import ConfigurationError, tables
from oxen_models.testing import Hub

from .conftest import RunTable, draw

ROWS: list[dict[str, Any]] = [
    {"id": 1, "text": "a", "n": 5, "day": date(2026, 11, 26)},
    {"id": 2, "text": 'é\n"b",', "n": None, "day": None},
    {"id": 3, "text": "c", "n": 7, "day": date(2026, 11, 27)},
]


def write_csv(folder: Path) -> Path:
    """Write a CSV file with a byte order mark, as spreadsheets do."""
    lines = ["id,text,n,day", "1,a,5,2026-11-26", '2,"é\n""b"",",,', "", "3,c,7,2026-11-27"]
    (folder / "rows.CSV").write_text("\n".join(lines), encoding="utf-8-sig")
    return folder / "rows.CSV"


def write_json_lines(folder: Path) -> Path:
    """Write a JSON Lines file with an empty line, without values that are None."""
    rows = [{key: value for key, value in row.items() if value is not None} for row in ROWS]
    lines = [json.dumps(row, default=str) for row in rows]
    (folder / "rows.ndjson").write_text("\n".join([lines[0], "", *lines[1:]]))
    return folder / "rows.ndjson"


def write_parquet(folder: Path) -> Path:
    """Write a Parquet file."""
    arrow: Any = import_module("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.Table.from_pylist(ROWS), folder / "rows.parquet")
    return folder / "rows.parquet"


def make_arrow(folder: Path) -> Any:
    """Return an Arrow table."""
    arrow: Any = pytest.importorskip("pyarrow")
    return arrow.Table.from_pylist(ROWS)


def make_reader(folder: Path) -> Any:
    """Return a reader, which can be read only once."""
    return make_arrow(folder).to_reader(max_chunksize=2)


def make_pandas(folder: Path) -> Any:
    """Return a frame of pandas, in which `n` has floats."""
    pandas: Any = pytest.importorskip("pandas")
    return pandas.DataFrame(ROWS)


def make_polars(folder: Path) -> Any:
    """Return a frame of polars."""
    polars: Any = pytest.importorskip("polars")
    return polars.DataFrame(ROWS)


def make_dataset(folder: Path) -> Any:
    """Return a data set with a selection of rows."""
    datasets: Any = pytest.importorskip("datasets")
    return datasets.Dataset.from_list([{**ROWS[0], "id": 0}, *ROWS]).select([3, 1, 2])


SOURCES: list[Callable[[Path], Any]] = [
    write_csv,
    write_json_lines,
    write_parquet,
    make_arrow,
    make_reader,
    make_pandas,
    make_polars,
    make_dataset,
    lambda folder: ROWS,
    lambda folder: (row for row in ROWS),
    lambda folder: map(dict, ROWS),
]


def normalize(rows: Iterable[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return the texts and the days of rows by key, since each format has other types."""
    return {str(row["id"]): (row["text"], str(row.get("day") or "")[:10]) for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize("make_source", SOURCES)
def test_source_has_its_rows(
    hub: Hub, run_sync: RunTable, tmp_path: Path, make_source: Callable[[Path], Any]
) -> None:
    """All kinds of source have the same rows, with their values and their number."""
    rows: list[dict[str, Any]] = []
    source, columns = make_source(tmp_path), {"prompt": "text", "seed": "n"}
    progress = run_sync(source, columns, rows.append, model="z-image-turbo")
    assert normalize(rows) == normalize(ROWS)
    bodies: list[Any] = [request.body for request in hub.requests if request.method == "POST"]
    sent = {(body["prompt"], body.get("seed")) for body in bodies}
    assert sent == {("a", 5), ('é\n"b",', None), ("c", 7)}
    is_iterator = isinstance(source, Iterator) or type(source).__name__ == "RecordBatchReader"
    assert progress.total == (None if is_iterator else 3)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_sink_is_a_source(run_sync: RunTable, tmp_path: Path, suffix: str) -> None:
    """A table that a run wrote is the source of another run, whose columns have another prefix."""
    run_sync(ROWS, draw, tmp_path / f"out{suffix}")
    rows: list[dict[str, Any]] = []
    run_sync(tmp_path / f"out{suffix}", draw, rows.append, prefix="again_")
    assert normalize(rows) == normalize(ROWS)
    assert {(row["status"], row["again_status"]) for row in rows} == {("succeeded", "succeeded")}


@pytest.mark.slow
@pytest.mark.parametrize("make_source", [write_parquet, make_arrow, make_pandas, make_polars])
def test_parquet_keeps_the_types(
    run_sync: RunTable, tmp_path: Path, make_source: Callable[[Path], Any]
) -> None:
    """The columns of a Parquet file have the types of the source."""
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    run_sync(make_source(tmp_path), draw, tmp_path / "out.parquet")
    schema = parquet.read_schema(tmp_path / "out.parquet")
    types = {name: str(schema.field(name).type) for name in ("id", "day", "cost", "seconds", "status")}
    assert types == {
        "id": "int64",
        "day": "date32[day]",
        "cost": "double",
        "seconds": "double",
        "status": "string",
    }


@pytest.mark.slow
def test_content_is_written_as_digest(run_sync: RunTable, tmp_path: Path) -> None:
    """Bytes in a row are media, and the sink has their digests; other values become text."""
    pytest.importorskip("pyarrow.parquet")
    rows = [{"id": 1, "text": "a", "image": b"png", "path": Path("x"), "n": float("nan"), "list": [{"a": 1}]}]
    for suffix in (".csv", ".jsonl", ".parquet"):
        run_sync(rows, draw, tmp_path / f"out{suffix}")
        found: list[Any] = []
        run_sync(tmp_path / f"out{suffix}", draw, found.append, prefix="again_")
        digest = f"sha256:{sha256(b'png').hexdigest()}"
        assert (found[0]["image"], found[0]["path"], found[0]["n"] or "nan") == (digest, "x", "nan")
        assert found[0]["list"] in ('[{"a": 1}]', [{"a": 1}])


@pytest.mark.slow
def test_numbers_keep_their_digits(run_sync: RunTable, tmp_path: Path) -> None:
    """A decimal that no float has is written as text, a boolean as JSON, and numbers without JSON as null."""
    long, short = Decimal("12345678901234567890.12"), Decimal("0.10")
    values = {"long": long, "short": short, "nan": Decimal("NaN"), "flag": True}
    row = {"id": 1, "text": "a", **values}
    run_sync([row], draw, tmp_path / "out.jsonl")
    found = json.loads((tmp_path / "out.jsonl").read_text())
    assert {name: found[name] for name in values} == {
        "long": str(long),
        "short": 0.1,
        "nan": None,
        "flag": True,
    }
    run_sync([row], draw, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith(f"1,a,{long},0.10,NaN,true,")


@pytest.mark.slow
def test_types_without_parquet_become_text(run_sync: RunTable, tmp_path: Path) -> None:
    """A column of a type that no Parquet file has, such as the categories of polars, is text."""
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    polars: Any = pytest.importorskip("polars")
    kinds = polars.Series(["x", "y"], dtype=polars.Categorical)
    run_sync(polars.DataFrame({"id": [1, 2], "text": kinds}), draw, tmp_path / "out.parquet")
    found = {row["id"]: row["text"] for row in parquet.read_table(tmp_path / "out.parquet").to_pylist()}
    assert found == {1: "x", 2: "y"}


@pytest.mark.slow
def test_mixed_types_become_text_in_parquet(run_sync: RunTable, tmp_path: Path) -> None:
    """A column whose values have no common type is text; columns that appear late are kept."""
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    rows = [
        {"id": 1, "text": "a", "mixed": 1, "n": 1},
        {"id": 2, "text": "b", "mixed": {"x": "é"}, "n": 2.5},
        {"id": 3, "text": "c", "late": True},
    ]
    run_sync(rows, draw, tmp_path / "out.parquet")
    found = sorted(parquet.read_table(tmp_path / "out.parquet").to_pylist(), key=lambda row: row["id"])
    assert [(row["mixed"], row["n"], row["late"]) for row in found] == [
        ("1", 1.0, None),
        ('{"x": "é"}', 2.5, None),
        (None, None, True),
    ]


@pytest.mark.slow
def test_lone_surrogate_is_escaped_in_parquet(run_sync: RunTable, tmp_path: Path) -> None:
    """A text that UTF-8 does not have, such as an answer that ends within an emoji, is still written."""
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    row = {"\ud83d": 5, "id": 1, "text": "a", "answer so far": "x\ud83d", "list": ["\ud83d"]}
    run_sync([row], draw, tmp_path / "out.parquet")
    [found] = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert (found["answer so far"], found["list"], found["\\ud83d"]) == ("x\\ud83d", '["\\ud83d"]', 5)


COLUMNS: list[tuple[str | None, list[Any], list[Any], str]] = [
    ("int64", [1], [0.5], "double"),
    ("float", [0.5], [0.1], "double"),
    ("decimal128(5, 2)", [Decimal("2.5")], [0.125], "double"),
    ("int64", [1], [2**60, 0.5], "string"),
    ("double", [0.5], [True], "string"),
    ("int64", [1], ["7"], "string"),
    ("timestamp[us]", [None], [5], "int64"),
    ("uint64", [2**63], [1], "uint64"),
    ("large_string", ["a"], ["b"], "large_string"),
    ("list<item: int64>", [[1]], [[0.5]], "list<element: double>"),
    (None, [{}], [None], "string"),
    (None, [1], [0.5], "double"),
]


@pytest.mark.slow
def test_parquet_changes_no_value(run_sync: RunTable, tmp_path: Path) -> None:
    """A column that cannot have all values of the source and of earlier runs unchanged gets another type."""
    arrow: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    types = {
        None: None,
        "decimal128(5, 2)": arrow.decimal128(5, 2),
        "list<item: int64>": arrow.list_(arrow.int64()),
    }
    new: dict[str, Any] = {"id": ["new"], "text": ["x"]}
    old: list[dict[str, Any]] = [{"id": str(number), "text": "x"} for number in range(2)]
    for number, (type_, source, earlier, _) in enumerate(COLUMNS):
        new[f"column {number}"] = arrow.array(
            source, types[type_] if type_ in types else arrow.type_for_alias(type_)
        )
        for row, value in zip(old, [*earlier, None], strict=False):
            row[f"column {number}"] = value
    run_sync(old, draw, tmp_path / "out.parquet.part.jsonl")
    run_sync(arrow.table(new), draw, tmp_path / "out.parquet")
    table = parquet.read_table(tmp_path / "out.parquet")
    found = {row["id"]: row for row in table.to_pylist()}
    for number, (_, _, earlier, expected) in enumerate(COLUMNS):
        name = f"column {number}"
        assert (name, str(table.schema.field(name).type)) == (name, expected)
        for key, value in zip("01", earlier, strict=False):
            actual = found[key][name]
            is_json = expected == "string" and value not in ("7", None)
            assert (name, json.loads(actual) if is_json else actual) == (name, value)


@pytest.mark.slow
def test_long_cell_keeps_the_limit(run_sync: RunTable, tmp_path: Path) -> None:
    """A cell may be longer than the limit of the `csv` module, which other code of the process keeps."""
    limit, name = csv.field_size_limit(), "n" * 2**18
    (tmp_path / "in.csv").write_text(f"id,text,{name}\n1,{'x' * 2**18},\n2,a\rb,\n".replace("a\rb", '"a\rb"'))
    run_sync(tmp_path / "in.csv", draw, tmp_path / "out.csv")
    assert run_sync(tmp_path / "in.csv", draw, tmp_path / "out.csv").skipped == 2
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("module", ["pyarrow", "fsspec.core"])
def test_missing_extra_is_named(
    run: ClientRunner, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """Without a package, the error names the extra; CSV, JSON Lines and mappings do not need it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == module.partition(".")[0]]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    options: dict[str, Any] = {"folder": "memory://x"} if module == "fsspec.core" else {}
    sink = tmp_path / ("out.csv" if options else "out.parquet")

    def step(client: Any) -> Any:
        function: Any = tables.run_async if run.asynchronous else tables.run
        return function(ROWS, draw, sink, client=client, **options)

    error = run.expect_error(ConfigurationError, step, base_url=hub.url)
    assert "install oxen-models with the extra 'tables'" in str(error)
