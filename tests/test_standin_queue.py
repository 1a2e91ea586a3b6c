"""The stand-in hub's queue and its events, and what goes wrong there on demand, over real sockets."""

import base64
import io
import json
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from oxen_models.testing import Hub, Spelling
from PIL import Image

EDIT = "/api/ai/images/edit"
QUEUE = "/api/ai/queue"
EVENTS = "/api/events"
COMPLETED = "media_generation_completed"
KEY = {"Authorization": "Bearer key"}
BODY: dict[str, Any] = {
    "model": "qwen-image-edit-plus",
    "prompt": "Add a hat",
    "input_image": ["https://example.invalid/dog.png"],
}
FILM: dict[str, Any] = {"model": "film", "prompt": "An ox walks"}
ENDED = ("succeeded", "failed", "cancelled")


def model(name: str = "m", output: str = "image", **more: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {"prompt": {"type": "string"}}}
    return {"id": name, "capabilities": {"output": [output]}, "json_request_schema": schema, **more}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub(speed=100) as running:
        running.add_model(model("film", "video"))
        yield running


def client(hub: Hub) -> httpx.Client:
    return httpx.Client(base_url=hub.url, headers=KEY, timeout=10, trust_env=False)


@pytest.fixture
def api(hub: Hub) -> Iterator[httpx.Client]:
    with client(hub) as opened:
        yield opened


