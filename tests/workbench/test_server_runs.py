"""Runs by the server against the stand-in: progress, costs, limits, cancellation and faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.workbench import KEY, MODEL, Page, serve_page
from oxen_models import sidecar
from oxen_models._runner.limits import Limits
from oxen_models._workbench.runs import MAX_ACTIVE_JOBS, MAX_COUNT, MAX_RUNS
from oxen_models.testing import FaultKind, Hub

HAT = {"prompt": "A hat"}
QUEUE = "/api/ai/queue"


@pytest.fixture
def hub(module_hub: Hub) -> Hub:
    module_hub.clear()
    return module_hub


@pytest.fixture(scope="module")
def served(module_hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with serve_page(module_hub.url, tmp_path_factory.mktemp("workbench")) as served:
        yield served


@pytest.fixture
def page(served: Page, hub: Hub) -> Page:
    """A page without faults of earlier tests, whose runs stay."""
    return served


def read_error(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    error: dict[str, Any] = response.json()["error"]
    assert error["kind"] == kind
    return error


@pytest.mark.slow
def test_run_saves_files_and_cost(page: Page, hub: Hub) -> None:
    """A run has its jobs, its files with their sidecars, and what the history says that it cost."""
    run = page.run(HAT, count=2)
    assert (run["model"], run["values"], run["status"], run["error"]) == (MODEL, HAT, "succeeded", None)
    assert [job["status"] for job in run["jobs"]] == ["succeeded"] * 2
    assert (run["cost"], run["estimate"]["high"], run["estimate"]["currency"]) == ("0.02", "0.02", "USD")
    assert len({file["name"] for file in run["files"]}) == 2
    for file in run["files"]:
        assert (file["kind"], file["media_type"]) == ("image", "image/webp")
        origin = sidecar(page.session.folder / file["name"])
        assert origin.job_id in {job["id"] for job in run["jobs"]}
        assert (origin.model, origin.body) == (MODEL, HAT)
        assert page.read_file(file["url"]).content[8:12] == b"WEBP"
    assert hub.count("POST", QUEUE) == 1


@pytest.mark.slow
def test_progress_is_streamed(page: Page, hub: Hub) -> None:
    """Each state of a run is an event: its start, the end of its jobs, and its end with the files."""
    hub.inject_fault("slow", 1, path="/api/repos/*")
    id = page.start(HAT, count=2).json()["run"]["id"]
    states = list(page.watch(id))
    assert states[-1]["status"] == "succeeded"
    statuses = [[job["status"] for job in state["jobs"]] for state in states if not state["files"]]
    assert ["succeeded", "succeeded"] in statuses
    assert all(state["status"] in ("queued", "running") for state in states[:-1])
    assert [state["id"] for state in states] == [id] * len(states)
    assert list(page.watch(id)) == states[-1:]  # the stream of a run that has ended has only the last state
    assert page.read("/api/runs")["runs"][0] == states[-1]


@pytest.mark.slow
def test_files_of_runs_have_different_names(page: Page) -> None:
    """No run overwrites a file of another one, even if the hub repeats the id of a job."""
    names = [file["name"] for _ in range(3) for file in page.run(HAT)["files"]]
    assert len(set(names)) == 3


@pytest.mark.parametrize(
    ("values", "parameter", "text"),
    [
        ({}, "prompt", "prompt: is required"),
        ({"prompt": 3}, "prompt", "prompt=3: must be a valid string"),
        ({"prompt": "x", "prompd": "x"}, "prompd", "is not a parameter of the model; did you mean 'prompt'"),
        ({"prompt": "\ud800"}, "prompt", "prompt='\\ud800': "),
    ],
)
def test_invalid_values_are_problems(
    page: Page, hub: Hub, values: dict[str, Any], parameter: str, text: str
) -> None:
    """Invalid values are explained as the bindings do, and nothing is sent."""
    error = read_error(page.start(values), 422, "invalid")
    assert error["parameter"] == error["problems"][0]["parameter"] == parameter
    assert text in error["problems"][0]["message"]
    assert hub.requests == []


@pytest.mark.parametrize(
    ("model", "status", "kind"),
    [
        ("no-such-model", 404, "model"),
        ("../../etc/passwd", 404, "model"),
        ("x" * 300, 404, "model"),
        ("\ud800", 400, "request"),
        ("gpt-4o", 400, "request"),
    ],
)
def test_unknown_model_is_an_error(page: Page, model: str, status: int, kind: str) -> None:
    """A model that does not exist or makes no media is not called."""
    read_error(page.start(HAT, model), status, kind)


def test_file_outside_of_the_folders_is_rejected(page: Page, hub: Hub, tmp_path: Path) -> None:
    """The page cannot read other files of this machine by a parameter."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG\r\n\x1a\n")
    link = page.session.media_folder / "link.png"
    link.symlink_to(secret)
    for path in (secret, link, page.session.media_folder / ".." / ".." / secret.name):
        values = {"prompt": "x", "input_image": [str(path)]}
        error = read_error(page.start(values, "qwen-image-edit-plus"), 422, "invalid")
        assert "must be a URL or a file below" in error["message"]
    assert hub.requests == []


