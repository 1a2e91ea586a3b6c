"""What became of a job, downloaded: new URLs for old ones, progress, and what a notebook shows."""

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
    """A hub whose jobs are over soon."""
    with Hub(generation_time=0.02) as running:
        yield running


def content(use: str, medium: Any, folder: Path) -> Steps:
    """The steps to what a result holds."""
    if use == "read":
        return (yield medium.read())
    path = yield medium.save(folder / "made")
    return path.read_bytes()


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("fault", "amount"), [("url-downloads", 1), ("url-downloads", 0), ("url-seconds", 0)]
)
def test_url_that_has_expired_is_asked_for_anew(
    run: ClientRunner, hub: Hub, tmp_path: Path, use: str, fault: Any, amount: float
) -> None:
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
    assert (hub.count("GET", f"{QUEUE}/"), hub.count("GET", "/files/")) == (expired, 2 + expired)


@pytest.mark.parametrize("use", USES)
def test_new_url_that_is_refused_is_the_end(run: ClientRunner, hub: Hub, tmp_path: Path, use: str) -> None:
    hub.inject_fault("url-downloads", 0)

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        result = yield job.result()
        yield from content(use, result.images[0], tmp_path)

    error = run.expect_error(ox.MediaError, steps, base_url=hub.url)
    assert (error.status, str(error).endswith(f"(job {error.generation_id})")) == (403, True)
    assert (hub.count("GET", f"{QUEUE}/"), hub.count("GET", "/files/")) == (1, 2)
    assert list(tmp_path.iterdir()) == []


def test_queue_that_has_no_new_url(run: ClientRunner, hub: Hub) -> None:
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


def test_failure_that_is_no_expiry_leaves_the_queue_alone(run: ClientRunner, hub: Hub) -> None:
    hub.respond_next(500, times=None, path="/files/*")

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield submit_edit(oxen)
        result = yield job.result()
        yield result.images[0].read()

    error = run.expect_error(ox.MediaError, steps, base_url=hub.url, max_retries=0)
    assert (error.status, error.generation_id is None, hub.count("GET", QUEUE)) == (500, False, 0)


def test_result_of_the_blocking_call_has_no_queue_to_ask(run: ClientRunner, hub: Hub) -> None:
    hub.inject_fault("url-downloads", 0)

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
        yield result.images[0].read()

    error = run.expect_error(ox.MediaError, steps, base_url=hub.url)
    assert (error.status, error.generation_id) == (403, None)
    assert [request.path.partition("/files/")[0] for request in hub.requests] == [EDIT, ""]


def test_result_is_copied_without_the_key(run: ClientRunner, hub: Hub) -> None:
    [id] = finish_jobs_via_httpx(hub)
    result = run(lambda oxen: oxen.job(id), lambda job: job.result(), base_url=hub.url)
    packed = pickle.dumps(result)
    assert ClientRunner.KEY.encode() not in packed
    for copied in (pickle.loads(packed), copy.deepcopy(result)):
        assert (copied, copied.media[0].generation_id) == (result, id)


def test_progress_of_a_download(run: ClientRunner, server: RawServer, tmp_path: Path) -> None:
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
        told: list[list[tuple[int, int | None]]] = []
        for image in result.images:
            now: list[tuple[int, int | None]] = []

            def note(written: int, total: int | None, now: list[tuple[int, int | None]] = now) -> None:
                now.append((written, total))

            yield image.save(tmp_path / "made", on_progress=note)
            told.append(now)
            assert (tmp_path / "made").read_bytes() == content
        return told

    plain, unzipped, inline = run(steps, base_url=server.url)
    assert [{total for _, total in each} for each in (plain, unzipped, inline)] == [
        {len(content)},
        {None},  # what is compressed has another length
        {len(content)},
    ]
    for each in (plain, unzipped, inline):
        assert [*each] == sorted(each, key=lambda now: now[0])
        assert each[-1][0] == len(content)
    assert len(plain) > 1


@pytest.mark.parametrize("failure", [LookupError("enough"), ValueError("enough"), OSError(28, "enough")])
def test_progress_that_fails_leaves_nothing_behind(
    run: ClientRunner, hub: Hub, tmp_path: Path, failure: Exception
) -> None:
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


@pytest.mark.parametrize(
    ("media_type", "item", "start", "source"),
    [
        ("image", {"url": NASTY}, "<img ", NASTY),
        ("video", {"url": NASTY}, "<video controls ", NASTY),
        ("image", {"b64_json": PNG}, "<img ", f"data:image/png;base64,{PNG}"),
        ("video", {"b64_json": '"><b>'}, "<video controls ", 'data:application/octet-stream;base64,"><b>'),
    ],
)
def test_notebook_shows_a_result_and_nothing_else(
    run: ClientRunner, server: RawServer, media_type: str, item: dict[str, str], start: str, source: str
) -> None:
    told = {
        "generation_id": "g",
        "status": "succeeded",
        "media_type": media_type,
        f"{media_type}s": [item, item],
    }
    server.responses[f"{QUEUE}/g"] = [Response(body=told)]
    result = run(lambda oxen: oxen.job("g"), lambda job: job.result(), base_url=server.url)
    one = result.media[0]._repr_html_()
    assert result._repr_html_() == one * 2
    assert one.startswith(f'{start}src="')
    inside = one.removeprefix(f'{start}src="').removesuffix("</video>").removesuffix('">')
    assert not set(inside) & set("<>\"'")
    assert html.unescape(inside) == source


@pytest.mark.parametrize("place", ["answer", "event"])
def test_result_elsewhere_is_fetched_without_the_key(
    run: ClientRunner, server: RawServer, other_server: RawServer, place: str
) -> None:
    """Whoever says where it is: the queue, or an event."""
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


def test_events_are_not_sought_elsewhere(
    run: ClientRunner, server: RawServer, other_server: RawServer
) -> None:
    server.responses[EVENTS] = [Response(302, headers={"Location": f"{other_server.url}/events"})]
    server.responses[f"{QUEUE}/g"] = [Response(302, headers={"Location": f"{other_server.url}/queue"})]
    http = run.make_http_client(follow_redirects=True)
    error = run.expect_error(
        ox.APIError, lambda oxen: oxen.job("g").refresh(), base_url=server.url, http_client=http
    )
    assert (error.status, other_server.requests) == (302, [])
