"""What goes wrong at the stand-in hub on demand, over real sockets."""

import base64
import io
import json
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from helpers.hub_api import (
    EDIT_BODY,
    EVENTS,
    QUEUE,
    enqueue,
    get_job,
    list_ids,
    open_client,
    open_stream,
    wait_for_end,
    wait_until,
)
from oxen_models.testing import Dialect, Hub
from PIL import Image


def test_nothing_that_was_planned_outlives_clear(hub: Hub, api: httpx.Client) -> None:
    [id] = enqueue(api)
    hub.respond_next(500, times=None)
    hub.inject_fault("job-not-found")
    hub.inject_fault("cut-before-body", path=EVENTS)
    with pytest.raises(httpx.HTTPStatusError):
        api.get(QUEUE).raise_for_status()
    hub.clear()
    assert (hub.requests, hub.count("GET", "/"), hub.count("POST", "/")) == ([], 0, 0)
    with open_stream(hub):
        assert wait_for_end(api, id)["status"] == "succeeded"
    assert {each.path for each in hub.requests} == {EVENTS, f"{QUEUE}/{id}"}


def test_hub_says_what_it_is() -> None:
    hub = Hub()
    assert repr(hub) == "<Hub that is not running>"
    with hub:
        assert repr(hub) == f"<Hub at {hub.url}>"


@pytest.mark.parametrize("kind", ["cut-before-body", "cut-before-response", "cut-mid-response"])
def test_paid_request_that_is_cut_is_counted(
    hub: Hub, api: httpx.Client, caplog: pytest.LogCaptureFixture, kind: Any
) -> None:
    hub.inject_fault(kind, times=1, method="post", path=QUEUE)
    assert api.get(QUEUE).status_code == 200
    with pytest.raises(httpx.TransportError):
        api.post(QUEUE, json=EDIT_BODY)
    assert hub.count("POST", QUEUE) == 1
    assert hub.requests[-1].body == (None if kind == "cut-before-body" else EDIT_BODY)
    assert len(list_ids(api, status="")) == (0 if kind == "cut-before-body" else 1)
    assert len(enqueue(api)) == 1
    assert (hub.count("post", "/api/"), hub.count("GET", QUEUE)) == (2, 2)
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def test_cut_in_the_middle_of_a_download(hub: Hub, api: httpx.Client) -> None:
    url = wait_for_end(api, enqueue(api)[0])["result_url"]
    hub.inject_fault("cut-mid-response", times=1, path="/files/*")
    got: list[bytes] = []
    with httpx.stream("GET", url, trust_env=False) as answer, pytest.raises(httpx.RemoteProtocolError):
        got.extend(answer.iter_raw(100))
    whole = httpx.get(url, trust_env=False).content
    assert len(whole) // 2 - 100 <= len(b"".join(got)) <= len(whole) // 2
    assert whole.startswith(b"".join(got))


def test_slow_first_byte(hub: Hub, api: httpx.Client) -> None:
    hub.inject_fault("slow", 3600, times=1, path=QUEUE)
    with pytest.raises(httpx.ReadTimeout):
        api.post(QUEUE, json=EDIT_BODY, timeout=httpx.Timeout(10, read=0.1))
    [id] = wait_until(lambda: list_ids(api, status=""))
    hub.inject_fault("slow", 0.1, times=1)
    began = time.monotonic()
    wait_for_end(api, id)
    assert time.monotonic() - began >= 0.1


def test_same_seed_same_faults(hub: Hub, api: httpx.Client) -> None:
    def statuses(seed: int) -> list[int]:
        path = f"/api/ai/models/x{seed}"
        hub.respond_next(429, times=None, probability=0.5, seed=seed % 2, path=path)
        return [api.get(path).status_code for _ in range(20)]

    assert statuses(0) == statuses(2) != statuses(1)
    assert set(statuses(4)) == {404, 429}


def test_answers_instead_of_the_queue(hub: Hub, api: httpx.Client) -> None:
    hub.respond_next(200, body={"generations": []}, path=QUEUE)
    hub.respond_next(503, headers={"Retry-After": "Fri, 07 Aug 2026 10:00:00 GMT"}, path=f"{QUEUE}/*")
    assert api.post(QUEUE, json=EDIT_BODY).json() == {"generations": []}
    answer = api.get(f"{QUEUE}/any")
    assert (answer.status_code, answer.headers["retry-after"][:3]) == (503, "Fri")
    assert api.get(f"{QUEUE}/any").status_code == 404


def test_stream_refused(hub: Hub, api: httpx.Client) -> None:
    hub.respond_next(503, times=2, path=EVENTS)
    assert [api.get(EVENTS).status_code for _ in range(2)] == [503, 503]
    with open_stream(hub) as stream:
        assert stream.read_frame() == b": keep-alive"


def test_stream_cut_after_events(hub: Hub, api: httpx.Client) -> None:
    hub.inject_fault("events-cut-after", 3, times=1)
    with open_stream(hub) as stream:
        enqueue(api, num_generations=4)
        for _ in range(3):
            stream.read_event()
        with pytest.raises(httpx.RemoteProtocolError):
            stream.read_frame()


