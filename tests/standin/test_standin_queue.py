"""The stand-in hub's queue and its events, over real sockets."""

import base64
import io
import time
import uuid
from typing import Any

import httpx
import pytest
from helpers.hub_api import (
    COMPLETED,
    EDIT,
    EDIT_BODY,
    FILM_BODY,
    QUEUE,
    enqueue,
    get_job,
    list_ids,
    open_client,
    open_stream,
    stop_hub,
    wait_for_end,
    wait_until,
)
from helpers.models import make_model
from oxen_models.testing import Hub
from PIL import Image


def test_job_runs_to_its_result(api: httpx.Client) -> None:
    began = int(time.time())
    [id] = enqueue(
        api, aspect_ratio="1:1", target_namespace="herd", target_repo="barn", target_directory="a/b"
    )
    assert str(uuid.UUID(id)) == id
    job = wait_for_end(api, id)
    times = [job.pop(name) for name in ("enqueued_at", "started_at", "completed_at")]
    assert began <= times[0] <= times[1] <= times[2] <= time.time()
    url = job.pop("result_url")
    assert job == {
        **{name: value for name, value in EDIT_BODY.items() if name != "model"},
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
    [blocking] = api.post(EDIT, json={**EDIT_BODY, "output_format": "jpg"}).json()["images"]
    first, second = enqueue(api, output_format="jpg", num_generations=2)
    urls = [blocking["url"], wait_for_end(api, first)["result_url"], wait_for_end(api, second)["result_url"]]
    files = [httpx.get(url, trust_env=False).content for url in urls]
    assert [url.rpartition(".")[2] for url in urls] == ["jpg"] * 3
    assert (files[0] == files[1], files[1] == files[2]) == (True, False)


def test_states_of_a_job(hub: Hub, api: httpx.Client) -> None:
    with Hub(generation_time=3600) as slow, open_client(slow) as other:
        queued = get_job(other, enqueue(other)[0])
    assert (queued["status"], queued["started_at"], queued["result_url"]) == ("queued", None, None)
    hub.inject_fault("job-stuck", times=1)
    [stuck] = enqueue(api)
    wait_until(lambda: get_job(api, stuck)["status"] == "processing")
    wait_for_end(api, enqueue(api)[0])
    job = get_job(api, stuck)
    assert (job["status"], job["started_at"] is None) == ("processing", False)
    assert (job["completed_at"], job["result_url"]) == (None, None)


def test_video(hub: Hub, api: httpx.Client) -> None:
    job = wait_for_end(api, enqueue(api, FILM_BODY)[0])
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
    answer = api.post(QUEUE, json={**EDIT_BODY, **change})
    assert answer.status_code == status
    assert why in answer.json()["error"]["detail"]
    assert list_ids(api, status="queued,processing,succeeded,failed,cancelled") == []


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
    with open_stream(hub) as stream:
        [id] = enqueue(api, **change)
        event = stream.read_completed()
    job = get_job(api, id)
    assert (job["status"], job["result_url"]) == ("failed", None)
    assert why in job["error_message"]
    assert event == {
        "generation_id": id,
        "status": "failed",
        "media_type": "image",
        "error": job["error_message"],
    }


def test_list_holds_active_jobs_and_others_when_asked(hub: Hub, api: httpx.Client) -> None:
    hub.inject_fault("job-stuck", times=1)
    [stuck] = enqueue(api)
    wait_until(lambda: get_job(api, stuck)["status"] == "processing")
    [done] = enqueue(api)
    wait_for_end(api, done)
    assert list_ids(api) == [stuck]
    assert list_ids(api, status="succeeded") == [done]
    assert list_ids(api, status="processing,succeeded") == [stuck, done]
    assert list_ids(api, status="") == [stuck, done]


@pytest.mark.parametrize("path", [QUEUE, "/api/ai/generations"])
def test_filters(hub: Hub, api: httpx.Client, path: str) -> None:
    [film] = enqueue(api, FILM_BODY, target_repo="barn", target_directory="a", target_namespace="herd")
    [image] = enqueue(api, target_repo="barn", target_directory="b")
    wait_for_end(api, film)
    wait_for_end(api, image)

    def found(**asked: str) -> set[str]:
        return set(list_ids(api, path, status="succeeded", **asked))

    assert found() == found(repo="barn") == {film, image}
    assert found(namespace="herd") == found(model="film") == found(media_type="video") == {film}
    assert found(folder="b") == found(media_type="image", repo="barn") == {image}
    assert found(repo="barn", folder="c") == set()


def test_cancel(hub: Hub, api: httpx.Client) -> None:
    hub.inject_fault("job-stuck", times=1)
    [id] = enqueue(api)
    wait_until(lambda: get_job(api, id)["status"] == "processing")
    with open_stream(hub) as stream:
        answer = api.delete(f"{QUEUE}/{id}")
        assert answer.json() == {"status": "success", "generation_id": id}
        job = get_job(api, id)
        [later] = enqueue(api)
        # The next event is another job's: for this one, there is none.
        assert stream.read_completed()["generation_id"] == later
    assert (job["status"], job["result_url"], job["completed_at"] is None) == ("cancelled", None, False)
    assert list_ids(api, status="cancelled") == [id]


def test_cancelled_before_it_starts_and_after_it_ended(api: httpx.Client) -> None:
    with Hub(generation_time=3600) as hub, open_client(hub) as slow:
        [waiting] = enqueue(slow)
        slow.delete(f"{QUEUE}/{waiting}")
        assert (get_job(slow, waiting)["status"], get_job(slow, waiting)["started_at"]) == ("cancelled", None)
    [id] = enqueue(api)
    job = wait_for_end(api, id)
    assert api.delete(f"{QUEUE}/{id}").json() == {"status": "success", "generation_id": id}
    assert get_job(api, id) == job


def test_unknown_job(api: httpx.Client) -> None:
    for answer in (api.get(f"{QUEUE}/nope"), api.delete(f"{QUEUE}/nope")):
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "resource_not_found")


