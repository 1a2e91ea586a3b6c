"""A run that is left early, in every way: the id of each job that was accepted is in the journal."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.held_queue import HeldQueue, run_held_queue
from helpers.program_server import ProgramServer
from oxen_models import AsyncOxen, JournalError, Oxen
from oxen_models.images import QwenImageRequest
from oxen_models.journal import read

HELD = 4
PROMPTS = ["done", *(f"held {number}" for number in range(HELD))]
REQUESTS = [QwenImageRequest(prompt=prompt) for prompt in PROMPTS]


@pytest.fixture
def queue() -> Iterator[HeldQueue]:
    with run_held_queue() as queue:
        yield queue


@pytest.fixture
def journal(queue: HeldQueue, tmp_path: Path, fast_polls: None) -> Path:
    """Return a journal that has the outcome of the first request, so that each run yields it immediately."""
    path = tmp_path / "run.db"
    with Oxen("key", base_url=queue.url) as oxen:
        [outcome] = oxen.run_many(REQUESTS[:1], journal=path)
    assert outcome.error is None
    queue.hold()
    return path


def check_nothing_is_lost(queue: HeldQueue, journal: Path) -> None:
    """Check that another run waits for each job, and sends nothing."""
    queue.is_done = True
    with Oxen("key", base_url=queue.url) as oxen:
        outcomes = list(oxen.run_many(REQUESTS, journal=journal))
    assert sorted(str(outcome.job_id) for outcome in outcomes) == sorted(queue.jobs)
    assert [outcome.error for outcome in outcomes] == [None] * len(REQUESTS)
    assert sorted(queue.prompts) == sorted(PROMPTS)


class LeaveError(Exception):
    """The exception that a loop is left by."""


async def leave_by_break(run: Any, queue: HeldQueue) -> None:
    async for _ in run:
        await asyncio.to_thread(queue.wait_for_submissions, len(PROMPTS))
        break


async def leave_by_exception(run: Any, queue: HeldQueue) -> None:
    async def iterate() -> None:
        async for _ in run:
            await asyncio.to_thread(queue.wait_for_submissions, len(PROMPTS))
            raise LeaveError

    with pytest.raises(LeaveError):
        await iterate()


async def leave_by_timeout(run: Any, queue: HeldQueue) -> None:
    async def iterate() -> None:
        async for _ in run:
            await asyncio.to_thread(queue.wait_for_submissions, len(PROMPTS))
            deadline.reschedule(0)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as deadline:
            await iterate()


async def leave_by_cancellation(run: Any, queue: HeldQueue) -> None:
    async def iterate() -> None:
        async for _ in run:
            pass

    task = asyncio.create_task(iterate())
    await asyncio.to_thread(queue.wait_for_submissions, len(PROMPTS))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def leave_at_the_end_of_the_loop(run: Any, queue: HeldQueue) -> None:
    async def iterate() -> None:
        async for _ in run:
            pass

    queue.task = asyncio.create_task(iterate())  # type: ignore[attr-defined]
    await asyncio.to_thread(queue.wait_for_submissions, len(PROMPTS))


async def leave_by_dropping(run: Any, queue: HeldQueue) -> None:
    await anext(run)
    await asyncio.to_thread(queue.wait_for_submissions, len(PROMPTS))


ASYNC_WAYS = [
    leave_by_break,
    leave_by_exception,
    leave_by_timeout,
    leave_by_cancellation,
    leave_at_the_end_of_the_loop,
    leave_by_dropping,
]


@pytest.mark.slow
@pytest.mark.parametrize("leave", ASYNC_WAYS, ids=lambda leave: leave.__name__)
@pytest.mark.parametrize("closes_client", [False, True])
def test_async_run_that_is_left_records_jobs(
    queue: HeldQueue, journal: Path, leave: Callable[[Any, HeldQueue], Awaitable[None]], closes_client: bool
) -> None:
    """An async run records the jobs that are accepted after it was left and its event loop was closed."""

    async def main() -> None:
        oxen = AsyncOxen("key", base_url=queue.url)
        await leave(oxen.run_many(REQUESTS, journal=journal), queue)
        if closes_client:
            await oxen.aclose()

    asyncio.run(main())
    queue.released.set()
    check_nothing_is_lost(queue, journal)


@pytest.mark.slow
def test_stopped_loop_records_jobs(queue: HeldQueue, journal: Path) -> None:
    """An event loop that stops without cleaning up does not end the submissions of a run."""
    loop = asyncio.new_event_loop()
    oxen = AsyncOxen("key", base_url=queue.url)

    async def start(run: Any) -> None:
        await anext(run)
        await asyncio.to_thread(queue.wait_for_submissions, len(PROMPTS))

    run = oxen.run_many(REQUESTS, journal=journal)
    loop.run_until_complete(start(run))
    loop.close()
    del run, oxen, loop
    queue.released.set()
    check_nothing_is_lost(queue, journal)
    gc.collect()  # logs errors about pending tasks, which would break `ast.parse` if it were collected there


@pytest.mark.slow
@pytest.mark.parametrize("is_closed", [False, True], ids=["stopped", "closed"])
def test_run_raises_in_another_loop(queue: HeldQueue, journal: Path, is_closed: bool) -> None:
    """A run that is continued in another event loop sends nothing there; its own loop can continue it."""
    run = AsyncOxen("key", base_url=queue.url).run_many(REQUESTS, journal=journal, max_in_flight=2)

    async def continue_run(limit: int) -> list[Any]:
        return [await anext(run) for _ in range(limit)]

    queue.is_done = True
    with asyncio.Runner() as runner:
        [first] = runner.run(continue_run(1))
        assert first.request == REQUESTS[0]
        runner.run(asyncio.to_thread(queue.wait_for_submissions, 2))
        if is_closed:
            runner.close()
        queue.released.set()
        with pytest.raises(RuntimeError, match="the run began in another event loop"):
            asyncio.run(continue_run(1))
        if not is_closed:
            assert len(runner.run(continue_run(HELD))) == HELD
            runner.run(run.aclose())
    check_nothing_is_lost(queue, journal)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_run_raises_in_a_fork(queue: HeldQueue, journal: Path) -> None:
    """A run that is continued in a fork raises there, and continues in its own process."""
    queue.is_done = True
    queue.released.set()
    with Oxen("key", base_url=queue.url) as oxen, oxen.run_many(REQUESTS, journal=journal) as run:
        next(run)
        child = os.fork()
        if child == 0:
            try:
                next(run)
            except RuntimeError as error:
                os._exit(int("began in another process" not in str(error)))
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(list(run)) == HELD
    check_nothing_is_lost(queue, journal)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["aclose", "with"])
def test_async_run_that_is_closed_waits(queue: HeldQueue, journal: Path, way: str) -> None:
    """Closing an async run waits until the jobs are in the journal, which is then free."""

    async def main() -> list[str | None]:
        async with AsyncOxen("key", base_url=queue.url) as oxen:
            run = oxen.run_many(REQUESTS, journal=journal)
            await anext(run)
            await asyncio.to_thread(queue.wait_for_submissions, len(PROMPTS))
            if way == "aclose":
                closing = asyncio.ensure_future(run.aclose())
            else:
                closing = asyncio.ensure_future(leave_block(run))
            await asyncio.sleep(0)
            queue.released.set()
            await closing
            return [entry.job_id for entry in read(journal)]

    async def leave_block(run: Any) -> None:
        async with run:
            pass

    assert sorted(map(str, asyncio.run(main()))) == sorted(queue.jobs)
    check_nothing_is_lost(queue, journal)


def test_run_that_was_not_started_closes_at_once() -> None:
    """Closing a run without an iteration waits for nothing."""

    async def main() -> bool:
        async with AsyncOxen("key") as oxen:
            closing = asyncio.ensure_future(oxen.run_many(REQUESTS).aclose())
            await asyncio.sleep(0)
            return closing.done()

    assert asyncio.run(main())


@pytest.mark.slow
def test_async_run_closed_elsewhere_ends_loop(queue: HeldQueue) -> None:
    """The iteration of a run that another task closes ends, although jobs are waited for."""

    async def main() -> list[object]:
        async with AsyncOxen("key", base_url=queue.url) as oxen:
            run = oxen.run_many(REQUESTS[1:])

            async def iterate() -> list[object]:
                return [outcome async for outcome in run]

            iteration = asyncio.ensure_future(iterate())
            await asyncio.to_thread(queue.wait_for_submissions, HELD)
            await run.aclose()
            return await iteration

    queue.released.set()
    assert asyncio.run(main()) == []


@pytest.mark.slow
def test_job_accepted_after_close_is_in_outcome(queue: HeldQueue) -> None:
    """A job that is accepted after the client was closed is in its outcome, also without a journal."""

    async def main() -> list[tuple[str | None, str]]:
        oxen = AsyncOxen("key", base_url=queue.url)

        async def iterate() -> list[tuple[str | None, str]]:
            return [(end.job_id, str(end.error)) async for end in oxen.run_many(REQUESTS[1:])]

        iteration = asyncio.ensure_future(iterate())
        await asyncio.to_thread(queue.wait_for_submissions, HELD)
        await oxen.aclose()
        queue.released.set()
        return sorted(await iteration)

    queue.hold()
    message = "the client was closed; the job continues"
    assert asyncio.run(main()) == [(id, f"{message} (job {id})") for id in sorted(queue.jobs)]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["break", "exception", "drop", "client"])
def test_sync_run_that_is_left_records_jobs(queue: HeldQueue, journal: Path, way: str) -> None:
    """A run records the jobs that are accepted after it was left, even if the client is closed."""
    oxen = Oxen("key", base_url=queue.url)
    run = oxen.run_many(REQUESTS, journal=journal)
    next(run)
    queue.wait_for_submissions(len(PROMPTS))
    if way == "client":
        oxen.close()
    del run
    queue.released.set()
    check_nothing_is_lost(queue, journal)


@pytest.mark.slow
def test_sync_run_that_is_closed_waits(queue: HeldQueue, journal: Path) -> None:
    """Leaving the block of a run waits until the jobs are in the journal, which is then free."""
    with Oxen("key", base_url=queue.url) as oxen, oxen.run_many(REQUESTS, journal=journal) as run:
        next(run)
        queue.wait_for_submissions(len(PROMPTS))
        threading.Thread(target=queue.released.set).start()
    assert sorted(str(entry.job_id) for entry in read(journal)) == sorted(queue.jobs)
    check_nothing_is_lost(queue, journal)


@pytest.mark.slow
def test_journal_of_an_open_run_is_in_use(queue: HeldQueue, journal: Path) -> None:
    """While a run is open, another one with its journal raises."""
    with Oxen("key", base_url=queue.url) as oxen, oxen.run_many(REQUESTS[:1], journal=journal) as run:
        next(run)
        with pytest.raises(JournalError, match="is using this journal"):
            list(oxen.run_many(REQUESTS, journal=journal))


STOPPED_LOOP = """
import asyncio, sys
import httpx
from oxen_models import AsyncOxen
from oxen_models.images import QwenImageRequest

