"""Jobs over real sockets: what the queue takes, and the result that becomes of it."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
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


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub whose jobs are over soon."""
    with Hub(generation_time=0.02) as running:
        yield running


@pytest.fixture
def slow() -> Iterator[Hub]:
    """A hub whose jobs are not over before the test is."""
    with Hub(generation_time=3600) as running:
        yield running


def asked(hub: Hub) -> list[tuple[str, str]]:
    return [(request.method, request.path) for request in hub.requests]


def test_job_is_there_at_once(run: ClientRunner, slow: Hub) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen, aspect_ratio="1:1")
        return job, job.status, job.generation, repr(job)

    job, *told = run(steps, base_url=slow.url)
    assert type(job) is run.get_class("Job")
    assert UUID.fullmatch(job.id)
    assert told == ["queued", None, f"<{type(job).__name__} {job.id} queued>"]
    # Whoever listens first misses nothing.
    assert asked(slow) == [("GET", EVENTS), ("POST", QUEUE)]
    assert slow.requests[1].body == {**EDIT_BODY, "aspect_ratio": "1:1"}


@pytest.mark.parametrize("kind", ["Image", "Video"])
def test_result_is_that_of_the_blocking_call(run: ClientRunner, hub: Hub, kind: str) -> None:
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


def test_completion_event_is_enough(run: ClientRunner, hub: Hub) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        heard: list[str] = []
        result = yield job.result(on_status=heard.append)
        again = yield job.result()
        ended = yield job.wait()
        return heard, result == again, ended, job.status

    heard, *told = run(steps, base_url=hub.url)
    assert heard in (["queued", "succeeded"], ["succeeded"])
    assert told == [True, "succeeded", "succeeded"]
    assert asked(hub) == [("GET", EVENTS), ("POST", QUEUE)]


def test_refreshed_job_has_all_that_the_hub_tells(run: ClientRunner, slow: Hub) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        client = oxen.with_options(target_repo="me/barn", target_directory="a/b")
        job = yield submit_edit(client, target_namespace="me")
        told = yield job.refresh()
        return job, told

    job, told = run(steps, base_url=slow.url)
    assert job.generation is told
    assert type(told) is ox.Generation
    assert (told.generation_id, told.status, told.media_type) == (job.id, "queued", "image")
    assert (told.model, told.prompt, told.error, told.cost) == ("qwen-image-edit-plus", "x", None, None)
    assert isinstance(told.enqueued_at, int)
    assert (told.started_at, told.completed_at) == (None, None)
    targets = {"target_namespace": "me", "target_repo": "me/barn", "target_directory": "a/b"}
    assert {name: getattr(told, name) for name in targets} == targets
    assert told.record["input_image"] == [DOG_URL]
    assert slow.requests[1].body == {**EDIT_BODY, **targets}


def test_status_is_told_as_it_changes(run: ClientRunner, hub: Hub) -> None:
    class Enough(Exception):
        pass

    heard: list[str] = []

    def listen(status: str) -> None:
        heard.append(status)
        if status == "processing":
            raise Enough

    @scenario
    def steps(oxen: Any) -> Steps:
        stuck = yield submit_edit(oxen)
        yield submit_edit(oxen)
        with pytest.raises(Enough):  # what the callback raises is the caller's own
            yield stuck.wait(on_status=listen)
        return stuck.status

    # The end of the other job cuts the stream; after that the queue is asked.
    hub.inject_fault("job-stuck", times=1)
    hub.inject_fault("events-cut-after", 2, times=1)
    assert run(steps, base_url=hub.url) == "processing"
    assert heard[-1] == "processing"
    assert set(heard) <= {"queued", "processing"}


