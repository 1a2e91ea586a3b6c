"""Tests of the media that the stand-in returns."""

import base64
import io
import re
import time
from datetime import datetime
from typing import Any

import httpx
import pytest
from helpers.hub_api import EDIT, EDIT_BODY, FILM_BODY, QUEUE, enqueue, list_ids, open_client, wait_for_end
from helpers.models import make_model, object_schema
from oxen_models.testing import Dialect, Hub
from PIL import Image

VIDEO = "/api/ai/videos/generate"
AUDIO = "/api/ai/audio/generate"
RESULT_URL = re.compile(
    r"/api/repos/standin/playground/workspaces/[0-9a-f-]{36}/files/"
    r"(?P<stamp>\d{8}-\d{6})_(?P<slug>[a-z-]+)_[0-9a-f]{8}\.png"
    r"\?oxen_expires=(?P<expires>\d+)&oxen_signature=[0-9a-f]+"
)
SPEECH_BODY = {"model": "bytedance-seed-audio-1-0", "prompt": "moo"}
DRAFT_BODY = {"model": "bytedance-seedance-2-5-text-to-video", "prompt": "An ox walks"}


def download(
    api: httpx.Client, body: dict[str, Any], path: str = EDIT, key: str = "images"
) -> httpx.Response:
    response = api.post(path, json=body)
    assert response.status_code == 200, response.text
    return httpx.get(response.json()[key][0]["url"]).raise_for_status()