url, journal = sys.argv[1:]
requests = [QwenImageRequest(prompt="done"), QwenImageRequest(prompt="held 0")]
run = AsyncOxen("key", base_url=url, http_client=httpx.AsyncClient()).run_many(requests, journal=journal)

async def start():
    await anext(run)
    await asyncio.to_thread(sys.stdin.readline)

loop = asyncio.new_event_loop()
loop.run_until_complete(start())
"""


@pytest.mark.slow
def test_process_with_a_stopped_loop_ends(programs: ProgramServer, queue: HeldQueue, journal: Path) -> None:
    """A process ends although a request was being sent in an event loop that is neither run nor closed."""
    with programs.start(STOPPED_LOOP, queue.url, str(journal), finalizes=True) as process:
        queue.wait_for_submissions(2)
        process.write_line()
        assert process.wait() == 0
    queue.released.set()
    assert [entry.state for entry in read(journal)] == ["succeeded", "unknown"]


FORK = """
import os, signal, sys, threading
from oxen_models import JournalError, Oxen
from oxen_models.images import QwenImageRequest

url, journal = sys.argv[1:]
requests = [QwenImageRequest(prompt="done"), QwenImageRequest(prompt="held 0")]
run = Oxen("key", base_url=url).run_many(requests, journal=journal)
next(run)
sys.stdin.readline()
del run
if os.fork() == 0:
    signal.alarm(30)
    try:
        list(Oxen("key", base_url=url).run_many(requests, journal=journal))
    except JournalError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_fork_does_not_wait_for_runs_of_parent(
    programs: ProgramServer, queue: HeldQueue, journal: Path
) -> None:
    """In a fork, the journal of a run that is ending in the parent is in use."""
    with programs.start(FORK, queue.url, str(journal), finalizes=True) as process:
        queue.wait_for_submissions(2)
        process.write_line()
        assert "is using this journal" in process.stdout.readline()
        queue.released.set()
        assert process.wait() == 0


