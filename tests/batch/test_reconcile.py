"""Requests of unknown outcome: their jobs are found in the queue and the history."""

from __future__ import annotations

import time
from email.utils import formatdate
from pathlib import Path
from typing import Any, Literal

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.raw_server import Response, run_raw_server
from helpers.scenario import collect
from oxen_models._runtime.journal import Journal
from oxen_models.images import QwenImageEditPlusRequest, QwenImageRequest
from oxen_models.journal import read
from oxen_models.testing import Hub
from PIL import Image

QUEUE = "/api/ai/queue"
HISTORY = "/api/ai/generations?model=qwen-image&page=1&page_size=100"
AUTHORIZATION = {"Authorization": "Bearer key"}
# The hub accepts a request that is cut before its response, and rejects none of those that are cut earlier.
ACCEPTED: Literal["cut-before-response"] = "cut-before-response"
LOST: Literal["cut-before-body"] = "cut-before-body"


@pytest.fixture
def hub(own_hub: Hub) -> Hub:
    """A hub for each test, because the tests count its requests."""
    return own_hub


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "run.db"


def run_all(run: ClientRunner, hub: Hub, requests: list[Any], **options: Any) -> list[Any]:
    """Return the outcomes of a run, by index."""

    def step(oxen: Any) -> Any:
        return collect(oxen.run_many(requests, **options))

    return sorted(run(step, base_url=hub.url), key=lambda outcome: outcome.index)


def make_unknown(run: ClientRunner, hub: Hub, journal: Path, requests: list[Any], fault: Any) -> None:
    """Send requests whose responses are lost."""
    hub.inject_fault(fault, times=len(requests), method="POST", path=QUEUE)
    for outcome in run_all(run, hub, requests, journal=journal):
        assert type(outcome.error) is ox.OutcomeUnknownError
    hub.clear()


REQUESTS = [
    QwenImageRequest(prompt="an ox", seed=4),
    QwenImageRequest(prompt="an ox", seed=5),
    QwenImageEditPlusRequest(prompt="add a hat", input_image=["https://example.com/ox.png"]),
]


@pytest.mark.slow
def test_accepted_requests_are_adopted(run: ClientRunner, hub: Hub, journal: Path) -> None:
    """The jobs of accepted requests are recorded; the next run waits for them and sends nothing."""
    make_unknown(run, hub, journal, REQUESTS, ACCEPTED)
    found = run(lambda oxen: oxen.reconcile(journal), base_url=hub.url)
    assert (len(found.adopted), found.unresolved) == (len(REQUESTS), ())
    assert {entry.state for entry in read(journal)} == {"accepted"}
    hub.clear()
    outcomes = run_all(run, hub, REQUESTS, journal=journal)
    assert [outcome.error for outcome in outcomes] == [None] * len(REQUESTS)
    assert {outcome.job_id for outcome in outcomes} == {entry.job_id for entry in found.adopted}
    assert hub.count("POST", "/") == 0


@pytest.mark.slow
def test_media_are_compared(run: ClientRunner, hub: Hub, journal: Path) -> None:
    """A job with equal media is adopted; if they cannot be compared, the job is listed."""
    requests = [
        QwenImageEditPlusRequest(prompt="add a hat", input_image=[Image.new("RGB", (8, 8), color)])
        for color in ("red", "blue")
    ]
    make_unknown(run, hub, journal, requests, ACCEPTED)
    with run_raw_server() as server:
        history = HISTORY.replace("qwen-image", "qwen-image-edit-plus")
        body = httpx.get(f"{hub.url}{history}", headers=AUTHORIZATION).json()
        blue, red = body["generations"]
        red["input_image"] = requests[0].body()["input_image"]
        blue["input_image"] = [f"{server.url}/copy.png"]
        server.responses[QUEUE] = [Response(200, {"count": 0, "generations": []})]
        server.responses[history] = [Response(200, body)]
        found = run(lambda oxen: oxen.reconcile(journal), base_url=server.url)
    assert [entry.job_id for entry in found.adopted] == [red["generation_id"]]
    [unresolved] = found.unresolved
    assert found.possible_jobs == {unresolved.key: (blue["generation_id"],)}


@pytest.mark.slow
def test_run_reconciles_before_it_starts(run: ClientRunner, hub: Hub, journal: Path) -> None:
    """With `reconcile`, a run adopts the jobs of accepted requests, and reports the others as unknown."""
    make_unknown(run, hub, journal, REQUESTS[:1], ACCEPTED)
    make_unknown(run, hub, journal, REQUESTS[1:2], LOST)
    first, second, *_ = run_all(run, hub, REQUESTS, journal=journal, reconcile=True)
    assert (first.error, type(second.error)) == (None, ox.OutcomeUnknownError)
    assert hub.count("POST", "/") == len(REQUESTS) - 2


