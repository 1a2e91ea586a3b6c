"""Tests of the event stream and of its faults."""

import json
import time

import httpx
import pytest
from helpers.hub_api import (
    COMPLETED,
    EDIT_BODY,
    EVENTS,
    QUEUE,
    enqueue,
    list_ids,
    open_client,
    open_stream,
    wait_for_end,
)
from oxen_models.testing import Hub


@pytest.mark.slow
def test_event_is_sent_to_open_streams(hub: Hub, api: httpx.Client) -> None:
    """Every open stream receives an event; a stream that is opened later does not."""
    with open_stream(hub) as a, open_stream(hub) as b:
        [id] = enqueue(api)
        event, other = a.read_completed(), b.read_completed()
    assert event == other
    url = event["url"]
    assert event == {
        "generation_id": id,
        "status": "succeeded",
        "media_type": "image",
        "model": "qwen-image-edit-plus",
        "images": [{"url": url}],
        "url": url,
    }
    assert httpx.get(url).status_code == 200
    with open_stream(hub) as later:
        assert later.read_frame() == b": keep-alive"


def test_stream_has_other_events(hub: Hub, api: httpx.Client) -> None:
    """Events of another kind are sent between those of completed jobs."""
    with open_stream(hub) as stream:
        enqueue(api, num_generations=4)
        enqueue(api, num_generations=4)
        names = [stream.read_event()[0] for _ in range(10)]
    assert (names.count(COMPLETED), names.count("deployment_status_changed")) == (8, 2)


def test_refused_stream(hub: Hub, api: httpx.Client) -> None:
    """Planned responses can refuse the stream."""
    hub.respond_next(503, times=2, path=EVENTS)
    assert [api.get(EVENTS).status_code for _ in range(2)] == [503, 503]
    with open_stream(hub) as stream:
        assert stream.read_frame() == b": keep-alive"


@pytest.mark.slow
def test_stream_is_cut_after_events(hub: Hub, api: httpx.Client) -> None:
    """A stream can be cut after a number of events."""
    hub.inject_fault("events-cut-after", 3, times=1)
    with open_stream(hub) as stream:
        enqueue(api, num_generations=4)
        for _ in range(3):
            stream.read_event()
        with pytest.raises(httpx.RemoteProtocolError):
            stream.read_frame()


def test_stream_is_cut_after_seconds(hub: Hub) -> None:
    """Every stream can be cut after a number of seconds."""
    hub.inject_fault("events-cut-every", 0.2)
    for _ in range(2):
        start = time.monotonic()
        with open_stream(hub) as stream, pytest.raises(httpx.TransportError):
            _ = [stream.read_frame() for _ in range(10_000)]
        assert time.monotonic() - start > 0.15


@pytest.mark.slow
def test_silent_stream(hub: Hub, api: httpx.Client) -> None:
    """A silent stream sends neither events nor keep-alive comments."""
    hub.inject_fault("events-silent", times=1)
    timeout = httpx.Timeout(10, read=0.4)
    with open_client(hub) as listener, listener.stream("GET", EVENTS, timeout=timeout) as response:
        wait_for_end(api, enqueue(api)[0])
        with pytest.raises(httpx.ReadTimeout):
            next(response.iter_raw())


@pytest.mark.slow
def test_garbled_event(hub: Hub, api: httpx.Client) -> None:
    """A garbled event is not valid UTF-8; the next one is complete."""
    hub.inject_fault("events-garbled", times=1)
    with open_stream(hub) as stream:
        enqueue(api, num_generations=2)
        assert stream.read_event()[0] == "deployment_status_changed"
        frame = stream.read_frame()
        assert frame.startswith(b"event: media_generation_completed\ndata: {")
        with pytest.raises(ValueError, match="utf-8"):
            json.loads(frame.partition(b"data: ")[2])
        assert stream.read_completed()["status"] == "succeeded"


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, None])
def test_event_in_pieces(hub: Hub, api: httpx.Client, size: int | None) -> None:
    """Events can be sent in pieces of a fixed or of a random size."""
    hub.inject_fault("events-split", size)
    with open_stream(hub) as stream:
        [id] = enqueue(api)
        assert stream.read_completed()["generation_id"] == id
    sizes = {len(chunk) for chunk in stream.chunks}
    assert sizes == {1} if size else len(sizes) > 4


def test_event_before_the_response() -> None:
    """An early event is sent before the response to the POST."""
    with Hub(generation_time=3600) as hub, open_client(hub) as api, open_stream(hub) as stream:
        hub.inject_fault("events-early", times=1)
        hub.inject_fault("slow", 3600, times=1, path=QUEUE)
        with pytest.raises(httpx.ReadTimeout):  # the response would come an hour later
            api.post(QUEUE, json=EDIT_BODY, timeout=httpx.Timeout(10, read=0.1))
        assert [stream.read_completed()["generation_id"]] == list_ids(api, status="")


@pytest.mark.slow
def test_event_is_dropped_or_sent_twice(hub: Hub, api: httpx.Client) -> None:
    """An event can be dropped or sent twice."""
    hub.inject_fault("events-dropped", times=1)
    with open_stream(hub) as stream:
        [dropped] = enqueue(api)
        assert wait_for_end(api, dropped)["status"] == "succeeded"
        hub.inject_fault("events-twice", times=1)
        [twice] = enqueue(api)
        wait_for_end(api, twice)
        [once] = enqueue(api)
        ids = [stream.read_completed()["generation_id"] for _ in range(3)]
    assert ids == [twice, twice, once]
