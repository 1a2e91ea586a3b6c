"""One client in threads, event loops and processes, and what closing it ends."""

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
from helpers.hub_api import DOG_URL, EVENTS, QUEUE, WAIT_TIMEOUT, trigger_event, wait_until
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
from oxen_models.images import QwenImageRequest
from oxen_models.testing import Hub

pytestmark = pytest.mark.usefixtures("small_heap")

KEY = ClientRunner.KEY
REQUEST = QwenImageRequest(prompt="x")
CLOSED = "the client is closed; nothing was sent"


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub whose jobs end after 20 ms."""
    with Hub(generation_time=0.02) as running:
        yield running


OTHER_THREADS: set[threading.Thread] = set()
"""The threads of clients that other tests in this process keep."""


@pytest.fixture(autouse=True)
def ignore_other_threads() -> Iterator[None]:
    """Ignore the threads that run before the test."""
    gc.collect()
    OTHER_THREADS.update(threading.enumerate())
    yield
    OTHER_THREADS.clear()


def running_threads() -> list[threading.Thread]:
    """Return the running threads of the clients of this test."""
    threads = set(threading.enumerate()) - OTHER_THREADS
    return [thread for thread in threads if thread.name.startswith("oxen_models")]


def background_work(oxen: Any) -> list[object]:
    """Return the tasks or threads that run beside the calls of this client."""
    if isinstance(oxen, AsyncOxen):
        return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    return list(running_threads())


@pytest.mark.slow
def test_close_ends_every_wait(run: ClientRunner, endless_hub: Hub) -> None:
    """Closing the client ends its waits with an error that names the job; the jobs continue."""

    @scenario
    def steps(oxen: Any) -> Steps:
        jobs = yield submit_edits(oxen, 3)
        statuses: list[str] = []

        def close_later() -> Any:
            # A coroutine starts after the others wait.
            if not isinstance(oxen, AsyncOxen):
                wait_until(lambda: len(statuses) == 3)
            return close(oxen)

        *errors, closed = yield run_concurrently(
            oxen, *(partial(job.result, on_status=statuses.append) for job in jobs), close_later
        )
        assert closed is None
        return jobs, errors, background_work(oxen)

    jobs, errors, running = run(steps, base_url=endless_hub.url)
    assert [type(error) for error in errors] == [ox.HubUnreachableError] * 3
    for job, error in zip(jobs, errors, strict=True):
        assert error.generation_id == job.id
        assert "the client was closed; the job continues" in str(error)
    assert running == []
    assert endless_hub.count("DELETE", QUEUE) == 0


@pytest.mark.slow
def test_close_during_reconnect_delay_ends_the_reader(
    run: ClientRunner, endless_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing the client interrupts the delay before the event stream is reopened."""
    delays: list[int] = []

    def delay(failures: int) -> float:
        delays.append(failures)
        return 3600.0

    for kind in ("_sync", "_async"):
        monkeypatch.setattr(f"oxen_models._runtime.{kind}.event_stream.reconnect_delay", delay)
    endless_hub.inject_fault("events-cut-after", 1, times=1)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        trigger_event(endless_hub)
        yield wait_for(oxen, lambda: delays)
        yield close(oxen)
        return job.status, background_work(oxen)

    assert run(steps, base_url=endless_hub.url) == ("queued", [])
    assert len(delays) == 1


@pytest.mark.slow
def test_closed_client_sends_nothing(run: ClientRunner, hub: Hub) -> None:
    """Every call of a closed client raises, even if its http_client is open; closing twice is harmless."""
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
        yield close(oxen)  # closing twice is harmless
        for call in calls:
            with pytest.raises(ox.HubUnreachableError, match=CLOSED):
                yield call(oxen)
        for wait in (oxen.job("g").wait, oxen.job("g").result):
            with pytest.raises(ox.HubUnreachableError, match=CLOSED):
                yield wait()

    run(steps, base_url=hub.url)
    http = run.make_http_client()  # stays open, and must not be used

    def close_http(_: object) -> Any:
        assert not http.is_closed
        return http.aclose() if run.asynchronous else http.close()

    run(steps, close_http, base_url=hub.url, http_client=http)
    assert len(hub.requests) == 2


@pytest.mark.slow
def test_client_closed_before_its_first_call(run: ClientRunner, hub: Hub) -> None:
    """A client that is closed before its first call sends nothing."""

    @scenario
    def steps(oxen: Any) -> Steps:
        yield close(oxen)
        with pytest.raises(ox.HubUnreachableError, match="closed"):
            yield submit_edit(oxen)

    run(steps, base_url=hub.url)
    assert hub.requests == []


