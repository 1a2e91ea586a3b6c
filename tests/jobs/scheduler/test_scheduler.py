"""The scheduler: which request a waiter sends, when, and how its wait ends."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import oxen_models as ox
import pytest
from oxen_models import OxenError
from oxen_models._runtime.cancellation import CancellationToken
from oxen_models._runtime.scheduler import (
    JobScheduler,
    PollAction,
    TrackedJob,
    WaitOutcome,
    WaitResult,
    default_wait_timeout,
)

from jobs.scheduler.samples import (
    FORBIDDEN,
    NEVER,
    SERVER_ERROR,
    TIMEOUT,
    UNAUTHENTICATED,
    UNREACHABLE,
    URL,
    FakeEvent,
    event,
    rate_limited,
    record,
)


def scheduler_with(
    *media_types: str | None, is_stream_open: bool = False
) -> tuple[JobScheduler, list[TrackedJob]]:
    """Return a scheduler and jobs of other processes that are awaited from time 0."""
    scheduler = JobScheduler()
    if is_stream_open:
        scheduler.on_connected()
    jobs = [
        scheduler.track(str(number), media_type, "queued", 0.0)
        for number, media_type in enumerate(media_types)
    ]
    for job in jobs:
        scheduler.add_waiter(job, FakeEvent(), 0.0)
    return scheduler, jobs


def sleep_time(scheduler: JobScheduler, job: TrackedJob, now: float) -> float:
    """Return the seconds to sleep; fail if there is something else to do."""
    action = scheduler.next_action(job, NEVER, now)
    assert isinstance(action, float)
    return action


def poll(
    scheduler: JobScheduler, job: TrackedJob, now: float, outcome: OxenError | str = "processing"
) -> None:
    """Poll a job, which must be due; `outcome` is an error or the status."""
    assert scheduler.next_action(job, NEVER, now) is PollAction.POLL
    if isinstance(outcome, str):
        scheduler.on_polled(job, record(outcome, url=URL), now)
    else:
        scheduler.on_poll_failed(job, outcome, NEVER, now)
    scheduler.poll_finished(job)


def outcome_of(scheduler: JobScheduler, job: TrackedJob, now: float) -> WaitOutcome | None:
    """Return how the wait ended; None if it continues."""
    action = scheduler.next_action(job, NEVER, now)
    return action.outcome if isinstance(action, WaitResult) else None


def list_queue(scheduler: JobScheduler, jobs: list[TrackedJob], now: float, *active: str) -> None:
    """List the queue, which must be due."""
    assert scheduler.next_action(jobs[0], NEVER, now) is PollAction.LIST
    scheduler.on_listed(scheduler.open_jobs(), dict.fromkeys(active, "processing"), now)


@pytest.mark.parametrize(("media_type", "seconds"), [("image", 3.0), ("video", 15.0), (None, 3.0)])
@pytest.mark.parametrize(("is_stream_open", "factor"), [(False, 1), (True, 4)])
@pytest.mark.parametrize("before", ["new", "polled", "failed", "limited", "listed"])
def test_poll_interval(
    media_type: str | None, seconds: float, is_stream_open: bool, factor: int, before: str
) -> None:
    """The interval depends on the media type and the stream, with jitter of 20 %."""
    outcomes: dict[str, OxenError | str] = {
        "polled": "processing",
        "failed": UNREACHABLE,
        "limited": rate_limited(None),
    }
    intervals: list[float] = []
    for _ in range(100):
        scheduler, _ = scheduler_with(is_stream_open=is_stream_open)
        epoch = int(is_stream_open) if before == "new" else None
        job = scheduler.track("0", media_type, "queued", 0.0, stream_epoch=epoch)
        scheduler.add_waiter(job, FakeEvent(), 0.0)
        if before == "listed":
            scheduler.on_listed([job], {"0": "queued"}, 0.0)
        elif before != "new":
            poll(scheduler, job, 0.0, outcomes[before])
        intervals.append(sleep_time(scheduler, job, 0.0) / seconds / factor)
    assert 0.8 <= min(intervals) < 0.9
    assert 1.1 < max(intervals) <= 1.2


@pytest.mark.parametrize("epoch", [0, 1])
def test_new_job_with_missed_event_is_polled_soon(epoch: int) -> None:
    """A job that was enqueued before the current connection is polled at the full rate."""
    scheduler, _ = scheduler_with(is_stream_open=True)
    scheduler.on_disconnected(0.0)
    scheduler.on_connected()
    job = scheduler.track("0", "image", "queued", 0.0, stream_epoch=epoch)
    assert sleep_time(scheduler, job, 0.0) <= 3.6


def test_disconnect_restores_full_poll_rate() -> None:
    """Without the stream, jobs are polled at the full rate again."""
    scheduler, [image, video] = scheduler_with("image", "video", is_stream_open=True)
    for job in (image, video):
        poll(scheduler, job, 0.0)
    scheduler.on_disconnected(1.0)
    assert sleep_time(scheduler, image, 1.0) <= 3.6
    assert 12.0 <= sleep_time(scheduler, video, 1.0) <= 18.0
    poll(scheduler, image, 4.6)
    assert sleep_time(scheduler, image, 4.6) <= 3.6


def test_media_type_may_be_learned_later() -> None:
    """The media type is taken from the record or a later `track`, and sets the interval."""
    scheduler, [job] = scheduler_with(None)
    scheduler.on_polled(job, record("processing", media_type="video"), 0.0)
    assert sleep_time(scheduler, job, 0.0) >= 12.0
    scheduler, [job] = scheduler_with(None)
    assert scheduler.track("0", "video", "queued", 0.0) is job
    poll(scheduler, job, 0.0)
    assert sleep_time(scheduler, job, 0.0) >= 12.0


def test_default_wait_timeout() -> None:
    """The default timeout is 10 minutes for an image, and 60 for anything else."""
    media_types = ("image", "video", None, "hologram")
    assert [default_wait_timeout(media_type) for media_type in media_types] == [600, 3600, 3600, 3600]


@pytest.mark.parametrize("error", [UNREACHABLE, TIMEOUT, SERVER_ERROR])
def test_third_failed_poll_in_a_row_ends_the_wait(error: OxenError) -> None:
    """Successful polls and lists reset the count, and rate limits do not add to it."""
    scheduler, [job] = scheduler_with("image")
    outcomes: list[OxenError | str] = [error, error, "processing", error, rate_limited(None), error]
    for number, outcome in enumerate(outcomes):
        poll(scheduler, job, number * 60.0, outcome)
    scheduler.on_listed([job], {"0": "processing"}, 360.0)
    for number in range(3):
        assert job.result is None
        poll(scheduler, job, 420.0 + number * 60.0, error)
    expected = WaitResult(WaitOutcome.POLLS_FAILED, error=error)
    assert scheduler.next_action(job, NEVER, 600.0) == expected


@pytest.mark.parametrize("error", [UNAUTHENTICATED, FORBIDDEN, ox.MissingAPIKeyError("no key")])
def test_rejected_key_ends_the_wait_at_once(error: OxenError) -> None:
    """Errors that a retry cannot resolve end the wait at the first poll."""
    scheduler, [job] = scheduler_with("image")
    poll(scheduler, job, 0.0, error)
    assert scheduler.next_action(job, NEVER, 0.0) == WaitResult(WaitOutcome.POLLS_FAILED, error=error)


def test_caller_deadline_does_not_count_as_failure() -> None:
    """A poll that times out at the waiter's own deadline does not count as failed."""
    scheduler, [job] = scheduler_with("image")
    for number in range(5):
        now = number * 60.0
        assert scheduler.next_action(job, now + 0.1, now) is PollAction.POLL
        scheduler.on_poll_failed(job, TIMEOUT, now + 0.1, now + 0.1)
        scheduler.poll_finished(job)
    assert job.result is None