def test_stream_cut_after_seconds(hub: Hub) -> None:
    hub.inject_fault("events-cut-every", 0.2)
    for _ in range(2):
        began = time.monotonic()
        with open_stream(hub) as stream, pytest.raises(httpx.TransportError):
            _ = [stream.read_frame() for _ in range(100)]  # signs of life, of which there would be no end
        assert time.monotonic() - began > 0.15


def test_silent_stream(hub: Hub, api: httpx.Client) -> None:
    hub.inject_fault("events-silent", times=1)
    brief = httpx.Timeout(10, read=0.4)
    with open_client(hub) as opened, opened.stream("GET", EVENTS, timeout=brief) as answer:
        wait_for_end(api, enqueue(api)[0])
        with pytest.raises(httpx.ReadTimeout):
            next(answer.iter_raw())


def test_garbled_event(hub: Hub, api: httpx.Client) -> None:
    hub.inject_fault("events-garbled", times=1)
    with open_stream(hub) as stream:
        enqueue(api, num_generations=2)
        assert stream.read_event()[0] == "deployment_status_changed"
        garbled = stream.read_frame()
        assert garbled.startswith(b"event: media_generation_completed\ndata: {")
        with pytest.raises(ValueError, match="utf-8"):
            json.loads(garbled.partition(b"data: ")[2])
        assert stream.read_completed()["status"] == "succeeded"


@pytest.mark.parametrize("size", [1, None])
def test_events_in_pieces(hub: Hub, api: httpx.Client, size: int | None) -> None:
    hub.inject_fault("events-split", size)
    with open_stream(hub) as stream:
        [id] = enqueue(api)
        assert stream.read_completed()["generation_id"] == id
    sizes = {len(chunk) for chunk in stream.chunks}
    assert sizes == {1} if size else len(sizes) > 4


def test_event_before_the_answer() -> None:
    with Hub(generation_time=3600) as hub, open_client(hub) as api, open_stream(hub) as stream:
        hub.inject_fault("events-early", times=1)
        hub.inject_fault("slow", 3600, times=1, path=QUEUE)
        with pytest.raises(httpx.ReadTimeout):  # there is no answer before the test is over
            api.post(QUEUE, json=EDIT_BODY, timeout=httpx.Timeout(10, read=0.1))
        assert [stream.read_completed()["generation_id"]] == list_ids(api, status="")


def test_event_twice_or_dropped(hub: Hub, api: httpx.Client) -> None:
    hub.inject_fault("events-dropped", times=1)
    with open_stream(hub) as stream:
        [dropped] = enqueue(api)
        assert wait_for_end(api, dropped)["status"] == "succeeded"
        hub.inject_fault("events-twice", times=1)
        [twice] = enqueue(api)
        wait_for_end(api, twice)
        [once] = enqueue(api)
        told = [stream.read_completed()["generation_id"] for _ in range(3)]
    assert told == [twice, twice, once]


def test_older_hub_forgets_what_is_over(hub: Hub, api: httpx.Client) -> None:
    [id] = enqueue(api)
    wait_for_end(api, id)
    hub.inject_fault("job-not-found", times=1)
    assert [api.get(f"{QUEUE}/{id}").status_code for _ in range(2)] == [404, 200]


@pytest.mark.parametrize(("kind", "amount"), [("url-downloads", 1), ("url-seconds", 60)])
def test_url_that_expires(
    hub: Hub, api: httpx.Client, monkeypatch: pytest.MonkeyPatch, kind: Any, amount: float
) -> None:
    now = [time.time()]
    monkeypatch.setattr("oxen_models.testing._links.time", SimpleNamespace(time=lambda: now[-1]))
    hub.inject_fault(kind, amount)
    job = wait_for_end(api, enqueue(api)[0])

    def status() -> int:
        return httpx.get(job["result_url"], trust_env=False).status_code

    assert status() == 200
    now.append(now[0] + 61)
    assert status() == 403
    job = get_job(api, job["generation_id"])
    assert status() == 200


@pytest.mark.parametrize("place", ["url", "images", "videos", "b64_json"])
def test_result_in_another_place(place: Any) -> None:
    with Hub(dialect=Dialect(result=place), generation_time=0) as hub, open_client(hub) as api:
        job = wait_for_end(api, enqueue(api)[0])
        assert job["result_url"] is None
        found = job["images" if place == "b64_json" else place]
        if place == "b64_json":
            content = base64.b64decode(found[0]["b64_json"])
        else:
            url = found if place == "url" else found[0]["url"]
            content = httpx.get(url, trust_env=False).content
        assert Image.open(io.BytesIO(content)).format == "PNG"


@pytest.mark.parametrize(
    ("kind", "arguments", "why"),
    [
        ("nonsense", {}, "a fault is one of cut-before-body"),
        ("slow", {}, "slow needs an amount"),
        ("job-stuck", {"amount": 1}, "job-stuck takes no amount"),
        ("slow", {"amount": -1}, "slow takes no amount of -1"),
        ("job-stuck", {"times": 0}, "times is 1 or more"),
        ("job-stuck", {"probability": 2}, "a probability is 0 to 1"),
        ("job-stuck", {"path": QUEUE}, "not a fault of single requests"),
    ],
)
def test_fault_that_makes_no_sense(hub: Hub, kind: Any, arguments: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        hub.inject_fault(kind, **arguments)