@pytest.mark.slow
def test_equal_requests_share_their_jobs(run: ClientRunner, hub: Hub, journal: Path) -> None:
    """Of equal requests, as many are adopted as there are jobs."""
    make_unknown(run, hub, journal, REQUESTS[:1] * 2, ACCEPTED)
    found = run(lambda oxen: oxen.reconcile(journal), base_url=hub.url)
    assert len({entry.job_id for entry in found.adopted}) == 2


@pytest.mark.slow
def test_foreign_job_makes_a_match_uncertain(run: ClientRunner, hub: Hub, journal: Path) -> None:
    """If an equal request was submitted elsewhere, its job is not taken for that of the journal."""
    make_unknown(run, hub, journal, REQUESTS[:1], ACCEPTED)
    run(lambda oxen: oxen.submit(REQUESTS[0]), base_url=hub.url)
    found = run(lambda oxen: oxen.reconcile(journal), base_url=hub.url)
    assert (found.adopted, len(found.unresolved)) == ((), 1)
    assert {entry.state for entry in read(journal)} == {"unknown"}


@pytest.mark.slow
def test_job_of_another_request_is_not_adopted(run: ClientRunner, hub: Hub, journal: Path) -> None:
    """A job with other parameters, or one of another request of the journal, is not adopted."""
    run_all(run, hub, REQUESTS[:2], journal=journal)
    hub.inject_fault(LOST, times=1, method="POST", path=QUEUE)
    run_all(run, hub, REQUESTS[:1] * 2, journal=journal)
    found = run(lambda oxen: oxen.reconcile(journal), base_url=hub.url)
    assert (found.adopted, [entry.body["seed"] for entry in found.unresolved]) == ((), [4])


@pytest.mark.slow
def test_request_of_a_killed_run_is_adopted(run: ClientRunner, hub: Hub, journal: Path) -> None:
    """A request that a killed run was sending has an unknown outcome, too."""
    other = journal.with_name("other.db")
    make_unknown(run, hub, other, REQUESTS[:1], LOST)
    [entry] = read(other)
    with Journal(journal) as killed:
        killed.sending(entry.key, entry.digest, entry.model, entry.body)
    job = run(lambda oxen: oxen.submit(REQUESTS[0]), base_url=hub.url)
    found = run(lambda oxen: oxen.reconcile(journal), base_url=hub.url)
    assert [entry.job_id for entry in found.adopted] == [job.id]


def test_missing_journal_raises(run: ClientRunner, hub: Hub, journal: Path) -> None:
    """A journal that does not exist raises, and is not created."""
    with pytest.raises(ox.JournalError, match="no such journal"):
        run(lambda oxen: oxen.reconcile(journal), base_url=hub.url)
    assert not journal.exists()


@pytest.mark.slow
def test_failed_search_changes_nothing(run: ClientRunner, hub: Hub, journal: Path) -> None:
    """If the queue cannot be listed, the error is raised and the journal is unchanged."""
    make_unknown(run, hub, journal, REQUESTS[:1], ACCEPTED)
    hub.respond_next(403, body={"error": "no"}, times=None, method="GET", path=QUEUE)
    with pytest.raises(ox.PermissionDeniedError):
        run(lambda oxen: oxen.reconcile(journal), base_url=hub.url)
    assert {entry.state for entry in read(journal)} == {"unknown"}


@pytest.mark.slow
@pytest.mark.async_values
@pytest.mark.parametrize(
    ("hours", "minutes", "date"),
    [
        (-3, 0, None),
        (3, 10, None),
        (3, 16, None),
        (3, -60, None),
        (0, 0, "Thu, 01 Jan 2026 00:00:00 +9999999999999999999"),
        (0, 0, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ],
)
def test_difference_of_the_clocks_is_considered(
    run: ClientRunner, hub: Hub, journal: Path, hours: int, minutes: int, date: str | None
) -> None:
    """A job is enqueued up to 15 minutes after its request, by the clock in a valid header `Date`."""
    make_unknown(run, hub, journal, REQUESTS[:1], ACCEPTED)
    with run_raw_server() as server:
        [record] = httpx.get(f"{hub.url}{HISTORY}", headers=AUTHORIZATION).json()["generations"]
        server_time = time.time() + hours * 3600
        headers = {"Date": date or formatdate(server_time, usegmt=True)}
        record |= {"enqueued_at": int(server_time) + minutes * 60}
        server.responses[QUEUE] = [Response(200, {"count": 0, "generations": []}, headers)]
        server.responses[HISTORY] = [Response(200, {"count": 1, "generations": [record]}, headers)]
        found = run(lambda oxen: oxen.reconcile(journal), base_url=server.url)
    expected = [record["generation_id"]] if minutes in (0, 10) else []
    assert [entry.job_id for entry in found.adopted] == expected
