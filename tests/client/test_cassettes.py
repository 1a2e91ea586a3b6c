"""The API's shapes, as recorded. `nox -s record` records them anew, from the stand-in hub.

They read as if they came from https://hub.oxen.ai; `Server: models-standin` in them tells that
they did not. `nox -s record -- --live` records what the live hub answers.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import oxen_models
import pytest
from click.testing import CliRunner
from oxen_codegen.cli import main
from oxen_codegen.hub import HubClient
from oxen_models import (
    AuthenticationError,
    Generation,
    ImageResult,
    Job,
    JobCancelled,
    JobFailed,
    JobNotFound,
    NotFoundError,
    Oxen,
    RateLimitError,
    UnprocessableError,
)
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Hub

CASSETTES = Path(__file__).parents[2] / "cassettes"
HUB = "https://hub.oxen.ai"
DOG = "https://hub.oxen.ai/api/repos/ox/Oxen-Character-Simple-Vector-Graphic/file/main/images/reference/bloxy_white_bg.png"
EVENTS = "/api/events"
SECRET_HEADERS = ("authorization", "cookie", "set-cookie")

Faults = Callable[..., None]


@pytest.fixture(scope="module")
def vcr_cassette_dir() -> str:
    return str(CASSETTES / Path(__file__).stem)


@pytest.fixture(scope="module")
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub | None]:
    """The stand-in hub while recording, with few models so that the list is short; else None."""
    if request.config.getoption("--record-mode") in (None, "none") or request.config.getoption("--live"):
        yield None
        return
    folder = tmp_path_factory.mktemp("models")
    shipped = Path(oxen_models.__file__).parent / "schemas"
    for model_id in ("qwen-image-edit-plus", "qwen-image-edit", "gpt-4o"):
        (folder / f"{model_id}.json").write_bytes((shipped / f"{model_id}.json").read_bytes())
    with Hub(schemas=folder) as hub:
        yield hub


@pytest.fixture(scope="module")
def vcr_config(source: Hub | None) -> dict[str, Any]:
    def request_as_if_live(request: Any) -> Any:
        if source is not None:
            request.uri = request.uri.replace(source.url, HUB)
            request.headers["host"] = "hub.oxen.ai"
        return request

    def response_as_if_live(response: dict[str, Any]) -> dict[str, Any]:
        for name in [name for name in response["headers"] if name.lower() in SECRET_HEADERS]:
            del response["headers"][name]
        if source is not None:
            response["body"]["string"] = response["body"]["string"].replace(source.url.encode(), HUB.encode())
            # The address is longer than the loopback one was.
            response["headers"].pop("content-length", None)
        return response

    return {
        "filter_headers": list(SECRET_HEADERS),
        "before_record_request": request_as_if_live,
        "before_record_response": response_as_if_live,
        "match_on": ["method", "uri", "body"],
    }


@pytest.fixture
def base_url(source: Hub | None) -> str:
    return HUB if source is None else source.url


@pytest.fixture
def oxen(base_url: str, request: pytest.FixtureRequest) -> Iterator[Oxen]:
    key = os.environ["OXEN_API_KEY"] if request.config.getoption("--live") else "any"
    with Oxen(key, base_url=base_url) as client:
        yield client


@pytest.fixture
def faults(source: Hub | None) -> Faults:
    """Asks the stand-in for a fault while recording; the cassette has it afterwards."""
    return (lambda *args, **kwargs: None) if source is None else source.respond_next


@pytest.mark.vcr
def test_list(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OXEN_API_KEY", os.environ.get("OXEN_API_KEY", "any"))
    hub = HubClient(base_url)
    assert "qwen-image-edit-plus" in hub.list_ids()
    hub.close()


@pytest.mark.vcr
def test_search(base_url: str) -> None:
    key = os.environ.get("OXEN_API_KEY", "any")
    with httpx.Client(base_url=base_url, headers={"authorization": f"Bearer {key}"}) as client:
        found = client.get("/api/ai/models/search", params={"search": "qwen"}).json()
    assert found["object"] == "list"
    assert (
        {"qwen-image-edit-plus"}
        <= {model["id"] for model in found["data"]}
        < {"qwen-image-edit-plus", "qwen-image-edit", "gpt-4o"}
    )


@pytest.mark.vcr
def test_detail_becomes_the_committed_record(
    base_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OXEN_API_KEY", os.environ.get("OXEN_API_KEY", "any"))
    arguments = ["fetch", "qwen-image-edit-plus", "--base-url", base_url, "--schemas", str(tmp_path)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    committed = Path(oxen_models.__file__).parent / "schemas" / "qwen-image-edit-plus.json"
    found, expected = (json.loads(file.read_text()) for file in (tmp_path / committed.name, committed))
    assert {**found, "changed": None} == {**expected, "changed": None}


EVERYTHING: dict[str, Any] = {"aspect_ratio": "16:9", "negative_prompt": " ", "output_format": "png"}


@pytest.mark.vcr
@pytest.mark.parametrize("response_format", ["url", "b64_json"])
@pytest.mark.parametrize("parameters", [{}, EVERYTHING], ids=["minimal", "all"])
def test_edit(parameters: dict[str, Any], response_format: Any, oxen: Oxen) -> None:
    edited = oxen.images.qwen_image_edit_plus.edit(
        prompt="Add a funny hat", input_image=[DOG], response_format=response_format, **parameters
    )
    assert edited.model == "qwen-image-edit-plus"
    (image,) = edited.images
    assert (image.url is None, image.b64_json is None) == (response_format != "url", response_format == "url")
    assert image.read().startswith(b"\x89PNG")


@pytest.mark.vcr
def test_401(base_url: str) -> None:
    with httpx.Client(event_hooks={"request": [_without_key]}) as keyless:
        oxen = Oxen("any", base_url=base_url, http_client=keyless)
        with pytest.raises(AuthenticationError) as caught:
            oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG])
    assert (caught.value.status, caught.value.type) == (401, "unauthenticated")


def _without_key(request: httpx.Request) -> None:
    del request.headers["authorization"]


@pytest.mark.vcr
def test_404(oxen: Oxen) -> None:
    with pytest.raises(NotFoundError, match="Model not found: no-such-model") as caught:
        oxen.images.qwen_image_edit_plus.edit(
            prompt="x", input_image=[DOG], extra_body={"model": "no-such-model"}
        )
    assert caught.value.status == 404


@pytest.mark.vcr
def test_422(oxen: Oxen) -> None:
    with pytest.raises(UnprocessableError, match="colour") as caught:
        oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG], extra_body={"colour": "red"})
    assert (caught.value.status, caught.value.type) == (422, "invalid_params")


@pytest.mark.vcr
def test_429_that_passes(oxen: Oxen, faults: Faults) -> None:
    faults(
        429, body={"error": {"message": "Rate limit exceeded"}}, headers={"retry-after": "0"}, method="POST"
    )
    edited = oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG])
    assert edited.images[0].url


@pytest.mark.vcr
def test_429_that_does_not(oxen: Oxen, faults: Faults) -> None:
    faults(
        429,
        body={"error": {"message": "Rate limit exceeded"}},
        headers={"retry-after": "3600"},
        method="POST",
    )
    with pytest.raises(RateLimitError, match="Rate limit exceeded") as caught:
        oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG])
    assert caught.value.retry_after == 3600


class Stream:
    """Whether a client may open the event stream: vcrpy records whole answers, and that one has no end."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, request: httpx.Request) -> None:
        if request.url.path == EVENTS:
            self.times -= 1
            if self.times < 0:
                raise httpx.ConnectError("nobody listens", request=request)


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
def queue(base_url: str, request: pytest.FixtureRequest, stream: Stream) -> Iterator[Oxen]:
    key = os.environ["OXEN_API_KEY"] if request.config.getoption("--live") else "any"
    with (
        httpx.Client(event_hooks={"request": [stream]}) as http,
        Oxen(key, base_url=base_url, http_client=http) as client,
    ):
        yield client


