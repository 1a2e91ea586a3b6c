"""`tables.run`: requests from rows, what is written for them, files, progress and money."""

from __future__ import annotations

import asyncio
import csv
import json
import re
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from threading import Event, get_ident
from typing import Any

import oxen_models as ox
import pytest
from helpers.chat import CHAT_PATH
from helpers.hub_api import WAIT_TIMEOUT
from helpers.models import make_model, object_schema
from oxen_models import AsyncOxen, Oxen, tables
from oxen_models.chat import ChatRequest
from oxen_models.images import ZImageTurboRequest
from oxen_models.tables import TableProgress
from oxen_models.testing import Hub
from PIL import Image

from .conftest import RunTable, draw, make_rows

QUEUE = "/api/ai/queue"
CENT = Decimal("0.01")  # the cost of a picture


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON Lines file in the order of their ids."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(rows, key=lambda row: row["id"])


def sent(hub: Hub) -> list[dict[str, Any]]:
    """Return the bodies that the hub received, in the order of their prompts."""
    bodies: list[Any] = [request.body for request in hub.requests if request.method == "POST"]
    return sorted(bodies, key=lambda body: body["prompt"])


@pytest.mark.slow
def test_run_writes_row_and_result(hub: Hub, run_table: RunTable, tmp_path: Path) -> None:
    """Each row is written with its columns and those of the result, and its file is named after its key."""
    sink = tmp_path / "new" / "results.jsonl"
    progress = run_table(make_rows(3), draw, sink, folder=tmp_path / "files")
    rows = read_lines(sink)
    for number, row in enumerate(rows):
        file = tmp_path / "files" / f"{number}.webp"
        assert (row["id"], row["text"], row["status"]) == (number, f"number {number}", "succeeded")
        assert (row["error"], row["file"], row["answer"]) == (None, str(file), None)
        assert row["url"].startswith(hub.url)
        assert (row["cost"], row["job_id"] in row["url"], row["seconds"] > 0) == (0.01, True, True)
        assert file.read_bytes()[8:12] == b"WEBP"
    assert list(rows[0]) == [
        *("id", "text", "status", "error", "file", "url", "answer", "cost", "job_id", "seconds")
    ]
    assert (progress.succeeded, progress.failed, progress.skipped, progress.total) == (3, 0, 0, 3)
    assert (progress.in_flight, progress.spent, progress.left) == (0, 3 * CENT, None)


@pytest.mark.slow
def test_columns_are_parameters_of_the_model(hub: Hub, run_table: RunTable, tmp_path: Path) -> None:
    """A mapping names the column of each parameter; text of CSV becomes the type that is required."""
    (tmp_path / "in.csv").write_text('key,words,s\na,"one, two",5\nb,3,\n', encoding="utf-8")
    columns = {"prompt": "words", "seed": "s"}
    run_table(tmp_path / "in.csv", columns, tmp_path / "out.csv", "key", model="z-image-turbo")
    assert sent(hub) == [
        {"model": "z-image-turbo", "prompt": "3"},
        {"model": "z-image-turbo", "prompt": "one, two", "seed": 5},
    ]
    with (tmp_path / "out.csv").open(newline="") as file:
        assert {row["key"]: row["s"] for row in csv.DictReader(file)} == {"a": "5", "b": ""}


@pytest.mark.slow
def test_values_are_converted_where_required(hub: Hub, run_sync: RunTable, tmp_path: Path) -> None:
    """A path becomes a list of one image, JSON text a list, and an integral float an integer."""
    Image.new("RGB", (8, 8)).save(tmp_path / "dog.png")
    dog = str(tmp_path / "dog.png")
    rows = [
        {"id": 1, "text": "a", "image": dog},
        {"id": 2, "text": "b", "image": json.dumps([dog, dog])},
        {"id": 3, "text": "c", "image": [dog]},
    ]
    columns = {"prompt": "text", "input_image": "image"}
    run_sync(rows, columns, tmp_path / "out.jsonl", model="qwen-image-edit-plus")
    assert [len(body["input_image"]) for body in sent(hub)] == [1, 2, 1]
    assert all(image.startswith("data:image/png") for body in sent(hub) for image in body["input_image"])
    hub.clear()
    seeds = [{"id": 1, "text": "a", "seed": 5.0}, {"id": 2, "text": "b", "seed": None}]
    run_sync(seeds, {"prompt": "text", "seed": "seed"}, tmp_path / "b.jsonl", model="z-image-turbo")
    assert [body.get("seed") for body in sent(hub)] == [5, None]