def test_history_has_pages_and_costs(hub: Hub, api: httpx.Client) -> None:
    hub.add_model(make_model("paid", pricing={"method": "per_image", "cost_per_image": 0.04}))
    made = [enqueue(api, {"model": "paid", "prompt": str(number)})[0] for number in range(3)]
    [failed] = enqueue(api, {"model": "paid", "prompt": 5})
    for id in (*made, failed):
        wait_for_end(api, id)
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
    assert list_ids(api, "/api/ai/generations", page=9) == []
    for wrong in ({"page_size": 1001}, {"page": 0}, {"page": "x"}):
        assert api.get("/api/ai/generations", params=wrong).status_code == 400


def test_events_tell_everybody_who_listens_and_nobody_later(hub: Hub, api: httpx.Client) -> None:
    with open_stream(hub) as first, open_stream(hub) as second:
        [id] = enqueue(api)
        told = [first.read_completed(), second.read_completed()]
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
    with open_stream(hub) as late:
        assert late.read_frame() == b": keep-alive"


def test_other_events_are_mixed_in(hub: Hub, api: httpx.Client) -> None:
    with open_stream(hub) as stream:
        enqueue(api, num_generations=4)
        enqueue(api, num_generations=4)
        names = [stream.read_event()[0] for _ in range(10)]
    assert (names.count(COMPLETED), names.count("deployment_status_changed")) == (8, 2)


def test_custom_model_is_started_and_stopped(hub: Hub, api: httpx.Client) -> None:
    hub.add_model(make_model("team/m"))
    with open_stream(hub) as stream:
        for what, status in (("activate", "active"), ("deactivate", "inactive")):
            answer = api.post(f"/api/ai/models/team%2Fm/{what}").json()
            assert (answer["id"], answer["deployments"]) == ("team/m", [{"status": status}])
            assert stream.read_event() == ("deployment_status_changed", {"model": "team/m", "status": status})
    assert api.get("/api/ai/models/team%2Fm").json()["deployments"] == [{"status": "inactive"}]
    assert api.post("/api/ai/models/nope/activate").status_code == 404


def test_hub_stops_with_streams_open_and_jobs_waiting() -> None:
    with Hub(generation_time=3600) as hub, open_client(hub) as api, open_stream(hub) as stream:
        enqueue(api, num_generations=4)
        assert stop_hub(hub)
        with pytest.raises(httpx.TransportError):
            stream.read_frame()


def test_jobs_outlive_a_stop_and_those_under_way_fail() -> None:
    hub = Hub(generation_time=3600)
    with hub, open_client(hub) as api:
        [id] = enqueue(api)
    with hub, open_client(hub) as api:
        assert (get_job(api, id)["status"], list_ids(api)) == ("failed", [])


def test_inline_picture_is_told_whole_of_one_job_and_brief_in_lists(api: httpx.Client) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, "PNG")
    sent = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    job = wait_for_end(api, enqueue(api, input_image=[sent])[0])
    assert (job["status"], job["input_image"]) == ("succeeded", [sent])
    [listed] = api.get(QUEUE, params={"status": "succeeded"}).json()["generations"]
    assert listed["input_image"] == [f"{sent[:100]}…"]


def test_many_jobs_are_cheap() -> None:
    with Hub(speed=100) as hub, open_client(hub) as api, open_stream(hub) as stream:
        made = [id for _ in range(250) for id in enqueue(api, num_generations=4)]
        told = {stream.read_completed()["generation_id"] for _ in made}
        assert told == set(made)
        assert (list_ids(api), hub.count("POST", QUEUE)) == ([], 250)