@pytest.fixture
def pause(request: pytest.FixtureRequest) -> Callable[[], None]:
    """What lies between two questions while recording; a cassette has as many as it took."""
    if request.config.getoption("--record-mode") in (None, "none"):
        return lambda: None
    return lambda: time.sleep(3 if request.config.getoption("--live") else 0.04)


def submitted(queue: Oxen, **more: Any) -> Job[ImageResult]:
    return queue.images.qwen_image_edit_plus.submit(prompt="Add a funny hat", input_image=[DOG], **more)


def until(job: Job[Any], status: str, pause: Callable[[], None]) -> Generation:
    while (told := job.refresh()).status != status:
        assert told.status in ("queued", "processing")
        pause()
    return told


@pytest.mark.vcr
def test_job_that_succeeds(queue: Oxen, pause: Callable[[], None]) -> None:
    job = submitted(queue)
    queued = job.refresh()
    assert (queued.generation_id, queued.status, queued.media_type) == (job.id, "queued", "image")
    assert (queued.started_at, queued.completed_at, queued.error) == (None, None, None)
    processing = until(job, "processing", pause)
    assert processing.started_at is not None
    succeeded = until(job, "succeeded", pause)
    assert (succeeded.completed_at is None, succeeded.model) == (False, "qwen-image-edit-plus")
    (image,) = job.result().images
    assert (image.url, image.generation_id) == (succeeded.answer["result_url"], job.id)


