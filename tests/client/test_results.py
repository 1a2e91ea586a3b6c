"""Results: downloads, expired URLs, progress, and what a notebook shows."""

from __future__ import annotations

import base64
import copy
import gzip
import html
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL, EDIT, EVENTS, QUEUE, finish_jobs_via_httpx
from helpers.raw_server import RawServer, Response
from helpers.scenario import Steps, scenario, submit_edit
from oxen_models.testing import Hub

URL = "https://example.com/made.png"
USES = ["read", "save"]
DONE: dict[str, Any] = {"generation_id": "g", "status": "succeeded"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub whose jobs end soon."""
    with Hub(generation_time=0.02) as running:
        yield running


def content(use: str, medium: Any, folder: Path) -> Steps:
    """Read or save a file, and return its content."""
    if use == "read":
        return (yield medium.read())
    path = yield medium.save(folder / "made")
    return path.read_bytes()


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("fault", "amount"), [("url-downloads", 1), ("url-downloads", 0), ("url-seconds", 0)]
)
def test_expired_url_is_renewed(
    run: ClientRunner, hub: Hub, tmp_path: Path, use: str, fault: Any, amount: float
) -> None:
    """The URL of a job's result is requested again when it has expired."""
    hub.inject_fault(fault, amount, times=1)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        result = yield job.result()
        first = yield from content(use, result.images[0], tmp_path)
        second = yield from content(use, result.images[0], tmp_path)
        return first == second, first[1:4]

    assert run(steps, base_url=hub.url) == (True, b"PNG")
    expired = 1 if amount else 2
    assert (hub.count("GET", f"{QUEUE}/"), hub.count("GET", "/api/repos/")) == (expired, 2 + expired)


@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
def test_rejected_new_url_raises(run: ClientRunner, hub: Hub, tmp_path: Path, use: str) -> None:
    """If the renewed URL is rejected as well, the download raises and leaves no file."""
    hub.inject_fault("url-downloads", 0)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        result = yield job.result()
        yield from content(use, result.images[0], tmp_path)

    error = run.expect_error(ox.MediaError, steps, base_url=hub.url)
    assert (error.status, str(error).endswith(f"(job {error.generation_id})")) == (403, True)
    assert (hub.count("GET", f"{QUEUE}/"), hub.count("GET", "/api/repos/")) == (1, 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_expired_url_without_another_raises(run: ClientRunner, hub: Hub) -> None:
    """If the queue has no other URL, the error says so and keeps the first status."""
    hub.inject_fault("url-downloads", 0)
    hub.inject_fault("job-not-found")

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        result = yield job.result()
        yield result.images[0].read()

    error = run.expect_error(ox.MediaError, steps, base_url=hub.url)
    assert (error.status, "the queue returned no other URL" in str(error)) == (403, True)
    assert hub.requests[1].path == QUEUE
    assert error.generation_id is not None


@pytest.mark.slow
def test_failed_download_is_not_renewed(run: ClientRunner, hub: Hub) -> None:
    """A status that does not mean expiry raises without a request to the queue."""
    hub.respond_next(500, times=None, path="/api/repos/*")

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        result = yield job.result()
        yield result.images[0].read()

    error = run.expect_error(ox.MediaError, steps, base_url=hub.url, max_retries=0)
    assert (error.status, error.generation_id is None, hub.count("GET", QUEUE)) == (500, False, 0)


@pytest.mark.slow
def test_expired_url_of_a_call_raises(run: ClientRunner, hub: Hub) -> None:
    """The URL of a blocking call cannot be renewed, because there is no job."""
    hub.inject_fault("url-downloads", 0)

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
        yield result.images[0].read()

    error = run.expect_error(ox.MediaError, steps, base_url=hub.url)
    assert (error.status, error.generation_id) == (403, None)
    assert [request.path[:11] for request in hub.requests] == [EDIT[:11], "/api/repos/"]


@pytest.mark.slow
def test_copied_result_has_no_key(run: ClientRunner, hub: Hub) -> None:
    """Copies and pickles of a result are equal to it and do not contain the API key."""
    [id] = finish_jobs_via_httpx(hub)
    result = run(lambda oxen: oxen.job(id), lambda job: job.result(), base_url=hub.url)
    packed = pickle.dumps(result)
    assert ClientRunner.KEY.encode() not in packed
    for copied in (pickle.loads(packed), copy.deepcopy(result)):
        assert (copied, copied.media[0].generation_id) == (result, id)


@pytest.mark.slow
def test_save_reports_progress(run: ClientRunner, server: RawServer, tmp_path: Path) -> None:
    """Progress has bytes so far and the total, which is unknown for compressed content."""
    content = bytes(range(256)) * 4000
    zipped = gzip.compress(content)
    encoded = base64.b64encode(content).decode()
    server.responses["/plain"] = [Response(body=content)]
    server.responses["/zipped"] = [Response(body=zipped, headers={"Content-Encoding": "gzip"})]
    items: list[dict[str, str]] = [
        *({"url": f"{server.url}/{name}"} for name in ("plain", "zipped")),
        {"b64_json": encoded},
    ]
    server.responses[EDIT] = [Response(body={"images": items})]

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
        reports: list[list[tuple[int, int | None]]] = []
        for image in result.images:
            calls: list[tuple[int, int | None]] = []

            def record(written: int, total: int | None, calls: list[tuple[int, int | None]] = calls) -> None:
                calls.append((written, total))

            yield image.save(tmp_path / "made", on_progress=record)
            reports.append(calls)
            assert (tmp_path / "made").read_bytes() == content
        return reports

    plain, unzipped, inline = run(steps, base_url=server.url)
    assert [{total for _, total in calls} for calls in (plain, unzipped, inline)] == [
        {len(content)},
        {None},  # Content-Length counts compressed bytes
        {len(content)},
    ]
    for calls in (plain, unzipped, inline):
        assert calls == sorted(calls, key=lambda call: call[0])
        assert calls[-1][0] == len(content)
    assert len(plain) > 1


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("failure", [LookupError("enough"), ValueError("enough"), OSError(28, "enough")])
def test_failed_progress_callback_leaves_no_file(
    run: ClientRunner, hub: Hub, tmp_path: Path, failure: Exception
) -> None:
    """An exception of the callback is raised, and no partial file remains."""

    def stop(*_: object) -> None:
        raise failure

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
        yield result.images[0].save(tmp_path / "made", on_progress=stop)

    with pytest.raises(type(failure)) as caught:
        run(steps, base_url=hub.url)
    assert caught.value is failure
    assert list(tmp_path.iterdir()) == []


NASTY = """https://example.com/a.png?a=1&b="><script>alert('x')</script>"""
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(100)).decode()


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("media_type", "item", "start", "source"),
    [
        ("image", {"url": NASTY}, "<img ", NASTY),
        ("video", {"url": NASTY}, "<video controls ", NASTY),
        ("image", {"b64_json": PNG}, "<img ", f"data:image/png;base64,{PNG}"),
        ("video", {"b64_json": '"><b>'}, "<video controls ", 'data:application/octet-stream;base64,"><b>'),
    ],
)
def test_notebook_html_is_escaped(
    run: ClientRunner, server: RawServer, media_type: str, item: dict[str, str], start: str, source: str
) -> None:
    """The HTML of a result is an element with an escaped source, for images and for videos."""
    record = {
        "generation_id": "g",
        "status": "succeeded",
        "media_type": media_type,
        f"{media_type}s": [item, item],
    }
    server.responses[f"{QUEUE}/g"] = [Response(body=record)]
    result = run(lambda oxen: oxen.job("g"), lambda job: job.result(), base_url=server.url)
    element = result.media[0]._repr_html_()
    assert result._repr_html_() == element * 2
    assert element.startswith(f'{start}src="')
    escaped = element.removeprefix(f'{start}src="').removesuffix("</video>").removesuffix('">')
    assert not set(escaped) & set("<>\"'")
    assert html.unescape(escaped) == source