def test_429_is_not_a_failure_and_pauses_all_jobs() -> None:
    """Retry-After of one poll applies to every job of the client and does not count as failed."""
    scheduler, [image, video] = scheduler_with("image", "video")
    now = 0.0
    for _ in range(5):
        poll(scheduler, image, now, rate_limited(50.0))
        assert sleep_time(scheduler, video, now) == sleep_time(scheduler, image, now) == 50.0
        scheduler.on_connected()
        scheduler.on_event(event("0", url=None), now)
        scheduler.on_disconnected(now)
        assert sleep_time(scheduler, image, now) == 50.0
        now += 50.0
        list_queue(scheduler, [image, video], now, "0", "1")
        now += 60.0
    for delay in (50.0, 10.0):  # the second poll was sent before the pause
        scheduler.on_poll_failed(image, rate_limited(delay), NEVER, now)
    assert sleep_time(scheduler, image, now) == 50.0
    assert image.result is None


def test_rate_limited_list_is_not_followed_by_polls() -> None:
    """After a 429 for the list, jobs are not polled one by one."""
    scheduler, jobs = scheduler_with(*["image"] * 4)
    assert scheduler.next_action(jobs[0], NEVER, 0.0) is PollAction.LIST
    scheduler.on_list_failed(rate_limited(50.0), 0.0)
    assert [sleep_time(scheduler, job, 0.0) for job in jobs] == [50.0] * 4
    assert scheduler.next_action(jobs[0], NEVER, 50.0) is PollAction.LIST
    scheduler.on_list_failed(rate_limited(None), 50.0)
    assert all(2.4 <= sleep_time(scheduler, job, 50.0) <= 3.6 for job in jobs)