def open_image(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def encode_data_uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


@pytest.mark.slow
def test_edit_adds_a_hat_to_the_image(api: httpx.Client) -> None:
    """The result of an edit is the image that was sent, with a hat."""
    green = (10, 200, 30)
    image = encode_data_uri(Image.new("RGB", (40, 40), green))
    response = api.post(EDIT, json={**EDIT_BODY, "input_image": [image], "aspect_ratio": "1:1"}).json()
    assert response["model"] == "qwen-image-edit-plus"
    assert abs(response["created"] - time.time()) < 60
    file = httpx.get(response["images"][0]["url"])
    assert file.headers["content-type"] == "image/png"
    assert int(file.headers["content-length"]) == len(file.content)
    edited = open_image(file.content)
    assert edited.getpixel((edited.width // 2, edited.height - 1)) == green
    assert len(edited.getcolors() or []) > 1


@pytest.mark.slow
def test_url_is_that_of_a_repository(hub: Hub, api: httpx.Client) -> None:
    """The results of calls and jobs are in the user's playground, and their URLs expire after an hour."""
    body: dict[str, Any] = {**EDIT_BODY, "prompt": "A dog, in the SNOW!"}
    urls = [api.post(EDIT, json=body).json()["images"][0]["url"]]
    urls.append(wait_for_end(api, enqueue(api, **body)[0])["result_url"])
    for url in urls:
        found = RESULT_URL.fullmatch(url.removeprefix(hub.url))
        assert found, url
        stamp = datetime.strptime(f"{found['stamp']}+0000", "%Y%m%d-%H%M%S%z").timestamp()
        assert (0 <= int(found["expires"]) - stamp - 3600 < 60, found["slug"]) == (True, "a-dog-in-the-snow")
        response = httpx.get(url)
        assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
        changed = url.replace(found["expires"], str(int(found["expires"]) + 9))
        unsigned = url.partition("?")[0]
        assert [httpx.get(other).status_code for other in (changed, unsigned)] == [403, 401]
        assert api.get(unsigned).status_code == 200
        inputs = [{**EDIT_BODY, "input_image": [other]} for other in (url, changed)]
        assert [api.post(EDIT, json=sent).status_code for sent in inputs] == [200, 400]


@pytest.mark.slow
def test_input_url_is_not_fetched(api: httpx.Client, unused_server: str) -> None:
    """The URL of an input is not fetched: the result is a drawing."""
    file = download(api, {**EDIT_BODY, "input_image": [f"{unused_server}/dog.png"]})
    picture = open_image(file.content)
    assert (picture.format, picture.width * 9) == ("PNG", picture.height * 16)


@pytest.mark.slow
def test_image_has_the_format_and_aspect_ratio(api: httpx.Client) -> None:
    """`output_format` and `aspect_ratio` apply to the result."""
    file = download(api, {**EDIT_BODY, "output_format": "jpg", "aspect_ratio": "3:4"})
    picture = open_image(file.content)
    assert (picture.format, picture.width * 4) == ("JPEG", picture.height * 3)


@pytest.mark.slow
def test_same_request_has_the_same_result(api: httpx.Client) -> None:
    """The same request has the same bytes, as a URL, inline and from the queue; others have others."""
    first = download(api, EDIT_BODY).content
    [inline] = api.post(EDIT, json={**EDIT_BODY, "response_format": "b64_json"}).json()["images"]
    assert inline == {"b64_json": base64.b64encode(first).decode()}
    assert download(api, {**EDIT_BODY, "prompt": "Another hat"}).content != first
    jobs = [wait_for_end(api, id) for id in enqueue(api, num_generations=2)]
    queued = [httpx.get(job["result_url"]).content for job in jobs]
    assert (queued[0] == first, queued[1] == first) == (True, False)


@pytest.mark.slow
def test_num_images_is_the_number_of_results(hub: Hub, api: httpx.Client) -> None:
    """A blocking call and a job return as many different images as `num_images` says."""
    hub.add_model(make_model("m", object_schema(prompt={}, num_images={"type": "integer"})))
    body = {"model": "m", "prompt": "data: an ox", "num_images": 3}
    images = api.post("/api/ai/images/generate", json=body).json()["images"]
    job = wait_for_end(api, enqueue(api, body)[0])
    contents = [{httpx.get(image["url"]).content for image in listed} for listed in (images, job["images"])]
    assert (contents[0] == contents[1], len(contents[0])) == (True, 3)
    assert job["result_url"] == job["images"][0]["url"]


@pytest.mark.slow
def test_num_images_of_which_one_is_returned(hub: Hub, api: httpx.Client) -> None:
    """A model whose description says so returns only the first image, and all are billed."""
    shape = {"type": "integer", "default": 1, "description": "Only the first is returned; all are billed."}
    pricing = {"method": "per_image", "cost_per_image": 0.1}
    hub.add_model(make_model("m", object_schema(num_images=shape), pricing=pricing))
    [id] = enqueue(api, {"model": "m", "num_images": 3})
    assert len(wait_for_end(api, id)["images"]) == 1
    assert api.get(f"/api/ai/generations/{id}").json()["generation"]["cost"] == "0.3"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "content_type", "beginning"),
    [
        ("mp4", "video/mp4", b"\0\0\0\x20ftypisom"),
        ("mov", "video/quicktime", b"\0\0\0\x14ftypqt"),
        ("webm", "video/webm", b"\x1a\x45\xdf\xa3"),
        ("wav", "audio/wav", b"RIFF"),
        ("mp3", "audio/mpeg", b"ID3"),
        ("pcm", "audio/pcm", b"\0\0"),
        ("ogg_opus", "audio/ogg", b"OggS"),
    ],
)
def test_video_and_audio_formats(
    hub: Hub, api: httpx.Client, format: str, content_type: str, beginning: bytes
) -> None:
    """Videos and sounds are files in the format that was requested."""
    media = content_type.partition("/")[0]
    schema = object_schema(output_format={"type": "string"})
    hub.add_model(make_model("m", schema, capabilities={"output": [media]}))
    body = {"model": "m", "output_format": format}
    path = VIDEO if media == "video" else AUDIO
    file = download(api, body, path, f"{media}s")
    assert file.headers["content-type"] == content_type
    assert file.content.startswith(beginning)
    job = wait_for_end(api, enqueue(api, body)[0])
    assert (job["media_type"], job[f"{media}s"][0]["url"]) == (media, job["result_url"])
    assert httpx.get(job["result_url"]).content == file.content


def test_audio_has_two_paths(api: httpx.Client) -> None:
    """`/audio/generate` and `/audio/speech` are equivalent, and an `input` is ignored."""
    generated = download(api, SPEECH_BODY, AUDIO, "audios")
    spoken = download(api, {**SPEECH_BODY, "input": "moo"}, "/api/ai/audio/speech", "audios")
    assert (generated.content == spoken.content, spoken.headers["content-type"]) == (True, "audio/mpeg")


@pytest.mark.slow
def test_dialect_audio_queue(api: httpx.Client) -> None:
    """The queue accepts audio, unless the dialect refuses it."""
    assert wait_for_end(api, enqueue(api, SPEECH_BODY)[0])["media_type"] == "audio"
    with Hub(dialect=Dialect(audio_queue="refused")) as other, open_client(other) as strict:
        response = strict.post(QUEUE, json=SPEECH_BODY)
    assert response.status_code == 400
    assert "no media that the queue accepts" in response.json()["error"]["detail"]


@pytest.fixture
def draft_model(hub: Hub) -> None:
    """A model with a draft mode."""
    hub.add_model(make_model(DRAFT_BODY["model"], capabilities={"output": ["video"]}))


@pytest.mark.slow
@pytest.mark.usefixtures("draft_model")
def test_draft_and_final_of_blocking_calls(api: httpx.Client) -> None:
    """A draft has an id and an expiry; a final needs only the model and that id, any number of times."""
    [draft] = api.post(VIDEO, json={**DRAFT_BODY, "draft": True}).json()["videos"]
    assert time.strptime(draft["draft_expires_at"], "%Y-%m-%dT%H:%M:%SZ")
    body = {"model": DRAFT_BODY["model"], "draft_task_id": draft["draft_task_id"]}
    for _ in range(2):
        [final] = api.post(VIDEO, json=body).json()["videos"]
        assert final.keys() == {"url"}
    unknown = api.post(VIDEO, json={**body, "draft_task_id": "nope"})
    assert (unknown.status_code, "no such draft" in unknown.text) == (400, True)


@pytest.mark.slow
@pytest.mark.usefixtures("draft_model")
def test_draft_and_final_of_jobs(api: httpx.Client) -> None:
    """A job that is a draft has its id and expiry beside the URL; a final has the id as its parameter."""
    draft = wait_for_end(api, enqueue(api, DRAFT_BODY, draft=True)[0])
    assert draft["draft"] is True
    assert draft["videos"][0].keys() == {"url", "draft_task_id", "draft_expires_at"}
    id = draft["videos"][0]["draft_task_id"]
    final = wait_for_end(api, enqueue(api, {"model": DRAFT_BODY["model"], "draft_task_id": id})[0])
    assert (final["status"], final["draft_task_id"], final["videos"][0].keys()) == ("succeeded", id, {"url"})


def test_draft_of_a_model_without_drafts(api: httpx.Client) -> None:
    """A model without a draft mode ignores its parameters, and requires a prompt."""
    response = api.post(VIDEO, json={"model": "film", "draft_task_id": "any"})
    assert (response.status_code, "Prompt cannot be empty" in response.text) == (400, True)
    [video] = api.post(VIDEO, json={**FILM_BODY, "draft": True}).json()["videos"]
    assert video.keys() == {"url"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "job_keys", "event_keys"),
    [
        ("all", {"images", "result_url"}, {"images", "url"}),
        ("list", {"images"}, {"images"}),
        ("result_url", {"result_url"}, {"result_url"}),
        ("url", {"url"}, {"url"}),
        ("b64_json", {"images"}, {"images"}),
    ],
)
def test_dialect_result(form: Any, job_keys: set[str], event_keys: set[str]) -> None:
    """The results of jobs and events are under each documented key, also before they exist."""
    keys = {"images", "result_url", "url"}
    with Hub(dialect=Dialect(result=form), speed=100) as hub, open_client(hub) as api:
        hub.inject_fault("job-stuck", times=1)
        [stuck] = enqueue(api)
        active = api.get(f"{QUEUE}/{stuck}").json()
        with open_client(hub) as listener, listener.stream("GET", "/api/events") as stream:
            job = wait_for_end(api, enqueue(api)[0])
            lines = stream.iter_lines()
            event = next(line for line in lines if '"status":"succeeded"' in line)
        [listed] = api.get(QUEUE, params={"status": "succeeded"}).json()["generations"]
        assert list_ids(api) == [stuck]
        assert keys & active.keys() == keys & job.keys() == keys & listed.keys() == job_keys
        assert {key for key in keys if f'"{key}":' in event.replace('{"url":', "")} == event_keys
        assert not any(active[key] for key in job_keys)
        found = job["images"][0] if "images" in job_keys else {"url": job[form]}
        if form == "b64_json":
            content = base64.b64decode(found["b64_json"])
        else:
            content = httpx.get(found["url"]).content
    assert open_image(content).format == "PNG"
