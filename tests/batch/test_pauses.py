"""Rate limits and outages of a run: the run pauses, probes and resumes."""

from __future__ import annotations

import logging
import socket
from collections import Counter
from operator import methodcaller
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.scenario import collect
from oxen_models.images import QwenImageRequest, ZImageTurboRequest
from oxen_models.journal import read
from oxen_models.testing import Hub

QUEUE = "/api/ai/queue"
IN_FLIGHT = 8
REQUESTS = [QwenImageRequest(prompt=f"number {index}") for index in range(12)]


@pytest.fixture
def hub(own_hub: Hub) -> Hub:
    """A hub for each test, because the tests count its requests."""
    return own_hub


def run_all(run: ClientRunner, url: str, requests: Any = REQUESTS, **options: Any) -> list[Any]:
    """Return the outcomes of a run. `client` has the options of the client."""
    client = options.pop("client", {})
    step = methodcaller("run_many", requests, **{"max_in_flight": IN_FLIGHT, **options})
    outcomes: list[Any] = run(lambda oxen: collect(step(oxen)), base_url=url, **client)
    return outcomes


@pytest.mark.slow
@pytest.mark.async_values
@pytest.mark.parametrize("limited", [12, 1])
def test_rate_limited_run_sends_all(run: ClientRunner, hub: Hub, limited: int) -> None:
    """Rejected requests are sent again, few while the limit lasts, and no request fails."""
    headers = {"Retry-After": "0.05"}
    hub.respond_next(429, headers=headers, times=limited, method="POST", path=QUEUE)
    outcomes = run_all(run, hub.url, client={"max_retries": 100})
    assert [outcome.error for outcome in outcomes] == [None] * len(REQUESTS)
    assert hub.count("POST", "/") == len(REQUESTS) + limited


@pytest.mark.slow
def test_requests_wait_during_a_pause(run: ClientRunner, hub: Hub) -> None:
    """While a run pauses, only those requests are rejected that were in transmission when it began."""
    hub.respond_next(429, headers={"Retry-After": "0.05"}, times=None, method="POST", path=QUEUE)
    outcomes = run_all(run, hub.url, client={"max_retries": 1})
    assert {type(outcome.error) for outcome in outcomes} == {ox.RateLimitError}
    bodies: list[Any] = [request.body for request in hub.requests if request.method == "POST"]
    posts = Counter(body["prompt"] for body in bodies)
    assert set(posts.values()) == {2}


@pytest.mark.slow
@pytest.mark.async_values
@pytest.mark.parametrize("status", [503, 524])
def test_outage_leaves_few_requests_unknown(run: ClientRunner, hub: Hub, tmp_path: Path, status: int) -> None:
    """During an outage, no requests are sent but GET requests; only those in transmission are unknown."""
    hub.respond_next(status, body="<h1>Bad gateway</h1>", times=IN_FLIGHT, method="POST", path=QUEUE)
    hub.respond_next(status, body="<h1>Bad gateway</h1>", times=2, method="GET", path=QUEUE)
    outcomes = run_all(run, hub.url, journal=tmp_path / "run.db")
    unknown = [outcome for outcome in outcomes if outcome.error is not None]
    assert {type(outcome.error) for outcome in unknown} == {ox.ServerError}
    assert len(unknown) <= IN_FLIGHT
    assert len(outcomes) == len(REQUESTS) == hub.count("POST", "/")
    states = Counter(entry.state for entry in read(tmp_path / "run.db"))
    assert states == {"succeeded": len(REQUESTS) - len(unknown), "unknown": len(unknown)}


@pytest.mark.slow
def test_probe_rejected_by_a_proxy_is_an_outage(run: ClientRunner, hub: Hub) -> None:
    """No request is sent while a proxy cannot reach the server, although it responds."""
    hub.respond_next(502, method="POST", path=QUEUE)
    hub.respond_next(502, times=None, method="GET", path=QUEUE)
    outcomes = run_all(run, hub.url, REQUESTS[:3], max_in_flight=1, client={"max_retries": 0})
    names = [type(outcome.error).__name__ for outcome in outcomes]
    assert names == ["ServerError", "HubUnreachableError", "HubUnreachableError"]
    assert hub.count("POST", "/") == 1


@pytest.mark.async_values
@pytest.mark.parametrize("status", [400, 500, 502])
def test_thread_error_of_the_server_is_final(run: ClientRunner, hub: Hub, status: int) -> None:
    """A response with the text of a local error of threads does not make the run send the request again."""
    hub.respond_next(status, body={"error": "can't start new thread"}, method="POST", path=QUEUE)
    [outcome] = run_all(run, hub.url, REQUESTS[:1])
    assert isinstance(outcome.error, ox.APIError)
    assert hub.count("POST", "/") == 1