@pytest.mark.vcr
def test_job_that_fails(queue: Oxen, pause: Callable[[], None]) -> None:
    job = submitted(queue, extra_body={"colour": "red"})
    assert "colour" in str(until(job, "failed", pause).error)
    with pytest.raises(JobFailed, match="colour"):
        job.result()


@pytest.mark.vcr
def test_job_that_is_cancelled(queue: Oxen) -> None:
    job = submitted(queue)
    job.cancel()
    assert job.status == "cancelled"
    with pytest.raises(JobCancelled):
        job.result()


@pytest.mark.vcr
def test_several_jobs_at_once(queue: Oxen) -> None:
    request = QwenImageEditPlusRequest(prompt="Add a funny hat", input_image=[DOG])
    jobs = queue.submit(request, num_generations=2)
    assert len({job.id for job in jobs}) == 2


@pytest.mark.vcr
def test_jobs_and_history(queue: Oxen, pause: Callable[[], None]) -> None:
    job = submitted(queue.with_options(target_repo="ox/hats", target_directory="funny"))
    (active,) = queue.jobs(repo="ox/hats")
    assert (active.id, active.status in ("queued", "processing")) == (job.id, True)
    until(job, "succeeded", pause)
    (ended,) = queue.jobs(repo="ox/hats", status="succeeded")
    assert (ended.id, ended.status) == (job.id, "succeeded")
    (page,) = queue.generations(repo="ox/hats").pages()
    assert (page.total_pages, page.total_entries) == (1, 1)
    assert isinstance(page.total_cost, Decimal)
    (entry,) = page.generations
    assert (entry.generation_id, entry.target_repo, entry.target_directory) == (job.id, "ox/hats", "funny")
    assert isinstance(entry.cost, Decimal)


@pytest.mark.vcr
def test_unknown_job(queue: Oxen) -> None:
    job = queue.job("00000000-0000-4000-8000-000000000000")
    for call in (job.refresh, job.cancel):
        with pytest.raises(JobNotFound) as caught:
            call()
        assert caught.value.generation_id == job.id


@pytest.mark.vcr
def test_events(queue: Oxen, source: Hub | None, stream: Stream, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--live"):
        pytest.skip("what the live hub tells has no end")
    heard = None if source is None else Heard(source)
    job = submitted(queue)
    if source is not None and heard is not None:
        kind = {"content-type": "text/event-stream"}
        source.respond_next(200, body=heard.up_to_completion(), headers=kind, path=EVENTS)
    stream.times = 1
    event = next(queue.events())
    assert (event.generation_id, event.status, event.media_type) == (job.id, "succeeded", "image")
    assert job.wait() == "succeeded"
    assert job.result().images[0].url == event.url


class Heard:
    """What the stand-in tells a listener, word for word; vcrpy sees no plain socket."""

    def __init__(self, source: Hub) -> None:
        host, _, port = source.url.removeprefix("http://").partition(":")
        self._socket = socket.create_connection((host, int(port)))
        # HTTP/1.0 has the words as they are, without the lengths of chunks between them.
        self._socket.sendall(f"GET {EVENTS} HTTP/1.0\r\nauthorization: Bearer any\r\n\r\n".encode())
        self._file = self._socket.makefile("rb")
        while self._file.readline().strip():
            pass

    def up_to_completion(self) -> bytes:
        """All frames up to the one that says that a generation has ended."""
        told = b""
        with self._socket, self._file:
            while not (b"media_generation_completed" in told and told.endswith(b"\n\n")):
                told += self._file.readline()
        return told


def test_every_cassette_is_played() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:randomly", "-m", "vcr", __file__],
        capture_output=True,
        text=True,
        check=True,
    )
    played = {f"{name}.yaml" for name in re.findall(r"test_cassettes\.py::(\S+)", listed.stdout)}
    assert {file.relative_to(CASSETTES).as_posix() for file in CASSETTES.rglob("*") if file.is_file()} == {
        f"test_cassettes/{name}" for name in played
    }


def test_no_cassette_holds_a_secret_or_an_address_of_this_machine() -> None:
    suspicious = re.compile(
        r"(?m)Bearer |^ *(?i:authorization|(set-)?cookie|x-api-key):|127\.0\.0\.1|localhost|:\d{4,5}/"
    )
    for file in CASSETTES.rglob("*.yaml"):
        assert not suspicious.search(file.read_text(encoding="utf-8")), file
