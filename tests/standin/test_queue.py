"""Tests of the queue: submission, polling, lists and cancellation."""

import base64
import io
import time
import uuid
from typing import Any

import httpx
import pytest
from helpers.hub_api import (
    EDIT_BODY,
    FILM_BODY,
    QUEUE,
    enqueue,
    get_job,
    list_ids,
    open_client,
    open_stream,
    wait_for_end,
    wait_until,
)
from oxen_models.testing import Hub
from PIL import Image

GENERATIONS = "/api/ai/generations"


@pytest.fixture
def stuck_job(hub: Hub, api: httpx.Client) -> str:
    """The id of a job that stays `processing`."""
    hub.inject_fault("job-stuck", times=1)
    [id] = enqueue(api)
    wait_until(lambda: get_job(api, id)["status"] == "processing")
    return id


@pytest.mark.slow
def test_record_of_a_job(api: httpx.Client) -> None:
    """The record of a job has the parameters as sent, the targets, the times and the results."""
    start = int(time.time())
    targets: dict[str, Any] = {"target_namespace": "herd", "target_repo": "barn", "target_directory": "a/b"}
    [id] = enqueue(api, aspect_ratio="1:1", unknown=[1, {"a": None}], **targets)
    assert str(uuid.UUID(id)) == id
    job = wait_for_end(api, id)
    times = [job.pop(name) for name in ("enqueued_at", "started_at", "completed_at")]
    assert start <= times[0] <= times[1] <= times[2] <= time.time()
    url = job["result_url"]
    assert job == {
        **{name: value for name, value in EDIT_BODY.items() if name != "model"},
        "aspect_ratio": "1:1",
        "unknown": [1, {"a": None}],
        "generation_id": id,
        "model_name": "qwen-image-edit-plus",
        "media_type": "image",
        "status": "succeeded",
        "error_message": None,
        "images": [{"url": url}],
        "result_url": url,
        **targets,
    }
    file = httpx.get(url)
    assert (file.headers["content-type"], file.headers["server"]) == ("image/png", "models-standin")
    picture = Image.open(io.BytesIO(file.content))
    assert picture.width == picture.height


@pytest.mark.slow
def test_status_queued_and_processing(api: httpx.Client, stuck_job: str) -> None:
    """A job is queued, then processing, and has neither results nor later times."""
    with Hub(generation_time=3600) as slow, open_client(slow) as other:
        queued = get_job(other, enqueue(other)[0])
    assert (queued["status"], queued["started_at"], queued["images"]) == ("queued", None, [])
    wait_for_end(api, enqueue(api)[0])
    job = get_job(api, stuck_job)
    assert (job["status"], job["started_at"] is None) == ("processing", False)
    assert (job["completed_at"], job["result_url"], job["images"]) == (None, None, [])


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"model": "gpt-4o"}, "model: gpt-4o makes no media that the queue accepts"),
        ({"model": 5}, "model: 5 is not of type 'string'"),
        ({"num_generations": 0}, "num_generations must be an integer between 1 and 4"),
        ({"num_generations": 5}, "num_generations must be an integer between 1 and 4"),
        ({"num_generations": True}, "num_generations must be an integer between 1 and 4"),
        ({"target_repo": 5}, "target_repo: 5 is not of type 'string', 'null'"),
    ],
)
def test_submission_is_refused(api: httpx.Client, change: dict[str, Any], detail: str) -> None:
    """A refused submission receives 400 and creates no job."""
    response = api.post(QUEUE, json={**EDIT_BODY, **change})
    assert (response.status_code, response.json()["error"]["detail"]) == (400, detail)
    assert list_ids(api, status="") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"prompt": 5}, "prompt: 5 is not of type 'string'"),
        ({"prompt": ""}, "Prompt cannot be empty"),
        ({"input_image": ["data:image/png;base64,AAAA"]}, "input_image: not an image that can be read"),
    ],
)
def test_parameters_are_validated_by_the_job(
    hub: Hub, api: httpx.Client, change: dict[str, Any], error: str
) -> None:
    """The queue accepts any parameters of the model; the job fails, and its event has the reason."""
    with open_stream(hub) as stream:
        [id] = enqueue(api, **change)
        event = stream.read_completed()
    job = get_job(api, id)
    assert (job["status"], job["error_message"]) == ("failed", error)
    assert (job["result_url"], job["images"]) == (None, [])
    assert event == {"generation_id": id, "status": "failed", "media_type": "image", "error": error}