def test_folder_is_checked_before_a_run_is_sent(hub: Hub, tmp_path: Path) -> None:
    """A result that could not be saved is not paid for."""
    with serve_page(hub.url, tmp_path) as page:
        page.session.folder.rmdir()
        page.session.folder.touch()
        assert "cannot be written" in read_error(page.start(HAT), 400, "request")["message"]
    assert hub.requests == []


@pytest.mark.slow
def test_expensive_run_is_confirmed(hub: Hub, tmp_path: Path) -> None:
    """Above the limit nothing is sent before the user has seen the estimate and confirmed it."""
    with serve_page(hub.url, tmp_path, Limits(confirm_above=Decimal("0.015"))) as page:
        assert page.start(HAT).status_code == 201
        error = read_error(page.start(HAT, count=2), 409, "confirm")
        assert (error["estimate"]["low"], error["estimate"]["high"]) == ("0.02", "0.02")
        assert hub.count("POST", QUEUE) == 1
        assert page.run(HAT, count=2, is_confirmed=True)["status"] == "succeeded"
        assert page.read("/api/session")["confirm_above"] == "0.015"


@pytest.mark.slow
def test_budget_limits_all_runs(hub: Hub, tmp_path: Path) -> None:
    """The budget counts what runs cost and may cost, and a confirmation does not exceed it."""
    with serve_page(hub.url, tmp_path, Limits(budget=Decimal("0.02"), unpriced="refuse")) as page:
        assert page.run(HAT)["cost"] == "0.01"
        assert page.read("/api/session")["budget"] == {"limit": "0.02", "spent": "0.01", "reserved": "0"}
        error = read_error(page.start(HAT, count=2, is_confirmed=True), 402, "budget")
        assert "of the budget of $0.02" in error["message"]
        hub.inject_fault("job-stuck")
        id = page.start(HAT).json()["run"]["id"]
        assert page.read("/api/session")["budget"]["reserved"] == "0.01"
        read_error(page.start(HAT), 402, "budget")
        assert page.client.post(f"/api/runs/{id}/cancel").status_code == 200
        assert list(page.watch(id))[-1]["status"] == "cancelled"
        assert page.read("/api/session")["budget"]["reserved"] == "0"
        hub.clear()
        assert page.run(HAT)["status"] == "succeeded"


@pytest.mark.slow
def test_cancelled_run_ends(page: Page, hub: Hub) -> None:
    """Cancelling ends the jobs and the stream; a run that has ended stays as it is."""
    hub.inject_fault("job-stuck")
    id = page.start(HAT, count=2).json()["run"]["id"]
    cancelled = page.client.post(f"/api/runs/{id}/cancel").json()["run"]
    assert [job["status"] for job in cancelled["jobs"]] == ["cancelled"] * 2
    run = list(page.watch(id))[-1]
    assert (run["status"], run["files"], run["error"]) == ("cancelled", [], None)
    assert page.client.post(f"/api/runs/{id}/cancel").json()["run"] == run


@pytest.mark.slow
def test_cancel_that_fails_is_an_error(page: Page, hub: Hub) -> None:
    """The run continues if the hub does not cancel it."""
    hub.inject_fault("job-stuck")
    id = page.start(HAT).json()["run"]["id"]
    hub.respond_next(500, method="DELETE")
    read_error(page.client.post(f"/api/runs/{id}/cancel"), 502, "hub")
    assert page.client.post(f"/api/runs/{id}/cancel").status_code == 200