PROGRAM = """
import asyncio, sys
from oxen_models import AsyncOxen, Oxen
from oxen_models.images import QwenImageRequest

kind, url, journal, *prompts = sys.argv[1:]
requests = [QwenImageRequest(prompt=prompt) for prompt in prompts]

async def run_async():
    async with AsyncOxen("key", base_url=url) as oxen:
        async for _ in oxen.run_many(requests, journal=journal):
            pass

if kind == "async":
    asyncio.run(run_async())
else:
    with Oxen("key", base_url=url) as oxen:
        for _ in oxen.run_many(requests, journal=journal):
            if kind == "exit":
                sys.stdin.readline()
                sys.exit(3)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "interrupts"), [("sync", 1), ("sync", 2), ("async", 1), ("async", 2), ("exit", 0)]
)
def test_process_that_is_interrupted_records_jobs(
    programs: ProgramServer, queue: HeldQueue, journal: Path, kind: str, interrupts: int
) -> None:
    """A process that is interrupted, even twice, ends once the jobs are in the journal."""
    with programs.start(PROGRAM, kind, queue.url, str(journal), *PROMPTS, finalizes=True) as process:
        queue.wait_for_submissions(len(PROMPTS))
        if kind == "exit":
            process.write_line()
        for _ in range(interrupts):
            process.send_signal(signal.SIGINT)
            with pytest.raises(TimeoutError):
                process.wait(1)  # it waits for the responses
        queue.released.set()
        code, _, errors = process.finish()
    assert code != 0
    if kind != "exit":
        assert "KeyboardInterrupt" in errors
    check_nothing_is_lost(queue, journal)
