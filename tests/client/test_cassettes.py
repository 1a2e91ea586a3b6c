"""Tests against recorded responses of the API. `nox -s record_cassettes` records them from the stand-in hub.

They read as if they came from https://hub.oxen.ai, but have the stand-in's `Server: models-standin`.
`nox -s record_cassettes -- --live` records from the live hub.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import oxen_models
import pytest
from click.testing import CliRunner
from helpers.models import edit_request
from oxen_codegen.cli import main
from oxen_codegen.hub import HubClient
from oxen_models import (
    AuthenticationError,
    BadRequestError,
    Generation,
    ImageResult,
    Job,
    JobCancelled,
    JobFailed,
    JobNotFound,
    NotFoundError,
    Oxen,
    RateLimitError,
    UntypedRequest,
)
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Hub
from pytest_recording import plugin

CASSETTES = Path(__file__).parents[2] / "cassettes"
HUB_URL = "https://hub.oxen.ai"
DOG_URL = "https://hub.oxen.ai/api/repos/ox/Oxen-Character-Simple-Vector-Graphic/file/main/images/reference/bloxy_white_bg.png"
EVENTS = "/api/events"
COMPLETED = b"media_generation_completed"
SECRET_HEADERS = ("authorization", "cookie", "set-cookie")
PRICED_MODEL = "qwen-image-edit"
"""The model to which the recordings give a price."""
RECORDED_MODELS = ("qwen-image-edit-plus", PRICED_MODEL, "gpt-4o")
ALL_PARAMETERS: dict[str, Any] = {"aspect_ratio": "16:9", "negative_prompt": " ", "output_format": "png"}

RespondNext = Callable[..., None]

vcr = plugin.vcr
"""The fixture that replays or records a cassette, which `conftest.py` replaces."""


@pytest.fixture(scope="module")
def vcr_cassette_dir() -> str:
    return str(CASSETTES / Path(__file__).stem)


@pytest.fixture(scope="module")
def is_recording(request: pytest.FixtureRequest) -> bool:
    return request.config.getoption("--record-mode") not in (None, "none")


@pytest.fixture(scope="module")
def is_live(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--live"))


@pytest.fixture(scope="module")
def source(
    is_recording: bool, is_live: bool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub | None]:
    """The stand-in hub to record from, with few models so that the list is short; else None."""
    if not is_recording or is_live:
        yield None
        return
    folder = tmp_path_factory.mktemp("models")
    shipped = Path(oxen_models.__file__).parent / "schemas"
    for model_id in RECORDED_MODELS:
        model = json.loads((shipped / f"{model_id}.json").read_bytes())
        if model_id == PRICED_MODEL:
            model["pricing"] = {"method": "per_image", "cost_per_image": 0.04}
        (folder / f"{model_id}.json").write_text(json.dumps(model))
    with Hub(schemas=folder) as hub:
        yield hub


@pytest.fixture(scope="module")
def vcr_config(source: Hub | None) -> dict[str, Any]:
    def rewrite_request(request: Any) -> Any:
        if source is not None:
            request.uri = request.uri.replace(source.url, HUB_URL)
            request.headers["host"] = "hub.oxen.ai"
        return request

    def rewrite_response(response: dict[str, Any]) -> dict[str, Any]:
        for name in [name for name in response["headers"] if name.lower() in SECRET_HEADERS]:
            del response["headers"][name]
        if source is not None:
            body = response["body"]["string"].replace(source.url.encode(), HUB_URL.encode())
            response["body"]["string"] = body
            # The hub's URL is longer than the stand-in's.
            response["headers"].pop("content-length", None)
        return response

    return {
        "filter_headers": list(SECRET_HEADERS),
        "before_record_request": rewrite_request,
        "before_record_response": rewrite_response,
        "match_on": ["method", "uri", "body"],
    }


@pytest.fixture
def base_url(source: Hub | None) -> str:
    return HUB_URL if source is None else source.url


@pytest.fixture
def api_key(is_live: bool) -> str:
    return os.environ["OXEN_API_KEY"] if is_live else "any"


@pytest.fixture
def oxen(base_url: str, api_key: str) -> Iterator[Oxen]:
    with Oxen(api_key, base_url=base_url) as client:
        yield client


@pytest.fixture
def respond_next(source: Hub | None) -> RespondNext:
    """Plan a response of the stand-in while recording; afterwards, the cassette has it."""
    return (lambda *args, **kwargs: None) if source is None else source.respond_next


@pytest.mark.vcr
def test_model_list(base_url: str, api_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator reads the list of models."""
    monkeypatch.setenv("OXEN_API_KEY", api_key)
    hub = HubClient(base_url)
    model_ids, _ = hub.list_ids()
    assert "qwen-image-edit-plus" in model_ids
    hub.close()


