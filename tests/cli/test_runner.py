"""The runner: what it validates, rejects, confirms, sends, saves and reports."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from oxen_models import (
    BudgetExceededError,
    ConfigurationError,
    HubUnreachableError,
    JobFailed,
    JobTimeout,
    MediaError,
    NotFoundError,
    OutcomeUnknownError,
    Oxen,
    RateLimitError,
    UnpricedRequestError,
)
from oxen_models._runner.destinations import parse_destination
from oxen_models._runner.limits import Limits
from oxen_models._runner.models import read_recorded
from oxen_models._runner.runner import Plan, Runner
from oxen_models._runner.spending import NotConfirmedError, Spending
from oxen_models._runtime.json_schema.estimates import Estimate, NoEstimate
from oxen_models.testing import Hub
from PIL import Image

from .conftest import expect_problems

PRICED = "z-image-turbo"
UNPRICED = "qwen-image"
EDITOR = "qwen-image-edit-plus"
URL = "https://example.com/dog.png"
CENT = Decimal("0.01")  # the price of PRICED
QUEUE = "/api/ai/queue"
NEW: dict[str, Any] = {
    "id": "acme/paint:1",
    "capabilities": {"input": ["text"], "output": ["image"]},
    "pricing": {"method": "per_image", "cost_per_image": 0.25},
    "json_request_schema": {
        "type": "object",
        "required": ["prompt"],
        "properties": {"prompt": {"type": "string"}, "cfg-scale": {"type": "number", "maximum": 1}},
    },
}


@pytest.fixture
def hub(module_hub: Hub) -> Hub:
    """The hub of this module, with a model that the package does not have."""
    module_hub.clear()
    module_hub.add_model(NEW)
    return module_hub


@pytest.fixture
def oxen(hub: Hub) -> Iterator[Oxen]:
    with Oxen("any", base_url=hub.url, max_retries=0) as client:
        yield client


def confirm(plan: Plan) -> bool:
    return True


def decline(plan: Plan) -> bool:
    return False


def never(plan: Plan) -> bool:
    raise AssertionError(f"{plan.model.id} needs no confirmation")


def run(runner: Runner, id: str, values: dict[str, Any], output: Path | None = None, count: int = 1) -> Any:
    plan = runner.plan(id, values, count=count)
    destination = None if output is None else parse_destination(str(output))
    return runner.collect(runner.send(plan, never), destination, timeout=30)


def fail_jobs(hub: Hub) -> None:
    """Let the jobs of PRICED fail."""
    changed = {"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}}
    hub.add_model({**NEW, "id": PRICED, "json_request_schema": changed})


@pytest.mark.slow
@pytest.mark.parametrize("id", [PRICED, NEW["id"]])
def test_run_saves_and_reports_each_job(oxen: Oxen, hub: Hub, tmp_path: Path, id: str) -> None:
    """The report has status, files, URLs and cost of each job; so for models outside the package."""
    pattern = tmp_path / "new" / "{index}_{id}.{ext}"
    reports = run(Runner(oxen), id, {"prompt": "A hat"}, pattern, count=2)
    for index, report in enumerate(reports):
        [file] = report.files
        assert (report.model, report.status, report.error) == (id, "succeeded", None)
        suffix = ".webp" if id == PRICED else ".png"
        assert file.path == tmp_path / "new" / f"{index}_{report.job_id}{suffix}"
        with Image.open(file.path) as image:
            assert image.format == suffix[1:].upper()
        assert report.urls == (file.url,)
        assert report.cost == (CENT if id == PRICED else Decimal("0.25"))
    assert hub.count("POST", "/api/ai/") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("hat.webp", ["hat_0.webp", "hat_1.webp"]),
        ("hat.{ext}", ["0_hat.webp", "1_hat.webp"]),
        ("{index:02}.{ext}", ["00.webp", "01.webp"]),
        ("{index}_{{x}}.{ext:_>5}", ["0_{x}._webp", "1_{x}._webp"]),
        ("{{index}}.{ext}", ["0_{index}.webp", "1_{index}.webp"]),
    ],
)
def test_files_of_several_jobs_have_own_names(
    oxen: Oxen, tmp_path: Path, output: str, expected: list[str]
) -> None:
    """No file replaces one of another job, whatever the path."""
    reports = run(Runner(oxen), PRICED, {"prompt": "A hat"}, tmp_path / output, count=2)
    assert [file.path.name for report in reports for file in report.files] == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == expected


def test_invalid_value_is_reported_and_not_sent(oxen: Oxen, hub: Hub) -> None:
    """Unknown names, missing ones and wrong values are reported with suggestions."""
    assert expect_problems(oxen, EDITOR, {"promt": "Hat"}) == [
        "promt='Hat': is not a parameter of the model; did you mean 'prompt'?",
        "prompt: is required",
        "input_image: is required",
    ]
    [problem] = expect_problems(
        oxen, EDITOR, {"prompt": "Hat", "input_image": [URL], "aspect_ratio": "16:10"}
    )
    assert problem.endswith("did you mean '16:9'?")
    [problem] = expect_problems(oxen, NEW["id"], {"prompt": "Hat", "cfg-scale": 2})
    assert problem == "cfg-scale=2: must be less than or equal to 1"
    assert hub.count("POST", "/") == 0


def test_unknown_model_is_not_found(oxen: Oxen) -> None:
    """A model that neither package nor server has is an error with a suggestion."""
    with pytest.raises(NotFoundError, match=r"did you mean 'qwen-image'\?"):
        Runner(oxen).plan("qwen-imge", {})


def test_unknown_model_without_a_server_is_named() -> None:
    """If the server cannot be reached, the error names a similar model of the package."""
    similar = r"no model 'qwen-imge'; did you mean 'qwen-image'\?"
    with (
        Oxen("key", base_url="http://127.0.0.1:9", max_retries=0) as oxen,
        pytest.raises(HubUnreachableError, match=similar),
    ):
        Runner(oxen).plan("qwen-imge", {})


def test_chat_model_generates_no_media(oxen: Oxen) -> None:
    """A chat model cannot be run."""
    with pytest.raises(ConfigurationError, match="it is a chat model"):
        Runner(oxen).plan("gpt-4o", {})


@pytest.mark.parametrize(
    ("limits", "is_confirmed"),
    [
        (Limits(), True),
        (Limits(confirm_above=CENT), True),
        (Limits(confirm_above=Decimal("0.009")), False),
    ],
)
def test_cost_above_the_limit_is_confirmed(oxen: Oxen, hub: Hub, limits: Limits, is_confirmed: bool) -> None:
    """A request is sent without a question only if its highest cost is not above the limit."""
    runner = Runner(oxen, limits)
    plan = runner.plan(PRICED, {"prompt": "A hat"})
    if is_confirmed:
        assert len(runner.send(plan, never)) == 1
        return
    with pytest.raises(NotConfirmedError):
        runner.send(plan, decline)
    assert (hub.count("POST", QUEUE), runner.spending.total) == (0, Decimal(0))
    assert len(runner.send(plan, confirm)) == 1


def test_unpriced_request_follows_the_limits(oxen: Oxen, hub: Hub) -> None:
    """A request of unknown cost is sent, confirmed or rejected."""
    values = {"prompt": "A hat"}
    confirming = Runner(oxen, Limits(unpriced="confirm"))
    with pytest.raises(NotConfirmedError):
        confirming.send(confirming.plan(UNPRICED, values), decline)
    rejecting = Runner(oxen, Limits(unpriced="refuse"))
    with pytest.raises(UnpricedRequestError, match="the cost is unknown: the price of the model"):
        rejecting.send(rejecting.plan(UNPRICED, values), confirm)
    assert hub.count("POST", QUEUE) == 0
    allowing = Runner(oxen)
    assert len(allowing.send(allowing.plan(UNPRICED, values), never)) == 1


@pytest.mark.slow
def test_budget_counts_costs_of_all_calls(oxen: Oxen, hub: Hub) -> None:
    """A budget is that of the runner; a call is rejected by its number of jobs, too."""
    runner = Runner(oxen, Limits(budget=Decimal("0.03"), per_call=Decimal("0.02")))
    values = {"prompt": "A hat"}
    with pytest.raises(BudgetExceededError, match=r"may cost \$0\.03, and a call may cost \$0\.02"):
        run(runner, PRICED, values, count=3)
    run(runner, PRICED, values, count=2)
    with pytest.raises(BudgetExceededError, match=r"\$0\.02 of the budget of \$0\.03 are spent"):
        run(runner, PRICED, values, count=2)
    run(runner, PRICED, values)
    assert (hub.count("POST", QUEUE), runner.spending.total) == (2, Decimal("0.03"))


def test_budget_counts_what_may_be_billed(oxen: Oxen, hub: Hub) -> None:
    """A rejected request is free, and one of unknown outcome counts."""
    runner = Runner(oxen, Limits(budget=Decimal("0.05")))
    hub.respond_next(429, path=QUEUE, times=None)
    with pytest.raises(RateLimitError):
        run(runner, PRICED, {"prompt": "A hat"})
    assert runner.spending.total == 0
    hub.clear()
    hub.inject_fault("cut-before-response", method="POST", times=1)
    with pytest.raises(OutcomeUnknownError):
        run(runner, PRICED, {"prompt": "A hat"})
    assert runner.spending.total == CENT


@pytest.mark.parametrize("status", [408, 502])
def test_budget_counts_what_a_proxy_may_forward(oxen: Oxen, hub: Hub, status: int) -> None:
    """An error that does not exclude that the request was accepted is an unknown outcome, which counts."""
    runner = Runner(oxen, Limits(budget=Decimal("0.05")))
    hub.respond_next(status, body={"error": {"message": "bad gateway"}}, path=QUEUE, times=None)
    with pytest.raises(OutcomeUnknownError, match=r"bad gateway.*may have been accepted and billed"):
        run(runner, PRICED, {"prompt": "A hat"})
    assert runner.spending.total == CENT


@pytest.mark.slow
def test_job_of_unknown_cost_stays_reserved(own_hub: Hub) -> None:
    """A failed job is free only if the history answers without a cost."""
    fail_jobs(own_hub)
    own_hub.respond_next(500, path="/api/ai/generations/*")
    with Oxen("any", base_url=own_hub.url, max_retries=0) as oxen:
        runner = Runner(oxen, Limits(budget=CENT))
        [report] = run(runner, PRICED, {"prompt": "A hat"})
        assert (report.status, runner.spending.total) == ("failed", CENT)
        [report] = runner.collect([oxen.job(report.job_id)], None, timeout=30)
        assert (report.cost, runner.spending.total) == (None, Decimal(0))


def test_reservation_is_divided_exactly() -> None:
    """The shares of jobs are all of the reservation, and those of free models are known."""
    spending = Spending(Limits(budget=Decimal("5.00")))
    for cost, ids in (("1", "abc"), ("2", "defghij"), ("0", "k")):
        amount = Decimal(cost)
        reserved = spending.reserve(PRICED, Estimate(amount, amount, "USD", ""))
        spending.assign(reserved, ids)
        assert spending.count_unknown() == 0
        for id in ids:
            spending.settle(id, Decimal("0.01"))
    assert spending.total == Decimal("0.11")
    spending.assign(spending.reserve(UNPRICED, NoEstimate("")), "lm")
    spending.settle("l", CENT)
    assert (spending.count_unknown(), spending.total) == (1, Decimal("0.12"))
    five = Decimal(5)
    with pytest.raises(BudgetExceededError, match=r"may cost \$5, and \$0\.12 of the budget of \$5 "):
        spending.reserve(PRICED, Estimate(five, five, "USD", ""))


@pytest.mark.slow
def test_failed_job_is_reported_and_free(own_hub: Hub) -> None:
    """The error of a job is in its report, and what was reserved for it is released."""
    fail_jobs(own_hub)
    with Oxen("any", base_url=own_hub.url) as oxen:
        runner = Runner(oxen, Limits(budget=CENT))
        [report] = run(runner, PRICED, {"prompt": "A hat"})
    assert (report.status, type(report.error), runner.spending.total) == ("failed", JobFailed, Decimal(0))


@pytest.mark.slow
def test_unfinished_job_is_reported_with_its_id(oxen: Oxen, hub: Hub) -> None:
    """A job that does not finish in time continues and counts, and can be collected later."""
    hub.inject_fault("job-stuck", times=1)
    runner = Runner(oxen, Limits(budget=Decimal(1)))
    jobs = runner.send(runner.plan(UNPRICED, {"prompt": "A hat"}), never)
    seen: dict[str, str] = {}
    [report] = runner.collect(jobs, None, timeout=0.1, on_status=seen.__setitem__)
    assert isinstance(report.error, JobTimeout)
    assert seen.keys() == {report.job_id}
    oxen.job(report.job_id).cancel()
    [report] = runner.collect([oxen.job(report.job_id)], None, timeout=30)
    assert report.status == "cancelled"


@pytest.mark.slow
def test_file_error_is_reported_with_the_url(oxen: Oxen, tmp_path: Path) -> None:
    """A file that cannot be saved is an error of the report, which has the URL."""
    (tmp_path / "x.webp").symlink_to("/dev/full")
    [report] = run(Runner(oxen), UNPRICED, {"prompt": "A hat"}, tmp_path / "x.webp")
    assert (report.status, type(report.error), report.files) == ("succeeded", MediaError, ())
    assert report.urls[0].startswith("http")


@pytest.mark.parametrize("pattern", ["{name}.png", "{{x}}_{}.png", "{id!x}.png"])
def test_wrong_pattern_is_rejected_before_the_call(tmp_path: Path, pattern: str) -> None:
    """A pattern that cannot name a file is an error when it is parsed, before anything is paid."""
    with pytest.raises(ConfigurationError, match="pattern must be a string with the fields"):
        parse_destination(str(tmp_path / pattern))


def test_parameters_are_in_the_order_of_a_form() -> None:
    """Required parameters come first, then basic ones, and hidden ones last."""
    model = read_recorded("flux-3-image")
    assert model is not None
    ranks = [(p.is_hidden, not p.is_required, not p.is_basic and not p.is_required) for p in model.parameters]
    assert ranks == sorted(ranks)
    assert model.parameters[0].name == "prompt"


def test_error_of_a_confirmation_reserves_nothing(oxen: Oxen, hub: Hub) -> None:
    """What was reserved for a request is released if its confirmation raises."""
    runner = Runner(oxen, Limits(confirm_above=Decimal(0)))
    with pytest.raises(AssertionError):
        runner.send(runner.plan(PRICED, {"prompt": "A hat"}), never)
    assert (hub.count("POST", QUEUE), runner.spending.total) == (0, Decimal(0))
