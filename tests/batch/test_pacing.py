"""When a run may send: the states of `Pacer`, with a clock of the test."""

from __future__ import annotations

import pytest
from oxen_models._runtime.pacing import MAX_WINDOW, GateAction, Pacer

SEND, PROBE, FAIL = GateAction.SEND, GateAction.PROBE, GateAction.FAIL


def send_all(pacer: Pacer, now: float, limit: int = 1000) -> int:
    """Return the number of requests that may be sent at once."""
    count = 0
    while count < limit and pacer.next_action(now) is SEND:
        count += 1
    return count


def test_open_pacer_sends_without_limit() -> None:
    """Without a failure, every request is sent."""
    assert send_all(Pacer(3), 0.0) == 1000


@pytest.mark.parametrize("retry_after", [0.5, 61.0, 90.0, 3600.0])
def test_rate_limit_pauses_for_retry_after(retry_after: float) -> None:
    """After a 429, nothing is sent until `Retry-After` has passed; then one request is sent."""
    pacer = Pacer(3)
    assert pacer.next_action(0.0) is SEND
    pacer.on_rate_limited(0, retry_after, 10.0)
    assert pacer.next_action(10.0) == retry_after
    assert pacer.next_action(10.0 + retry_after - 0.1) == pytest.approx(0.1)
    assert send_all(pacer, 10.0 + retry_after) == 1


@pytest.mark.parametrize("retry_after", [3601.0, 1e300, float("inf")])
def test_pause_is_at_most_an_hour(retry_after: float) -> None:
    """A longer `Retry-After`, of a rate limit or of an outage, does not pause the run for longer."""
    for report, action in ((Pacer.on_rate_limited, SEND), (Pacer.on_outage, PROBE)):
        pacer = Pacer(3)
        assert pacer.next_action(0.0) is SEND
        report(pacer, 0, retry_after, 10.0)
        assert pacer.next_action(10.0) == 3600.0
        assert pacer.next_action(3610.0) is action


def test_window_grows_after_a_pause() -> None:
    """After a pause, each accepted request doubles the number of requests in transmission."""
    pacer = Pacer(3)
    pacer.next_action(0.0)
    pacer.on_rate_limited(0, 1.0, 0.0)
    for expected in (1, 2, 4, 8):
        assert send_all(pacer, 2.0) == expected
        pacer.on_accepted(1)
        for _ in range(expected - 1):
            pacer.on_not_sent()
    for _ in range(MAX_WINDOW):
        assert pacer.next_action(2.0) is SEND
        pacer.on_accepted(1)
    assert send_all(pacer, 2.0) == 1000


def test_late_rate_limits_are_one_pause() -> None:
    """Requests that were sent before a pause extend it, and do not count as failures after it."""
    pacer = Pacer(3)
    assert send_all(pacer, 0.0, 16) == 16
    for _ in range(14):
        pacer.on_rate_limited(0, None, 0.0)
    delay = pacer.next_action(0.0)
    assert isinstance(delay, float)
    assert delay <= 0.5
    pacer.on_rate_limited(0, 30.0, 0.0)
    assert pacer.next_action(0.0) == 30.0
    pacer.on_accepted(0)
    assert pacer.next_action(0.0) == 30.0
    assert send_all(pacer, 30.0) == 1


def test_backoff_grows_without_retry_after() -> None:
    """Without `Retry-After`, each pause in a row is longer, up to a minute; after a success, it is short."""
    pacer, now, delays = Pacer(3), 0.0, list[float]()
    for epoch in range(12):
        assert pacer.next_action(now) is SEND
        pacer.on_rate_limited(epoch, None, now)
        delay = pacer.next_action(now)
        assert isinstance(delay, float)
        delays.append(delay)
        now += delay
    assert delays[0] <= 0.5 < 4 < delays[4] <= 8
    assert max(delays) <= 60
    assert pacer.next_action(now) is SEND
    pacer.on_accepted(pacer.epoch)
    assert pacer.next_action(now) is SEND
    pacer.on_rate_limited(pacer.epoch, None, now)
    delay = pacer.next_action(now)
    assert isinstance(delay, float)
    assert delay <= 0.5


def test_outage_is_probed_without_billing() -> None:
    """After an outage, a GET request is sent first, and then one request."""
    pacer = Pacer(3)
    pacer.next_action(0.0)
    pacer.on_outage(0, None, 0.0)
    assert pacer.next_action(100.0) is PROBE
    assert pacer.on_probed(False, 100.0) is None
    assert isinstance(pacer.next_action(100.0), float)
    assert pacer.next_action(200.0) is PROBE
    assert pacer.on_probed(True, 200.0) is None
    assert send_all(pacer, 200.0) == 1


def test_long_outage_fails_each_request() -> None:
    """After too many failed probes, each request fails after one more, until one succeeds and resets them."""
    pacer, now = Pacer(2), 0.0
    pacer.next_action(now)
    pacer.on_outage(0, None, now)
    answers: list[GateAction | None] = []
    for _ in range(5):
        now += 1000.0
        assert pacer.next_action(now) is PROBE
        answers.append(pacer.on_probed(False, now))
    assert answers == [None, None, FAIL, FAIL, FAIL]
    assert pacer.next_action(now) is PROBE
    assert pacer.on_probed(True, now) is None
    assert pacer.next_action(now) is SEND
    pacer.on_outage(pacer.epoch, None, now)
    assert pacer.next_action(now + 1000) is PROBE
    assert pacer.on_probed(False, now + 1000) is None
