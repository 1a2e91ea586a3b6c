"""One client in threads, in event loops and in processes, and what its end brings to an end."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL, EVENTS, QUEUE, trigger_event, wait_until
from helpers.scenario import (
    Step,
    Steps,
    close,
    collect,
    run_concurrently,
    scenario,
    submit_edit,
    submit_edits,
    wait_for,
)
from oxen_models import AsyncOxen, Oxen
from oxen_models.testing import Hub

KEY = ClientRunner.KEY


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub whose jobs are over soon."""
    with Hub(generation_time=0.02) as running:
        yield running


@pytest.fixture
def slow() -> Iterator[Hub]:
    """A hub whose jobs are not over before the test is."""
    with Hub(generation_time=3600) as running:
        yield running


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("oxen_models")]


def at_work(oxen: Any) -> list[object]:
    """What goes on beside the calls of this client."""
    if isinstance(oxen, AsyncOxen):
        return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    return [*readers()]


def test_end_of_the_client_ends_every_wait(run: ClientRunner, slow: Hub) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        jobs = yield submit_edits(oxen, 3)
        heard: list[str] = []

        def close_later() -> Any:
            # A coroutine begins when the others wait.
            if not isinstance(oxen, AsyncOxen):
                wait_until(lambda: len(heard) == 3)
            return close(oxen)

        *ends, nothing = yield run_concurrently(
            oxen, *(partial(job.result, 30, on_status=heard.append) for job in jobs), close_later
        )
        assert nothing is None
        return jobs, ends, at_work(oxen)

    jobs, ends, left = run(steps, base_url=slow.url)
    assert [type(each) for each in ends] == [ox.HubUnreachableError] * 3
    for job, error in zip(jobs, ends, strict=True):
        assert (error.generation_id, "the client was closed; the job continues" in str(error)) == (
            job.id,
            True,
        )
    assert left == []
    assert slow.count("DELETE", QUEUE) == 0


def test_end_in_the_pause_before_a_new_stream(
    run: ClientRunner, slow: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[int] = []

    def delay(failures: int) -> float:
        pauses.append(failures)
        return 3600.0

    for kind in ("_sync", "_async"):
        monkeypatch.setattr(f"oxen_models._runtime.{kind}.event_stream.reconnect_delay", delay)
    slow.inject_fault("events-cut-after", 1, times=1)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        trigger_event(slow)
        yield wait_for(oxen, lambda: pauses)
        yield close(oxen)
        return job.status, at_work(oxen)

    assert run(steps, base_url=slow.url) == ("queued", [])
    assert len(pauses) == 1


def test_client_that_is_closed_sends_nothing(run: ClientRunner, hub: Hub) -> None:
    calls: list[Step] = [
        submit_edit,
        lambda oxen: oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL]),
        lambda oxen: oxen.job("g").refresh(),
        lambda oxen: oxen.job("g").cancel(),
        lambda oxen: oxen.jobs(),
        lambda oxen: collect(oxen.generations()),
        lambda oxen: oxen.models.list(),
        lambda oxen: collect(oxen.events()),
    ]

    @scenario
    def steps(oxen: Any) -> Steps:
        yield oxen.models.list()
        yield close(oxen)
        yield close(oxen)  # to say so twice does no harm
        for call in calls:
            with pytest.raises(ox.HubUnreachableError, match="closed"):
                yield call(oxen)
        for wait in (oxen.job("g").wait, oxen.job("g").result):
            with pytest.raises(ox.HubUnreachableError, match="closed"):
                yield wait()

    run(steps, base_url=hub.url)
    http = run.make_http_client()  # which stays open, and must not be used any more

    def end(_: object) -> Any:
        assert not http.is_closed
        return http.aclose() if run.asynchronous else http.close()

    run(steps, end, base_url=hub.url, http_client=http)
    assert len(hub.requests) == 2


def test_client_that_is_closed_before_its_first_call(run: ClientRunner, hub: Hub) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        yield close(oxen)
        with pytest.raises(ox.HubUnreachableError, match="closed"):
            yield submit_edit(oxen)

    run(steps, base_url=hub.url)
    assert hub.requests == []


