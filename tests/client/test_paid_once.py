"""The number of billable requests that arrive under each fault, and the errors that are raised."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import httpx
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import EDIT
from helpers.scenario import Steps, scenario
from oxen_models.images.qwen_image_edit_plus import QwenImageEditPlusRequest
from oxen_models.testing import Hub

QUEUE = "/api/ai/queue"
GENERATE = "/api/ai/images/generate"
PARAMETERS: dict[str, Any] = {"prompt": "Add a hat", "input_image": ["https://example.com/dog.png"]}
PAST = "Wed, 21 Oct 2015 07:28:00 GMT"
INVALID_DATE = "Wed, 21 Oct 2015 07:28:00 +999999999999999"
RETRIES = "oxen_models._runtime.retries"


def edit(oxen: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.edit(**PARAMETERS)


def submit(oxen: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.submit(**PARAMETERS)


def run_batch(oxen: Any) -> Any:
    """Return the result of a batch of one request, or raise its error."""
    outcomes = oxen.run_many([QwenImageEditPlusRequest(**PARAMETERS)])
    if isinstance(oxen, ox.Oxen):
        return result_of(list(outcomes))

    async def run_async() -> Any:
        return result_of([outcome async for outcome in outcomes])

    return run_async()


def result_of(outcomes: list[Any]) -> Any:
    [outcome] = outcomes
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


@dataclass(frozen=True)
class Operation:
    """A call that sends a billable request."""

    call: Callable[[Any], Any]
    path: str


OPERATIONS = {
    "call": Operation(edit, EDIT),
    "submit": Operation(submit, QUEUE),
    "run_many": Operation(run_batch, QUEUE),
}


@pytest.fixture(params=OPERATIONS)
def operation(request: pytest.FixtureRequest) -> Operation:
    """Each call for the same request."""
    return OPERATIONS[request.param]


def posts(hub: Hub) -> list[str]:
    """Return the paths of all POST requests, including interrupted ones."""
    return [received.path for received in hub.requests if received.method == "POST"]


@pytest.fixture
def no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without a delay, unless the server requests one."""
    monkeypatch.setattr(f"{RETRIES}.INITIAL_DELAY", 0.0)