def test_cancel(run: ClientRunner, slow: Hub) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        yield job.cancel()
        told = [job.status, job.generation.status]
        yield job.cancel()  # to say so twice does no harm
        told.append((yield job.wait()))
        with pytest.raises(ox.JobCancelled) as caught:
            yield job.result()
        return job, told, caught.value

    job, told, error = run(steps, base_url=slow.url)
    assert told == ["cancelled"] * 3
    assert (error.generation_id, error.status) == (job.id, "cancelled")
    assert str(error) == f"the job was cancelled (job {job.id})"
    assert slow.count("DELETE", f"{QUEUE}/{job.id}") == 2


def test_cancel_of_what_is_over_changes_nothing(run: ClientRunner, hub: Hub) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        yield job.wait()
        yield job.cancel()
        result = yield job.result()
        return job.status, job.generation.status, result.images[0].generation_id == job.id

    assert run(steps, base_url=hub.url) == ("succeeded", "succeeded", True)


def test_cancel_holds_if_the_hub_cannot_say_so_now(run: ClientRunner, slow: Hub) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        slow.respond_next(500, times=None, method="GET", path=f"{QUEUE}/{job.id}")
        yield job.cancel()
        return job.id

    id = run(steps, base_url=slow.url, max_retries=0)
    assert slow.count("DELETE", f"{QUEUE}/{id}") == 1


def test_several_jobs_of_one_request(run: ClientRunner, hub: Hub) -> None:
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
    # One stream tells of all.
    assert (hub.count("GET", EVENTS), hub.count("POST", QUEUE)) == (1, 1)


@pytest.mark.parametrize("number", [0, -1, True, 1.5, "2"])
def test_number_of_jobs_is_checked_before_anything_is_sent(run: ClientRunner, hub: Hub, number: Any) -> None:
    error = run.expect_error(
        ox.InvalidRequestError, lambda oxen: submit_edits(oxen, number), base_url=hub.url
    )
    assert "num_generations" in str(error)
    assert hub.requests == []


def test_no_job_is_paid_for_that_nobody_is_told_of(run: ClientRunner, hub: Hub) -> None:
    decided = {"num_generations": 4}
    calls: list[Callable[[Any], Any]] = [
        lambda oxen: submit_edit(oxen, extra_body=decided),
        lambda oxen: submit_edits(oxen, 2, extra_body=decided),
        lambda oxen: oxen.images.qwen_image.generate(prompt="x", extra_body=decided),
        lambda oxen: oxen.model("qwen-image").submit(prompt="x", extra_body=decided),
    ]
    for call in calls:
        error = run.expect_error(ox.InvalidRequestError, call, base_url=hub.url)
        assert "oxen.submit(request, num_generations=...)" in str(error)
    assert hub.count("POST", "/") == 0


def test_number_of_jobs_is_no_parameter_of_a_model(run: ClientRunner, hub: Hub) -> None:
    hub.add_model({"id": "any", "endpoint": "/images/generate"})  # nothing of it is checked
    error = run.expect_error(
        ox.InvalidRequestError, lambda oxen: oxen.model("any").submit(num_generations=4), base_url=hub.url
    )
    assert "oxen.submit(request, num_generations=...)" in str(error)
    assert hub.count("POST", "/") == 0


def test_what_the_model_takes_can_be_overridden(run: ClientRunner, hub: Hub) -> None:
    run(
        lambda oxen: submit_edit(oxen, output_format="png", extra_body={"output_format": "jpg"}),
        base_url=hub.url,
    )
    [sent] = [each.body for each in hub.requests if each.method == "POST"]
    assert sent == {**EDIT_BODY, "output_format": "jpg"}


def test_wrong_parameters_are_not_enqueued(run: ClientRunner, hub: Hub) -> None:
    for wrong in ({"aspect_ratio": "16:10"}, {"extra_body": {"x": object()}}):
        run.expect_error(ox.InvalidRequestError, lambda oxen: submit_edit(oxen, **wrong), base_url=hub.url)  # noqa: B023
    assert hub.count("POST", QUEUE) == 0