def test_reconnect_lists_once_then_polls_missing_jobs() -> None:
    """After each reconnect there is one list, and a poll only for jobs that it lacks."""
    scheduler, jobs = scheduler_with("image", "image", "image")
    [ended, active, other] = jobs
    for now in (0.0, 1000.0):
        for job in jobs:
            poll(scheduler, job, now)
        scheduler.on_connected()
        assert scheduler.next_action(ended, NEVER, now) is PollAction.LIST
        assert sleep_time(scheduler, other, now) > 0
        scheduler.on_listed(scheduler.open_jobs(), {active.id: "processing"}, now)
        assert sleep_time(scheduler, active, now) >= 9.6
        for job in (ended, other):
            poll(scheduler, job, now)
            assert sleep_time(scheduler, job, now) >= 9.6
        scheduler.on_disconnected(now)


def test_reconnect_during_list_is_followed_by_another() -> None:
    """A list that was requested before the reconnect does not replace the one after it."""
    scheduler, jobs = scheduler_with(*["image"] * 4)
    assert scheduler.next_action(jobs[0], NEVER, 0.0) is PollAction.LIST
    scheduler.on_connected()
    assert sleep_time(scheduler, jobs[1], 0.0) > 0
    scheduler.on_listed(jobs, dict.fromkeys("0123", "processing"), 0.0)
    list_queue(scheduler, jobs, 0.0, *"0123")
    assert sleep_time(scheduler, jobs[0], 0.0) >= 9.6


def test_four_open_jobs_are_polled_with_one_list() -> None:
    """From four open jobs on, awaited or not, one list replaces the polls."""
    scheduler, jobs = scheduler_with(*["image"] * 4)
    list_queue(scheduler, jobs, 0.0, *"012")
    assert all(sleep_time(scheduler, job, 0.0) >= 2.4 for job in jobs[:3])
    poll(scheduler, jobs[3], 0.0)
    list_queue(scheduler, jobs, 60.0, *"0123")
    scheduler.remove_waiter(jobs[3], jobs[3].waiters[0])
    list_queue(scheduler, jobs, 120.0, *"0123")
    scheduler.on_event(event("3"), 120.0)
    for job in jobs[:3]:
        poll(scheduler, job, 180.0)


def test_failed_list_is_followed_by_polls() -> None:
    """If the list fails, each job is polled once, and the next time the queue is listed again."""
    scheduler, jobs = scheduler_with(*["image"] * 4)
    assert scheduler.next_action(jobs[0], NEVER, 0.0) is PollAction.LIST
    scheduler.on_list_failed(UNREACHABLE, 1.0)
    for job in jobs:
        poll(scheduler, job, 1.0)
    list_queue(scheduler, jobs, 60.0)


