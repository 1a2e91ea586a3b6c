"""The media of results: all of them, in every form in which the API returns them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import EVENTS, QUEUE, finish_jobs_via_httpx, submit_via_httpx, wait_until
from helpers.raw_server import RawServer, Response
from helpers.scenario import Steps, collect, scenario, submit_edit
from oxen_models.testing import Dialect, Hub

PAIR = {
    "id": "pair",
    "endpoint": "/images/generate",
    "capabilities": {"input": ["text"], "output": ["image"]},
    "json_request_schema": {
        "type": "object",
        "properties": {"prompt": {"type": "string"}, "num_images": {"type": "integer"}},
    },
}
REQUEST = ox.UntypedRequest("pair", "/images/generate", {"prompt": "x", "num_images": 2})
DRAFTER = "bytedance-seedance-2-5-text-to-video"
A, B = "https://example.com/a.png", "https://example.com/b.png"


@pytest.fixture(params=["all", "list", "b64_json"])
def pair_hub(request: pytest.FixtureRequest) -> Iterator[Hub]:
    """A hub with a model that makes two images, in each form of results that has a list."""
    with Hub(dialect=Dialect(result=request.param), generation_time=0.02) as hub:
        hub.add_model(PAIR)
        yield hub


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("has_events", [True, False])
def test_job_with_two_images_returns_both(
    run: ClientRunner, pair_hub: Hub, has_events: bool, fast_polls: None
) -> None:
    """A list of media goes before `result_url` and `url`, in records and events alike."""
    if not has_events:
        pair_hub.respond_next(404, times=None, path=EVENTS)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield oxen.submit(REQUEST)
        result = yield job.result(timeout=60)
        contents: list[bytes] = []
        for image in result.images:
            contents.append((yield image.read()))
        return contents

    contents = run(steps, base_url=pair_hub.url)
    assert [content[:4] for content in contents] == [b"\x89PNG"] * 2
    assert contents[0] != contents[1]


@pytest.mark.async_values
@pytest.mark.slow
def test_batch_result_with_two_images_is_replayed(run: ClientRunner, pair_hub: Hub, tmp_path: Path) -> None:
    """A journal keeps all media of a result, with their content if they have no URL."""

    def step(oxen: Any) -> Any:
        return collect(oxen.run_many([REQUEST], journal=tmp_path / "journal"))

    [first], [second] = run(step, base_url=pair_hub.url), run(step, base_url=pair_hub.url)
    media = [[(image.url, image.b64_json) for image in outcome.result.media] for outcome in (first, second)]
    assert len(media[0]) == 2
    assert media[0] == media[1]


@pytest.mark.slow
def test_history_and_events_carry_all_media(run: ClientRunner) -> None:
    """`Generation.media` and `GenerationCompleted.media` contain each file."""
    with Hub(generation_time=0.02) as hub:
        hub.add_model(PAIR)

        @scenario
        def steps(oxen: Any) -> Steps:
            job = yield oxen.submit(REQUEST)
            yield job.result()
            generation = yield oxen.generation(job.id)
            [row] = yield collect(oxen.generations())
            return job, generation, row

        job, generation, row = run(steps, base_url=hub.url)
        assert generation.generation_id == job.id
        assert len(generation.media) == len(row.media) == 2
        assert generation.parameters == {"prompt": "x", "num_images": 2}

        def submit() -> None:
            wait_until(lambda: hub.count("GET", EVENTS) > 1)
            submit_via_httpx(hub, REQUEST.body())

        thread = threading.Thread(target=submit)
        thread.start()
        [event] = run(lambda oxen: collect(oxen.events(), 1), base_url=hub.url)
        thread.join()
    assert (len(event.media), event.url) == (2, event.media[0].url)
    assert {type(file) for file in event.media} == {ox.GeneratedFile}


RECORDS: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"media_type": "image", "result_url": A, "images": [{"url": A}, {"url": B}]}, "Image", [A, B]),
    ({"media_type": "image", "result_url": A, "images": []}, "Image", [A]),
    ({"media_type": "image", "url": A, "images": None}, "Image", [A]),
    ({"media_type": "image", "result_url": A, "images": [B, B]}, "Image", [A]),
    ({"media_type": "video", "result_url": A, "images": [{"url": B}]}, "Video", [A]),
    ({"media_type": "audio", "audios": [{"url": A}, {"url": B}]}, "Audio", [A, B]),
    ({"audios": [{"url": A}]}, "Audio", [A]),
    ({"media_type": "hologram", "videos": [{"url": A}, {"url": B}]}, "Video", [A, B]),
    ({"media_type": "hologram", "result_url": A}, "Image", [A]),
]


@pytest.mark.async_values
@pytest.mark.parametrize(("record", "kind", "urls"), RECORDS)
def test_record_yields_all_media(
    run: ClientRunner, server: RawServer, record: dict[str, Any], kind: str, urls: list[str]
) -> None:
    """Objects in a list are results; URLs in it, and the objects of another medium, may be parameters."""
    body = {"generation_id": "g", "status": "succeeded", **record}
    server.responses[f"{QUEUE}/g"] = [Response(body=body)]

    @scenario
    def steps(oxen: Any) -> Steps:
        job = oxen.job("g")
        generation = yield job.refresh()
        result = yield job.result()
        return generation, result

    generation, result = run(steps, base_url=server.url)
    assert type(result) is run.get_class(f"{kind}Result")
    assert [medium.url for medium in result.media] == urls
    assert [file.url for file in generation.media] == urls
    assert generation.media_type == record.get("media_type")


def test_image_has_its_revised_prompt(run: ClientRunner, hub: Hub) -> None:
    """`revised_prompt` of a blocking call is an attribute of the image."""
    images = [{"url": A, "revised_prompt": "a hat"}, {"url": B, "revised_prompt": None}]
    hub.respond_next(200, body={"images": images}, method="POST")
    result = run(lambda oxen: oxen.images.qwen_image.generate(prompt="x"), base_url=hub.url)
    assert [image.revised_prompt for image in result.images] == ["a hat", None]


@pytest.mark.slow
@pytest.mark.parametrize("call", ["run", "submit"])
def test_draft_is_rendered_by_its_id(run: ClientRunner, call: str) -> None:
    """A draft has an id and an expiry, and the id alone is enough for the final video."""

    @scenario
    def steps(oxen: Any) -> Steps:
        results: list[Any] = []
        parameters: dict[str, Any] = {"prompt": "x", "draft": True}
        for _ in range(2):
            result = yield getattr(oxen, call)(ox.UntypedRequest(DRAFTER, "/videos/generate", parameters))
            results.append(result if call == "run" else (yield result.result()))
            parameters = {"draft_task_id": results[0].videos[0].draft_task_id}
        return results

    with Hub(generation_time=0.02) as hub:
        hub.add_model(
            {
                "id": DRAFTER,
                "endpoint": "/videos/generate",
                "capabilities": {"input": ["text"], "output": ["video"]},
                "json_request_schema": {
                    "type": "object",
                    "properties": {"prompt": {"type": "string"}},
                    "required": ["prompt"],
                },
            }
        )
        draft, final = run(steps, base_url=hub.url)
    [video] = draft.videos
    assert video.draft_task_id
    week = timedelta(days=7)
    assert abs(video.draft_expires_at - datetime.now(UTC) - week) < timedelta(minutes=5)
    assert [(video.draft_task_id, video.draft_expires_at) for video in final.videos] == [(None, None)]


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-01T08:00:00Z", datetime(2026, 10, 1, 8, tzinfo=UTC)),
        ("2026-10-01T08:00:00", datetime(2026, 10, 1, 8, tzinfo=UTC)),
        ("next week", None),
        (5, None),
    ],
)
def test_draft_expiry_is_parsed(run: ClientRunner, hub: Hub, text: object, expected: object) -> None:
    """The expiry is a time with a time zone, UTC by default; None for anything but ISO 8601."""
    body = {"videos": [{"url": A, "draft_task_id": "d", "draft_expires_at": text}]}
    hub.respond_next(200, body=body, method="POST")
    request = ox.UntypedRequest(DRAFTER, "/videos/generate", {"prompt": "x"})
    [video] = run(lambda oxen: oxen.run(request), base_url=hub.url).videos
    assert (video.draft_task_id, video.draft_expires_at) == ("d", expected)


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("status", [200, 202, 204])
def test_cancel_without_a_body_succeeds(run: ClientRunner, hub: Hub, status: int) -> None:
    """A DELETE may be answered without a body, whatever its encoding is."""
    [id] = finish_jobs_via_httpx(hub)
    hub.respond_next(status, body=b"", headers={"Content-Encoding": "gzip"}, method="DELETE")
    run(lambda oxen: oxen.job(id).cancel(), base_url=hub.url)
    assert hub.count("DELETE", f"{QUEUE}/{id}") == 1


@pytest.mark.slow
def test_lost_event_is_found_at_the_deadline(run: ClientRunner) -> None:
    """A job that has ended is found when the wait times out, although no poll was due."""
    with Hub(generation_time=0.3) as hub:
        hub.inject_fault("events-dropped")

        @scenario
        def steps(oxen: Any) -> Steps:
            job = yield submit_edit(oxen)
            return (yield job.wait(timeout=1))

        assert run(steps, base_url=hub.url) == "succeeded"


@pytest.mark.slow
def test_slow_poll_at_the_deadline_is_bounded(run: ClientRunner) -> None:
    """If the poll at the deadline gets no response, the wait ends about 2 seconds later."""
    with Hub(generation_time=3600) as hub:
        hub.inject_fault("slow", 30, method="GET", path=f"{QUEUE}/*")

        @scenario
        def steps(oxen: Any) -> Steps:
            job = yield submit_edit(oxen)
            return (yield job.wait(timeout=0.5))

        started = time.monotonic()
        run.expect_error(ox.JobTimeout, steps, base_url=hub.url)
        assert time.monotonic() - started < 20