@pytest.mark.slow
def test_model_outside_the_package_runs(own_hub: Hub, tmp_path: Path) -> None:
    """The schema of a model that the package does not have is fetched from the server."""
    own_hub.add_model(make_model("new-model", object_schema(prompt={"type": "string"})))
    sink = tmp_path / "out.jsonl"
    columns = {"prompt": "text"}
    with Oxen("any", base_url=own_hub.url) as oxen:
        tables.run(make_rows(1), columns, sink, model="new-model", client=oxen)
    assert (sent(own_hub)[0]["model"], read_lines(sink)[0]["status"]) == ("new-model", "succeeded")


@pytest.mark.slow
def test_booleans_of_csv_files_are_read(own_hub: Hub, tmp_path: Path) -> None:
    """The booleans that pandas and spreadsheets write are booleans."""
    schema = object_schema(prompt={"type": "string"}, on={"type": "boolean"})
    own_hub.add_model(make_model("new-model", schema))
    source = tmp_path / "in.csv"
    source.write_text("id,text,on\n1,a,True\n2,b,FALSE\n3,c,true\n4,d,\n5,e,yes\n")
    columns = {"prompt": "text", "on": "on"}
    with Oxen("any", base_url=own_hub.url) as oxen:
        tables.run(source, columns, tmp_path / "out.jsonl", model="new-model", client=oxen)
    bodies = {body["prompt"]: body.get("on") for body in sent(own_hub)}
    assert bodies == {"a": True, "b": False, "c": True, "d": None}
    statuses = {row["text"]: row["status"] for row in read_lines(tmp_path / "out.jsonl")}
    assert statuses["e"] == "rejected"


@pytest.mark.slow
def test_only_lists_get_an_item(own_hub: Hub, tmp_path: Path) -> None:
    """A value becomes the item of a list where a list is accepted, not where a choice is called so."""
    properties = {
        "prompt": {"type": "string"},
        "names": {"type": "array", "items": {"type": "string"}},
        "kind": {"type": "string", "enum": ["playlist", "album"]},
    }
    own_hub.add_model(make_model("new-model", object_schema("prompt", **properties)))
    rows = [
        {"id": 1, "prompt": "x", "names": "a", "kind": "playlist"},
        {"id": 2, "prompt": "x", "names": "b", "kind": "song"},
        {"id": 3, "prompt": "", "names": "c", "kind": "album"},
    ]
    columns = {name: name for name in properties}
    with Oxen("any", base_url=own_hub.url) as oxen:
        tables.run(rows, columns, tmp_path / "out.jsonl", model="new-model", client=oxen)
    assert [body["names"] for body in sent(own_hub)] == [["a"]]
    errors = [row["error"] for row in read_lines(tmp_path / "out.jsonl")]
    assert errors[0] is None
    assert "kind='song': must be 'playlist' or 'album'" in errors[1]
    assert "prompt: is required" in errors[2]


@pytest.mark.slow
def test_invalid_row_is_rejected_unsent(hub: Hub, run_table: RunTable, tmp_path: Path) -> None:
    """A row whose values the model does not accept is written with the reason, and the others run."""
    rows = [{"id": 1, "text": "a", "seed": "x"}, {"id": 2, "text": "", "seed": 2}, {"id": 3, "text": "c"}]
    columns = {"prompt": "text", "seed": "seed"}
    progress = run_table(rows, columns, tmp_path / "out.jsonl", model="z-image-turbo")
    written = read_lines(tmp_path / "out.jsonl")
    assert [row["status"] for row in written] == ["rejected", "rejected", "succeeded"]
    assert "seed='x': must be a valid integer" in written[0]["error"]
    assert "prompt: is required" in written[1]["error"]
    assert (progress.succeeded, progress.failed, hub.count("POST", QUEUE)) == (1, 2, 1)