@pytest.mark.slow
@pytest.mark.parametrize("place", ["answer", "event"])
def test_download_from_another_host_has_no_key(
    run: ClientRunner, server: RawServer, other_server: RawServer, place: str
) -> None:
    """The API key is not sent to another host, whether the queue or an event names it."""
    other_server.responses["/made"] = [Response(body=b"made")]
    where = {"url": f"{other_server.url}/made"}
    server.responses[f"{QUEUE}/g"] = [
        Response(body={"generation_id": "g", "status": "succeeded", "images": [where]})
    ]
    if place == "event":
        data = f'{{"generation_id": "g", "status": "succeeded", "url": "{where["url"]}"}}'
        stream = f"event: media_generation_completed\ndata: {data}\n\n".encode()
        server.responses[EVENTS] = [Response(body=stream, headers={"Content-Type": "text/event-stream"})]
        server.responses[f"{QUEUE}/g"] = [Response(delivery="never")]

    @scenario
    def steps(oxen: Any) -> Steps:
        job = oxen.job("g")
        if place == "event":
            server.responses[QUEUE] = [
                Response(body={"generations": [{"generation_id": "g", "status": "queued"}]})
            ]
            job = yield submit_edit(oxen)
        result = yield job.result()
        return (yield result.images[0].read())

    assert run(steps, base_url=server.url) == b"made"
    [(_, path, headers)] = other_server.requests
    assert (path, ClientRunner.KEY in str(headers)) == ("/made", False)
    assert {headers["authorization"] for _, _, headers in server.requests} == {f"Bearer {ClientRunner.KEY}"}