def test_one_poll_at_a_time_for_all_waiters() -> None:
    """While one waiter polls, the others sleep, and are woken by its response."""
    scheduler, [job] = scheduler_with("image")
    [first] = job.waiters
    second = FakeEvent()
    scheduler.add_waiter(job, second, 0.0)
    assert scheduler.next_action(job, NEVER, 0.0) is PollAction.POLL
    assert sleep_time(scheduler, job, 100.0) > 0
    scheduler.on_polled(job, record("processing"), 100.0)
    scheduler.poll_finished(job)
    scheduler.remove_waiter(job, first)
    assert second.is_set
    poll(scheduler, job, 200.0)


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_event_before_tracking_ends_the_job(status: str) -> None:
    """An event may arrive before its job is tracked, and a final state never changes."""
    scheduler = JobScheduler()
    scheduler.on_connected()
    scheduler.on_event(event("0", status), 0.0)
    job = scheduler.track("0", "image", "queued", 0.0, stream_epoch=1)
    assert job.status == status
    result = scheduler.next_action(job, NEVER, 0.0)
    assert isinstance(result, WaitResult)
    assert result.response is not None
    assert (result.outcome, result.response.json["status"]) == (WaitOutcome.FINISHED, status)
    for other in ("succeeded", "failed"):
        scheduler.on_event(event("0", other), 0.0)
        scheduler.on_polled(job, record(other), 0.0)
    scheduler.on_not_found(job)
    assert (job.status, scheduler.next_action(job, NEVER, 0.0)) == (status, result)


def test_incomplete_event_causes_a_poll() -> None:
    """An event without a result makes the job due, whether it was tracked before or not."""
    scheduler = JobScheduler()
    scheduler.on_connected()
    scheduler.on_event(event("early", url=None), 0.0)
    jobs = [scheduler.track(id, "image", "queued", 0.0, stream_epoch=1) for id in ("early", "late")]
    scheduler.on_event(event("late", url=None), 0.0)
    for job in jobs:
        poll(scheduler, job, 0.0, "succeeded")
        assert outcome_of(scheduler, job, 0.0) is WaitOutcome.FINISHED


@pytest.mark.slow
def test_newest_early_events_are_kept() -> None:
    """Of the events of jobs that are not tracked yet, the newest 5,000 are kept."""
    scheduler = JobScheduler()
    for number in range(5010):
        scheduler.on_event(event(str(number)), 0.0)
    jobs = [scheduler.track(str(number), "image", "queued", 0.0) for number in range(5010)]
    assert [job.id for job in jobs if job.result is None] == [str(number) for number in range(10)]


def test_early_event_is_applied_once() -> None:
    """An early event is dropped when its job is tracked."""
    scheduler = JobScheduler()
    scheduler.on_event(event("0"), 0.0)
    scheduler.track("0", "image", "queued", 0.0)
    assert scheduler.track("0", "image", "queued", 0.0).result is None


def test_failed_wait_can_be_repeated() -> None:
    """A new wait after failed polls begins with a poll and counts from zero."""
    scheduler, [job] = scheduler_with("image")
    poll(scheduler, job, 0.0, UNAUTHENTICATED)
    for now in (10.0, 20.0):
        scheduler.add_waiter(job, FakeEvent(), now)
        for number in range(2):
            poll(scheduler, job, now + 4 * number, UNREACHABLE)
            assert outcome_of(scheduler, job, now) is None
        poll(scheduler, job, now + 8, UNREACHABLE)
        assert outcome_of(scheduler, job, now + 8) is WaitOutcome.POLLS_FAILED