@pytest.mark.slow
def test_run_without_a_key_has_advice(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page works without a key; one that is stored later is used without a restart."""
    with serve_page(hub.url, tmp_path, key=None) as page:
        assert page.client.get("/", headers={"Cookie": page.cookie}).status_code == 200
        assert page.read("/api/session")["has_key"] is False
        assert "oxen-models login" in read_error(page.start(HAT), 401, "key")["message"]
        monkeypatch.setenv("OXEN_API_KEY", KEY)
        assert page.read("/api/session")["has_key"] is True
        assert page.run(HAT)["status"] == "succeeded"


@pytest.mark.parametrize(
    ("status", "expected", "kind"),
    [
        (401, 401, "key"),
        (402, 502, "hub"),
        (403, 502, "hub"),
        (404, 404, "model"),
        (422, 502, "hub"),
        (429, 502, "hub"),
    ],
)
def test_rejection_of_the_hub_is_an_error(
    page: Page, hub: Hub, status: int, expected: int, kind: str
) -> None:
    """A rejected request is no run and reserves nothing; its text has no control characters and no key."""
    before = page.read("/api/session")["budget"]
    body = {"error": {"title": f"\x1b[31m<b>{KEY}</b>\u202e"}}
    hub.respond_next(status, body=body, path=QUEUE)
    response = page.start(HAT)
    error = read_error(response, expected, kind)
    assert "<b>" in error["message"]
    assert not {"\x1b", "\u202e"} & set(error["message"])
    assert KEY not in response.text
    assert page.read("/api/session")["budget"] == before


@pytest.mark.parametrize("fault", [500, "cut-before-response", "cut-mid-response"])
def test_unknown_outcome_is_a_run(page: Page, hub: Hub, fault: FaultKind | int) -> None:
    """A request that may be billed is shown, with the command that finds its job, and is counted."""
    before = Decimal(page.read("/api/session")["budget"]["reserved"])
    if isinstance(fault, int):
        hub.respond_next(fault, path=QUEUE)
    else:
        hub.inject_fault(fault, path=QUEUE, times=1)
    run = page.run(HAT)
    assert (run["status"], run["jobs"], run["files"]) == ("unknown", [], [])
    assert "oxen-models history" in run["error"]
    assert page.read("/api/runs")["runs"][0] == run
    assert Decimal(page.read("/api/session")["budget"]["reserved"]) == before + Decimal("0.01")


@pytest.mark.slow
def test_connection_that_is_cut_sends_nothing(page: Page, hub: Hub) -> None:
    """A request that the hub certainly did not accept is an error and no run."""
    before = page.read("/api/runs")
    hub.respond_next(503, path="/api/ai/models/*")
    read_error(page.start(HAT, "not-in-the-package"), 502, "hub")
    assert page.read("/api/runs") == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "amount"),
    [
        ("events-cut-after", 0),
        ("events-cut-every", 0.01),
        ("events-split", 3),
        ("events-early", None),
        ("events-twice", None),
        ("slow", 0.01),
    ],
)
def test_run_ends_in_spite_of_faults(
    hub: Hub, tmp_path: Path, fault: FaultKind, amount: float | None
) -> None:
    """A run ends with its file, whatever happens to the event stream of the hub."""
    hub.inject_fault(fault, amount)
    with serve_page(hub.url, tmp_path) as page:
        run = page.run(HAT)
    assert (run["status"], len(run["files"]), run["error"]) == ("succeeded", 1, None)


@pytest.mark.slow
def test_run_without_events_ends(tmp_path: Path) -> None:
    """A run ends by polling if the end of its job is no event. Clients poll seconds later."""
    faults: tuple[FaultKind, ...] = ("events-silent", "events-garbled", "events-dropped")
    with ExitStack() as stack:
        pages: list[tuple[Page, str]] = []
        for fault in faults:
            hub = stack.enter_context(Hub(speed=100))
            hub.inject_fault(fault)
            (tmp_path / fault).mkdir()
            page = stack.enter_context(serve_page(hub.url, tmp_path / fault))
            pages.append((page, page.start(HAT).json()["run"]["id"]))
        assert [list(page.watch(id))[-1]["status"] for page, id in pages] == ["succeeded"] * 3


def test_job_that_fails_ends_the_run(page: Page, hub: Hub) -> None:
    """The reason of the hub is shown as text, and the run costs nothing."""
    changed = {"type": "object", "required": ["<b>"], "properties": {"<b>": {"type": "string"}}}
    capabilities = {"input": ["text"], "output": ["image"]}
    hub.add_model({"id": "qwen-image", "capabilities": capabilities, "json_request_schema": changed})
    run = page.run(HAT, "qwen-image")
    assert (run["status"], run["files"], run["cost"]) == ("failed", [], "0")
    assert "<b>" in run["error"]
    hub.remove_model("qwen-image")


@pytest.mark.slow
def test_cost_of_a_part_is_not_that_of_a_run(hub: Hub, tmp_path: Path) -> None:
    """A run has a cost when that of each job is known."""
    with serve_page(hub.url, tmp_path) as page:
        hub.respond_next(500, path="/api/ai/generations/*", times=1)
        run = page.run(HAT, count=2)
        assert (run["status"], len(run["files"]), run["cost"]) == ("succeeded", 2, None)
        assert page.run(HAT, count=2)["cost"] == "0.02"


@pytest.mark.slow
def test_job_that_continues_is_unknown(hub: Hub, tmp_path: Path) -> None:
    """The end of a job that is not followed any more is unknown, and the error has the command for it."""
    hub.inject_fault("job-stuck")
    with serve_page(hub.url, tmp_path) as page:
        states = page.watch(page.start(HAT).json()["run"]["id"])
        next(states)
        page.session.runner.oxen.close()
        *_, run = states
    assert (run["status"], run["files"]) == ("unknown", [])
    assert f"oxen-models result {run['jobs'][0]['id']} -o {page.session.folder}" in run["error"]


@pytest.mark.slow
def test_file_that_cannot_be_saved_is_an_error(page: Page, hub: Hub) -> None:
    """A result that is paid and not saved has the command that gets it, and its cost."""
    hub.inject_fault("url-downloads", 0)
    run = page.run(HAT)
    assert (run["status"], run["files"], run["cost"]) == ("failed", [], "0.01")
    assert f"oxen-models result {run['jobs'][0]['id']} -o {page.session.folder}" in run["error"]


@pytest.mark.slow
def test_number_of_active_jobs_is_limited(hub: Hub, tmp_path: Path) -> None:
    """Each active job has a thread: a run that exceeds their number is not sent."""
    hub.inject_fault("job-stuck")
    with serve_page(hub.url, tmp_path) as page:
        for _ in range(MAX_ACTIVE_JOBS // MAX_COUNT):
            assert page.start(HAT, count=MAX_COUNT).status_code == 201
        error = read_error(page.start(HAT), 429, "busy")
        assert f"{MAX_ACTIVE_JOBS} jobs are active" in error["message"]
        assert hub.count("POST", QUEUE) == MAX_ACTIVE_JOBS // MAX_COUNT
        [*_, run] = page.read("/api/runs")["runs"]
        page.client.post(f"/api/runs/{run['id']}/cancel")
        assert list(page.watch(run["id"]))[-1]["status"] == "cancelled"
        assert page.start(HAT).status_code == 201


@pytest.mark.slow
def test_number_of_runs_is_limited(hub: Hub, tmp_path: Path) -> None:
    """Old runs that have ended are forgotten, and active ones are kept."""
    hub.inject_fault("job-stuck")
    with serve_page(hub.url, tmp_path) as page:
        active = page.start(HAT).json()["run"]["id"]
        hub.respond_next(500, path=QUEUE, times=None)
        for index in range(MAX_RUNS + 3):
            page.start({**HAT, "seed": index})
        runs = page.read("/api/runs")["runs"]
    assert len(runs) == MAX_RUNS
    assert (runs[0]["values"]["seed"], runs[-1]["id"]) == (MAX_RUNS + 2, active)


@pytest.mark.slow
def test_stopping_ends_streams_and_names_jobs(hub: Hub, tmp_path: Path) -> None:
    """A stream that waits does not delay the end of the server, after which the job is still active."""
    hub.inject_fault("job-stuck")
    with serve_page(hub.url, tmp_path) as page:
        started = page.start(HAT).json()["run"]
        states = page.watch(started["id"])
        next(states)
        page.server.should_exit = True
        assert all(state["status"] in ("queued", "running") for state in states)  # it ends
        assert page.server.runs.list_active_jobs() == [started["jobs"][0]["id"]]
