"""`run_many` with a budget: it stops before the request that could exceed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import AUTH_HEADERS
from helpers.scenario import Steps, collect, scenario
from oxen_models import UntypedRequest, journal
from oxen_models._runtime.journal import Journal
from oxen_models.images import QwenImageRequest as Unpriced, ZImageTurboRequest as Picture
from oxen_models.testing import Hub

QUEUE = "/api/ai/queue"
HISTORY = "/api/ai/generations"
CENT = Decimal("0.01")  # the cost and the estimate of a picture
Run = Callable[..., tuple[list[Any], Any]]


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub for each test, whose history has the costs of this test alone."""
    with Hub(speed=100) as running:
        yield running


@pytest.fixture
def run_batch(run: ClientRunner, hub: Hub) -> Run:
    """Return a function that runs a batch and returns its outcomes by index, and its error."""

    def outcomes(requests: Any, limit: int = 1000, **options: Any) -> tuple[list[Any], Any]:
        found: list[Any] = []

        @scenario
        def steps(oxen: Any) -> Steps:
            many = oxen.run_many(requests, **options)
            try:
                yield collect(many, limit, found.append)
            except ox.OxenError as error:
                return error
            yield many.aclose() if run.asynchronous else many.close()
            return None

        error = run(steps, base_url=hub.url)
        return sorted(found, key=lambda outcome: outcome.index), error

    return outcomes


def pictures(count: int) -> list[Picture]:
    return [Picture(prompt=f"number {index}") for index in range(count)]


def set_cost(hub: Hub, model: str, dollars: float | None, schema: Any = None) -> None:
    """Let a model of the hub cost another amount than the package has recorded."""
    recorded = ox.schema(model) if schema is None else schema
    pricing = None if dollars is None else {"method": "per_image", "cost_per_image": dollars}
    output = {"input": ["text"], "output": ["image"]}
    hub.add_model({"id": model, "json_request_schema": recorded, "pricing": pricing, "capabilities": output})


def read_total(hub: Hub) -> Decimal:
    """Return what all jobs of the hub cost."""
    response = httpx.get(f"{hub.url}{HISTORY}", headers=AUTH_HEADERS).json()
    return Decimal(response["total_cost"] or 0)


@pytest.mark.slow
@pytest.mark.async_values
@pytest.mark.parametrize("max_in_flight", [4, 1, 16])
def test_run_stops_before_it_exceeds_the_budget(hub: Hub, run_batch: Run, max_in_flight: int) -> None:
    """The request that could exceed the budget is not sent, however many are in flight."""
    outcomes, error = run_batch(pictures(10), budget=Decimal("0.055"), max_in_flight=max_in_flight)
    assert [outcome.cost for outcome in outcomes] == [CENT] * 5
    assert (hub.count("POST", QUEUE), read_total(hub)) == (5, Decimal("0.05"))
    assert isinstance(error, ox.BudgetExceededError)
    text = "could exceed the budget of $0.055: it may cost $0.01, and $0.05 are spent"
    assert str(error).endswith(text)
    assert isinstance(error, ox.RunStoppedError)


@pytest.mark.slow
@pytest.mark.async_values
@pytest.mark.parametrize("max_in_flight", [16, 1])
def test_budget_names_the_first_unsent_request(hub: Hub, run_batch: Run, max_in_flight: int) -> None:
    """The error names the first request that was not sent, in whatever order requests are refused."""
    outcomes, error = run_batch(pictures(30), budget=Decimal("0.025"), max_in_flight=max_in_flight)
    first_unsent = min(set(range(30)) - {outcome.index for outcome in outcomes})
    assert str(error).startswith(f"requests[{first_unsent}] could exceed the budget")


@pytest.mark.slow
def test_run_within_the_budget_ends_without_error(hub: Hub, run_batch: Run) -> None:
    """A run that costs exactly its budget completes; the budget may be an int."""
    assert run_batch(pictures(5), budget=Decimal("0.05"))[1] is None
    assert run_batch(pictures(3), budget=1)[1] is None
    assert run_batch([], budget=0)[1] is None
    assert hub.count("POST", QUEUE) == 8


@pytest.mark.slow
def test_finished_requests_count_at_their_cost(hub: Hub, run_batch: Run) -> None:
    """Requests in flight count at their estimate and finished ones at their cost, which may be lower."""
    set_cost(hub, "z-image-turbo", 0.004)
    outcomes, error = run_batch(pictures(9), budget=Decimal("0.02"), max_in_flight=8)
    # 2 are reserved at 0.01 each; a third after both cost 0.004; a fourth could cost 0.012 + 0.01.
    assert [outcome.cost for outcome in outcomes] == [Decimal("0.004")] * 3
    assert isinstance(error, ox.BudgetExceededError)
    assert hub.count("POST", QUEUE) == 3


