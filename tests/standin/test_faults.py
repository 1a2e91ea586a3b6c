"""Tests of planned responses and injected faults."""

import time
from math import nan
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from helpers.hub_api import (
    EDIT,
    EDIT_BODY,
    QUEUE,
    enqueue,
    get_job,
    list_ids,
    open_client,
    wait_for_end,
    wait_until,
)
from oxen_models.testing import Hub


def test_planned_responses(hub: Hub, api: httpx.Client) -> None:
    """The next matching requests receive planned responses, and then the real ones."""
    hub.respond_next(429, headers={"Retry-After": "7"}, times=2, method="post", path=EDIT)
    hub.respond_next(502, body="<h1>Bad gateway</h1>", path="/api/ai/models")
    hub.respond_next(200, body={"error": "sorry"})
    for _ in range(2):
        limited = api.post(EDIT, json=EDIT_BODY)
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    proxy = api.get("/api/ai/models")
    assert (proxy.status_code, proxy.text) == (502, "<h1>Bad gateway</h1>")
    assert proxy.headers["content-type"].startswith("text/html")
    assert api.post(EDIT, json=EDIT_BODY).json() == {"error": "sorry"}
    assert "images" in api.post(EDIT, json=EDIT_BODY).json()


def test_planned_responses_of_the_queue(hub: Hub, api: httpx.Client) -> None:
    """A path with a `*` at its end matches all paths that begin like it, and only those."""
    hub.respond_next(200, body={"generations": []}, path=QUEUE)
    hub.respond_next(503, headers={"Retry-After": "Fri, 07 Aug 2026 10:00:00 GMT"}, path=f"{QUEUE}/*")
    assert api.post(QUEUE, json=EDIT_BODY).json() == {"generations": []}
    response = api.get(f"{QUEUE}/any")
    assert (response.status_code, response.headers["retry-after"][:3]) == (503, "Fri")
    assert api.get(f"{QUEUE}/any").status_code == 404


@pytest.mark.slow
def test_seed_selects_the_occasions(hub: Hub, api: httpx.Client) -> None:
    """The same seed selects the same occasions, another seed selects others."""

    def request_repeatedly(number: int) -> list[int]:
        path = f"/api/ai/models/x{number}"
        hub.respond_next(429, times=None, probability=0.5, seed=number % 2, path=path)
        return [api.get(path).status_code for _ in range(20)]

    assert request_repeatedly(0) == request_repeatedly(2) != request_repeatedly(1)
    assert set(request_repeatedly(4)) == {404, 429}


@pytest.mark.parametrize("kind", ["cut-before-body", "cut-before-response", "cut-mid-response"])
def test_cut_request_is_logged(
    hub: Hub, api: httpx.Client, caplog: pytest.LogCaptureFixture, kind: Any
) -> None:
    """A request whose connection is cut is counted, and has its effect if its body was read."""
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


def test_cut_download_ends_in_the_middle(hub: Hub, api: httpx.Client) -> None:
    """A download that is cut has the first half of the file."""
    url = wait_for_end(api, enqueue(api)[0])["result_url"]
    hub.inject_fault("cut-mid-response", times=1, path="/api/repos/*")
    chunks: list[bytes] = []
    with httpx.stream("GET", url) as response, pytest.raises(httpx.RemoteProtocolError):
        chunks.extend(response.iter_raw(100))
    content = httpx.get(url).content
    assert len(content) // 2 - 100 <= len(b"".join(chunks)) <= len(content) // 2
    assert content.startswith(b"".join(chunks))


@pytest.mark.slow
def test_slow_response_is_late(hub: Hub, api: httpx.Client) -> None:
    """A slow response begins late, and the request has its effect."""
    hub.inject_fault("slow", 3600, times=1, path=QUEUE)
    with pytest.raises(httpx.ReadTimeout):
        api.post(QUEUE, json=EDIT_BODY, timeout=httpx.Timeout(10, read=0.1))
    [id] = wait_until(lambda: list_ids(api, status=""))
    hub.inject_fault("slow", 0.1, times=1)
    start = time.monotonic()
    wait_for_end(api, id)
    assert time.monotonic() - start >= 0.1