@pytest.mark.parametrize("outcome", [WaitOutcome.POLLS_FAILED, WaitOutcome.NOT_FOUND])
@pytest.mark.parametrize("source", ["event", "poll"])
def test_later_success_replaces_failed_outcome(outcome: WaitOutcome, source: str) -> None:
    """A job whose polls failed or that was not found can still be completed by an event or a record."""
    scheduler, [job] = scheduler_with("image")
    if outcome is WaitOutcome.POLLS_FAILED:
        poll(scheduler, job, 0.0, UNAUTHENTICATED)
    else:
        scheduler.on_not_found(job)
    assert outcome_of(scheduler, job, 0.0) is outcome
    if source == "event":
        scheduler.on_event(event("0"), 0.0)
    else:
        scheduler.on_polled(job, record("processing"), 0.0)
        assert (job.status, outcome_of(scheduler, job, 0.0)) == ("processing", None)
        scheduler.on_polled(job, record("succeeded"), 0.0)
    assert job.status == "succeeded"
    scheduler.add_waiter(job, FakeEvent(), 0.0)
    assert outcome_of(scheduler, job, 0.0) is WaitOutcome.FINISHED


WAKING: dict[str, Callable[[JobScheduler, TrackedJob], object]] = {
    "event": lambda scheduler, job: scheduler.on_event(event(job.id), 0.0),
    "incomplete event": lambda scheduler, job: scheduler.on_event(event(job.id, url=None), 0.0),
    "polled": lambda scheduler, job: scheduler.on_polled(job, record("processing"), 0.0),
    "poll finished": lambda scheduler, job: scheduler.poll_finished(job),
    "not found": lambda scheduler, job: scheduler.on_not_found(job),
    "listed": lambda scheduler, job: scheduler.on_listed([job], {}, 0.0),
    "list failed": lambda scheduler, job: scheduler.on_list_failed(None, 0.0),
    "connected": lambda scheduler, job: scheduler.on_connected(),
    "disconnected": lambda scheduler, job: scheduler.on_disconnected(0.0),
    "closed": lambda scheduler, job: scheduler.close(),
}


@pytest.mark.parametrize("change", WAKING)
def test_all_waiters_are_woken_by(change: str) -> None:
    """Each change that may affect a wait wakes all waiters that have not left."""
    scheduler, [job] = scheduler_with("image", is_stream_open=True)
    waiters = [FakeEvent(), FakeEvent(), FakeEvent()]
    for waiter in waiters:
        scheduler.add_waiter(job, waiter, 0.0)
    scheduler.remove_waiter(job, waiters[0])
    WAKING[change](scheduler, job)
    assert [waiter.is_set for waiter in waiters] == [False, True, True]


@pytest.mark.parametrize("status", ["processing", "succeeded"])
def test_wait_polls_at_its_deadline(status: str) -> None:
    """A job that is not due is polled once at the deadline, because its event may have been lost."""
    scheduler, [job] = scheduler_with("video", is_stream_open=True)
    poll(scheduler, job, 0.0)
    assert scheduler.next_action(job, 6.0, 1.0) == 5.0
    assert scheduler.next_action(job, 6.0, 6.0) is PollAction.POLL
    scheduler.on_polled(job, record(status, url=URL), 6.1)
    scheduler.poll_finished(job)
    result = scheduler.next_action(job, 6.0, 6.1)
    assert isinstance(result, WaitResult)
    assert result.outcome is (WaitOutcome.FINISHED if status == "succeeded" else WaitOutcome.TIMED_OUT)


@pytest.mark.parametrize("error", [UNREACHABLE, TIMEOUT, rate_limited(None), rate_limited(50.0)])
def test_failed_poll_at_deadline_is_not_repeated(error: OxenError) -> None:
    """If the poll at the deadline fails, the wait times out, with the error of the poll."""
    scheduler, [job] = scheduler_with("image")
    assert scheduler.next_action(job, 6.0, 6.0) is PollAction.POLL
    scheduler.on_poll_failed(job, error, 6.0, 6.1)
    scheduler.poll_finished(job)
    assert scheduler.next_action(job, 6.0, 6.1) == WaitResult(WaitOutcome.TIMED_OUT, error=error)