@pytest.mark.slow
def test_list_has_active_jobs_by_default(api: httpx.Client, stuck_job: str) -> None:
    """The list has the active jobs, or those with the given statuses."""
    [done] = enqueue(api)
    wait_for_end(api, done)
    assert list_ids(api) == [stuck_job]
    assert list_ids(api, status="succeeded") == [done]
    assert list_ids(api, status="processing,succeeded") == [stuck_job, done]
    assert list_ids(api, status="") == [stuck_job, done]


@pytest.mark.slow
@pytest.mark.parametrize("path", [QUEUE, GENERATIONS])
def test_list_filters(api: httpx.Client, path: str) -> None:
    """The queue and the history can be filtered by model, media and target."""
    [film] = enqueue(api, FILM_BODY, target_repo="barn", target_directory="a", target_namespace="herd")
    [image] = enqueue(api, target_repo="barn", target_directory="b")
    wait_for_end(api, film)
    wait_for_end(api, image)

    def find(**filters: str) -> set[str]:
        return set(list_ids(api, path, status="succeeded", **filters))

    assert find() == find(repo="barn") == {film, image}
    assert find(namespace="herd") == find(model="film") == find(media_type="video") == {film}
    assert find(folder="b") == find(media_type="image", repo="barn") == {image}
    assert find(repo="barn", folder="c") == set()


@pytest.mark.slow
def test_cancelled_job_has_no_event(hub: Hub, api: httpx.Client, stuck_job: str) -> None:
    """A cancelled job has no result and no event: the next event is that of a later job."""
    with open_stream(hub) as stream:
        response = api.delete(f"{QUEUE}/{stuck_job}")
        assert response.json() == {"status": "success", "generation_id": stuck_job}
        job = get_job(api, stuck_job)
        [later] = enqueue(api)
        assert stream.read_completed()["generation_id"] == later
    assert (job["status"], job["result_url"], job["completed_at"] is None) == ("cancelled", None, False)
    assert list_ids(api, status="cancelled") == [stuck_job]


@pytest.mark.slow
def test_cancellation_before_start_and_after_end(api: httpx.Client) -> None:
    """A job can be cancelled before it starts; a job that has ended does not change."""
    with Hub(generation_time=3600) as hub, open_client(hub) as slow:
        [queued] = enqueue(slow)
        slow.delete(f"{QUEUE}/{queued}")
        job = get_job(slow, queued)
        assert (job["status"], job["started_at"]) == ("cancelled", None)
    [id] = enqueue(api)
    job = wait_for_end(api, id)
    assert api.delete(f"{QUEUE}/{id}").json() == {"status": "success", "generation_id": id}
    assert get_job(api, id) == job


def test_unknown_job_is_not_found(api: httpx.Client) -> None:
    """A request for a job that does not exist receives 404."""
    for method, path in (("GET", QUEUE), ("DELETE", QUEUE), ("GET", GENERATIONS)):
        response = api.request(method, f"{path}/nope")
        assert (response.status_code, response.json()["error"]["type"]) == (404, "resource_not_found")


@pytest.mark.slow
def test_inline_image_is_truncated_in_lists(api: httpx.Client) -> None:
    """A record has an inline image as sent; a list has only its beginning."""
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, "PNG")
    image = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    job = wait_for_end(api, enqueue(api, input_image=[image])[0])
    assert (job["status"], job["input_image"]) == ("succeeded", [image])
    for path in (QUEUE, GENERATIONS):
        [listed] = api.get(path, params={"status": "succeeded"}).json()["generations"]
        assert listed["input_image"] == [f"{image[:100]}…"]


@pytest.mark.slow
def test_thousand_jobs() -> None:
    """A thousand jobs run at the same time, and each has its event."""
    with Hub(speed=100) as hub, open_client(hub) as api, open_stream(hub) as stream:
        submitted = {id for _ in range(250) for id in enqueue(api, num_generations=4)}
        assert {stream.read_completed()["generation_id"] for _ in submitted} == submitted
        assert (list_ids(api), hub.count("POST", QUEUE)) == ([], 250)