@pytest.mark.slow
def test_success_without_a_cost_counts_as_estimated(hub: Hub, run_batch: Run) -> None:
    """A result for which the history has no cost, or cannot be read, counts at its estimate."""
    set_cost(hub, "z-image-turbo", None)
    outcomes, error = run_batch(pictures(5), budget=Decimal("0.02"))
    assert [(outcome.cost, outcome.error) for outcome in outcomes] == [(None, None)] * 2
    assert isinstance(error, ox.BudgetExceededError)
    set_cost(hub, "z-image-turbo", 0.001)
    hub.respond_next(404, method="GET", path=f"{HISTORY}/*", times=None)
    outcomes, error = run_batch(pictures(5), budget=Decimal("0.02"))
    assert [(outcome.cost, outcome.error) for outcome in outcomes] == [(None, None)] * 2


@pytest.mark.slow
def test_failed_job_without_a_cost_is_free(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """A failed job that the history has without a cost was not billed, also in the run that continues."""
    set_cost(hub, "z-image-turbo", 0.01, schema=False)
    for count in (3, 4):
        outcomes, error = run_batch(pictures(count), budget=CENT, journal=tmp_path / "j")
        assert [type(outcome.error) for outcome in outcomes] == [ox.JobFailed] * count
        assert (error, [outcome.cost for outcome in outcomes]) == (None, [None] * count)


@pytest.mark.slow
def test_failed_job_of_unknown_cost_counts(hub: Hub, run_batch: Run) -> None:
    """A failed job counts at its estimate if the history cannot be read."""
    set_cost(hub, "z-image-turbo", 0.01, schema=False)
    hub.respond_next(404, method="GET", path=f"{HISTORY}/*", times=None)
    outcomes, error = run_batch(pictures(3), budget=CENT)
    assert len(outcomes) == 1
    assert isinstance(error, ox.BudgetExceededError)


@pytest.mark.slow
def test_rejected_request_is_free(hub: Hub, run_batch: Run) -> None:
    """A request that the server rejects costs nothing, so the budget remains for the others."""
    hub.respond_next(400, method="POST", path=QUEUE)
    outcomes, error = run_batch(pictures(3), budget=Decimal("0.02"), max_in_flight=1)
    assert [outcome.cost for outcome in outcomes] == [None, CENT, CENT]
    assert error is None


@pytest.mark.slow
def test_request_of_unknown_outcome_counts(hub: Hub, run_batch: Run) -> None:
    """A request that may have been accepted counts at its estimate."""
    hub.inject_fault("cut-before-response", times=1, method="POST", path=QUEUE)
    outcomes, error = run_batch(pictures(3), budget=Decimal("0.02"), max_in_flight=1)
    assert [type(outcome.error) for outcome in outcomes] == [ox.OutcomeUnknownError, type(None)]
    assert isinstance(error, ox.BudgetExceededError)
    assert read_total(hub) == Decimal("0.02")


@pytest.mark.slow
def test_unpriced_request_is_refused(hub: Hub, run_batch: Run) -> None:
    """By default, a request without an estimate is not sent; its outcome says why. The others are sent."""
    outcomes, error = run_batch([Picture(prompt="a"), Unpriced(prompt="b"), Picture(prompt="c")], budget=1)
    assert error is None
    assert [outcome.cost for outcome in outcomes] == [CENT, None, CENT]
    refused = outcomes[1].error
    assert isinstance(refused, ox.UnpricedRequestError)
    assert str(refused) == (
        "qwen-image: the request was not sent, because the run has a budget and the cost is unknown: the "
        "price of the model is not known; pass unpriced='allow' to send it"
    )
    assert hub.count("POST", QUEUE) == 2


@pytest.mark.slow
def test_allowed_unpriced_request_counts_at_its_cost(hub: Hub, run_batch: Run) -> None:
    """With unpriced="allow" a request without an estimate is sent until the budget is spent."""
    set_cost(hub, "qwen-image", 0.02)
    requests = [Unpriced(prompt=f"number {index}") for index in range(5)]
    outcomes, error = run_batch(requests, budget=Decimal("0.04"), unpriced="allow", max_in_flight=1)
    assert [outcome.cost for outcome in outcomes] == [Decimal("0.02")] * 2
    assert str(error).endswith("the budget of $0.04: its cost is unknown, and $0.04 are spent")


@pytest.mark.slow
@pytest.mark.async_values
@pytest.mark.parametrize("max_in_flight", [1, 8])
def test_resumed_run_counts_the_journal(hub: Hub, run_batch: Run, tmp_path: Path, max_in_flight: int) -> None:
    """A resumed run counts what earlier runs spent, and stops at the same sum."""
    options: dict[str, Any] = {"journal": tmp_path / "j", "max_in_flight": max_in_flight}
    run_batch(pictures(3), **options)
    assert [entry.cost for entry in journal.read(tmp_path / "j")] == [CENT] * 3
    outcomes, error = run_batch(pictures(9), budget=Decimal("0.05"), **options)
    assert isinstance(error, ox.BudgetExceededError)
    assert [outcome.cost for outcome in outcomes] == [CENT] * 5
    assert (hub.count("POST", QUEUE), read_total(hub)) == (5, Decimal("0.05"))
    outcomes, error = run_batch(pictures(9), budget=Decimal("0.09"), **options)
    assert (len(outcomes), error, read_total(hub)) == (9, None, Decimal("0.09"))


@pytest.mark.slow
def test_resumed_run_counts_unfinished_requests(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """A job of an earlier run is counted once, and a request of unknown outcome at its estimate."""
    path = tmp_path / "j"
    hub.inject_fault("cut-before-response", times=1, method="POST", path=QUEUE)
    run_batch(pictures(1), journal=path)
    hub.inject_fault("job-stuck", times=1)
    run_batch(pictures(2), journal=path, timeout=0.05)
    assert [entry.state for entry in journal.read(path)] == ["unknown", "accepted"]
    outcomes, error = run_batch(
        pictures(4), journal=path, budget=Decimal("0.03"), timeout=0.05, max_in_flight=1
    )
    assert [type(outcome.error) for outcome in outcomes] == [
        ox.OutcomeUnknownError, ox.JobTimeout, type(None)
    ]  # fmt: skip
    assert isinstance(error, ox.BudgetExceededError)


@pytest.mark.slow
def test_resumed_run_counts_a_job_at_its_cost(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """The cost of a job that an earlier run accepted replaces its estimate when it has ended."""
    run_batch(pictures(1), journal=tmp_path / "done")
    [entry] = journal.read(tmp_path / "done")
    with Journal(tmp_path / "j") as unfinished:
        unfinished.sending(entry.key, entry.digest, entry.model, entry.body)
        unfinished.accepted(entry.key, str(entry.job_id))
    options: dict[str, Any] = {"journal": tmp_path / "j", "max_in_flight": 1}
    outcomes, error = run_batch(pictures(3), budget=Decimal("0.02"), **options)
    assert [outcome.cost for outcome in outcomes] == [CENT] * 2
    assert isinstance(error, ox.BudgetExceededError)


@pytest.mark.slow
def test_resumed_run_needs_the_costs_of_the_journal(hub: Hub, run_batch: Run, tmp_path: Path) -> None:
    """A budget cannot be kept if the journal has requests of unknown cost, unless they are allowed."""
    options: dict[str, Any] = {"journal": tmp_path / "j", "budget": 1}
    run_batch([Unpriced(prompt="a"), UntypedRequest("qwen-image", "/images/generate", {"prompt": "b"})],
              journal=tmp_path / "j")  # fmt: skip
    outcomes, error = run_batch(pictures(1), **options)
    assert isinstance(error, ox.ConfigurationError)
    assert str(error).startswith("the journal has 2 requests of unknown cost")
    assert outcomes == []
    outcomes, error = run_batch(pictures(1), unpriced="allow", **options)
    assert (len(outcomes), error) == (1, None)
    assert hub.count("POST", QUEUE) == 3


BUDGET = "budget must be dollars as a Decimal or an int from 0"


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": 1.5}, f"{BUDGET}, got 1.5"),
        ({"budget": True}, f"{BUDGET}, got True"),
        ({"budget": Decimal("nan")}, f"{BUDGET}, got Decimal('NaN')"),
        ({"budget": -1}, f"{BUDGET}, got -1"),
        ({"budget": 1, "unpriced": "ask"}, "unpriced must be 'refuse' or 'allow', got 'ask'"),
    ],
)
def test_invalid_budget_raises(run: ClientRunner, options: dict[str, Any], message: str) -> None:
    """A budget that is not an exact amount raises before the run."""
    error = run.expect_error(ox.ConfigurationError, lambda oxen: oxen.run_many([], **options))
    assert str(error) == message