@pytest.mark.slow
def test_errors_have_a_status(hub: Hub, run_table: RunTable, tmp_path: Path) -> None:
    """The status says whether another run sends the row again."""
    hub.respond_next(400, body={"error": {"detail": "not today"}}, path=QUEUE)
    hub.respond_next(500, path=QUEUE)
    run_table(make_rows(3), draw, tmp_path / "out.jsonl", max_in_flight=1)
    rows = read_lines(tmp_path / "out.jsonl")
    assert [row["status"] for row in rows] == ["rejected", "unknown", "succeeded"]
    assert "not today" in rows[0]["error"]


@pytest.mark.slow
def test_failed_job_is_final(own_hub: Hub, tmp_path: Path) -> None:
    """A row whose job fails is not run again."""
    own_hub.add_model({"id": "z-image-turbo", "endpoint": "/images/generate", "json_request_schema": False})
    sink = tmp_path / "out.jsonl"
    with Oxen("any", base_url=own_hub.url) as oxen:
        tables.run(make_rows(1), draw, sink, client=oxen)
        progress = tables.run(make_rows(1), draw, sink, client=oxen)
    assert (read_lines(sink)[0]["status"], progress.skipped) == ("failed", 1)
    assert own_hub.count("POST", QUEUE) == 1


@pytest.mark.slow
def test_chat_answers_are_written(hub: Hub, run_table: RunTable, tmp_path: Path) -> None:
    """The answer of a chat model is in its column, and its cost is counted."""

    def ask(row: dict[str, Any]) -> ChatRequest:
        return ChatRequest(model="claude-sonnet-5", messages=[{"role": "user", "content": row["text"]}])

    sink = tmp_path / "out.jsonl"
    run_table(make_rows(2), ask, sink, folder=tmp_path / "files")
    assert hub.count("POST", CHAT_PATH) == 2
    assert [bool(row["answer"]) for row in read_lines(sink)] == [True, True]
    assert [row["file"] for row in read_lines(sink)] == [None, None]


@pytest.mark.slow
def test_several_files_are_lines(hub: Hub, run_sync: RunTable, tmp_path: Path) -> None:
    """The files of one row have an index in their names."""

    def draw_two(row: dict[str, Any]) -> Any:
        return ox.UntypedRequest("qwen-image", "/images/generate", {"prompt": "x", "num_images": 2})

    run_sync(make_rows(1), draw_two, tmp_path / "out.jsonl", folder=tmp_path)
    [row] = read_lines(tmp_path / "out.jsonl")
    names = [Path(file).name for file in row["file"].split("\n")]
    assert len(row["url"].split("\n")) == len(names)
    assert all((tmp_path / name).exists() for name in names)


KEYS = ["a/b", "a_b", "A", "a", "é", "..", "x" * 300, "a.1", "con:"]


@pytest.mark.slow
def test_files_of_different_keys_differ(run_sync: RunTable, tmp_path: Path) -> None:
    """Keys that are no file names, or the same on some file systems, give files that differ."""
    rows = [{"id": key, "text": "x"} for key in KEYS]
    run_sync(rows, draw, tmp_path / "out.jsonl", folder=tmp_path / "files")
    names = [file.name for file in (tmp_path / "files").iterdir()]
    assert len({name.lower() for name in names}) == len(KEYS)
    assert all(name.isascii() and len(name) < 120 for name in names)
    assert {Path(row["file"]).name for row in read_lines(tmp_path / "out.jsonl")} == set(names)


@pytest.mark.slow
def test_sidecar_is_beside_the_file(run_sync: RunTable, tmp_path: Path) -> None:
    """With `sidecar`, each file has a sidecar that states its request."""
    run_sync(make_rows(1), draw, tmp_path / "out.jsonl", folder=tmp_path, sidecar=True)
    assert ox.sidecar(tmp_path / "0.webp").request() == ZImageTurboRequest(prompt="number 0")


