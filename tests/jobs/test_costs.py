"""What jobs cost: one job, an outcome of a batch, and sums over the history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import methodcaller
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.raw_server import RawServer, Response
from helpers.scenario import Steps, collect, scenario, submit_edit
from oxen_models.images import Flux3ImageRequest, QwenImageRequest, ZImageTurboRequest
from oxen_models.testing import Hub

CENT = Decimal("0.01")
HISTORY = "/api/ai/generations"


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub for each test, whose history has the jobs of this test alone."""
    with Hub(speed=100) as running:
        yield running


@pytest.mark.slow
def test_job_has_its_cost_once_it_ended(run: ClientRunner, hub: Hub) -> None:
    """`cost()` is None until the job has ended, and then what the history has."""
    hub.inject_fault("job-stuck", times=1)

    @scenario
    def steps(oxen: Any) -> Steps:
        stuck = yield oxen.submit(ZImageTurboRequest(prompt="x"))
        job = yield oxen.submit(ZImageTurboRequest(prompt="x"))
        yield job.result()
        unpriced = yield submit_edit(oxen)
        yield unpriced.result()
        costs: list[Any] = []
        for one in (stuck, job, unpriced, oxen.job(job.id)):
            costs.append((yield one.cost()))
        return costs

    assert run(steps, base_url=hub.url) == [None, CENT, None, CENT]


def test_cost_of_an_unknown_job_raises(run: ClientRunner, hub: Hub) -> None:
    """The cost of a job that the history does not have is an error with its id."""
    error = run.expect_error(
        ox.JobNotFound, lambda oxen: oxen.job("nobody"), methodcaller("cost"), base_url=hub.url
    )
    assert error.generation_id == "nobody"


@pytest.mark.slow
def test_outcome_has_its_cost(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """An outcome has the cost by the history, and so has the replayed one without another request."""
    requests = [ZImageTurboRequest(prompt="x"), QwenImageRequest(prompt="y")]

    def run_batch(oxen: Any) -> Any:
        return collect(oxen.run_many(requests, journal=tmp_path / "j"))

    for expected in (2, 2):
        outcomes = run(run_batch, base_url=hub.url)
        assert {outcome.index: outcome.cost for outcome in outcomes} == {0: CENT, 1: None}
        assert hub.count("GET", HISTORY) == expected


@pytest.mark.slow
def test_slow_history_does_not_hold_an_outcome(
    run: ClientRunner, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outcome has no cost if the history does not respond soon; its result is not held."""
    for package in ("_async", "_sync"):
        monkeypatch.setattr(f"oxen_models._runtime.{package}.processor.COST_TIMEOUT", 0.1)
    hub.inject_fault("slow", amount=30, method="GET", path=f"{HISTORY}/*")
    requests = [ZImageTurboRequest(prompt="x")]
    [outcome] = run(lambda oxen: collect(oxen.run_many(requests)), base_url=hub.url, max_retries=0)
    assert (outcome.error, outcome.cost) == (None, None)


def test_times_beyond_datetime_are_unknown(run: ClientRunner, hub: Hub) -> None:
    """A time that is no Unix seconds, such as milliseconds, counts as unknown."""
    entry = {"generation_id": "a", "status": "succeeded", "cost": 1, "enqueued_at": 1_790_000_000_000}
    hub.respond_next(200, body={"generations": [entry]}, path=HISTORY)
    costs = run(lambda oxen: oxen.costs(by="day"), base_url=hub.url)
    assert list(costs) == ["unknown"]


@pytest.mark.slow
def test_costs_are_summed_by_model(run: ClientRunner, hub: Hub) -> None:
    """`costs()` sums by model, media type, namespace or day, the highest first."""

    @scenario
    def steps(oxen: Any) -> Steps:
        for request in [ZImageTurboRequest(prompt="x")] * 2 + [Flux3ImageRequest(prompt="x")]:
            job = yield oxen.submit(request)
            yield job.result()
        unpriced = yield submit_edit(oxen)
        yield unpriced.result()
        sums: list[Any] = []
        for by in ("model", "media_type", "namespace", "day"):
            sums.append((yield oxen.costs(by=by)))
        sums.append((yield oxen.costs(model="z-image-turbo")))
        return sums

    by_model, by_media, by_namespace, by_day, of_one = run(steps, base_url=hub.url)
    # 2 * 0.01 and 0.0624
    assert list(by_model.items()) == [("flux-3-image", Decimal("0.0624")), ("z-image-turbo", 2 * CENT)]
    assert by_media == {"image": Decimal("0.0824")}
    assert by_namespace == {"standin": Decimal("0.0824")}
    assert by_day == {datetime.now(UTC).date().isoformat(): Decimal("0.0824")}
    assert of_one == {"z-image-turbo": 2 * CENT}


def test_costs_end_at_the_given_time(run: ClientRunner, server: RawServer) -> None:
    """With `since`, older jobs are neither counted nor requested."""
    now = datetime.now(UTC)
    ages = [timedelta(hours=1), timedelta(hours=3), timedelta(hours=5)]
    rows = [
        {
            "generation_id": str(age),
            "status": "succeeded",
            "model_name": "m",
            "cost": "0.10",
            "enqueued_at": int((now - age).timestamp()),
        }
        for age in ages
    ]
    server.responses[f"{HISTORY}?page=1&page_size=1000"] = [
        Response(body={"generations": rows, "total_pages": 9})
    ]

    def call(oxen: Any) -> Any:
        return oxen.costs(since=now - timedelta(hours=4))

    assert run(call, base_url=server.url) == {"m": Decimal("0.20")}
    assert len(server.requests) == 1


@pytest.mark.parametrize("cost", ["x", "NaN", "9e999999", "1e-9999999"])
def test_amount_that_cannot_be_summed_is_ignored(run: ClientRunner, server: RawServer, cost: str) -> None:
    """Jobs with a cost that is not a plausible amount are not in the sums."""
    rows = [
        {"generation_id": str(index), "status": "succeeded", "model_name": "m", "cost": value}
        for index, value in enumerate([cost, "0.10", cost])
    ]
    server.responses[f"{HISTORY}?page=1&page_size=1000"] = [
        Response(body={"generations": rows, "total_pages": 1})
    ]
    assert run(lambda oxen: oxen.costs(), base_url=server.url) == {"m": Decimal("0.10")}


def test_costs_by_wrong_arguments_raise(run: ClientRunner) -> None:
    """Costs can be summed by four keys only, and since a time."""
    error = run.expect_error(ox.ConfigurationError, lambda oxen: oxen.costs(by="user"))
    assert str(error) == "by must be one of model, media_type, namespace, day, got 'user'"
    error = run.expect_error(ox.ConfigurationError, lambda oxen: oxen.costs(since="yesterday"))
    assert str(error) == "since must be a datetime, got 'yesterday'"
    error = run.expect_error(ox.ConfigurationError, lambda oxen: oxen.costs(since=datetime.min))
    assert str(error).startswith("since cannot be converted to a Unix time: 0001-01-01 00:00:00: ")