@pytest.fixture
def long_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each retry wait longer than the timeout, unless the server requests a delay."""
    monkeypatch.setattr(f"{RETRIES}.INITIAL_DELAY", 1000.0)


def respond(hub: Hub, operation: Operation, status: int, body: object = None, **headers: str) -> None:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    hub.respond_next(status, body=body, headers=headers, method="POST", path=operation.path)


Kind = type[ox.OxenError]
PAGE = "<html><h1>502 Bad Gateway</h1></html>"
RESPONSES: list[tuple[int, object, Kind, Kind]] = [
    (500, {"error": "it broke"}, ox.ServerError, ox.ServerError),
    (502, PAGE, ox.ServerError, ox.ServerError),
    (503, None, ox.ServerError, ox.ServerError),
    (504, PAGE, ox.ServerError, ox.ServerError),
    (408, {"error": "too slow"}, ox.APIError, ox.APIError),
    (425, None, ox.APIError, ox.APIError),
    (507, None, ox.ServerError, ox.ServerError),
    (530, PAGE, ox.ServerError, ox.ServerError),
    (409, {"error": "no"}, ox.ConflictError, ox.ConflictError),
    (400, {"error": "no"}, ox.BadRequestError, ox.BadRequestError),
    (422, {"error": "no"}, ox.UnprocessableError, ox.UnprocessableError),
    (401, {"error": "no"}, ox.AuthenticationError, ox.AuthenticationError),
    (403, {"error": "no"}, ox.PermissionDeniedError, ox.PermissionDeniedError),
    (404, {"error": "Model not found"}, ox.NotFoundError, ox.NotFoundError),
    (307, None, ox.OutcomeUnknownError, ox.OutcomeUnknownError),
    (200, {"error": "no"}, ox.APIError, ox.OutcomeUnknownError),
    (200, PAGE, ox.UnexpectedResponseError, ox.OutcomeUnknownError),
    (200, None, ox.UnexpectedResponseError, ox.OutcomeUnknownError),
    (200, {"generations": []}, ox.UnexpectedResponseError, ox.OutcomeUnknownError),
    (200, {"generations": [{"status": "queued"}, 5]}, ox.UnexpectedResponseError, ox.OutcomeUnknownError),
]


@pytest.mark.async_values
@pytest.mark.parametrize(("status", "body", "call_error", "queue_error"), RESPONSES)
def test_response_is_not_retried(
    run: ClientRunner,
    hub: Hub,
    long_retry_delay: None,
    status: int,
    body: object,
    call_error: Kind,
    queue_error: Kind,
) -> None:
    """No response but 429 is retried, whatever Retry-After and Location say."""
    for operation in OPERATIONS.values():
        hub.clear()
        respond(hub, operation, status, body, Retry_After="0", Location=f"{hub.url}{operation.path}")
        expected = call_error if operation.call is edit else queue_error
        error = run.expect_error(expected, operation.call, base_url=hub.url)
        assert type(error) is expected
        assert ("may have been accepted" in str(error)) == (expected is ox.OutcomeUnknownError)
        assert posts(hub) == [operation.path]


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("status", "kind"), [(404, ox.NotFoundError), (500, ox.ServerError), (422, ox.UnprocessableError)]
)
def test_missing_path_is_tried_at_the_other_once(
    run: ClientRunner, hub: Hub, long_retry_delay: None, status: int, kind: Kind
) -> None:
    """After a 404 for the path, a call is sent once to the equivalent path, and never a third time."""
    hub.respond_next(404, body={"error": "Not found"}, times=None, method="POST", path=EDIT)
    hub.respond_next(status, body={"error": "no"}, times=None, method="POST", path=GENERATE)
    assert type(run.expect_error(kind, edit, base_url=hub.url)) is kind
    assert posts(hub) == [EDIT, GENERATE]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["submit", "run_many"])
def test_missing_path_of_the_queue_is_final(
    run: ClientRunner, hub: Hub, long_retry_delay: None, name: str
) -> None:
    """The queue has no equivalent path, so a 404 for its path is not sent again."""
    respond(hub, OPERATIONS[name], 404, {"error": "Not found"})
    run.expect_error(ox.NotFoundError, OPERATIONS[name].call, base_url=hub.url)
    assert posts(hub) == [QUEUE]


@pytest.mark.parametrize(
    ("fault", "before"),
    [("cut-before-body", 0), ("cut-before-response", 0), ("cut-mid-response", 0), ("cut-before-response", 1)],
)
def test_interrupted_request_has_unknown_outcome(
    run: ClientRunner, hub: Hub, operation: Operation, fault: Any, before: int
) -> None:
    """A connection that is closed after sending raises OutcomeUnknownError, also after a retry."""
    if before:
        respond(hub, operation, 429, Retry_After="0")
    hub.inject_fault(fault, times=1, method="POST", path=operation.path)
    error = run.expect_error(ox.OutcomeUnknownError, operation.call, base_url=hub.url)
    assert type(error) is ox.OutcomeUnknownError
    assert "may have been accepted" in str(error)
    assert posts(hub) == [operation.path] * (before + 1)


@pytest.mark.slow
def test_timed_out_request_has_unknown_outcome(run: ClientRunner, hub: Hub, operation: Operation) -> None:
    """A request without a response before the timeout raises OutcomeUnknownTimeout and is not retried."""

    @scenario
    def steps(oxen: Any) -> Steps:
        yield operation.call(oxen)  # opens the connections, so that the timeout applies to the response only
        hub.inject_fault("slow", 3600.0, times=1, method="POST", path=operation.path)
        yield operation.call(oxen.with_options(timeout=0.3))

    error = run.expect_error(ox.OutcomeUnknownTimeout, steps, base_url=hub.url)
    assert isinstance(error, TimeoutError)
    assert "may have been accepted" in str(error)
    assert posts(hub) == [operation.path] * 2


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("headers", [{}, *({"Retry_After": value} for value in ("soon", "", INVALID_DATE))])
def test_429_is_retried_with_backoff(
    run: ClientRunner, hub: Hub, no_retry_delay: None, headers: dict[str, str]
) -> None:
    """A 429 without a valid Retry-After is retried."""
    for operation in OPERATIONS.values():
        hub.clear()
        for _ in range(2):
            respond(hub, operation, 429, {"error": "too many"}, **headers)
        run(operation.call, base_url=hub.url)
        assert posts(hub) == [operation.path] * 3


@pytest.mark.async_values
@pytest.mark.parametrize("value", ["0", "-1", "0.0", PAST])
def test_429_without_delay_is_retried_at_once(
    run: ClientRunner, hub: Hub, long_retry_delay: None, value: str
) -> None:
    """A Retry-After of zero, a negative one, or a date in the past means no delay."""
    for operation in OPERATIONS.values():
        hub.clear()
        respond(hub, operation, 429, Retry_After=value)
        run(operation.call, base_url=hub.url)
        assert posts(hub) == [operation.path] * 2


@pytest.mark.slow
def test_429_is_retried_after_its_delay(
    run: ClientRunner, hub: Hub, operation: Operation, no_retry_delay: None
) -> None:
    """A retry waits for the seconds in Retry-After."""
    respond(hub, operation, 429, Retry_After="0.1")
    began = time.monotonic()
    run(operation.call, base_url=hub.url)
    assert time.monotonic() - began >= 0.1
    assert posts(hub) == [operation.path] * 2


@pytest.mark.async_values
@pytest.mark.parametrize("name", ["call", "submit"])
@pytest.mark.parametrize(
    ("value", "seconds", "timeout"),
    [("61.5", 61.5, None), ("40", 40, 30), ("date", 3600, None)],
    ids=["long", "beyond the timeout", "date"],
)
def test_429_with_long_delay_raises_at_once(
    run: ClientRunner, hub: Hub, name: str, value: str, seconds: float, timeout: float | None
) -> None:
    """A Retry-After beyond a minute or the caller's timeout raises RateLimitError without waiting."""
    operation = OPERATIONS[name]
    is_date = value == "date"
    retry_after = formatdate(time.time() + seconds, usegmt=True) if is_date else value
    respond(hub, operation, 429, Retry_After=retry_after)
    error = run.expect_error(ox.RateLimitError, operation.call, base_url=hub.url, timeout=timeout)
    assert error.retry_after == pytest.approx(seconds, abs=120 if is_date else 0)
    assert posts(hub) == [operation.path]