def until(what: Callable[[], Any], seconds: float = 5) -> Any:
    """What `what` gives as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.002)
    return value


def enqueue(api: httpx.Client, body: dict[str, Any] = BODY, **more: Any) -> list[str]:
    answer = api.post(QUEUE, json={**body, **more})
    assert answer.status_code == 200, answer.text
    generations = answer.json()["generations"]
    assert {each["status"] for each in generations} == {"queued"}
    return [each["generation_id"] for each in generations]


def one(api: httpx.Client, id: str) -> dict[str, Any]:
    job: dict[str, Any] = api.get(f"{QUEUE}/{id}").raise_for_status().json()
    return job


def ended(api: httpx.Client, id: str) -> dict[str, Any]:
    until(lambda: one(api, id)["status"] in ENDED)
    return one(api, id)


def ids(api: httpx.Client, path: str = QUEUE, **asked: Any) -> list[str]:
    answer = api.get(path, params=asked).raise_for_status().json()
    assert answer["count"] == len(answer["generations"])
    return [each["generation_id"] for each in answer["generations"]]


class Stream:
    """An event stream that is open."""

    def __init__(self, answer: httpx.Response) -> None:
        self.chunks: list[bytes] = []
        self._answer = answer
        self._pieces = answer.iter_raw()
        self._rest = b""

    def frame(self) -> bytes:
        """All up to the next blank line."""
        while b"\n\n" not in self._rest:
            self.chunks.append(next(self._pieces))
            self._rest += self.chunks[-1]
        frame, _, self._rest = self._rest.partition(b"\n\n")
        return frame

    def event(self) -> tuple[str, dict[str, Any]]:
        while True:
            frame = self.frame()
            if not frame.startswith(b":"):
                name, data = frame.split(b"\n")
                return name.removeprefix(b"event: ").decode(), json.loads(data.removeprefix(b"data: "))

    def completed(self) -> dict[str, Any]:
        while True:
            name, data = self.event()
            if name == COMPLETED:
                return data


@contextmanager
def listening(hub: Hub) -> Generator[Stream]:
    with client(hub) as opened, opened.stream("GET", EVENTS) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["server"] == "models-standin"
        yield Stream(answer)


def test_job_runs_to_its_result(api: httpx.Client) -> None:
    began = int(time.time())
    [id] = enqueue(
        api, aspect_ratio="1:1", target_namespace="herd", target_repo="barn", target_directory="a/b"
    )
    assert str(uuid.UUID(id)) == id
    job = ended(api, id)
    times = [job.pop(name) for name in ("enqueued_at", "started_at", "completed_at")]
    assert began <= times[0] <= times[1] <= times[2] <= time.time()
    url = job.pop("result_url")
    assert job == {
        **{name: value for name, value in BODY.items() if name != "model"},
        "aspect_ratio": "1:1",
        "generation_id": id,
        "model_name": "qwen-image-edit-plus",
        "media_type": "image",
        "status": "succeeded",
        "error_message": None,
        "target_namespace": "herd",
        "target_repo": "barn",
        "target_directory": "a/b",
    }
    file = httpx.get(url, trust_env=False)
    assert (file.headers["content-type"], file.headers["server"]) == ("image/png", "models-standin")
    picture = Image.open(io.BytesIO(file.content))
    assert (url.endswith(".png"), picture.width) == (True, picture.height)


def test_result_is_that_of_the_blocking_call(api: httpx.Client) -> None:
    [blocking] = api.post(EDIT, json={**BODY, "output_format": "jpg"}).json()["images"]
    first, second = enqueue(api, output_format="jpg", num_generations=2)
    urls = [blocking["url"], ended(api, first)["result_url"], ended(api, second)["result_url"]]
    files = [httpx.get(url, trust_env=False).content for url in urls]
    assert [url.rpartition(".")[2] for url in urls] == ["jpg"] * 3
    assert (files[0] == files[1], files[1] == files[2]) == (True, False)


def test_states_of_a_job(hub: Hub, api: httpx.Client) -> None:
    with Hub(seconds=3600) as slow, client(slow) as other:
        queued = one(other, enqueue(other)[0])
    assert (queued["status"], queued["started_at"], queued["result_url"]) == ("queued", None, None)
    hub.fault("job-stuck", times=1)
    [stuck] = enqueue(api)
    until(lambda: one(api, stuck)["status"] == "processing")
    ended(api, enqueue(api)[0])
    job = one(api, stuck)
    assert (job["status"], job["started_at"] is None) == ("processing", False)
    assert (job["completed_at"], job["result_url"]) == (None, None)


def test_video(hub: Hub, api: httpx.Client) -> None:
    job = ended(api, enqueue(api, FILM)[0])
    assert (job["media_type"], job["status"]) == ("video", "succeeded")
    file = httpx.get(job["result_url"], trust_env=False)
    assert (file.headers["content-type"], file.content[4:8]) == ("video/mp4", b"ftyp")


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"model": "gpt-4o"}, 400, "neither images nor videos"),
        ({"model": "bytedance-seed-audio-1-0"}, 400, "neither images nor videos"),
        ({"model": "nope"}, 404, "Model not found: nope"),
        ({"model": 5}, 422, "model: 5 is not of type 'string'"),
        ({"num_generations": 0}, 422, "num_generations: 0 is less than"),
        ({"num_generations": 5}, 422, "num_generations: 5 is greater than"),
    ],
)
def test_enqueue_refuses(api: httpx.Client, change: dict[str, Any], status: int, why: str) -> None:
    answer = api.post(QUEUE, json={**BODY, **change})
    assert answer.status_code == status
    assert why in answer.json()["error"]["detail"]
    assert ids(api, status="queued,processing,succeeded,failed,cancelled") == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"prompt": 5}, "prompt: 5 is not of type 'string'"),
        ({"colour": "red"}, "'colour' was unexpected"),
        ({"input_image": ["data:image/png;base64,AAAA"]}, "input_image: not an image"),
    ],
)
def test_parameters_are_checked_when_the_job_runs(
    hub: Hub, api: httpx.Client, change: dict[str, Any], why: str
) -> None:
    with listening(hub) as stream:
        [id] = enqueue(api, **change)
        event = stream.completed()
    job = one(api, id)
    assert (job["status"], job["result_url"]) == ("failed", None)
    assert why in job["error_message"]
    assert event == {
        "generation_id": id,
        "status": "failed",
        "media_type": "image",
        "error": job["error_message"],
    }


def test_list_holds_active_jobs_and_others_when_asked(hub: Hub, api: httpx.Client) -> None:
    hub.fault("job-stuck", times=1)
    [stuck] = enqueue(api)
    until(lambda: one(api, stuck)["status"] == "processing")
    [done] = enqueue(api)
    ended(api, done)
    assert ids(api) == [stuck]
    assert ids(api, status="succeeded") == [done]
    assert ids(api, status="processing,succeeded") == [stuck, done]
    assert ids(api, status="") == [stuck, done]


@pytest.mark.parametrize("path", [QUEUE, "/api/ai/generations"])
def test_filters(hub: Hub, api: httpx.Client, path: str) -> None:
    [film] = enqueue(api, FILM, target_repo="barn", target_directory="a", target_namespace="herd")
    [image] = enqueue(api, target_repo="barn", target_directory="b")
    ended(api, film)
    ended(api, image)

    def found(**asked: str) -> set[str]:
        return set(ids(api, path, status="succeeded", **asked))

    assert found() == found(repo="barn") == {film, image}
    assert found(namespace="herd") == found(model="film") == found(media_type="video") == {film}
    assert found(folder="b") == found(media_type="image", repo="barn") == {image}
    assert found(repo="barn", folder="c") == set()


def test_cancel(hub: Hub, api: httpx.Client) -> None:
    hub.fault("job-stuck", times=1)
    [id] = enqueue(api)
    until(lambda: one(api, id)["status"] == "processing")
    with listening(hub) as stream:
        answer = api.delete(f"{QUEUE}/{id}")
        assert answer.json() == {"status": "success", "generation_id": id}
        job = one(api, id)
        [later] = enqueue(api)
        # The next event is another job's: for this one, there is none.
        assert stream.completed()["generation_id"] == later
    assert (job["status"], job["result_url"], job["completed_at"] is None) == ("cancelled", None, False)
    assert ids(api, status="cancelled") == [id]


def test_cancelled_before_it_starts_and_after_it_ended(api: httpx.Client) -> None:
    with Hub(seconds=3600) as hub, client(hub) as slow:
        [waiting] = enqueue(slow)
        slow.delete(f"{QUEUE}/{waiting}")
        assert (one(slow, waiting)["status"], one(slow, waiting)["started_at"]) == ("cancelled", None)
    [id] = enqueue(api)
    job = ended(api, id)
    assert api.delete(f"{QUEUE}/{id}").json() == {"status": "success", "generation_id": id}
    assert one(api, id) == job


def test_unknown_job(api: httpx.Client) -> None:
    for answer in (api.get(f"{QUEUE}/nope"), api.delete(f"{QUEUE}/nope")):
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "resource_not_found")


def test_history_has_pages_and_costs(hub: Hub, api: httpx.Client) -> None:
    hub.add_model(model("paid", pricing={"method": "per_image", "cost_per_image": 0.04}))
    made = [enqueue(api, {"model": "paid", "prompt": str(number)})[0] for number in range(3)]
    [failed] = enqueue(api, {"model": "paid", "prompt": 5})
    for id in (*made, failed):
        ended(api, id)
    page = api.get("/api/ai/generations", params={"page": 2, "page_size": 2}).json()
    told = page.pop("generations")
    assert [each["generation_id"] for each in told] == [made[1], made[0]]
    assert [each["cost"] for each in told] == ["0.04", "0.04"]
    assert page == {
        "count": 2,
        "page_number": 2,
        "page_size": 2,
        "total_pages": 2,
        "total_entries": 4,
        "total_cost": "0.12",
    }
    assert ids(api, "/api/ai/generations", page=9) == []
    for wrong in ({"page_size": 1001}, {"page": 0}, {"page": "x"}):
        assert api.get("/api/ai/generations", params=wrong).status_code == 400


def test_events_tell_everybody_who_listens_and_nobody_later(hub: Hub, api: httpx.Client) -> None:
    with listening(hub) as first, listening(hub) as second:
        [id] = enqueue(api)
        told = [first.completed(), second.completed()]
    assert told[0] == told[1]
    event = told[0]
    url = event.pop("url")
    assert event == {
        "generation_id": id,
        "status": "succeeded",
        "media_type": "image",
        "model": "qwen-image-edit-plus",
    }
    assert httpx.get(url, trust_env=False).status_code == 200
    with listening(hub) as late:
        assert late.frame() == b": keep-alive"


def test_other_events_are_mixed_in(hub: Hub, api: httpx.Client) -> None:
    with listening(hub) as stream:
        enqueue(api, num_generations=4)
        enqueue(api, num_generations=4)
        names = [stream.event()[0] for _ in range(10)]
    assert (names.count(COMPLETED), names.count("deployment_status_changed")) == (8, 2)


def test_custom_model_is_started_and_stopped(hub: Hub, api: httpx.Client) -> None:
    hub.add_model(model("team/m"))
    with listening(hub) as stream:
        for what, status in (("activate", "active"), ("deactivate", "inactive")):
            answer = api.post(f"/api/ai/models/team%2Fm/{what}").json()
            assert (answer["id"], answer["deployments"]) == ("team/m", [{"status": status}])
            assert stream.event() == ("deployment_status_changed", {"model": "team/m", "status": status})
    assert api.get("/api/ai/models/team%2Fm").json()["deployments"] == [{"status": "inactive"}]
    assert api.post("/api/ai/models/nope/activate").status_code == 404


def test_hub_stops_at_once_with_streams_open_and_jobs_waiting() -> None:
    with Hub(seconds=3600) as hub, client(hub) as api, listening(hub) as stream:
        enqueue(api, num_generations=4)
        began = time.monotonic()
        hub.__exit__(None, None, None)
        assert time.monotonic() - began < 1
        with pytest.raises(httpx.TransportError):
            stream.frame()


def test_jobs_outlive_a_stop_and_those_under_way_fail() -> None:
    hub = Hub(seconds=3600)
    with hub, client(hub) as api:
        [id] = enqueue(api)
    with hub, client(hub) as api:
        assert (one(api, id)["status"], ids(api)) == ("failed", [])


def test_inline_picture_is_told_whole_of_one_job_and_brief_in_lists(api: httpx.Client) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, "PNG")
    sent = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    job = ended(api, enqueue(api, input_image=[sent])[0])
    assert (job["status"], job["input_image"]) == ("succeeded", [sent])
    [listed] = api.get(QUEUE, params={"status": "succeeded"}).json()["generations"]
    assert listed["input_image"] == [f"{sent[:100]}…"]


@pytest.mark.parametrize("kind", ["cut-unread", "cut-unanswered", "cut-midway"])
def test_paid_request_that_is_cut_is_counted(
    hub: Hub, api: httpx.Client, caplog: pytest.LogCaptureFixture, kind: Any
) -> None:
    hub.fault(kind, times=1, method="post", path=QUEUE)
    assert api.get(QUEUE).status_code == 200
    with pytest.raises(httpx.TransportError):
        api.post(QUEUE, json=BODY)
    assert hub.count("POST", QUEUE) == 1
    assert hub.requests[-1].body == (None if kind == "cut-unread" else BODY)
    assert len(ids(api, status="")) == (0 if kind == "cut-unread" else 1)
    assert len(enqueue(api)) == 1
    assert (hub.count("post", "/api/"), hub.count("GET", QUEUE)) == (2, 2)
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def test_cut_in_the_middle_of_a_download(hub: Hub, api: httpx.Client) -> None:
    url = ended(api, enqueue(api)[0])["result_url"]
    hub.fault("cut-midway", times=1, path="/files/*")
    got: list[bytes] = []
    with httpx.stream("GET", url, trust_env=False) as answer, pytest.raises(httpx.RemoteProtocolError):
        got.extend(answer.iter_raw(100))
    whole = httpx.get(url, trust_env=False).content
    assert len(whole) // 2 - 100 <= len(b"".join(got)) <= len(whole) // 2
    assert whole.startswith(b"".join(got))


def test_slow_first_byte(hub: Hub, api: httpx.Client) -> None:
    hub.fault("slow", 3600, times=1, path=QUEUE)
    with pytest.raises(httpx.ReadTimeout):
        api.post(QUEUE, json=BODY, timeout=httpx.Timeout(10, read=0.1))
    [id] = until(lambda: ids(api, status=""))
    hub.fault("slow", 0.1, times=1)
    began = time.monotonic()
    ended(api, id)
    assert time.monotonic() - began >= 0.1


def test_same_seed_same_faults(hub: Hub, api: httpx.Client) -> None:
    def statuses(seed: int) -> list[int]:
        path = f"/api/ai/models/x{seed}"
        hub.answer_next(429, times=None, probability=0.5, seed=seed % 2, path=path)
        return [api.get(path).status_code for _ in range(20)]

    assert statuses(0) == statuses(2) != statuses(1)
    assert set(statuses(4)) == {404, 429}


def test_answers_instead_of_the_queue(hub: Hub, api: httpx.Client) -> None:
    hub.answer_next(200, body={"generations": []}, path=QUEUE)
    hub.answer_next(503, headers={"Retry-After": "Fri, 07 Aug 2026 10:00:00 GMT"}, path=f"{QUEUE}/*")
    assert api.post(QUEUE, json=BODY).json() == {"generations": []}
    answer = api.get(f"{QUEUE}/any")
    assert (answer.status_code, answer.headers["retry-after"][:3]) == (503, "Fri")
    assert api.get(f"{QUEUE}/any").status_code == 404


def test_stream_refused(hub: Hub, api: httpx.Client) -> None:
    hub.answer_next(503, times=2, path=EVENTS)
    assert [api.get(EVENTS).status_code for _ in range(2)] == [503, 503]
    with listening(hub) as stream:
        assert stream.frame() == b": keep-alive"


def test_stream_cut_after_events(hub: Hub, api: httpx.Client) -> None:
    hub.fault("events-cut-after", 3, times=1)
    with listening(hub) as stream:
        enqueue(api, num_generations=4)
        for _ in range(3):
            stream.event()
        with pytest.raises(httpx.RemoteProtocolError):
            stream.frame()


def test_stream_cut_after_seconds(hub: Hub) -> None:
    hub.fault("events-cut-every", 0.2)
    for _ in range(2):
        began = time.monotonic()
        with listening(hub) as stream, pytest.raises(httpx.TransportError):
            stream.completed()
        assert 0.15 < time.monotonic() - began < 5


def test_silent_stream(hub: Hub, api: httpx.Client) -> None:
    hub.fault("events-silent", times=1)
    brief = httpx.Timeout(10, read=0.4)
    with client(hub) as opened, opened.stream("GET", EVENTS, timeout=brief) as answer:
        ended(api, enqueue(api)[0])
        with pytest.raises(httpx.ReadTimeout):
            next(answer.iter_raw())


def test_garbled_event(hub: Hub, api: httpx.Client) -> None:
    hub.fault("events-garbled", times=1)
    with listening(hub) as stream:
        enqueue(api, num_generations=2)
        assert stream.event()[0] == "deployment_status_changed"
        garbled = stream.frame()
        assert garbled.startswith(b"event: media_generation_completed\ndata: {")
        with pytest.raises(ValueError, match="utf-8"):
            json.loads(garbled.partition(b"data: ")[2])
        assert stream.completed()["status"] == "succeeded"


@pytest.mark.parametrize("size", [1, None])
def test_events_in_pieces(hub: Hub, api: httpx.Client, size: int | None) -> None:
    hub.fault("events-split", size)
    with listening(hub) as stream:
        [id] = enqueue(api)
        assert stream.completed()["generation_id"] == id
    sizes = {len(chunk) for chunk in stream.chunks}
    assert sizes == {1} if size else len(sizes) > 4


def test_event_before_the_answer() -> None:
    with (
        Hub(seconds=3600) as hub,
        client(hub) as api,
        listening(hub) as stream,
        ThreadPoolExecutor(1) as pool,
    ):
        hub.fault("events-early", times=1)
        hub.fault("slow", 0.3, path=QUEUE)
        posting = pool.submit(enqueue, api)
        event = stream.completed()
        was_first = not posting.done()
        assert ([event["generation_id"]], was_first) == (posting.result(), True)


def test_event_twice_or_dropped(hub: Hub, api: httpx.Client) -> None:
    hub.fault("events-dropped", times=1)
    with listening(hub) as stream:
        [dropped] = enqueue(api)
        assert ended(api, dropped)["status"] == "succeeded"
        hub.fault("events-twice", times=1)
        [twice] = enqueue(api)
        ended(api, twice)
        [once] = enqueue(api)
        told = [stream.completed()["generation_id"] for _ in range(3)]
    assert told == [twice, twice, once]


def test_older_hub_forgets_what_is_over(hub: Hub, api: httpx.Client) -> None:
    [id] = enqueue(api)
    ended(api, id)
    hub.fault("job-forgotten", times=1)
    assert [api.get(f"{QUEUE}/{id}").status_code for _ in range(2)] == [404, 200]


@pytest.mark.parametrize(("kind", "amount"), [("url-downloads", 1), ("url-seconds", 0.7)])
def test_url_that_expires(hub: Hub, api: httpx.Client, kind: Any, amount: float) -> None:
    hub.fault(kind, amount)
    job = ended(api, enqueue(api)[0])

    def status() -> int:
        return httpx.get(job["result_url"], trust_env=False).status_code

    assert status() == 200
    assert until(lambda: (code := status()) != 200 and code) == 403
    job = one(api, job["generation_id"])
    assert status() == 200


@pytest.mark.parametrize("place", ["url", "images", "videos", "b64_json"])
def test_result_in_another_place(place: Any) -> None:
    with Hub(spelling=Spelling(result=place), seconds=0) as hub, client(hub) as api:
        job = ended(api, enqueue(api)[0])
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
        ("nonsense", {}, "a fault is one of cut-unread"),
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
        hub.fault(kind, **arguments)


def test_many_jobs_are_cheap() -> None:
    with Hub(speed=100) as hub, client(hub) as api, listening(hub) as stream:
        made = [id for _ in range(250) for id in enqueue(api, num_generations=4)]
        told = {stream.completed()["generation_id"] for _ in made}
        assert told == set(made)
        assert (ids(api), hub.count("POST", QUEUE)) == ([], 250)