def test_connections_that_their_owner_closes_first(
    run: ClientRunner, slow: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    http = run.make_http_client()

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        slow.respond_next(503, times=None, path=EVENTS)
        yield http.aclose() if run.asynchronous else http.close()
        with pytest.raises(ox.JobTimeout):
            yield job.wait(0.3)

    run(steps, base_url=slow.url, http_client=http)
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_client_that_is_dropped_leaves_no_thread(slow: Hub) -> None:
    with httpx.Client() as http:
        submit_edit(Oxen(KEY, base_url=slow.url, http_client=http))
        gc.collect()
        wait_until(lambda: not readers())


def test_threads_share_a_client(hub: Hub) -> None:
    with Oxen(KEY, base_url=hub.url) as oxen, ThreadPoolExecutor(8) as pool:

        def work(_: int) -> tuple[str, str | None]:
            job = submit_edit(oxen)
            return job.id, job.result().images[0].generation_id

        done = list(pool.map(work, range(24)))
        job = submit_edit(oxen)
        ends = [each.result() for each in [pool.submit(job.wait) for _ in range(8)]]
    assert len(dict(done)) == 24
    assert all(id == made_by for id, made_by in done)
    assert ends == ["succeeded"] * 8
    assert (hub.count("GET", EVENTS), hub.count("POST", QUEUE)) == (1, 25)


def test_tasks_share_a_client(hub: Hub) -> None:
    async def main() -> list[str | None]:
        async with AsyncOxen(KEY, base_url=hub.url) as oxen:

            async def work() -> str | None:
                job = await submit_edit(oxen)
                result = await job.result()
                assert result.images[0].generation_id == job.id
                return str(job.id)

            return await asyncio.gather(*(work() for _ in range(24)))

    assert len(set(asyncio.run(main()))) == 24
    assert hub.count("GET", EVENTS) == 1


def test_task_that_is_cancelled_leaves_the_others(hub: Hub) -> None:
    async def main() -> tuple[bool, str]:
        async with AsyncOxen(KEY, base_url=hub.url) as oxen:
            job = await submit_edit(oxen)
            first = asyncio.create_task(job.wait())
            second = asyncio.create_task(job.wait())
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.wait([first])
            return first.cancelled(), await second

    assert asyncio.run(main()) == (True, "succeeded")


async def work(oxen: AsyncOxen) -> bytes:
    job = await submit_edit(oxen)
    result = await job.result()
    return bytes(await result.images[0].read())


# Nothing closes the connections of a loop that has ended but the garbage collector, and it says so.
unclosed = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def let_go() -> Iterator[None]:
    """What a test has left open is closed before the next one."""
    yield
    gc.collect()


@pytest.mark.usefixtures("let_go")
class TestEventLoops:
    pytestmark = unclosed

    def test_one_after_the_other(self, hub: Hub) -> None:
        oxen = AsyncOxen(KEY, base_url=hub.url)
        loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

        async def main() -> bytes:
            loops.append(weakref.ref(asyncio.get_running_loop()))
            return await work(oxen)

        assert {asyncio.run(main())[1:4] for _ in range(4)} == {b"PNG"}
        gc.collect()
        # Those that are over are let go, the latest excepted.
        assert [loop() is None for loop in loops[:-1]] == [True] * 3
        asyncio.run(oxen.aclose())

    def test_at_the_same_time(self, hub: Hub) -> None:
        oxen = AsyncOxen(KEY, base_url=hub.url)
        together = threading.Barrier(3)

        async def main() -> bytes:
            content = await work(oxen)
            together.wait(10)  # so that all loops are open, and each has its connections
            return content + await work(oxen)

        with ThreadPoolExecutor(3) as pool:
            running = [pool.submit(asyncio.run, main()) for _ in range(3)]
            contents = [each.result() for each in running]
        assert {content[1:4] for content in contents} == {b"PNG"}
        assert (hub.count("GET", EVENTS), hub.count("POST", QUEUE)) == (3, 6)

    def test_client_is_closed_in_another_loop(self, slow: Hub) -> None:
        oxen = AsyncOxen(KEY, base_url=slow.url)
        waits = threading.Event()

        def tell(_: str) -> None:
            waits.set()

        async def main() -> None:
            job = await submit_edit(oxen)
            with pytest.raises(ox.HubUnreachableError, match="the client was closed"):
                await job.wait(30, on_status=tell)
            with pytest.raises(ox.HubUnreachableError, match="closed"):
                await submit_edit(oxen)

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(asyncio.run, main())
            assert waits.wait(30)
            asyncio.run(oxen.aclose())
            waiting.result()
        assert slow.count("POST", QUEUE) == 1


FORKED = """
import os, sys
from oxen_models import Oxen
def submit():
    return oxen.images.qwen_image_edit_plus.submit(prompt="x", input_image=[sys.argv[2]])
with Oxen("any", base_url=sys.argv[1]) as oxen:
    first = submit()
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0
    print(first.result().images[0].generation_id == first.id, submit().wait(), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_client_that_is_forked_has_connections_of_its_own() -> None:
    with Hub(generation_time=0.2) as hub:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", FORKED, hub.url, DOG_URL], capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == ["True succeeded"] * 2
        # The end of one process is none of the stream of the other.
        assert hub.count("GET", EVENTS) == 2