def test_slow_poll_at_deadline_is_bounded() -> None:
    """A wait whose deadline passes during another waiter's poll ends 2 seconds later."""
    scheduler, [job] = scheduler_with("image")
    assert scheduler.next_action(job, NEVER, 5.0) is PollAction.POLL
    assert scheduler.next_action(job, 6.0, 6.0) == 2.0
    assert scheduler.next_action(job, 6.0, 8.0) == WaitResult(WaitOutcome.TIMED_OUT)


def test_no_poll_at_deadline_while_rate_limited() -> None:
    """A wait whose deadline is within Retry-After sends nothing at its deadline."""
    scheduler, [job] = scheduler_with("image")
    error = rate_limited(50.0)
    poll(scheduler, job, 0.0, error)
    assert scheduler.next_action(job, 6.0, 6.0) == WaitResult(WaitOutcome.TIMED_OUT, error=error)


@pytest.mark.parametrize("error", [None, UNREACHABLE, rate_limited(None)])
def test_many_jobs_are_listed_at_their_deadline(error: OxenError | None) -> None:
    """One list replaces the polls at the deadline; if it fails, each job is polled, unless it was limited."""
    scheduler, jobs = scheduler_with(*["image"] * 4)
    list_queue(scheduler, jobs, 0.0, *"0123")
    assert scheduler.next_action(jobs[0], 1.0, 1.0) is PollAction.LIST
    assert scheduler.next_action(jobs[1], 1.0, 1.0) == 2.0
    if error is None:
        scheduler.on_listed(scheduler.open_jobs(), dict.fromkeys("012", "processing"), 1.1)
    else:
        scheduler.on_list_failed(error, 1.1)
    timed_out = WaitResult(WaitOutcome.TIMED_OUT)
    expected = PollAction.POLL if error is UNREACHABLE else timed_out
    assert [scheduler.next_action(job, 1.0, 1.1) for job in jobs[:3]] == [expected] * 3
    expected = timed_out if isinstance(error, ox.RateLimitError) else PollAction.POLL
    assert scheduler.next_action(jobs[3], 1.0, 1.1) == expected


def test_deadline_and_close_end_open_waits_only() -> None:
    """The result of a finished job is returned after the deadline and after closing, too."""
    scheduler, [finished, other] = scheduler_with("image", "image")
    scheduler.on_event(event("0", "failed"), 0.0)
    assert scheduler.next_action(other, 5.0, 7.0) == WaitResult(WaitOutcome.TIMED_OUT)
    result = scheduler.next_action(finished, 5.0, 9.0)
    assert isinstance(result, WaitResult)
    assert result.outcome is WaitOutcome.FINISHED
    poll(scheduler, other, 0.0)
    assert scheduler.next_action(other, 1.0, 0.0) == 1.0
    scheduler.close()
    assert scheduler.next_action(other, 5.0, 0.0) == WaitResult(WaitOutcome.CLOSED)
    assert outcome_of(scheduler, finished, 9.0) is WaitOutcome.FINISHED


def test_unreferenced_jobs_are_dropped() -> None:
    """A job that is neither referenced nor awaited does not stay in memory."""
    scheduler, jobs = scheduler_with("image", "image")
    dropped = weakref.ref(jobs.pop())
    scheduler.remove_waiter(jobs[0], jobs[0].waiters[0])
    jobs.clear()
    [awaited] = scheduler.open_jobs()
    assert (awaited is dropped(), scheduler.has_open_jobs) == (True, True)
    scheduler.remove_waiter(awaited, awaited.waiters[0])
    del awaited
    assert (dropped(), scheduler.open_jobs(), scheduler.has_open_jobs) == (None, [], False)


def test_cancellation_token_wakes_all_its_waiters() -> None:
    """Setting a token wakes the waiters that were added and not discarded."""
    token, waiters = CancellationToken(), [FakeEvent(), FakeEvent(), FakeEvent()]
    for waiter in waiters:
        token.add(waiter)
    token.discard(waiters[0])
    assert not token.is_set
    token.set()
    assert (token.is_set, [waiter.is_set for waiter in waiters]) == (True, [False, True, True])
