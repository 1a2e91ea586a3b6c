"""What whoever waits for a job is told to do, and when."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import oxen_models as ox
import pytest
from oxen_models import OxenError
from oxen_models._runtime.waiting import Do, End, Kind, Stop, Waiting, Watched, patience

from jobs.waiting.news import BROKEN, FAILED, NEVER, REFUSED, SLOW, URL, Wake, event, limited

FORBIDDEN = ox.PermissionDeniedError(403, "not you")


def client(*media: str | None, alive: bool = False) -> tuple[Waiting, list[Watched]]:
    """Jobs that were taken up at 0 and are waited for."""
    waiting = Waiting()
    if alive:
        waiting.connected()
    jobs = [waiting.watch(str(number), each, "queued", 0.0) for number, each in enumerate(media)]
    for watched in jobs:
        waiting.begin(watched, Wake(), 0.0)
    return waiting, jobs


def idle(waiting: Waiting, watched: Watched, now: float) -> float:
    """For how long nothing is to be done."""
    step = waiting.next(watched, NEVER, now)
    assert isinstance(step, float)
    return step


def ask(waiting: Waiting, watched: Watched, now: float, answer: OxenError | str = "processing") -> None:
    """Ask for a job, which has to be due."""
    assert waiting.next(watched, NEVER, now) is Do.ASK
    if isinstance(answer, str):
        waiting.polled(watched, {"status": answer, "url": URL}, now)
    else:
        waiting.not_polled(watched, answer, NEVER, now)
    waiting.asked(watched)


def kind(waiting: Waiting, watched: Watched, now: float) -> Kind | None:
    """How the wait ended; None for one that goes on."""
    step = waiting.next(watched, NEVER, now)
    return step.kind if isinstance(step, End) else None


def list_active(waiting: Waiting, jobs: list[Watched], now: float, *active: str) -> None:
    """List the queue, which has to be due."""
    assert waiting.next(jobs[0], NEVER, now) is Do.LIST
    waiting.listed(waiting.open_jobs(), dict.fromkeys(active, "processing"), now)


@pytest.mark.parametrize(("media", "seconds"), [("image", 3.0), ("video", 15.0), (None, 3.0)])
@pytest.mark.parametrize(("alive", "factor"), [(False, 1), (True, 4)])
@pytest.mark.parametrize("before", ["new", "asked", "failed", "limited", "listed"])
def test_how_often_a_job_is_asked_for(
    media: str | None, seconds: float, alive: bool, factor: int, before: str
) -> None:
    answers: dict[str, OxenError | str] = {
        "asked": "processing", "failed": BROKEN, "limited": limited(None)
    }  # fmt: skip
    pauses: list[float] = []
    for _ in range(100):
        waiting, _ = client(alive=alive)
        watched = waiting.watch("0", media, "queued", 0.0, since=int(alive) if before == "new" else None)
        waiting.begin(watched, Wake(), 0.0)
        if before == "listed":
            waiting.listed([watched], {"0": "queued"}, 0.0)
        elif before != "new":
            ask(waiting, watched, 0.0, answers[before])
        pauses.append(idle(waiting, watched, 0.0) / seconds / factor)
    assert 0.8 <= min(pauses) < 0.9
    assert 1.1 < max(pauses) <= 1.2


@pytest.mark.parametrize("since", [0, 1])
def test_a_new_job_whose_event_may_be_missed_is_asked_for_soon(since: int) -> None:
    waiting, _ = client(alive=True)
    waiting.cut(0.0)
    waiting.connected()
    watched = waiting.watch("0", "image", "queued", 0.0, since=since)
    assert idle(waiting, watched, 0.0) <= 3.6


def test_polls_are_quick_again_once_the_stream_is_cut() -> None:
    waiting, [image, video] = client("image", "video", alive=True)
    for watched in (image, video):
        ask(waiting, watched, 0.0)
    waiting.cut(1.0)
    assert idle(waiting, image, 1.0) <= 3.6
    assert 12.0 <= idle(waiting, video, 1.0) <= 18.0
    ask(waiting, image, 4.6)
    assert idle(waiting, image, 4.6) <= 3.6


def test_media_may_turn_out_later() -> None:
    waiting, [watched] = client(None)
    waiting.polled(watched, {"status": "processing", "media_type": "video"}, 0.0)
    assert idle(waiting, watched, 0.0) >= 12.0
    waiting, [watched] = client(None)
    assert waiting.watch("0", "video", "queued", 0.0) is watched
    ask(waiting, watched, 0.0)
    assert idle(waiting, watched, 0.0) >= 12.0


def test_patience() -> None:
    assert [patience(media) for media in ("image", "video", None, "hologram")] == [600, 3600, 3600, 3600]


@pytest.mark.parametrize("error", [BROKEN, SLOW, FAILED])
def test_third_failure_in_a_row_gives_up(error: OxenError) -> None:
    waiting, [watched] = client("image")
    answers: list[OxenError | str] = [error, error, "processing", error, limited(None), error]
    for number, answer in enumerate(answers):
        ask(waiting, watched, number * 60.0, answer)
    waiting.listed([watched], {"0": "processing"}, 360.0)
    for number in range(3):
        assert watched.end is None
        ask(waiting, watched, 420.0 + number * 60.0, error)
    assert waiting.next(watched, NEVER, 600.0) == End(Kind.LOST, error=error)


@pytest.mark.parametrize("error", [REFUSED, FORBIDDEN, ox.MissingAPIKeyError("no key")])
def test_who_may_not_ask_gives_up_at_once(error: OxenError) -> None:
    waiting, [watched] = client("image")
    ask(waiting, watched, 0.0, error)
    assert waiting.next(watched, NEVER, 0.0) == End(Kind.LOST, error=error)


def test_who_had_no_time_for_an_answer_is_no_failure_of_the_hub() -> None:
    waiting, [watched] = client("image")
    for number in range(5):
        now = number * 60.0
        assert waiting.next(watched, now + 0.1, now) is Do.ASK
        waiting.not_polled(watched, SLOW, now + 0.1, now + 0.1)
        waiting.asked(watched)
    assert watched.end is None


def test_turned_away_does_not_count_and_is_kept_to() -> None:
    waiting, [image, video] = client("image", "video")
    now = 0.0
    for _ in range(5):
        ask(waiting, image, now, limited(50.0))
        assert idle(waiting, video, now) == idle(waiting, image, now) == 50.0
        waiting.connected()
        waiting.heard(event("0", url=None), now)
        waiting.cut(now)
        assert idle(waiting, image, now) == 50.0
        now += 50.0
        list_active(waiting, [image, video], now, "0", "1")
        now += 60.0
    assert image.end is None


def test_list_that_is_turned_away_is_not_followed_by_questions() -> None:
    waiting, jobs = client(*["image"] * 4)
    assert waiting.next(jobs[0], NEVER, 0.0) is Do.LIST
    waiting.not_listed(limited(50.0), 0.0)
    assert [idle(waiting, watched, 0.0) for watched in jobs] == [50.0] * 4
    assert waiting.next(jobs[0], NEVER, 50.0) is Do.LIST
    waiting.not_listed(limited(None), 50.0)
    assert all(2.4 <= idle(waiting, watched, 50.0) <= 3.6 for watched in jobs)


def test_one_list_after_every_reconnect_then_questions_for_what_it_lacks() -> None:
    waiting, jobs = client("image", "image", "image")
    [over, active, other] = jobs
    for now in (0.0, 1000.0):
        for watched in jobs:
            ask(waiting, watched, now)
        waiting.connected()
        assert waiting.next(over, NEVER, now) is Do.LIST
        assert idle(waiting, other, now) > 0
        waiting.listed(waiting.open_jobs(), {active.id: "processing"}, now)
        assert idle(waiting, active, now) >= 9.6
        for watched in (over, other):
            ask(waiting, watched, now)
            assert idle(waiting, watched, now) >= 9.6
        waiting.cut(now)


def test_a_reconnect_during_a_list_is_followed_by_another() -> None:
    waiting, jobs = client(*["image"] * 4)
    assert waiting.next(jobs[0], NEVER, 0.0) is Do.LIST
    waiting.connected()
    assert idle(waiting, jobs[1], 0.0) > 0
    waiting.listed(jobs, dict.fromkeys("0123", "processing"), 0.0)
    list_active(waiting, jobs, 0.0, *"0123")
    assert idle(waiting, jobs[0], 0.0) >= 9.6


def test_many_jobs_are_asked_for_with_one_list() -> None:
    waiting, jobs = client(*["image"] * 4)
    list_active(waiting, jobs, 0.0, *"012")
    assert all(idle(waiting, watched, 0.0) >= 2.4 for watched in jobs[:3])
    ask(waiting, jobs[3], 0.0)
    list_active(waiting, jobs, 60.0, *"0123")
    waiting.leave(jobs[3], jobs[3].wakes[0])
    list_active(waiting, jobs, 120.0, *"0123")  # under way, whether somebody waits or not
    waiting.heard(event("3"), 120.0)
    for watched in jobs[:3]:
        ask(waiting, watched, 180.0)


def test_after_a_list_that_fails_each_job_is_asked_for() -> None:
    waiting, jobs = client(*["image"] * 4)
    assert waiting.next(jobs[0], NEVER, 0.0) is Do.LIST
    waiting.not_listed(BROKEN, 1.0)
    for watched in jobs:
        ask(waiting, watched, 1.0)
    list_active(waiting, jobs, 60.0)


def test_one_question_at_a_time_whoever_waits() -> None:
    waiting, [watched] = client("image")
    [first] = watched.wakes
    second = Wake()
    waiting.begin(watched, second, 0.0)
    assert waiting.next(watched, NEVER, 0.0) is Do.ASK
    assert idle(waiting, watched, 100.0) > 0
    waiting.polled(watched, {"status": "processing"}, 100.0)
    waiting.asked(watched)
    waiting.leave(watched, first)
    assert second.is_set
    ask(waiting, watched, 200.0)


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_an_event_may_come_before_its_job_is_known(status: str) -> None:
    waiting = Waiting()
    waiting.connected()
    waiting.heard(event("0", status), 0.0)
    watched = waiting.watch("0", "image", "queued", 0.0, since=1)
    assert watched.status == status
    end = waiting.next(watched, NEVER, 0.0)
    assert isinstance(end, End)
    assert (end.kind, (end.answer or {})["status"]) == (Kind.ENDED, status)
    for other in ("succeeded", "failed"):
        waiting.heard(event("0", other), 0.0)
        waiting.polled(watched, {"status": other}, 0.0)
    waiting.gone(watched)
    assert (watched.status, waiting.next(watched, NEVER, 0.0)) == (status, end)


def test_an_event_that_says_too_little_makes_a_question() -> None:
    waiting = Waiting()
    waiting.connected()
    waiting.heard(event("early", url=None), 0.0)
    jobs = [waiting.watch(id, "image", "queued", 0.0, since=1) for id in ("early", "late")]
    waiting.heard(event("late", url=None), 0.0)
    for watched in jobs:
        ask(waiting, watched, 0.0, "succeeded")
        assert kind(waiting, watched, 0.0) is Kind.ENDED


def test_of_early_events_the_newest_stay() -> None:
    waiting = Waiting()
    for number in range(5010):
        waiting.heard(event(str(number)), 0.0)
    jobs = [waiting.watch(str(number), "image", "queued", 0.0) for number in range(5010)]
    assert [watched.id for watched in jobs if watched.end is None] == [str(number) for number in range(10)]


def test_an_early_event_is_told_once() -> None:
    waiting = Waiting()
    waiting.heard(event("0"), 0.0)
    waiting.watch("0", "image", "queued", 0.0)
    assert waiting.watch("0", "image", "queued", 0.0).end is None


def test_a_wait_that_gave_up_can_be_begun_again() -> None:
    waiting, [watched] = client("image")
    ask(waiting, watched, 0.0, REFUSED)
    for now in (10.0, 20.0):
        waiting.begin(watched, Wake(), now)
        for number in range(2):
            ask(waiting, watched, now + 4 * number, BROKEN)
            assert kind(waiting, watched, now) is None
        ask(waiting, watched, now + 8, BROKEN)
        assert kind(waiting, watched, now + 8) is Kind.LOST


@pytest.mark.parametrize("before", [Kind.LOST, Kind.GONE])
@pytest.mark.parametrize("by", ["event", "answer"])
def test_an_end_that_was_not_the_hub_s_word_may_be_corrected(before: Kind, by: str) -> None:
    waiting, [watched] = client("image")
    if before is Kind.LOST:
        ask(waiting, watched, 0.0, REFUSED)
    else:
        waiting.gone(watched)
    assert kind(waiting, watched, 0.0) is before
    if by == "event":
        waiting.heard(event("0"), 0.0)
    else:
        waiting.polled(watched, {"status": "processing"}, 0.0)
        assert (watched.status, kind(waiting, watched, 0.0)) == ("processing", None)
        waiting.polled(watched, {"status": "succeeded"}, 0.0)
    assert watched.status == "succeeded"
    waiting.begin(watched, Wake(), 0.0)
    assert kind(waiting, watched, 0.0) is Kind.ENDED


WAKING: dict[str, Callable[[Waiting, Watched], object]] = {
    "event": lambda waiting, watched: waiting.heard(event(watched.id), 0.0),
    "short event": lambda waiting, watched: waiting.heard(event(watched.id, url=None), 0.0),
    "answer": lambda waiting, watched: waiting.polled(watched, {"status": "processing"}, 0.0),
    "asked": lambda waiting, watched: waiting.asked(watched),
    "gone": lambda waiting, watched: waiting.gone(watched),
    "listed": lambda waiting, watched: waiting.listed([watched], {}, 0.0),
    "not listed": lambda waiting, watched: waiting.not_listed(None, 0.0),
    "connected": lambda waiting, watched: waiting.connected(),
    "cut": lambda waiting, watched: waiting.cut(0.0),
    "closed": lambda waiting, watched: waiting.close(),
}


@pytest.mark.parametrize("news", WAKING)
def test_who_waits_is_woken_by(news: str) -> None:
    waiting, [watched] = client("image", alive=True)
    wakes = [Wake(), Wake(), Wake()]
    for wake in wakes:
        waiting.begin(watched, wake, 0.0)
    waiting.leave(watched, wakes[0])
    WAKING[news](waiting, watched)
    assert [wake.is_set for wake in wakes] == [False, True, True]


def test_a_deadline_and_a_close_end_what_has_not_ended() -> None:
    waiting, [over, other] = client("image", "image")
    waiting.heard(event("0", "failed"), 0.0)
    assert waiting.next(other, 5.0, 5.0) == End(Kind.LATE)
    end = waiting.next(over, 5.0, 9.0)
    assert isinstance(end, End)
    assert end.kind is Kind.ENDED
    ask(waiting, other, 0.0)
    assert waiting.next(other, 1.0, 0.0) == 1.0
    waiting.close()
    assert waiting.next(other, 5.0, 0.0) == End(Kind.CLOSED)
    assert kind(waiting, over, 9.0) is Kind.ENDED


def test_jobs_that_nobody_has_are_forgotten() -> None:
    waiting, jobs = client("image", "image")
    kept = weakref.ref(jobs.pop())
    waiting.leave(jobs[0], jobs[0].wakes[0])
    jobs.clear()
    [held] = waiting.open_jobs()
    assert (held is kept(), waiting.has_open_jobs) == (True, True)
    waiting.leave(held, held.wakes[0])
    del held
    assert (kept(), waiting.open_jobs(), waiting.has_open_jobs) == (None, [], False)


def test_a_stop_ends_all_waits_that_were_told_of_it() -> None:
    stop, wakes = Stop(), [Wake(), Wake(), Wake()]
    for wake in wakes:
        stop.add(wake)
    stop.discard(wakes[0])
    assert not stop.is_set
    stop.set()
    assert (stop.is_set, [wake.is_set for wake in wakes]) == (True, [False, True, True])