def test_sounds_have_no_queue(run: ClientRunner) -> None:
    def names(oxen: Any) -> set[str]:
        return set(dir(oxen.audio.bytedance_seed_audio_1_0))

    assert {"submit", "speak"} & run(names) == {"speak"}


@pytest.mark.parametrize(("body", "kind"), [(EDIT_BODY, "Image"), (VIDEO_BODY, "Video")])
def test_job_is_taken_up_by_its_id(run: ClientRunner, hub: Hub, body: dict[str, Any], kind: str) -> None:
    [id] = submit_via_httpx(hub, body)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = oxen.job(id)
        told = [job.status, repr(job), job.generation]
        result = yield job.result()
        content = yield result.media[0].read()
        return told, result, content

    told, result, content = run(steps, base_url=hub.url)
    assert told == ["unknown", f"<{run.get_class('Job').__name__} {id} unknown>", None]
    assert type(result) is run.get_class(f"{kind}Result")
    assert (b"PNG" if kind == "Image" else b"ftyp") in content[:12]
    assert result.model == body["model"]


@pytest.mark.parametrize("id", ["", " ", ".", "..", "\ud800", None, 5])
def test_what_is_no_id(run: ClientRunner, hub: Hub, id: Any) -> None:
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


def test_id_stays_one_part_of_the_path(run: ClientRunner, hub: Hub) -> None:
    for id in ("a/../b", "a?b=c", "ö#"):
        run.expect_error(ox.JobNotFound, lambda oxen: oxen.job(id).refresh(), base_url=hub.url)  # noqa: B023
    assert [path for _, path in asked(hub)] == [f"{QUEUE}/{id}" for id in ("a/../b", "a?b=c", "ö#")]


ELSEWHERE = """
import asyncio, inspect, pickle, sys
async def ended(job):
    result = await job.result()
    return type(result).__name__, await result.media[0].read()
job = pickle.load(sys.stdin.buffer)
if inspect.iscoroutinefunction(job.result):
    name, content = asyncio.run(ended(job))
else:
    result = job.result()
    name, content = type(result).__name__, result.media[0].read()
print(name, content[:4].hex(), job.id, job.status)
"""


