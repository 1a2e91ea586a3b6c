"""Jobs over real sockets: submission, waiting, results and cancellation."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL, EDIT_BODY, EVENTS, QUEUE, VIDEO_BODY, submit_via_httpx
from helpers.raw_server import RawServer, Response
from helpers.scenario import Steps, scenario, submit_edit, submit_edits, submit_video
from oxen_models.testing import Dialect, Hub

KEY = ClientRunner.KEY
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def requests_of(hub: Hub) -> list[tuple[str, str]]:
    """Return the method and path of each request that the hub received."""
    return [(request.method, request.path) for request in hub.requests]


@pytest.mark.slow
def test_submit_returns_a_queued_job(run: ClientRunner, endless_hub: Hub) -> None:
    """`submit` opens the event stream, sends the request and returns the job without waiting."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen, aspect_ratio="1:1")
        return job, job.status, job.generation, repr(job)

    job, *state = run(steps, base_url=endless_hub.url)
    assert type(job) is run.get_class("Job")
    assert UUID.fullmatch(job.id)
    assert state == ["queued", None, f"<{type(job).__name__} {job.id} queued>"]
    # The stream is opened first, so that no event is missed.
    assert requests_of(endless_hub) == [("GET", EVENTS), ("POST", QUEUE)]
    assert endless_hub.requests[1].body == {**EDIT_BODY, "aspect_ratio": "1:1"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Image", "Video"])
def test_job_result_equals_that_of_the_call(run: ClientRunner, hub: Hub, kind: str) -> None:
    """The result of a job has the type, the model and the content of the blocking call's."""

    @scenario
    def steps(oxen: Any) -> Steps:
        if kind == "Image":
            blocking = yield oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
            job = yield submit_edit(oxen)
        else:
            blocking = yield oxen.videos.wan_v2_7_text_to_video.generate(prompt="x")
            job = yield submit_video(oxen)
        queued = yield job.result()
        contents: list[bytes] = []
        for result in (blocking, queued):
            contents.append((yield result.media[0].read()))
        return job, blocking, queued, contents

    job, blocking, queued, contents = run(steps, base_url=hub.url)
    assert type(queued) is type(blocking) is run.get_class(f"{kind}Result")
    assert type(queued.media[0]) is run.get_class(kind)
    assert (queued.model, len(queued.media)) == (blocking.model, 1)
    assert contents[0] == contents[1] != b""
    assert (blocking.media[0].generation_id, queued.media[0].generation_id) == (None, job.id)


@pytest.mark.slow
@pytest.mark.usefixtures("no_polls")
def test_event_ends_the_wait_without_a_poll(run: ClientRunner, hub: Hub) -> None:
    """The completion event ends a wait; repeated waits return the same result without a request."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        statuses: list[str] = []
        result = yield job.result(on_status=statuses.append)
        again = yield job.result()
        ended = yield job.wait()
        return statuses, result == again, ended, job.status

    statuses, *rest = run(steps, base_url=hub.url)
    assert statuses in (["queued", "succeeded"], ["succeeded"])
    assert rest == [True, "succeeded", "succeeded"]
    assert requests_of(hub) == [("GET", EVENTS), ("POST", QUEUE)]


def test_refresh_returns_the_record(run: ClientRunner, endless_hub: Hub) -> None:
    """`refresh` returns the record of the job with its targets and parameters."""

    @scenario
    def steps(oxen: Any) -> Steps:
        client = oxen.with_options(target_repo="me/barn", target_directory="a/b")
        job = yield submit_edit(client, target_namespace="me")
        generation = yield job.refresh()
        return job, generation

    job, generation = run(steps, base_url=endless_hub.url)
    assert job.generation is generation
    assert type(generation) is ox.Generation
    assert (generation.generation_id, generation.status, generation.media_type) == (job.id, "queued", "image")
    assert (generation.model, generation.prompt) == ("qwen-image-edit-plus", "x")
    assert (generation.error, generation.cost) == (None, None)
    assert isinstance(generation.enqueued_at, int)
    assert (generation.started_at, generation.completed_at) == (None, None)
    targets = {"target_namespace": "me", "target_repo": "me/barn", "target_directory": "a/b"}
    assert {name: getattr(generation, name) for name in targets} == targets
    assert generation.record["input_image"] == [DOG_URL]
    assert endless_hub.requests[1].body == {**EDIT_BODY, **targets}


@pytest.mark.slow
def test_on_status_is_called_with_each_status(run: ClientRunner, hub: Hub) -> None:
    """`on_status` is called with each status, and its exceptions are raised to the caller."""

    class CallbackError(Exception):
        pass

    statuses: list[str] = []

    def on_status(status: str) -> None:
        statuses.append(status)
        if status == "processing":
            raise CallbackError

    @scenario
    def steps(oxen: Any) -> Steps:
        stuck = yield submit_edit(oxen)
        yield submit_edit(oxen)
        with pytest.raises(CallbackError):
            yield stuck.wait(on_status=on_status)
        return stuck.status

    # The end of the other job closes the stream; after that the queue is listed.
    hub.inject_fault("job-stuck", times=1)
    hub.inject_fault("events-cut-after", 2, times=1)
    assert run(steps, base_url=hub.url) == "processing"
    assert statuses[-1] == "processing"
    assert set(statuses) <= {"queued", "processing"}


@pytest.mark.slow
def test_cancelled_job_raises_on_result(run: ClientRunner, endless_hub: Hub) -> None:
    """A cancelled job has no result; cancelling twice is harmless."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        yield job.cancel()
        statuses = [job.status, job.generation.status]
        yield job.cancel()  # cancelling twice is harmless
        statuses.append((yield job.wait()))
        with pytest.raises(ox.JobCancelled) as caught:
            yield job.result()
        return job, statuses, caught.value

    job, statuses, error = run(steps, base_url=endless_hub.url)
    assert statuses == ["cancelled"] * 3
    assert (error.generation_id, error.status) == (job.id, "cancelled")
    assert str(error) == f"the job was cancelled (job {job.id})"
    assert endless_hub.count("DELETE", f"{QUEUE}/{job.id}") == 2


@pytest.mark.slow
def test_cancel_of_finished_job_has_no_effect(run: ClientRunner, hub: Hub) -> None:
    """Cancelling a finished job keeps its status and its result."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        yield job.wait()
        yield job.cancel()
        result = yield job.result()
        return job.status, job.generation.status, result.images[0].generation_id == job.id

    assert run(steps, base_url=hub.url) == ("succeeded", "succeeded", True)


def test_cancel_succeeds_if_the_refresh_fails(run: ClientRunner, endless_hub: Hub) -> None:
    """Cancelling does not raise if the record cannot be requested afterwards."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        endless_hub.respond_next(500, times=None, method="GET", path=f"{QUEUE}/{job.id}")
        yield job.cancel()
        return job.id

    id = run(steps, base_url=endless_hub.url, max_retries=0)
    assert endless_hub.count("DELETE", f"{QUEUE}/{id}") == 1


@pytest.mark.slow
def test_num_generations_starts_several_jobs(run: ClientRunner, hub: Hub) -> None:
    """One submission with `num_generations` starts several jobs, which share one event stream."""

    @scenario
    def steps(oxen: Any) -> Steps:
        jobs = yield submit_edits(oxen.with_options(target_repo="me/barn"), 3)
        contents: list[bytes] = []
        for job in jobs:
            result = yield job.result()
            assert result.images[0].generation_id == job.id
            contents.append((yield result.images[0].read()))
        return jobs, contents

    jobs, contents = run(steps, base_url=hub.url)
    assert (len({job.id for job in jobs}), len(set(contents))) == (3, 3)
    assert hub.requests[1].body == {**EDIT_BODY, "num_generations": 3, "target_repo": "me/barn"}
    assert (hub.count("GET", EVENTS), hub.count("POST", QUEUE)) == (1, 1)


@pytest.mark.async_values
@pytest.mark.parametrize("number", [0, -1, True, 1.5, "2"])
def test_invalid_num_generations_raises(run: ClientRunner, hub: Hub, number: Any) -> None:
    """A `num_generations` that is not a positive integer raises before anything is sent."""
    error = run.expect_error(
        ox.InvalidRequestError, lambda oxen: submit_edits(oxen, number), base_url=hub.url
    )
    assert "num_generations" in str(error)
    assert hub.requests == []


def test_num_generations_in_extra_body_raises(run: ClientRunner, hub: Hub) -> None:
    """`extra_body` cannot start jobs that the call does not return."""
    extra_body = {"num_generations": 4}
    calls: list[Callable[[Any], Any]] = [
        lambda oxen: submit_edit(oxen, extra_body=extra_body),
        lambda oxen: submit_edits(oxen, 2, extra_body=extra_body),
        lambda oxen: oxen.images.qwen_image.generate(prompt="x", extra_body=extra_body),
        lambda oxen: oxen.model("qwen-image").submit(prompt="x", extra_body=extra_body),
    ]
    for call in calls:
        error = run.expect_error(ox.InvalidRequestError, call, base_url=hub.url)
        assert "oxen.submit(request, num_generations=...)" in str(error)
    assert hub.count("POST", "/") == 0


def test_num_generations_as_parameter_raises(run: ClientRunner, hub: Hub) -> None:
    """A model without a schema does not accept `num_generations` as a parameter."""
    hub.add_model({"id": "any", "endpoint": "/images/generate"})  # has no schema
    error = run.expect_error(
        ox.InvalidRequestError, lambda oxen: oxen.model("any").submit(num_generations=4), base_url=hub.url
    )
    assert "oxen.submit(request, num_generations=...)" in str(error)
    assert hub.count("POST", "/") == 0


def test_invalid_parameters_are_not_submitted(run: ClientRunner, hub: Hub) -> None:
    """Invalid parameters raise before anything is submitted."""
    for wrong in ({"aspect_ratio": "16:10"}, {"extra_body": {"x": object()}}):
        run.expect_error(ox.InvalidRequestError, lambda oxen: submit_edit(oxen, **wrong), base_url=hub.url)  # noqa: B023
    assert hub.count("POST", QUEUE) == 0


@pytest.mark.slow
def test_audio_job_returns_a_sound(run: ClientRunner, hub: Hub) -> None:
    """A sound is submitted to the queue like an image."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield oxen.audio.bytedance_seed_audio_1_0.submit(prompt="moo")
        result = yield job.result()
        return type(job), type(result), (yield result.audios[0].read())

    job_type, result_type, content = run(steps, base_url=hub.url)
    assert (job_type, result_type) == (run.get_class("Job"), run.get_class("AudioResult"))
    assert content.startswith(b"ID3")


AUDIO_BODY = {"model": "bytedance-seed-audio-1-0", "prompt": "moo"}


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "kind"), [(EDIT_BODY, "Image"), (VIDEO_BODY, "Video"), (AUDIO_BODY, "Audio")]
)
def test_job_by_id_returns_its_result(run: ClientRunner, hub: Hub, body: dict[str, Any], kind: str) -> None:
    """A job that another process submitted can be waited for by its id."""
    [id] = submit_via_httpx(hub, body)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = oxen.job(id)
        state = [job.status, repr(job), job.generation]
        result = yield job.result()
        content = yield result.media[0].read()
        return state, result, content

    state, result, content = run(steps, base_url=hub.url)
    assert state == ["unknown", f"<{run.get_class('Job').__name__} {id} unknown>", None]
    assert type(result) is run.get_class(f"{kind}Result")
    assert {"Image": b"PNG", "Video": b"ftyp", "Audio": b"ID3"}[kind] in content[:12]
    assert result.model == body["model"]


@pytest.mark.async_values
@pytest.mark.parametrize("id", ["", " ", ".", "..", "\ud800", None, 5])
def test_invalid_id_raises(run: ClientRunner, hub: Hub, id: Any) -> None:
    """An invalid id of a job or model raises before anything is sent."""
    calls: list[Callable[[Any], Any]] = [
        lambda oxen: oxen.job(id),
        lambda oxen: oxen.model(id),
        lambda oxen: oxen.models.get(id),
        lambda oxen: oxen.models.activate(id),
        lambda oxen: oxen.models.deactivate(id),
    ]
    for call in calls:
        run.expect_error(ox.ConfigurationError, call, base_url=hub.url)
    assert hub.requests == []


@pytest.mark.slow
def test_id_is_quoted_in_the_path(run: ClientRunner, hub: Hub) -> None:
    """Special characters of an id are quoted, so that it remains one segment of the path."""
    for id in ("a/../b", "a?b=c", "ö#"):
        run.expect_error(ox.JobNotFound, lambda oxen: oxen.job(id).refresh(), base_url=hub.url)  # noqa: B023
    assert [path for _, path in requests_of(hub)] == [f"{QUEUE}/{id}" for id in ("a/../b", "a?b=c", "ö#")]


OTHER_PROCESS = """
import asyncio, inspect, pickle, sys
async def wait_for_result(job):
    result = await job.result()
    return type(result).__name__, await result.media[0].read()
for _ in range(2):
    job = pickle.load(sys.stdin.buffer)
    if inspect.iscoroutinefunction(job.result):
        name, content = asyncio.run(wait_for_result(job))
    else:
        result = job.result()
        name, content = type(result).__name__, result.media[0].read()
    print(name, content[:4].hex(), job.id, job.status)
"""


@pytest.mark.slow
def test_pickled_job_has_no_key(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickled job contains no API key and uses the one of the environment in the other process."""
    pickles: list[bytes] = []

    @scenario
    def refresh_without_key(_: Any) -> Steps:
        yield pickle.loads(pickles[-1]).refresh()

    for run in (ClientRunner(False), ClientRunner(True)):
        pickles.append(pickle.dumps(run(submit_edit, base_url=hub.url)))
        assert KEY.encode() not in pickles[-1]
        run.expect_error(ox.MissingAPIKeyError, refresh_without_key, base_url=hub.url)
    monkeypatch.setenv("OXEN_API_KEY", "of-the-other-process")
    program = [sys.executable, "-c", OTHER_PROCESS]
    process = subprocess.run(program, input=b"".join(pickles), capture_output=True)
    assert process.returncode == 0, process.stderr
    ids = [pickle.loads(pickled).id for pickled in pickles]
    names = [kind.__name__ for kind in (ox.ImageResult, ox.AsyncImageResult)]
    expected = [f"{name} 89504e47 {id} succeeded" for name, id in zip(names, ids, strict=True)]
    assert process.stdout.decode().splitlines() == expected
    assert hub.count("POST", QUEUE) == 2
    assert hub.requests[-1].headers["authorization"] == "Bearer of-the-other-process"


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("format", ["all", "list", "result_url", "url", "b64_json"])
@pytest.mark.parametrize(("body", "kind"), [(EDIT_BODY, "Image"), (VIDEO_BODY, "Video")])
def test_result_is_found_in_each_format(
    run: ClientRunner, format: Any, body: dict[str, Any], kind: str
) -> None:
    """The result is found in each format of the record, whether by the same job or by its id."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield (submit_edit if kind == "Image" else submit_video)(oxen)
        yield job.refresh()  # the event is dropped: only the queue has the result
        result_of_job = yield job.result()
        result_by_id = yield oxen.job(job.id).result()
        contents: list[bytes] = []
        for result in (result_of_job, result_by_id):
            assert type(result) is run.get_class(f"{kind}Result")
            contents.append((yield result.media[0].read()))
        return result_of_job.media[0], contents

    with Hub(dialect=Dialect(result=format), generation_time=3600) as hub:
        hub.inject_fault("events-early")
        hub.inject_fault("events-dropped")
        medium, contents = run(steps, base_url=hub.url)
    assert (medium.url is None, medium.b64_json is None) == (format == "b64_json", format != "b64_json")
    assert contents[0] == contents[1]
    assert (b"PNG" if kind == "Image" else b"ftyp") in contents[0][:12]


@pytest.mark.parametrize("key", ["result_url", "images"])
def test_input_images_are_not_the_result(run: ClientRunner, server: RawServer, key: str) -> None:
    """URLs of inputs in the record of a job are not taken for results."""
    url = "https://example.com/made.png"
    record: dict[str, Any] = {
        "generation_id": "g",
        "status": "succeeded",
        "media_type": "image",
        "images": [DOG_URL],
        "videos": [DOG_URL],
    }
    record[key] = url if key == "result_url" else [{"url": url}]
    server.responses[f"{QUEUE}/g"] = [Response(body=record)]
    result = run(lambda oxen: oxen.job("g"), lambda job: job.result(), base_url=server.url)
    assert [image.url for image in result.images] == [url]


@pytest.mark.slow
def test_each_result_has_its_own_renewed_url(run: ClientRunner, server: RawServer) -> None:
    """If the URLs of several results have expired, each is renewed by its position."""

    def record(suffix: str) -> Response:
        images = [{"url": f"{server.url}/{name}{suffix}"} for name in "ab"]
        return Response(body={"generation_id": "g", "status": "succeeded", "images": images})

    server.responses = {f"{QUEUE}/g": [record("-old"), record("-new")]}
    server.responses |= {f"/{name}-old": [Response(403)] for name in "ab"}
    server.responses |= {f"/{name}-new": [Response(body=name.encode())] for name in "ab"}

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.job("g").result()
        first, second = result.images
        return (yield first.read()), (yield second.read())

    assert run(steps, base_url=server.url) == (b"a", b"b")


@pytest.mark.async_values
@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "5", 1e7])
def test_invalid_wait_timeout_raises(run: ClientRunner, hub: Hub, timeout: Any) -> None:
    """An invalid timeout of `wait` or `result` raises before anything is sent."""
    for call in ("wait", "result"):
        run.expect_error(
            ox.ConfigurationError,
            lambda oxen: getattr(oxen.job("g"), call)(timeout),  # noqa: B023
            base_url=hub.url,
        )
    assert hub.requests == []