def test_429_raises_after_max_retries(run: ClientRunner, hub: Hub, operation: Operation) -> None:
    """After the last retry, RateLimitError is raised."""
    hub.respond_next(429, headers={"Retry-After": "0"}, times=2, method="POST", path=operation.path)
    error = run.expect_error(
        ox.RateLimitError, lambda oxen: oxen.with_options(max_retries=1), operation.call, base_url=hub.url
    )
    assert error.status == 429
    assert posts(hub) == [operation.path] * 2


@pytest.mark.slow
def test_429_is_not_retried_without_retries(run: ClientRunner, hub: Hub) -> None:
    """With max_retries=0 a 429 is raised at once."""
    for operation in OPERATIONS.values():
        respond(hub, operation, 429, Retry_After="0")
        run.expect_error(ox.RateLimitError, operation.call, base_url=hub.url, max_retries=0)
    assert posts(hub) == [EDIT, QUEUE, QUEUE]


def test_pool_timeout_sends_nothing(run: ClientRunner, hub: Hub) -> None:
    """A request for which the caller's pool has no connection in time was not sent."""

    @scenario
    def steps(oxen: Any) -> Steps:
        busy = yield http.send(http.build_request("GET", hub.url), stream=True)
        try:
            yield oxen.images.qwen_image_edit_plus.edit(**PARAMETERS, timeout=0.05)
        finally:
            yield busy.aclose() if run.asynchronous else busy.close()

    http = run.make_http_client(limits=httpx.Limits(max_connections=1))
    error = run.expect_error(ox.HubTimeoutError, steps, base_url=hub.url, http_client=http)
    assert type(error) is ox.HubTimeoutError
    assert str(error).endswith("nothing was sent")
    assert posts(hub) == []


@pytest.fixture
def closed_port() -> Iterator[socket.socket]:
    """A bound port that refuses connections."""
    with socket.socket() as closed_port:
        closed_port.bind(("127.0.0.1", 0))
        yield closed_port


def is_connect_error(record: logging.LogRecord) -> bool:
    """Return whether a log record is about a refused connection of a POST request."""
    return all(word in record.getMessage() for word in ("POST", "ConnectError"))


def test_refused_connection_is_retried(
    run: ClientRunner,
    operation: Operation,
    no_retry_delay: None,
    closed_port: socket.socket,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A refused connection is retried, then raises an error that says that nothing was sent."""
    caplog.set_level(logging.DEBUG, "oxen_models")
    url = f"http://127.0.0.1:{closed_port.getsockname()[1]}"
    error = run.expect_error(
        ox.HubUnreachableError, lambda oxen: oxen.with_options(max_retries=1), operation.call, base_url=url
    )
    assert isinstance(error, ConnectionError)
    assert (url in str(error), str(error).endswith("nothing was sent")) == (True, True)
    attempts = sum(map(is_connect_error, caplog.records))
    assert attempts == (1 if operation.call is run_batch else 2)  # a run retries with GET requests


@pytest.mark.slow
def test_retry_after_refused_connection_succeeds(
    run: ClientRunner,
    operation: Operation,
    no_retry_delay: None,
    closed_port: socket.socket,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A request is sent once if the server accepts connections before the last retry."""
    caplog.set_level(logging.DEBUG, "oxen_models")
    port = closed_port.getsockname()[1]
    with ExitStack() as stack:
        hubs: list[Hub] = []

        def listen(record: logging.LogRecord) -> bool:
            if is_connect_error(record) and not hubs:
                closed_port.close()
                hubs.append(stack.enter_context(Hub(port=port, speed=100)))
            return True

        log = logging.getLogger("oxen_models")
        log.addFilter(listen)
        stack.callback(log.removeFilter, listen)
        run(operation.call, base_url=f"http://127.0.0.1:{port}")
        [hub] = hubs
        assert posts(hub) == [operation.path]
