"""How many requests that cost money arrive, whatever goes wrong, and what the caller is told."""

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
SENT: dict[str, Any] = {"prompt": "Add a hat", "input_image": ["https://example.com/dog.png"]}
PAST = "Wed, 21 Oct 2015 07:28:00 GMT"
RETRIES = "oxen_models._runtime.retries"


def edit(oxen: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.edit(**SENT)


def submit(oxen: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.submit(**SENT)


def run(oxen: Any) -> Any:
    """The result of one request among many, or its error."""
    outcomes = oxen.run_many([QwenImageEditPlusRequest(**SENT)])
    if isinstance(oxen, ox.Oxen):
        return told(list(outcomes))

    async def awaited() -> Any:
        return told([outcome async for outcome in outcomes])

    return awaited()


def told(outcomes: list[Any]) -> Any:
    [outcome] = outcomes
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


@dataclass(frozen=True)
class Way:
    """A call that costs money."""

    call: Callable[[Any], Any]
    path: str
    retries: int
    """Where the client is told 1."""


WAYS = {"call": Way(edit, EDIT, 1), "submit": Way(submit, QUEUE, 1), "run_many": Way(run, QUEUE, 10)}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Each way to ask for the same picture."""
    return WAYS[request.param]


@pytest.fixture(scope="module")
def running() -> Iterator[Hub]:
    with Hub(speed=100) as running:
        yield running


@pytest.fixture
def hub(running: Hub) -> Hub:
    """One for all tests of this module: to start one each takes most of the time."""
    running.clear()
    return running


def posts(hub: Hub) -> list[str]:
    """Where requests that cost money arrived, cut ones among them."""
    return [received.path for received in hub.requests if received.method == "POST"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for but what the hub asks for."""
    monkeypatch.setattr(f"{RETRIES}.INITIAL_DELAY", 0.0)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for without being asked is waited for in vain."""
    monkeypatch.setattr(f"{RETRIES}.INITIAL_DELAY", 1000.0)


def answer(hub: Hub, way: Way, status: int, body: object = None, **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    hub.respond_next(status, body=body, headers=named, method="POST", path=way.path)


Kind = type[ox.OxenError]
PAGE = "<html><h1>502 Bad Gateway</h1></html>"
ANSWERS: list[tuple[int, object, Kind, Kind]] = [
    (500, {"error": "it broke"}, ox.ServerError, ox.ServerError),
    (502, PAGE, ox.ServerError, ox.ServerError),
    (503, None, ox.ServerError, ox.ServerError),
    (504, PAGE, ox.ServerError, ox.ServerError),
    (408, {"error": "too slow"}, ox.APIError, ox.APIError),
    (409, {"error": "no"}, ox.ConflictError, ox.ConflictError),
    (400, {"error": "no"}, ox.BadRequestError, ox.BadRequestError),
    (422, {"error": "no"}, ox.UnprocessableError, ox.UnprocessableError),
    (401, {"error": "no"}, ox.AuthenticationError, ox.AuthenticationError),
    (403, {"error": "no"}, ox.PermissionDeniedError, ox.PermissionDeniedError),
    (404, {"error": "no"}, ox.NotFoundError, ox.NotFoundError),
    (307, None, ox.APIError, ox.APIError),
    (200, {"error": "no"}, ox.APIError, ox.APIError),
    (200, PAGE, ox.UnexpectedResponseError, ox.OutcomeUnknownError),
    (200, None, ox.UnexpectedResponseError, ox.OutcomeUnknownError),
    (200, {"generations": []}, ox.UnexpectedResponseError, ox.OutcomeUnknownError),
    (200, {"generations": [{"status": "queued"}]}, ox.UnexpectedResponseError, ox.OutcomeUnknownError),
]


@pytest.mark.parametrize(("status", "body", "of_call", "of_queue"), ANSWERS)
def test_an_answer_is_final(
    run: ClientRunner,
    hub: Hub,
    way: Way,
    slow: None,
    status: int,
    body: object,
    of_call: Kind,
    of_queue: Kind,
) -> None:
    answer(hub, way, status, body, Retry_After="0", Location=f"{hub.url}{way.path}")
    expected = of_call if way.call is edit else of_queue
    error = run.expect_error(expected, way.call, base_url=hub.url)
    assert type(error) is expected
    assert ("may have been accepted" in str(error)) == (expected is ox.OutcomeUnknownError)
    assert posts(hub) == [way.path]


@pytest.mark.parametrize("before", [0, 1], ids=["at once", "after 429"])
@pytest.mark.parametrize("fault", ["cut-before-body", "cut-before-response", "cut-mid-response"])
def test_what_was_cut_may_have_been_accepted(
    run: ClientRunner, hub: Hub, way: Way, fault: Any, before: int
) -> None:
    if before:
        answer(hub, way, 429, Retry_After="0")
    hub.inject_fault(fault, times=1, method="POST", path=way.path)
    error = run.expect_error(ox.OutcomeUnknownError, way.call, base_url=hub.url)
    assert type(error) is ox.OutcomeUnknownError
    assert "may have been accepted" in str(error)
    assert posts(hub) == [way.path] * (before + 1)


def test_what_is_not_answered_in_time_may_have_been_accepted(run: ClientRunner, hub: Hub, way: Way) -> None:
    hub.inject_fault("slow", 5.0, times=1, method="POST", path=way.path)
    error = run.expect_error(ox.OutcomeUnknownTimeout, way.call, base_url=hub.url, timeout=0.3)
    assert isinstance(error, TimeoutError)
    assert "may have been accepted" in str(error)
    assert posts(hub) == [way.path]


@pytest.mark.parametrize("headers", [{}, {"Retry_After": "soon"}, {"Retry_After": ""}])
def test_turned_away_is_sent_again(
    run: ClientRunner, hub: Hub, way: Way, impatient: None, headers: dict[str, str]
) -> None:
    for _ in range(2):
        answer(hub, way, 429, {"error": "too many"}, **headers)
    run(way.call, base_url=hub.url)
    assert posts(hub) == [way.path] * 3


@pytest.mark.parametrize("value", ["0", "-1", "0.0", PAST])
def test_turned_away_for_no_time_is_sent_again_at_once(
    run: ClientRunner, hub: Hub, way: Way, slow: None, value: str
) -> None:
    answer(hub, way, 429, Retry_After=value)
    run(way.call, base_url=hub.url)
    assert posts(hub) == [way.path] * 2


def test_turned_away_for_a_time_is_sent_again_after_it(
    run: ClientRunner, hub: Hub, way: Way, impatient: None
) -> None:
    answer(hub, way, 429, Retry_After="0.1")
    began = time.monotonic()
    run(way.call, base_url=hub.url)
    assert time.monotonic() - began >= 0.1
    assert posts(hub) == [way.path] * 2


@pytest.mark.parametrize(
    ("value", "seconds", "timeout"),
    [("61.5", 61.5, None), ("4", 4, 3), ("date", 3600, None)],
    ids=["long", "longer than the caller waits", "date"],
)
def test_turned_away_for_too_long_is_told_at_once(
    run: ClientRunner, hub: Hub, way: Way, value: str, seconds: float, timeout: float | None
) -> None:
    is_date = value == "date"
    said = formatdate(time.time() + seconds, usegmt=True) if is_date else value
    answer(hub, way, 429, Retry_After=said)
    error = run.expect_error(ox.RateLimitError, way.call, base_url=hub.url, timeout=timeout)
    assert error.retry_after == pytest.approx(seconds, abs=120 if is_date else 0)
    assert posts(hub) == [way.path]


def test_turned_away_again_and_again_is_told_in_the_end(run: ClientRunner, hub: Hub, way: Way) -> None:
    hub.respond_next(429, headers={"Retry-After": "0"}, times=1 + way.retries, method="POST", path=way.path)
    error = run.expect_error(ox.RateLimitError, lambda oxen: oxen.with_options(max_retries=1), way.call,
                         base_url=hub.url)  # fmt: skip
    assert error.status == 429
    assert posts(hub) == [way.path] * (1 + way.retries)


def test_without_retries_nothing_is_sent_again(run: ClientRunner, hub: Hub) -> None:
    for way in (WAYS["call"], WAYS["submit"]):
        answer(hub, way, 429, Retry_After="0")
        run.expect_error(ox.RateLimitError, way.call, base_url=hub.url, max_retries=0)
    assert posts(hub) == [EDIT, QUEUE]


def test_no_free_connection_in_time(run: ClientRunner, hub: Hub) -> None:
    """The one of the caller's pool is busy: the request never left it."""

    @scenario
    def steps(oxen: Any) -> Steps:
        busy = yield http.send(http.build_request("GET", hub.url), stream=True)
        try:
            yield oxen.images.qwen_image_edit_plus.edit(**SENT, timeout=0.05)
        finally:
            yield busy.aclose() if run.asynchronous else busy.close()

    http = run.make_http_client(limits=httpx.Limits(max_connections=1))
    error = run.expect_error(ox.HubTimeoutError, steps, base_url=hub.url, http_client=http)
    assert type(error) is ox.HubTimeoutError
    assert str(error).endswith("nothing was sent")
    assert posts(hub) == []


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    """A port where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


def is_refusal(record: logging.LogRecord) -> bool:
    return all(word in record.getMessage() for word in ("POST", "ConnectError"))


def test_nobody_listens(
    run: ClientRunner, way: Way, impatient: None, bound: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "oxen_models")
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    error = run.expect_error(
        ox.HubUnreachableError, lambda oxen: oxen.with_options(max_retries=1), way.call, base_url=url
    )
    assert isinstance(error, ConnectionError)
    assert (url in str(error), str(error).endswith("nothing was sent")) == (True, True)
    assert sum(map(is_refusal, caplog.records)) == 1 + way.retries


def test_nobody_listens_at_first(
    run: ClientRunner, way: Way, impatient: None, bound: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "oxen_models")
    port = bound.getsockname()[1]
    with ExitStack() as stack:
        hubs: list[Hub] = []

        def listen(record: logging.LogRecord) -> bool:
            if is_refusal(record) and not hubs:
                bound.close()
                hubs.append(stack.enter_context(Hub(port=port, speed=100)))
            return True

        log = logging.getLogger("oxen_models")
        log.addFilter(listen)
        stack.callback(log.removeFilter, listen)
        run(way.call, base_url=f"http://127.0.0.1:{port}")
        [hub] = hubs
        assert posts(hub) == [way.path]