@pytest.mark.slow
def test_stuck_job_is_the_submitted_one() -> None:
    """A job that waits in the queue when the fault is injected ends; the next submitted one does not."""
    with Hub(speed=10) as hub, open_client(hub) as api:
        [earlier] = enqueue(api)
        hub.inject_fault("job-stuck", times=1)
        [stuck] = enqueue(api)
        assert wait_for_end(api, earlier)["status"] == "succeeded"
        assert wait_until(lambda: get_job(api, stuck)["status"] != "queued")
        assert list_ids(api) == [stuck]


@pytest.mark.slow
def test_missing_job_is_found_again(hub: Hub, api: httpx.Client) -> None:
    """A job that has ended receives 404 as long as the fault lasts."""
    [id] = enqueue(api)
    wait_for_end(api, id)
    hub.inject_fault("job-not-found", times=1)
    assert [api.get(f"{QUEUE}/{id}").status_code for _ in range(2)] == [404, 200]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "amount"), [("url-downloads", 1), ("url-seconds", 60)])
def test_url_expires(
    hub: Hub, api: httpx.Client, monkeypatch: pytest.MonkeyPatch, kind: Any, amount: float
) -> None:
    """A URL of a result expires, and another request for the job has a new one."""
    now = [time.time()]
    monkeypatch.setattr("oxen_models.testing._links.time", SimpleNamespace(time=lambda: now[-1]))
    hub.inject_fault(kind, amount)
    job = wait_for_end(api, enqueue(api)[0])

    def download() -> int:
        return httpx.get(job["result_url"]).status_code

    assert download() == 200
    now.append(now[0] + 61)
    assert download() == 403
    job = get_job(api, job["generation_id"])
    assert download() == 200


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("nonsense", {}, "kind must be one of cut-before-body, .*, got 'nonsense'"),
        ("slow", {}, "slow requires an amount"),
        ("job-stuck", {"amount": 1}, "job-stuck does not accept an amount, got 1"),
        ("slow", {"amount": -1}, "amount must be a number of at least 0, got -1"),
        ("slow", {"amount": nan}, "amount must be a number of at least 0, got nan"),
        ("job-stuck", {"times": 0}, "times must be an integer of at least 1, got 0"),
        ("job-stuck", {"times": 1.5}, "times must be an integer of at least 1, got 1.5"),
        ("slow", {"amount": 1, "path": "files"}, "path must begin with a slash, got 'files'"),
        ("job-stuck", {"probability": 2}, "probability must be between 0 and 1, got 2"),
        ("job-stuck", {"path": QUEUE}, "job-stuck does not accept a method or path"),
    ],
)
def test_unusable_fault_raises(hub: Hub, kind: Any, arguments: dict[str, Any], message: str) -> None:
    """A fault with an unknown kind or an argument that does not belong to it raises an error."""
    with pytest.raises(ValueError, match=message):
        hub.inject_fault(kind, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"status": 99}, "status must be an integer from 200 to 999, got 99"),
        ({"status": 429.0}, "status must be an integer from 200 to 999, got 429.0"),
        ({"status": 200, "headers": {"a": "x\r\nb: y"}}, "headers must be those of HTTP, got 'a': 'x"),
        ({"status": 200, "headers": {"a b": "x"}}, "headers must be those of HTTP, got 'a b': 'x'"),
        ({"status": 200, "path": "files"}, "path must begin with a slash, got 'files'"),
    ],
)
def test_unusable_response_raises(hub: Hub, arguments: dict[str, Any], message: str) -> None:
    """A response that HTTP does not permit, or that no request could receive, raises an error."""
    with pytest.raises(ValueError, match=f"^{message}"):
        hub.respond_next(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"end": "soon"}, "end must be one of done, finish-reason, cut, got 'soon'"),
        ({"chunk_time": -1}, "chunk_time must be a number of seconds, got -1"),
        ({"times": 0}, "times must be an integer of at least 1, got 0"),
    ],
)
def test_unusable_answer_raises(hub: Hub, arguments: dict[str, Any], message: str) -> None:
    """An answer of the chat endpoint that cannot be sent raises an error."""
    with pytest.raises(ValueError, match=message):
        hub.chat("x", **arguments)