def test_job_goes_to_another_process_without_the_key(
    run: ClientRunner, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = pickle.dumps(run(submit_edit, base_url=hub.url))
    assert KEY.encode() not in packed

    @scenario
    def keyless(_: Any) -> Steps:
        yield pickle.loads(packed).refresh()

    run.expect_error(ox.MissingAPIKeyError, keyless, base_url=hub.url)
    monkeypatch.setenv("OXEN_API_KEY", "of-the-other-process")
    done = subprocess.run([sys.executable, "-c", ELSEWHERE], input=packed, capture_output=True)
    assert done.returncode == 0, done.stderr
    name, content, id, status = done.stdout.decode().split()
    assert (name, content, status) == (run.get_class("ImageResult").__name__, "89504e47", "succeeded")
    assert (hub.count("POST", QUEUE), id) == (1, pickle.loads(packed).id)
    assert hub.requests[-1].headers["authorization"] == "Bearer of-the-other-process"


@pytest.mark.parametrize("place", ["all", "list", "result_url", "url", "b64_json"])
@pytest.mark.parametrize(("body", "kind"), [(EDIT_BODY, "Image"), (VIDEO_BODY, "Video")])
def test_result_is_found_wherever_the_hub_puts_it(
    run: ClientRunner, place: Any, body: dict[str, Any], kind: str
) -> None:
    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield (submit_edit if kind == "Image" else submit_video)(oxen)
        yield job.refresh()  # its event is lost: only the queue has the result
        kept = yield job.result()
        taken_up = yield oxen.job(job.id).result()
        contents: list[bytes] = []
        for result in (kept, taken_up):
            assert type(result) is run.get_class(f"{kind}Result")
            contents.append((yield result.media[0].read()))
        return kept.media[0], contents

    with Hub(dialect=Dialect(result=place), generation_time=3600) as hub:
        hub.inject_fault("events-early")
        hub.inject_fault("events-dropped")
        medium, contents = run(steps, base_url=hub.url)
    assert (medium.url is None, medium.b64_json is None) == (place == "b64_json", place != "b64_json")
    assert contents[0] == contents[1]
    assert (b"PNG" if kind == "Image" else b"ftyp") in contents[0][:12]


@pytest.mark.parametrize("place", ["result_url", "images"])
def test_pictures_that_were_sent_are_not_the_result(run: ClientRunner, server: RawServer, place: str) -> None:
    made = "https://example.com/made.png"
    told: dict[str, Any] = {
        "generation_id": "g",
        "status": "succeeded",
        "media_type": "image",
        "images": [DOG_URL],
        "videos": [DOG_URL],
    }
    told[place] = made if place == "result_url" else [{"url": made}]
    server.responses[f"{QUEUE}/g"] = [Response(body=told)]
    result = run(lambda oxen: oxen.job("g"), lambda job: job.result(), base_url=server.url)
    assert [image.url for image in result.images] == [made]


def test_each_of_several_results_of_one_job_has_its_own_new_url(run: ClientRunner, server: RawServer) -> None:
    def told(suffix: str) -> Response:
        images = [{"url": f"{server.url}/{name}{suffix}"} for name in "ab"]
        return Response(body={"generation_id": "g", "status": "succeeded", "images": images})

    server.responses = {f"{QUEUE}/g": [told("-old"), told("-new")]}
    server.responses |= {f"/{name}-old": [Response(403)] for name in "ab"}
    server.responses |= {f"/{name}-new": [Response(body=name.encode())] for name in "ab"}

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.job("g").result()
        first, second = result.images
        return (yield first.read()), (yield second.read())

    assert run(steps, base_url=server.url) == (b"a", b"b")


@pytest.mark.parametrize(
    ("status", "body", "kind", "posts"),
    [
        (200, {"generations": []}, ox.OutcomeUnknownError, 1),
        (200, {"generations": [{"status": "queued"}, 5]}, ox.OutcomeUnknownError, 1),
        (200, {}, ox.OutcomeUnknownError, 1),
        (200, "<h1>All is well</h1>", ox.OutcomeUnknownError, 1),
        (422, {"error": {"detail": "no"}}, ox.UnprocessableError, 1),
        (401, {"error": {"detail": "no"}}, ox.AuthenticationError, 1),
        (502, "<h1>Bad Gateway</h1>", ox.ServerError, 1),
        (429, {"error": {"detail": "Rate limit exceeded"}}, ox.RateLimitError, 3),
    ],
)
def test_refusal_to_enqueue(
    run: ClientRunner, hub: Hub, status: int, body: object, kind: type[Exception], posts: int
) -> None:
    hub.respond_next(status, body=body, headers={"retry-after": "0"}, times=None, method="POST")
    error = run.expect_error(kind, submit_edit, base_url=hub.url)
    assert (type(error), hub.count("POST", QUEUE)) == (kind, posts)


@pytest.mark.parametrize("fault", ["cut-before-body", "cut-before-response", "cut-mid-response"])
def test_enqueuing_that_may_have_been_accepted_is_not_repeated(
    run: ClientRunner, hub: Hub, fault: Any
) -> None:
    hub.inject_fault(fault, method="POST", path=QUEUE)
    error = run.expect_error(ox.OutcomeUnknownError, submit_edit, base_url=hub.url)
    assert "may have been accepted" in str(error)
    assert hub.count("POST", QUEUE) == 1


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "5", 1e7])
def test_time_to_wait_has_to_be_one(run: ClientRunner, hub: Hub, timeout: Any) -> None:
    for call in ("wait", "result"):
        run.expect_error(
            ox.ConfigurationError,
            lambda oxen: getattr(oxen.job("g"), call)(timeout),  # noqa: B023
            base_url=hub.url,
        )
    assert hub.requests == []