def test_redirect_of_the_api_is_not_followed(
    run: ClientRunner, server: RawServer, other_server: RawServer
) -> None:
    """Redirects of events and of the queue to another host raise, because the API key would be sent there."""
    server.responses[EVENTS] = [Response(302, headers={"Location": f"{other_server.url}/events"})]
    server.responses[f"{QUEUE}/g"] = [Response(302, headers={"Location": f"{other_server.url}/queue"})]
    http = run.make_http_client(follow_redirects=True)
    error = run.expect_error(
        ox.APIError, lambda oxen: oxen.job("g").refresh(), base_url=server.url, http_client=http
    )
    assert (error.status, other_server.requests) == (302, [])


@pytest.mark.slow
def test_result_of_a_job_has_its_response(run: ClientRunner, hub: Hub) -> None:
    """The response is the data of the event that ended the job, or the record that was polled."""
    [id] = finish_jobs_via_httpx(hub)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        by_event = yield job.result()
        by_poll = yield oxen.job(id).result()
        return job.id, by_event.response, by_poll.response

    job_id, by_event, by_poll = run(steps, base_url=hub.url)
    for response, generation_id in ((by_event, job_id), (by_poll, id)):
        assert type(response) is ox.Response
        expected = (200, generation_id, "succeeded")
        assert (response.status, response.json["generation_id"], response.json["status"]) == expected
    assert (dict(by_event.headers), by_poll.headers["content-type"]) == ({}, "application/json")
    assert "prompt" not in by_event.json
    assert by_poll.json["prompt"] == "x"


@pytest.mark.slow
def test_error_of_a_failed_job_has_its_response(run: ClientRunner, hub: Hub) -> None:
    """The error of a failed job has the response that the reason was read from."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen, input_image=["data:image/png;base64,AAAA"])
        yield job.result()

    error = run.expect_error(ox.JobFailed, steps, base_url=hub.url)
    assert error.response is not None
    body = error.response.json
    assert (body["status"], body["generation_id"]) == ("failed", error.generation_id)
