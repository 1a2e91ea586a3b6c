"""The actor of `oxen_models.ray`, without Ray: journals of batches in a folder that actors share."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import oxen_models as ox
import oxen_models.ray
import pytest
from helpers.hub_api import WAIT_TIMEOUT
from oxen_models import AsyncOxen
from oxen_models._runtime.journal import Journal
from oxen_models._runtime.journal_shards import JournalShards
from oxen_models.chat import ChatRequest
from oxen_models.images import ZImageTurboRequest
from oxen_models.ray import RowActor
from oxen_models.testing import Hub

from .conftest import draw, make_rows

QUEUE = "/api/ai/queue"
COLUMNS = {"prompt": "text"}


def create_client(hub: Hub) -> Callable[[], AsyncOxen]:
    """Return the function that creates a client of a hub."""
    return partial(AsyncOxen, "any", base_url=hub.url)


async def wait_for_requests(hub: Hub, count: int) -> None:
    """Wait until a hub has received a number of requests with a job."""
    async with asyncio.timeout(WAIT_TIMEOUT):
        while hub.count("POST", QUEUE) < count:
            await asyncio.sleep(0.01)


async def run_batch(actor: RowActor, batch: Any) -> Any:
    """Return what an actor yields for a batch."""
    return await anext(actor(batch))


def run_batches(hub: Hub, path: Path, *batches: list[dict[str, Any]], **options: Any) -> list[dict[str, Any]]:
    """Return the rows that a new actor yields for each of the batches."""
    arrow: Any = pytest.importorskip("pyarrow")
    arguments: dict[str, Any] = {
        "model": "z-image-turbo",
        "actors": 2,
        "create_client": create_client(hub),
        **options,
    }

    async def run() -> list[dict[str, Any]]:
        actor = RowActor(COLUMNS, path / "journals", **arguments)
        schema = arrow.schema([("id", arrow.int64()), ("text", arrow.string())])
        tables = [await run_batch(actor, arrow.Table.from_pylist(rows, schema)) for rows in batches]
        return [row for table in tables for row in table.to_pylist()]

    return asyncio.run(run())


@pytest.mark.slow
def test_actor_adds_columns_in_order(hub: Hub, tmp_path: Path) -> None:
    """A batch keeps its columns and its order, and has those of `tables.run`."""
    rows = run_batches(hub, tmp_path, make_rows(5)[::-1], prefix="x_", folder=tmp_path / "files")
    assert [row["id"] for row in rows] == [4, 3, 2, 1, 0]
    assert list(rows[0]) == [
        *("id", "text", "x_status", "x_error", "x_file", "x_url", "x_answer", "x_cost", "x_job_id"),
        "x_seconds",
    ]
    assert {(row["x_status"], row["x_cost"]) for row in rows} == {("succeeded", 0.01)}
    assert [Path(row["x_file"]).exists() for row in rows] == [True] * 5


@pytest.mark.slow
def test_retried_batch_is_not_sent_again(hub: Hub, tmp_path: Path) -> None:
    """A batch with the same keys, in any order, has the results of its journal."""
    first = run_batches(hub, tmp_path, make_rows(4))
    second = run_batches(hub, tmp_path, make_rows(4)[::-1])
    assert [row["job_id"] for row in second[::-1]] == [row["job_id"] for row in first]
    assert hub.count("POST", QUEUE) == 4


@pytest.mark.slow
def test_other_boundaries_are_not_sent_again(hub: Hub, tmp_path: Path) -> None:
    """Batches with other boundaries have the results of all journals with their keys."""
    rows = make_rows(9)
    first = run_batches(hub, tmp_path, rows[:4], rows[4:8])
    second = run_batches(hub, tmp_path, rows[2:6], rows[6:], rows[:2])
    assert hub.count("POST", QUEUE) == 9
    known = {row["id"]: row["job_id"] for row in first}
    assert {row["id"]: row["job_id"] for row in second if row["id"] in known} == known
    run_batches(hub, tmp_path, rows)
    assert hub.count("POST", QUEUE) == 9


@pytest.mark.slow
def test_newer_journal_of_a_row_is_used(hub: Hub, tmp_path: Path) -> None:
    """If one journal has a rejection of a row and another one its result, the row is not sent again."""
    hub.respond_next(400, path=QUEUE)
    assert run_batches(hub, tmp_path, make_rows(1))[0]["status"] == "rejected"
    run_batches(hub, tmp_path, make_rows(2))
    run_batches(hub, tmp_path, make_rows(3))
    assert hub.count("POST", QUEUE) == 4  # 1 rejected and 3 accepted


@pytest.mark.slow
def test_known_batch_gets_newer_entries(hub: Hub, tmp_path: Path) -> None:
    """A batch that ran before has what batches with other boundaries have sent since."""
    hub.respond_next(400, path=QUEUE, times=4)
    rows = [{**row, "text": "changed"} for row in make_rows(4)]
    assert {row["status"] for row in run_batches(hub, tmp_path, make_rows(4))} == {"rejected"}
    first = run_batches(hub, tmp_path, rows[:2])
    second = run_batches(hub, tmp_path, rows)
    assert [row["job_id"] for row in second[:2]] == [row["job_id"] for row in first]
    assert hub.count("POST", QUEUE) == 8  # 4 rejected and 4 accepted


@pytest.mark.slow
def test_accepted_job_of_lost_response_is_found(hub: Hub, tmp_path: Path) -> None:
    """A row whose response was lost is looked for when its batch is retried."""
    hub.inject_fault("cut-before-response", times=1, method="POST", path=QUEUE)
    rows = [{"id": 0, "text": str(tmp_path)}]  # a job is found by its parameters
    assert run_batches(hub, tmp_path, rows)[0]["status"] == "unknown"
    assert run_batches(hub, tmp_path, rows)[0]["status"] == "succeeded"
    assert hub.count("POST", QUEUE) == 1


@pytest.mark.slow
def test_batch_in_use_raises(hub: Hub, tmp_path: Path) -> None:
    """A row that another process is running cannot be run, in a batch with other rows either."""
    arrow: Any = pytest.importorskip("pyarrow")
    hub.inject_fault("job-stuck", times=1)

    async def run() -> None:
        create = partial(
            RowActor, COLUMNS, tmp_path, actors=1, model="z-image-turbo", create_client=create_client(hub)
        )
        stuck = asyncio.ensure_future(run_batch(create(), arrow.Table.from_pylist(make_rows(1))))
        await wait_for_requests(hub, 1)
        for count in (1, 2):
            with pytest.raises(ox.JournalError, match="another run or program is using this journal"):
                await run_batch(create(), arrow.Table.from_pylist(make_rows(count)))
        stuck.cancel()
        await asyncio.wait([stuck], timeout=WAIT_TIMEOUT)

    asyncio.run(run())
    assert hub.count("POST", QUEUE) == 1


def test_batch_is_known_before_others_are_read(tmp_path: Path) -> None:
    """The journal of a batch is found by its keys, also if that batch finds another journal in use."""

    def fill(keys: list[str]) -> None:
        shards = JournalShards(tmp_path)
        shards.fill(keys, stack.enter_context(Journal(shards.find(keys))))

    with ExitStack() as stack:
        fill(["a", "b"])
        with pytest.raises(ox.JournalError, match="using this journal"):
            fill(["b", "c"])
        with pytest.raises(ox.JournalError, match="using this journal"):
            fill(["c"])


def test_journal_of_a_batch_has_its_keys_only(tmp_path: Path) -> None:
    """A batch gets the entries of its own keys from the journals of other batches."""
    for keys in ("ab", "bc"):
        shards = JournalShards(tmp_path)
        with Journal(shards.find([*keys])) as journal:
            shards.fill([*keys], journal)
            found = [entry.key for entry in journal.entries()]
            for key in {*keys} - {*found}:
                journal.sending(key, "0" * 64, "z-image-turbo", {})
    assert found == ["b"]


@pytest.mark.slow
def test_each_actor_has_a_share(hub: Hub, tmp_path: Path) -> None:
    """All actors together have at most `max_in_flight` requests in flight, also with several batches."""
    arrow: Any = pytest.importorskip("pyarrow")
    hub.inject_fault("job-stuck")
    started: list[int] = []

    def draw_and_count(row: dict[str, Any]) -> ZImageTurboRequest:
        started.append(row["id"])
        return draw(row)

    async def run() -> None:
        actor = RowActor(
            draw_and_count, tmp_path, actors=3, max_in_flight=8, create_client=create_client(hub)
        )
        rows = make_rows(10)
        batches = [arrow.Table.from_pylist(rows[:5]), arrow.Table.from_pylist(rows[5:])]
        tasks = [asyncio.ensure_future(run_batch(actor, batch)) for batch in batches]
        await wait_for_requests(hub, 2)
        assert started == [0, 1]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=WAIT_TIMEOUT)

    asyncio.run(run())
    with pytest.raises(ox.ConfigurationError, match="at least 1 for each of 3 actors, got 2"):
        run_batches(hub, tmp_path, actors=3, max_in_flight=2)


@pytest.mark.slow
def test_lone_surrogate_is_escaped(hub: Hub, tmp_path: Path) -> None:
    """An answer that UTF-8 does not have, because it ends within an emoji, is in the data set."""
    arrow: Any = pytest.importorskip("pyarrow")
    answer = b'{"choices": [{"message": {"content": "x\\ud83d"}}]}'
    hub.respond_next(200, body=answer, path="/api/ai/chat/completions")

    def ask(row: dict[str, Any]) -> ChatRequest:
        return ChatRequest(model="gpt-4o", messages=[{"role": "user", "content": row["text"]}])

    async def run() -> list[dict[str, Any]]:
        actor = RowActor(ask, tmp_path, actors=1, create_client=create_client(hub))
        batch = await run_batch(actor, arrow.Table.from_pylist(make_rows(1)))
        rows: list[dict[str, Any]] = batch.to_pylist()
        return rows

    [row] = asyncio.run(run())
    assert (row["status"], row["answer"]) == ("succeeded", "x\\ud83d")


@pytest.mark.slow
def test_unread_batch_does_not_delay_the_next(hub: Hub, tmp_path: Path) -> None:
    """A batch runs once the one before has ended, although that one has not been read to its end."""
    arrow: Any = pytest.importorskip("pyarrow")

    async def run() -> None:
        actor = RowActor(COLUMNS, tmp_path, actors=1, model="z-image-turbo", create_client=create_client(hub))
        unread = [actor(arrow.Table.from_pylist([row])) for row in make_rows(2)]
        async with asyncio.timeout(WAIT_TIMEOUT):
            for batch in unread:
                assert (await anext(batch)).num_rows == 1

    asyncio.run(run())


@pytest.mark.slow
def test_invalid_batch_raises(hub: Hub, tmp_path: Path) -> None:
    """A batch of another form, a missing column and equal keys raise before anything is sent."""
    with pytest.raises(ox.ConfigurationError, match="the source has no column 'key'"):
        run_batches(hub, tmp_path, make_rows(1), key="key")
    with pytest.raises(ox.ConfigurationError, match="row 2: an earlier row has the key '0'"):
        run_batches(hub, tmp_path, [*make_rows(1), *make_rows(1)])
    actor = RowActor(COLUMNS, tmp_path, actors=1, model="z-image-turbo")
    with pytest.raises(ox.ConfigurationError, match="got dict; pass batch_format='pyarrow'"):
        asyncio.run(run_batch(actor, {"id": [1]}))
    assert run_batches(hub, tmp_path, []) == []
    assert hub.count("POST", QUEUE) == 0


@pytest.mark.slow
def test_client_of_a_batch_is_closed(hub: Hub, tmp_path: Path) -> None:
    """The client that was created for a batch is closed after it."""
    clients: list[AsyncOxen] = []

    def create() -> AsyncOxen:
        clients.append(create_client(hub)())
        return clients[-1]

    arrow: Any = pytest.importorskip("pyarrow")
    actor = RowActor(COLUMNS, tmp_path, actors=1, model="z-image-turbo", create_client=create)

    async def run() -> None:
        for number in range(2):
            await run_batch(actor, arrow.Table.from_pylist([{"id": number, "text": "x"}]))
            with pytest.raises(ox.HubUnreachableError, match="the client is closed"):
                await clients[number].check_key()

    asyncio.run(run())
    assert len(clients) == 2


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "requires a model"),
    ({"actors": 3, "max_in_flight": 2}, "at least 1 for each of 3 actors, got 2"),
    ({"timeout": -1}, "timeout must be"),
    ({"journal": "s3://bucket/journals"}, "journal must be an absolute path.*got 's3://bucket/journals'"),
]


@pytest.mark.slow  # imports Ray
def test_run_maps_with_actors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` checks its arguments, creates nothing, and passes them to `map_batches` of the data set."""
    ray_data: Any = pytest.importorskip("ray.data")

    class DataSet:
        def map_batches(self, *arguments: Any, **options: Any) -> tuple[Any, Any]:
            return arguments, options

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    arguments, options = oxen_models.ray.run(
        DataSet(), COLUMNS, "a", model="z-image-turbo", folder="~/b", actors=3, batch_size=50, num_cpus=0.5
    )
    assert arguments == (RowActor,)
    assert (options["batch_size"], options["num_cpus"], options["batch_format"]) == (50, 0.5, "pyarrow")
    assert options["compute"] == ray_data.ActorPoolStrategy(size=3)
    passed: dict[str, Any] = pickle.loads(pickle.dumps(options["fn_constructor_kwargs"]))
    assert (passed["journal"], passed["folder"]) == (str(tmp_path / "a"), str(tmp_path / "b"))
    for invalid, message in INVALID:
        values: dict[str, Any] = {"journal": tmp_path / "a", "model": "z-image-turbo", **invalid}
        with pytest.raises(ox.ConfigurationError, match=message):
            oxen_models.ray.run(DataSet(), COLUMNS, **values)
    assert list(tmp_path.iterdir()) == []
    passed["folder"] = "s3://bucket/files"
    RowActor(**passed)


@pytest.mark.parametrize("name", ["journal", "folder"])
def test_relative_path_of_actor_raises(tmp_path: Path, name: str) -> None:
    """A relative path would name another folder in each actor."""
    paths: dict[str, Any] = {"journal": tmp_path, "folder": tmp_path, name: "x"}
    with pytest.raises(ox.ConfigurationError, match=f"{name} must be an absolute path.*got 'x'"):
        RowActor(COLUMNS, actors=1, model="z-image-turbo", **paths)


@pytest.mark.slow
def test_overlapping_batch_is_not_sent_again(hub: Hub, tmp_path: Path) -> None:
    """A batch that another one overtakes while its client is created has the results of that one."""
    overtaken: list[list[dict[str, Any]]] = []

    def overtake() -> AsyncOxen:
        with ThreadPoolExecutor(1) as pool:
            overtaken.append(pool.submit(run_batches, hub, tmp_path, make_rows(2)).result(WAIT_TIMEOUT))
        return create_client(hub)()

    rows = run_batches(hub, tmp_path, make_rows(3), create_client=overtake)
    assert [row["job_id"] for row in rows[:2]] == [row["job_id"] for row in overtaken[0]]
    assert hub.count("POST", QUEUE) == 3