def test_unusable_response_does_not_pause_a_run(
    run: ClientRunner, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    """A response without a job is an outcome of its request; the server can be reached."""
    caplog.set_level(logging.INFO, "oxen_models")
    hub.respond_next(200, body={}, method="POST", path=QUEUE)
    [outcome] = run_all(run, hub.url, REQUESTS[:1])
    assert isinstance(outcome.error, ox.OutcomeUnknownError)
    assert "the run pauses" not in caplog.text


def test_rate_limit_above_an_hour_is_final(run: ClientRunner, hub: Hub) -> None:
    """A request whose `Retry-After` is above the maximum of a pause is not sent again."""
    hub.respond_next(429, headers={"Retry-After": "3601"}, method="POST", path=QUEUE)
    [outcome] = run_all(run, hub.url, REQUESTS[:1])
    assert (type(outcome.error), outcome.error.retry_after) == (ox.RateLimitError, 3601)


@pytest.mark.slow
def test_run_without_server_fails_each_request(run: ClientRunner) -> None:
    """If the server cannot be reached at all, each request fails, and says that nothing was sent."""
    with socket.socket() as closed_port:  # reserved, so that no other process listens there
        closed_port.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed_port.getsockname()[1]}"
        outcomes = run_all(run, url, client={"max_retries": 0})
    assert {type(outcome.error) for outcome in outcomes} == {ox.HubUnreachableError}
    assert all("nothing was sent" in str(outcome.error) for outcome in outcomes)


@pytest.mark.slow
def test_run_that_only_fails_is_stopped(run: ClientRunner, hub: Hub) -> None:
    """A run ends with an error after `max_consecutive_failures`, and sends no further requests."""
    hub.respond_next(400, body={"error": "no"}, times=None, method="POST", path=QUEUE)
    with pytest.raises(ox.RunStoppedError, match="3 requests in a row failed; the last error: no"):
        run_all(run, hub.url, max_consecutive_failures=3)
    assert hub.count("POST", "/") <= 3 + IN_FLIGHT


@pytest.mark.slow
def test_failures_in_a_row_are_counted(run: ClientRunner, hub: Hub) -> None:
    """A success between two failures lets a run go on."""
    hub.remove_model("z-image-turbo")
    requests = [QwenImageRequest(prompt="x"), ZImageTurboRequest(prompt="x")] * 3
    outcomes = run_all(run, hub.url, requests, max_in_flight=1, max_consecutive_failures=2)
    assert [outcome.error is None for outcome in outcomes] == [True, False] * 3


@pytest.mark.slow
@pytest.mark.async_values
@pytest.mark.parametrize(("of_run", "of_client"), [(1, 60), (60, 1), (None, 1)])
def test_lower_timeout_ends_a_request(
    run: ClientRunner, hub: Hub, of_run: float | None, of_client: float
) -> None:
    """A request without a response ends at the timeout of the run or of the client, and is sent once."""
    hub.inject_fault("slow", 30, times=1, method="POST", path=QUEUE)
    [outcome] = run_all(run, hub.url, REQUESTS[:1], timeout=of_run, client={"timeout": of_client})
    assert isinstance(outcome.error, ox.OutcomeUnknownTimeout)
    assert hub.count("POST", "/") == 1


@pytest.mark.slow
def test_timeout_bounds_the_wait_for_a_job(run: ClientRunner, hub: Hub) -> None:
    """`timeout` of a run includes the wait for the job, which continues."""
    hub.inject_fault("job-stuck")

    def step(oxen: Any) -> Any:
        outcomes = oxen.run_many(REQUESTS[:1], timeout=0.2)
        return list(outcomes) if not run.asynchronous else anext(outcomes)

    outcome = run(step, base_url=hub.url)
    outcome = outcome if run.asynchronous else outcome[0]
    assert isinstance(outcome.error, ox.JobTimeout)
    assert outcome.error.generation_id == outcome.job_id


class ReadTwiceError(Exception):
    """An iterator was read after its end."""


@pytest.mark.slow
def test_iterator_is_not_read_after_its_end(run: ClientRunner, hub: Hub) -> None:
    """An iterator of requests is not read again once it has ended."""

    class Once:
        def __init__(self) -> None:
            self._items = iter(REQUESTS[:3])
            self._has_ended = False

        def __iter__(self) -> Once:
            return self

        def __next__(self) -> QwenImageRequest:
            if self._has_ended:
                raise ReadTwiceError
            try:
                return next(self._items)
            except StopIteration:
                self._has_ended = True
                raise

    assert len(run_all(run, hub.url, Once())) == 3


@pytest.mark.slow
def test_outcome_errors_keep_no_frames(run: ClientRunner, hub: Hub) -> None:
    """The errors of outcomes have no tracebacks, whose frames would keep the bodies of requests."""
    hub.respond_next(400, body={"error": "no"}, times=None, method="POST", path=QUEUE)
    for outcome in run_all(run, hub.url):
        error = outcome.error
        assert (error.__traceback__, error.__context__, error.__cause__) == (None, None, None)