@pytest.mark.slow
def test_http_client_closed_during_a_wait(
    run: ClientRunner, endless_hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    """A wait whose http_client is closed ends at its timeout, and the reader logs no error."""
    http = run.make_http_client()

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        endless_hub.respond_next(503, times=None, path=EVENTS)
        yield http.aclose() if run.asynchronous else http.close()
        with pytest.raises(ox.JobTimeout):
            yield job.wait(0.3)

    run(steps, base_url=endless_hub.url, http_client=http)
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.slow
def test_unreferenced_client_leaves_no_thread(endless_hub: Hub) -> None:
    """The reader ends with the last reference to a client that was not closed."""
    with httpx.Client() as http:
        submit_edit(Oxen(KEY, base_url=endless_hub.url, http_client=http))
        gc.collect()
        wait_until(lambda: not running_threads())


@pytest.mark.slow
def test_unreferenced_batch_client_leaves_no_thread(hub: Hub) -> None:
    """The reader also ends if a run has left cyclic garbage, which the collector frees all at once."""
    oxen = Oxen(KEY, base_url=hub.url)
    assert [outcome.error for outcome in oxen.run_many([REQUEST])] == [None]
    del oxen
    gc.collect()
    wait_until(lambda: not running_threads())


@pytest.mark.slow
def test_batch_leaves_no_thread(run: ClientRunner, hub: Hub) -> None:
    """The threads that submit the requests of a run end with the run."""

    @scenario
    def steps(oxen: Any) -> Steps:
        yield collect(oxen.run_many([REQUEST, REQUEST]))
        yield close(oxen)

    run(steps, base_url=hub.url)
    wait_until(lambda: not running_threads())


@pytest.mark.slow
def test_threads_share_a_client(hub: Hub) -> None:
    """Threads can submit and wait concurrently over one event stream."""
    with Oxen(KEY, base_url=hub.url) as oxen, ThreadPoolExecutor(8) as pool:

        def submit_and_wait(_: int) -> tuple[str, str | None]:
            job = submit_edit(oxen)
            return job.id, job.result().images[0].generation_id

        outcomes = list(pool.map(submit_and_wait, range(24)))
        job = submit_edit(oxen)
        waits = [pool.submit(job.wait) for _ in range(8)]
        statuses = [wait.result() for wait in waits]
    assert len(dict(outcomes)) == 24
    assert all(id == generation_id for id, generation_id in outcomes)
    assert statuses == ["succeeded"] * 8
    assert (hub.count("GET", EVENTS), hub.count("POST", QUEUE)) == (1, 25)


@pytest.mark.slow
def test_tasks_share_a_client(hub: Hub) -> None:
    """Tasks can submit and wait concurrently over one event stream."""

    async def main() -> list[str | None]:
        async with AsyncOxen(KEY, base_url=hub.url) as oxen:

            async def submit_and_wait() -> str | None:
                job = await submit_edit(oxen)
                result = await job.result()
                assert result.images[0].generation_id == job.id
                return str(job.id)

            return await asyncio.gather(*(submit_and_wait() for _ in range(24)))

    assert len(set(asyncio.run(main()))) == 24
    assert hub.count("GET", EVENTS) == 1


@pytest.mark.slow
def test_cancelled_task_leaves_other_waits(hub: Hub) -> None:
    """Cancelling one waiting task does not affect another that waits for the same job."""

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


async def submit_and_read(oxen: AsyncOxen) -> bytes:
    job = await submit_edit(oxen)
    result = await job.result()
    return bytes(await result.images[0].read())


class TestEventLoops:
    @pytest.mark.slow
    def test_consecutive_loops(self, hub: Hub) -> None:
        """A client works in one event loop after the other, and references no closed one but the last."""
        oxen = AsyncOxen(KEY, base_url=hub.url)
        loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

        async def main() -> bytes:
            loops.append(weakref.ref(asyncio.get_running_loop()))
            return await submit_and_read(oxen)

        assert {asyncio.run(main())[1:4] for _ in range(4)} == {b"PNG"}
        gc.collect()
        # Closed loops are not referenced, except the last one.
        assert [loop() is None for loop in loops[:-1]] == [True] * 3
        asyncio.run(oxen.aclose())

    @pytest.mark.slow
    def test_concurrent_loops(self, hub: Hub) -> None:
        """A client works in several event loops at once, each with its own connections."""
        oxen = AsyncOxen(KEY, base_url=hub.url)
        barrier = threading.Barrier(3)

        async def main() -> bytes:
            content = await submit_and_read(oxen)
            barrier.wait(WAIT_TIMEOUT)  # all loops are open, and each has its connections
            return content + await submit_and_read(oxen)

        with ThreadPoolExecutor(3) as pool:
            loops = [pool.submit(asyncio.run, main()) for _ in range(3)]
            contents = [loop.result() for loop in loops]
        assert {content[1:4] for content in contents} == {b"PNG"}
        assert (hub.count("GET", EVENTS), hub.count("POST", QUEUE)) == (3, 6)

    @pytest.mark.slow
    def test_close_in_another_loop(self, endless_hub: Hub) -> None:
        """Closing a client in another event loop ends its waits."""
        oxen = AsyncOxen(KEY, base_url=endless_hub.url)
        is_waiting = threading.Event()

        def on_status(_: str) -> None:
            is_waiting.set()

        async def main() -> None:
            job = await submit_edit(oxen)
            with pytest.raises(ox.HubUnreachableError, match="the client was closed"):
                await job.wait(on_status=on_status)
            with pytest.raises(ox.HubUnreachableError, match="closed"):
                await submit_edit(oxen)

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(asyncio.run, main())
            assert is_waiting.wait(WAIT_TIMEOUT)
            asyncio.run(oxen.aclose())
            waiting.result()
        assert endless_hub.count("POST", QUEUE) == 1


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


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_fork_has_its_own_connections() -> None:
    """After a fork, both processes can submit and wait, each over its own event stream."""
    with Hub(generation_time=0.2) as hub:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", FORKED, hub.url, DOG_URL], capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == ["True succeeded"] * 2
        # The end of one process does not close the stream of the other.
        assert hub.count("GET", EVENTS) == 2
