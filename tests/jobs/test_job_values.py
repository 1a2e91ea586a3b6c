"""Jobs as values: equality, model, repeatable results; callbacks; clients with other options."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL, QUEUE
from helpers.raw_server import RawServer, Response
from helpers.scenario import Steps, scenario
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Hub

REQUEST = QwenImageEditPlusRequest(prompt="x", input_image=[DOG_URL])
MODEL = REQUEST.model_id


def submit(oxen: Any) -> Any:
    return oxen.submit(REQUEST)


@pytest.mark.slow
def test_result_is_repeatable(run: ClientRunner, hub: Hub) -> None:
    """`result()` returns an equal result each time, without a request, also after the client was closed."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit(oxen)
        first = yield job.result()
        sent = len(hub.requests)
        seen: list[str] = []
        again = yield job.result(on_status=seen.append)
        status = yield job.wait()
        yield oxen.aclose() if run.asynchronous else oxen.close()
        last = yield job.result()
        assert len(hub.requests) == sent
        assert (seen, status) == (["succeeded"], "succeeded")
        return [result.images[0].url for result in (first, again, last)]

    assert len(set(run(steps, base_url=hub.url))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_error_of_a_job_is_repeatable(run: ClientRunner, server: RawServer, status: str) -> None:
    """`result()` raises the error of a job each time, without another request."""
    record = {"generation_id": "j", "status": status, "error": "no"}
    server.responses[f"{QUEUE}/j"] = [Response(body=record)]

    @scenario
    def steps(oxen: Any) -> Steps:
        job = oxen.job("j")
        texts: list[str] = []
        for _ in range(2):
            try:
                yield job.result()
            except ox.JobError as error:
                texts.append(str(error))
        return texts

    first, second = run(steps, base_url=server.url)
    assert first == second
    assert sum(path == f"{QUEUE}/j" for _, path, _ in server.requests) == 1


@pytest.mark.slow
def test_jobs_with_equal_ids_are_equal(run: ClientRunner, hub: Hub) -> None:
    """A job is equal to another object for the same job, and a set contains it once."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit(oxen)
        same = [
            job,
            oxen.job(job.id),
            oxen.with_options(timeout=5).job(job.id),
            pickle.loads(pickle.dumps(job)),
        ]
        assert all(job == other for other in same)
        assert set(same) == {job}
        assert job != oxen.job("other")
        assert job != job.id
        yield job.result()

    run(steps, base_url=hub.url)


@pytest.mark.slow
def test_job_knows_its_model(run: ClientRunner, own_hub: Hub) -> None:
    """A job has the model of its request or its record, also after it was pickled."""

    @scenario
    def steps(oxen: Any) -> Steps:
        jobs = [(yield submit(oxen)), (yield oxen.model(MODEL).submit(prompt="x", input_image=[DOG_URL]))]
        jobs += yield oxen.submit(REQUEST, num_generations=2)
        [listed, *_] = yield oxen.jobs()
        jobs += [listed, pickle.loads(pickle.dumps(jobs[0]))]
        unknown = [oxen.job(jobs[0].id), oxen.job(jobs[0].id)]
        assert [job.model for job in unknown] == [None, None]
        yield unknown[0].refresh()
        yield unknown[1].wait()
        return [job.model for job in [*jobs, *unknown]]

    assert set(run(steps, base_url=own_hub.url)) == {MODEL}


@pytest.mark.slow
def test_unreachable_server_leaves_the_job_unknown(run: ClientRunner, server: RawServer) -> None:
    """A timeout says that the job continues, unless the last poll failed."""
    server.responses[f"{QUEUE}/j"] = [Response(503)]

    def wait(oxen: Any) -> Any:
        return oxen.job("j").result(timeout=0.01)

    error = run.expect_error(ox.JobTimeout, wait, base_url=server.url)
    assert "before the timeout; whether it continues is unknown: " in str(error)
    assert "continues (" not in str(error)
    server.responses[f"{QUEUE}/j"] = [Response(body={"generation_id": "j", "status": "processing"})]
    assert "; it continues (job j)" in str(run.expect_error(ox.JobTimeout, wait, base_url=server.url))


def make_callback(run: ClientRunner, calls: list[Any]) -> Callable[..., Any]:
    """Return a function, or a coroutine function for the asynchronous client."""

    async def call_async(*args: Any) -> None:
        calls.append(args)

    return call_async if run.asynchronous else lambda *args: calls.append(args)


@pytest.mark.slow
def test_callbacks_may_be_coroutines(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """Each callback of the asynchronous client may be a coroutine function, which is awaited."""
    statuses: list[Any] = []
    waits: list[Any] = []
    bytes_: list[Any] = []
    progress: list[Any] = []

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit(oxen)
        result = yield job.result(on_status=make_callback(run, statuses))
        yield job.wait(on_status=make_callback(run, waits))
        yield result.images[0].save(tmp_path / "a.png", on_progress=make_callback(run, bytes_))
        many = oxen.run_many([REQUEST], progress=make_callback(run, progress))
        yield (anext(many) if run.asynchronous else next(many))
        yield many.aclose() if run.asynchronous else many.close()

    run(steps, base_url=hub.url)
    assert statuses[-1] == ("succeeded",)
    assert waits == [("succeeded",)]
    assert bytes_[-1][0] == (tmp_path / "a.png").stat().st_size
    assert progress


def test_error_of_a_coroutine_callback_is_raised(run: ClientRunner, hub: Hub) -> None:
    """The exception of a callback ends the wait."""

    async def fail_async(_: str) -> None:
        raise ZeroDivisionError

    def fail(_: str) -> None:
        raise ZeroDivisionError

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit(oxen)
        yield job.result(on_status=fail_async if run.asynchronous else fail)

    with pytest.raises(ZeroDivisionError):
        run(steps, base_url=hub.url)


@pytest.mark.slow
def test_block_of_a_derived_client_closes_nothing(run: ClientRunner, hub: Hub) -> None:
    """The end of a `with` block of a client with other options leaves the original client open."""

    async def use_async(oxen: Any) -> Any:
        async with oxen.with_options(timeout=20) as derived, derived.with_options(timeout=30) as other:
            await other.models.list()
        return await oxen.run(REQUEST)

    def use(oxen: Any) -> Any:
        with oxen.with_options(timeout=20) as derived, derived.with_options(timeout=30) as other:
            other.models.list()
        return oxen.run(REQUEST)

    assert run(use_async if run.asynchronous else use, base_url=hub.url).images


def test_close_of_a_derived_client_closes_both(run: ClientRunner, hub: Hub) -> None:
    """`close()` of a client with other options closes the shared connections."""

    @scenario
    def steps(oxen: Any) -> Steps:
        derived = oxen.with_options(timeout=20)
        yield derived.aclose() if run.asynchronous else derived.close()
        yield oxen.run(REQUEST)

    run.expect_error(ox.HubUnreachableError, steps, base_url=hub.url)


@pytest.mark.slow
def test_unknown_model_of_a_request_is_suggested(run: ClientRunner, hub: Hub) -> None:
    """A request to a model that the server does not have suggests the nearest of the package."""
    request = ox.UntypedRequest("qwen-image-edit-plu", "/images/edit", {"prompt": "x"})
    error = run.expect_error(ox.NotFoundError, lambda oxen: oxen.run(request), base_url=hub.url)
    assert error.hint == "did you mean 'qwen-image-edit-plus'?"