@pytest.mark.slow
@pytest.mark.async_values
@pytest.mark.parametrize("sidecar", [False, True])
def test_files_are_uploaded_to_a_url(run_table: RunTable, tmp_path: Path, sidecar: bool) -> None:
    """A folder that is a URL of fsspec gets the files."""
    fsspec: Any = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    folder = f"memory://{tmp_path.name}"
    run_table(make_rows(2), draw, tmp_path / "out.jsonl", folder=folder, sidecar=sidecar)
    for row in read_lines(tmp_path / "out.jsonl"):
        assert row["file"] == f"{folder}/{row['id']}.webp"
        assert system.cat_file(row["file"])[:2] == b"RI"
        assert system.exists(f"{row['file']}.json") == sidecar


@pytest.mark.slow
def test_failed_upload_keeps_no_files(
    run_table: RunTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local copies of a row are deleted as soon as it ends, also if they could not be uploaded."""
    fsspec: Any = pytest.importorskip("fsspec")
    folder, temporary = f"memory://{tmp_path.name}", tmp_path / "temporary"
    fsspec.filesystem("memory").makedirs(f"{folder}/1.webp")  # no file can have this name
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    left: list[list[str]] = []

    def list_files(progress: TableProgress) -> None:
        left.append([str(file) for file in temporary.rglob("*") if file.is_file()])

    options: dict[str, Any] = {"folder": folder, "sidecar": True, "max_in_flight": 1}
    run_table(make_rows(2), draw, tmp_path / "out.jsonl", progress=list_files, **options)
    rows = read_lines(tmp_path / "out.jsonl")
    assert [row["status"] for row in rows] == ["succeeded", "unfinished"]
    assert (left[-1], list(temporary.iterdir())) == ([], [])


class RecordingPath:
    """A path that records the threads that use it."""

    def __init__(self, path: Path, threads: set[int]) -> None:
        self._path = path
        self._threads = threads

    def __fspath__(self) -> str:
        self._threads.add(get_ident())
        return str(self._path)


@pytest.mark.slow
def test_event_loop_is_not_blocked(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The async function opens, reads, writes and closes files in threads."""
    pytest.importorskip("pyarrow")
    used: dict[str, set[int]] = {name: set() for name in ("source", "sink", "request", "row", "close")}
    unlink = Path.unlink

    def record_unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name == "out.parquet.part.jsonl":
            used["close"].add(get_ident())
        unlink(path, missing_ok)

    def draw_and_record(row: dict[str, Any]) -> ZImageTurboRequest:
        used["request"].add(get_ident())
        return draw(row)

    def write(row: dict[str, Any]) -> None:
        used["row"].add(get_ident())

    async def run() -> int:
        async with AsyncOxen("any", base_url=hub.url) as client:
            for path in (RecordingPath(tmp_path / "out.parquet", used["sink"]), write):
                source = RecordingPath(tmp_path / "in.csv", used["source"])
                for folder in (None, tmp_path / "files"):
                    await tables.run_async(source, draw_and_record, path, client=client, folder=folder)
        return get_ident()

    (tmp_path / "in.csv").write_text("id,text\n0,x\n1,y\n")
    monkeypatch.setattr(Path, "unlink", record_unlink)
    loop_thread = asyncio.run(run())
    assert {name: bool(threads) for name, threads in used.items()} == dict.fromkeys(used, True)
    assert [name for name, threads in used.items() if loop_thread in threads] == []


@pytest.mark.slow
def test_cancelled_run_writes_nothing(hub: Hub, tmp_path: Path) -> None:
    """A run that is cancelled while it waits for the first row does not create the sink afterwards."""
    started, is_cancelled = asyncio.Event(), Event()

    def read(loop: asyncio.AbstractEventLoop) -> Iterator[dict[str, Any]]:
        loop.call_soon_threadsafe(started.set)
        assert is_cancelled.wait(WAIT_TIMEOUT)
        yield from make_rows(1)

    async def run() -> None:
        async with AsyncOxen("any", base_url=hub.url) as client:
            rows = read(asyncio.get_running_loop())
            task = asyncio.ensure_future(tables.run_async(rows, draw, tmp_path / "a.jsonl", client=client))
            await asyncio.wait_for(started.wait(), WAIT_TIMEOUT)
            task.cancel()
            await asyncio.wait([task], timeout=WAIT_TIMEOUT)
            assert task.cancelled()
            is_cancelled.set()

    asyncio.run(run())  # waits for the thread
    assert (list(tmp_path.iterdir()), hub.count("POST", QUEUE)) == ([], 0)


@pytest.mark.slow
def test_callable_sink_gets_each_row(run_table: RunTable) -> None:
    """A function is called with each row; its cost is a Decimal."""
    rows: list[dict[str, Any]] = []
    run_table(make_rows(3), draw, rows.append)
    assert sorted(row["id"] for row in rows) == [0, 1, 2]
    assert {row["cost"] for row in rows} == {CENT}


@pytest.mark.slow
def test_progress_has_counts_and_money(run_table: RunTable, tmp_path: Path) -> None:
    """The function is called with what is done, spent and left."""
    seen: list[TableProgress] = []
    sink = tmp_path / "out.jsonl"
    run_table(make_rows(2), draw, sink)
    end = run_table(make_rows(5), draw, sink, budget=1, progress=seen.append, max_in_flight=2)
    assert seen[-1] == end
    assert (end.succeeded, end.skipped, end.total) == (3, 2, 5)
    assert (end.spent, end.left) == (5 * CENT, 1 - 5 * CENT)
    assert end.rate == pytest.approx(3 / end.seconds)
    assert max(progress.in_flight for progress in seen) <= 2
    assert seen[0].succeeded == 0


@pytest.mark.slow
def test_progress_bar_has_rate_and_money(
    run_sync: RunTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """On a terminal, `progress=True` shows rate, failures, and the money spent and left."""
    monkeypatch.setenv("FORCE_COLOR", "1")  # makes rich write to any file as to a terminal
    monkeypatch.setenv("COLUMNS", "200")
    run_sync(make_rows(2), draw, tmp_path / "out.jsonl", progress=True, budget=1)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capfd.readouterr().err)
    assert re.search(r"\d\.\d rows/s, 0 in progress, 0 failed, \$0\.02 spent, \$0\.98 left", text)


@pytest.mark.slow
def test_budget_ends_the_run(hub: Hub, run_table: RunTable, tmp_path: Path) -> None:
    """A run stops before the row that could exceed the budget; a larger budget continues it."""
    sink = tmp_path / "out.jsonl"
    with pytest.raises(ox.BudgetExceededError):
        run_table(make_rows(5), draw, sink, budget=3 * CENT)
    assert len(read_lines(sink)) == 3
    progress = run_table(make_rows(5), draw, sink, budget=5 * CENT)
    assert (len(read_lines(sink)), hub.count("POST", QUEUE)) == (5, 5)
    assert progress.left == Decimal(0)


@pytest.mark.slow
def test_unpriced_rows_are_rejected(hub: Hub, run_sync: RunTable, tmp_path: Path) -> None:
    """With a budget, a row of unknown cost is not sent unless it is allowed."""
    columns = {"prompt": "text"}
    sink = tmp_path / "out.jsonl"
    run_sync(make_rows(1), columns, sink, model="qwen-image", budget=1)
    assert (read_lines(sink)[0]["status"], hub.count("POST", QUEUE)) == ("rejected", 0)
    run_sync(make_rows(1), columns, sink, model="qwen-image", budget=1, unpriced="allow")
    assert read_lines(sink)[0]["status"] == "succeeded"


@pytest.mark.slow
def test_own_client_is_created(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a client, each function creates one from the environment."""
    monkeypatch.setenv("OXEN_API_KEY", "any")
    monkeypatch.setenv("OXEN_BASE_URL", hub.url)
    assert tables.run(make_rows(1), draw, tmp_path / "a.jsonl").succeeded == 1
    assert asyncio.run(tables.run_async(make_rows(1), draw, tmp_path / "b.jsonl")).succeeded == 1