@pytest.mark.vcr
def test_model_search(base_url: str, api_key: str) -> None:
    """The search returns some of the models."""
    with httpx.Client(base_url=base_url, headers={"authorization": f"Bearer {api_key}"}) as client:
        found = client.get("/api/ai/models/search", params={"search": "qwen"}).json()
    assert found["object"] == "list"
    ids = {model["id"] for model in found["data"]}
    assert {"qwen-image-edit-plus"} <= ids < set(RECORDED_MODELS)


@pytest.mark.slow
@pytest.mark.vcr
def test_model_detail_is_the_record(
    base_url: str, api_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`fetch` makes the committed record from the details of a model."""
    monkeypatch.setenv("OXEN_API_KEY", api_key)
    arguments = ["fetch", "qwen-image-edit-plus", "--base-url", base_url, "--schemas", str(tmp_path)]
    run = CliRunner().invoke(main, arguments)
    assert run.exit_code == 0, run.output
    committed = Path(oxen_models.__file__).parent / "schemas" / "qwen-image-edit-plus.json"
    fetched = json.loads((tmp_path / committed.name).read_text())
    expected = json.loads(committed.read_text())
    # What is not known of a model is not in the records of July, and null in responses.
    unknown = dict.fromkeys(("pricing", "context_length", "max_output_tokens"))
    assert {**unknown, **fetched, "changed": None} == {**unknown, **expected, "changed": None}


@pytest.mark.slow
@pytest.mark.vcr
@pytest.mark.parametrize("response_format", ["url", "b64_json"])
@pytest.mark.parametrize("parameters", [{}, ALL_PARAMETERS], ids=["minimal", "all"])
def test_edit(parameters: dict[str, Any], response_format: Any, oxen: Oxen) -> None:
    """A blocking call returns an image, by URL or inline."""
    result = oxen.images.qwen_image_edit_plus.edit(
        prompt="Add a funny hat", input_image=[DOG_URL], response_format=response_format, **parameters
    )
    assert result.model == "qwen-image-edit-plus"
    (image,) = result.images
    assert (image.url is None, image.b64_json is None) == (response_format != "url", response_format == "url")
    assert image.read().startswith(b"\x89PNG")


@pytest.mark.vcr
def test_missing_key_raises(base_url: str) -> None:
    """401 is an `AuthenticationError`."""
    with httpx.Client(event_hooks={"request": [_remove_key]}) as client:
        oxen = Oxen("any", base_url=base_url, http_client=client)
        with pytest.raises(AuthenticationError) as caught:
            oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
    assert (caught.value.status, caught.value.type) == (401, "unauthenticated")


def _remove_key(request: httpx.Request) -> None:
    del request.headers["authorization"]


@pytest.mark.slow
@pytest.mark.vcr
def test_unknown_model_raises(oxen: Oxen) -> None:
    """404 is a `NotFoundError`."""
    with pytest.raises(NotFoundError, match="Model not found: no-such-model") as caught:
        oxen.run(UntypedRequest("no-such-model", "/images/edit", {"prompt": "x", "input_image": [DOG_URL]}))
    assert caught.value.status == 404


@pytest.mark.vcr
def test_refused_parameter_raises(oxen: Oxen) -> None:
    """400 is a `BadRequestError` that names the parameter."""
    with pytest.raises(BadRequestError, match="negative_prompt") as caught:
        oxen.run(edit_request(input_image=[DOG_URL], negative_prompt=5))
    assert (caught.value.status, caught.value.type) == (400, "invalid_params")


@pytest.mark.slow
@pytest.mark.vcr
def test_429_is_retried(oxen: Oxen, respond_next: RespondNext) -> None:
    """A request that was rate-limited is sent again."""
    body = {"error": {"message": "Rate limit exceeded"}}
    respond_next(429, body=body, headers={"retry-after": "0"}, method="POST")
    result = oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
    assert result.images[0].url


@pytest.mark.vcr
def test_429_with_a_long_delay_raises(oxen: Oxen, respond_next: RespondNext) -> None:
    """A rate limit that lasts too long is a `RateLimitError` with the delay."""
    body = {"error": {"message": "Rate limit exceeded"}}
    respond_next(429, body=body, headers={"retry-after": "3600"}, method="POST")
    with pytest.raises(RateLimitError, match="Rate limit exceeded") as caught:
        oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
    assert caught.value.retry_after == 3600


class StreamGate:
    """Refuses the event stream but for `allowed` times, because vcrpy records only complete responses."""

    def __init__(self) -> None:
        self.allowed = 0

    def __call__(self, request: httpx.Request) -> None:
        if request.url.path == EVENTS:
            self.allowed -= 1
            if self.allowed < 0:
                raise httpx.ConnectError("the stream is refused", request=request)


@pytest.fixture
def stream_gate() -> StreamGate:
    return StreamGate()


@pytest.fixture
def polling(base_url: str, api_key: str, stream_gate: StreamGate) -> Iterator[Oxen]:
    """A client that polls, because it cannot open the event stream."""
    with (
        # A used connection would be refused, and the gate would count the request twice.
        httpx.Client(
            event_hooks={"request": [stream_gate]}, limits=httpx.Limits(max_keepalive_connections=0)
        ) as http,
        Oxen(api_key, base_url=base_url, http_client=http) as client,
    ):
        yield client


@pytest.fixture
def pause(is_recording: bool, is_live: bool) -> Callable[[], None]:
    """Wait between two polls while recording; a cassette has as many polls as were needed."""
    return lambda: time.sleep((3 if is_live else 0.04) if is_recording else 0)


def submit(oxen: Oxen, **parameters: Any) -> Job[ImageResult]:
    edit = oxen.images.qwen_image_edit_plus
    return edit.submit(prompt="Add a funny hat", input_image=[DOG_URL], **parameters)


def wait_for_status(job: Job[Any], status: str, pause: Callable[[], None]) -> Generation:
    while (generation := job.refresh()).status != status:
        assert generation.status in ("queued", "processing")
        pause()
    return generation


@pytest.mark.vcr
def test_job_succeeds(polling: Oxen, pause: Callable[[], None]) -> None:
    """A job is queued, processing and succeeded, and its result is that of its record."""
    job = submit(polling)
    queued = job.refresh()
    assert (queued.generation_id, queued.status, queued.media_type) == (job.id, "queued", "image")
    assert (queued.started_at, queued.completed_at, queued.error) == (None, None, None)
    processing = wait_for_status(job, "processing", pause)
    assert processing.started_at is not None
    succeeded = wait_for_status(job, "succeeded", pause)
    assert (succeeded.completed_at is None, succeeded.model) == (False, "qwen-image-edit-plus")
    (image,) = job.result().images
    assert (image.url, image.generation_id) == (succeeded.record["result_url"], job.id)


@pytest.mark.slow
@pytest.mark.vcr
def test_job_fails(polling: Oxen, pause: Callable[[], None]) -> None:
    """A job whose parameters are refused fails with the reason."""
    job = polling.submit(edit_request(prompt="Add a funny hat", input_image=[DOG_URL], negative_prompt=5))
    assert "negative_prompt" in str(wait_for_status(job, "failed", pause).error)
    with pytest.raises(JobFailed, match="negative_prompt"):
        job.result()


@pytest.mark.vcr
def test_job_is_cancelled(polling: Oxen) -> None:
    """The result of a cancelled job raises `JobCancelled`."""
    job = submit(polling)
    job.cancel()
    assert job.status == "cancelled"
    with pytest.raises(JobCancelled):
        job.result()


@pytest.mark.vcr
def test_several_jobs_of_one_request(polling: Oxen) -> None:
    """`num_generations` is the number of jobs."""
    request = QwenImageEditPlusRequest(prompt="Add a funny hat", input_image=[DOG_URL])
    jobs = polling.submit(request, num_generations=2)
    assert len({job.id for job in jobs}) == 2


@pytest.mark.slow
@pytest.mark.vcr
def test_jobs_and_history(polling: Oxen, pause: Callable[[], None]) -> None:
    """A job is in the list of jobs, and in the history with its cost."""
    oxen = polling.with_options(target_repo="ox/hats", target_directory="funny")
    job = oxen.images.qwen_image_edit.submit(prompt="Add a funny hat", input_image=DOG_URL)
    (active,) = polling.jobs(repo="ox/hats")
    assert (active.id, active.status in ("queued", "processing")) == (job.id, True)
    wait_for_status(job, "succeeded", pause)
    (ended,) = polling.jobs(repo="ox/hats", status="succeeded")
    assert (ended.id, ended.status) == (job.id, "succeeded")
    (page,) = polling.generations(repo="ox/hats").pages()
    assert (page.total_pages, page.total_entries, page.total_cost) == (1, 1, Decimal("0.04"))
    (entry,) = page.generations
    assert (entry.generation_id, entry.target_repo, entry.target_directory) == (job.id, "ox/hats", "funny")
    assert entry.cost == page.total_cost


@pytest.mark.vcr
def test_unknown_job_raises(polling: Oxen) -> None:
    """404 of a job is a `JobNotFound`."""
    job = polling.job("00000000-0000-4000-8000-000000000000")
    for call in (job.refresh, job.cancel):
        with pytest.raises(JobNotFound) as caught:
            call()
        assert caught.value.generation_id == job.id


@pytest.mark.vcr
def test_event(polling: Oxen, source: Hub | None, is_live: bool, stream_gate: StreamGate) -> None:
    """The event of a job has the URL of its result."""
    if is_live:
        pytest.skip("the stream of the live hub does not end")
    listener = None if source is None else Listener(source)
    job = submit(polling)
    if source is not None and listener is not None:
        headers = {"content-type": "text/event-stream"}
        source.respond_next(200, body=listener.read_until_completed(), headers=headers, path=EVENTS)
    stream_gate.allowed = 1
    event = next(polling.events())
    assert (event.generation_id, event.status, event.media_type) == (job.id, "succeeded", "image")
    assert job.wait() == "succeeded"
    urls = (str(job.result().images[0].url), str(event.url))
    assert len({url.partition("?")[0] for url in urls}) == 1  # each response has a signature of its own


class Listener:
    """Reads the event stream through a socket of its own, which vcrpy does not record."""

    def __init__(self, source: Hub) -> None:
        host, _, port = source.url.removeprefix("http://").partition(":")
        self._socket = socket.create_connection((host, int(port)))
        # An HTTP/1.0 response has no chunk lengths between the events.
        head = f"GET {EVENTS} HTTP/1.0\r\nhost: {host}:{port}\r\nauthorization: Bearer any\r\n\r\n"
        self._socket.sendall(head.encode())
        self._file = self._socket.makefile("rb")
        while self._file.readline().strip():
            pass

    def read_until_completed(self) -> bytes:
        """Return all events up to the one that a job is completed."""
        content = b""
        with self._socket, self._file:
            while not (COMPLETED in content and content.endswith(b"\n\n")):
                line = self._file.readline()
                assert line, content
                content += line
        return content


def test_every_cassette_belongs_to_a_test(request: pytest.FixtureRequest) -> None:
    """Each cassette is replayed by a test, and each test has its cassette."""
    module = request.node.getparent(pytest.Module)
    names = [item.name for item in module.collect() if item.get_closest_marker("vcr")]
    files = {file.relative_to(CASSETTES).as_posix() for file in CASSETTES.rglob("*") if file.is_file()}
    assert files == {f"test_cassettes/{name}.yaml" for name in names}


def test_cassettes_have_no_key_and_no_local_url() -> None:
    """No cassette has a key, a cookie or an address of this machine."""
    suspicious = re.compile(
        r"(?m)Bearer |^ *(?i:authorization|(set-)?cookie|x-api-key):|127\.0\.0\.1|localhost|:\d{4,5}/"
    )
    for file in CASSETTES.rglob("*.yaml"):
        assert not suspicious.search(file.read_text(encoding="utf-8")), file
