"""Sidecars: files beside saved results that state how they were made."""

from __future__ import annotations

import io
import json
import os
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from operator import attrgetter, methodcaller
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.models import make_model, object_schema
from helpers.scenario import Steps, scenario
from oxen_models import UntypedRequest, __version__, sidecar
from oxen_models.images import QwenImageEditPlusRequest, ZImageTurboRequest
from oxen_models.testing import Hub
from PIL import Image
from pydantic import ValidationError

PICTURE = ZImageTurboRequest(prompt="A hat", seed=5)


def save(run: ClientRunner, hub: Hub, path: Path, request: Any = PICTURE, **options: Any) -> Any:
    """Send a request as a blocking call, and save its file with a sidecar."""
    return run(
        lambda oxen: oxen.run(request, **options),
        lambda result: result[0].save(path, sidecar=True),
        base_url=hub.url,
    )


def save_job(run: ClientRunner, hub: Hub, path: Path, request: Any = PICTURE) -> Any:
    """Submit a request, and save the file of its job with a sidecar, as another process would."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield oxen.submit(request)
        result = yield oxen.job(job.id).result()
        yield result[0].save(path, sidecar=True)
        return job.id

    return run(steps, base_url=hub.url)


def test_sidecar_states_a_blocking_call(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """The sidecar of a blocking call has the model, the parameters, the seed, the time and the version."""
    started = datetime.now(UTC)
    file = save(run, hub, tmp_path / "hat.webp")
    found = sidecar(file)
    assert found == sidecar(tmp_path / "hat.webp.json")
    assert (found.model, found.body, found.seed) == ("z-image-turbo", {"prompt": "A hat", "seed": 5}, 5)
    assert (found.job_id, found.cost, found.version) == (None, None, __version__)
    assert found.sent_at is not None
    assert started <= found.sent_at <= datetime.now(UTC)
    assert found.sha256 == sha256(file.read_bytes()).hexdigest()
    assert found.request() == PICTURE
    assert found.request(prompt="A coat") == ZImageTurboRequest(prompt="A coat", seed=5)
    with pytest.raises(ValidationError, match="promt"):  # the same picture would be paid for twice
        found.request(promt="A coat")


@pytest.mark.slow
def test_sidecar_states_a_job(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """The sidecar of a job has its id, times and cost, also if another process submitted it."""
    job_id = save_job(run, hub, tmp_path / "hat.webp")
    found = sidecar(tmp_path / "hat.webp")
    assert (found.model, found.job_id, found.cost) == ("z-image-turbo", job_id, Decimal("0.01"))
    assert None not in (found.sent_at, found.started_at, found.completed_at)
    assert found.request() == PICTURE


@pytest.mark.slow
def test_sidecar_of_a_job_without_history(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """If the history has no record, the one in the queue states the job, without a cost."""
    hub.respond_next(404, method="GET", path="/api/ai/generations/*", times=None)
    save_job(run, hub, tmp_path / "hat.webp")
    found = sidecar(tmp_path / "hat.webp")
    assert (found.cost, found.request()) == (None, PICTURE)


@pytest.mark.slow
def test_media_are_in_a_sidecar_as_digests(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """A sidecar has no media content, but digests; the media are passed to rebuild the request."""
    dog = tmp_path / "dog.png"
    # Larger than what is converted when the request is made.
    Image.frombytes("RGB", (200, 200), os.urandom(120_000)).save(dog)
    digest = f"sha256:{sha256(dog.read_bytes()).hexdigest()}"
    request = QwenImageEditPlusRequest(prompt="A hat", input_image=[dog])
    for name, write in (("a.png", save), ("b.png", save_job)):
        write(run, hub, tmp_path / name, request)
        found = sidecar(tmp_path / name)
        assert found.body["input_image"] == [digest]
        assert "data:image" not in (tmp_path / f"{name}.json").read_text()
        with pytest.raises(ox.ConfigurationError, match="media of input_image; pass them as request"):
            found.request()
        assert found.request(input_image=[dog]) == request


@pytest.mark.slow
def test_sidecar_has_the_extra_body(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """The properties of `extra_body` are stated separately, because the request does not have them."""
    save(run, hub, tmp_path / "hat.webp", extra_body={"beta": 1})
    found = sidecar(tmp_path / "hat.webp")
    assert (found.extra_body, found.seed, found.request()) == ({"beta": 1}, 5, PICTURE)


@pytest.mark.slow
def test_untyped_request_is_rebuilt(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """A request of a model outside the package is rebuilt without its class."""
    schema = object_schema(prompt={"type": "string"}, **{"cfg-scale": {"type": "number"}})
    hub.add_model(make_model("acme/x", schema))
    request = UntypedRequest("acme/x", "/images/generate", {"prompt": "A hat", "cfg-scale": 0.5})
    save(run, hub, tmp_path / "hat.png", request)
    assert sidecar(tmp_path / "hat.png").request() == request


@pytest.mark.slow
def test_sidecar_has_the_path_of_the_model(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """The sidecar of a job has the path of a blocking call of its model, as that of a blocking call has."""
    request = QwenImageEditPlusRequest(prompt="A hat", input_image=["https://example.com/dog.png"])
    for name, write in (("a.png", save), ("b.png", save_job)):
        write(run, hub, tmp_path / name, request)
        assert sidecar(tmp_path / name).endpoint == "/images/edit"


def test_save_all_writes_a_sidecar_for_each_file(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """`save_all(..., sidecar=True)` writes a sidecar beside each file; without it, there is none."""
    save_all = methodcaller("save_all", tmp_path, "x{index}.{ext}", sidecar=True)
    [file] = run(lambda oxen: oxen.run(PICTURE), save_all, base_url=hub.url)
    assert {path.name for path in tmp_path.iterdir()} == {file.name, f"{file.name}.json"}
    assert sidecar(file).index == 0
    run(lambda oxen: oxen.run(PICTURE), methodcaller("save_all", tmp_path / "none"), base_url=hub.url)
    assert len(list((tmp_path / "none").iterdir())) == 1


@pytest.mark.slow
def test_stream_has_no_sidecar(run: ClientRunner, hub: Hub) -> None:
    """A sidecar for an open file raises before the download."""
    error = run.expect_error(
        ox.ConfigurationError,
        lambda oxen: oxen.run(PICTURE),
        lambda result: result[0].save(io.BytesIO(), sidecar=True),
        base_url=hub.url,
    )
    assert str(error) == "sidecar=True requires the path of a regular file"


@pytest.mark.slow
def test_pickled_result_has_no_request(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """A pickle of a result does not contain the request, so its file is saved without a sidecar."""
    request = ZImageTurboRequest(prompt=f"{'x' * 80} s3cret")  # the URL contains the start of the prompt
    result = run(lambda oxen: oxen.run(request), base_url=hub.url)
    data = pickle.dumps(result.media)
    assert b"s3cret" not in data

    def save_copy(oxen: Any) -> Any:
        return pickle.loads(data)[0].save(tmp_path / "hat.webp", sidecar=True)

    error = run.expect_error(ox.MediaError, save_copy, base_url=hub.url)
    assert str(error).endswith(
        "was saved, but not its sidecar: the request is not known, because the result was pickled"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["hat.webp"]


def test_sidecar_that_cannot_be_written_raises(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """The error of a sidecar that cannot be written has the reason, and no name of a temporary file."""
    (tmp_path / "hat.webp.json").mkdir()

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.run(PICTURE)
        yield result[0].save(tmp_path / "hat.webp", sidecar=True)

    error = run.expect_error(ox.MediaError, steps, base_url=hub.url)
    assert str(error).endswith("hat.webp' was saved, but not its sidecar: Is a directory")


@pytest.mark.parametrize("content", [None, "{}", "[]", "nonsense", '{"model": 5}'])
def test_missing_or_invalid_sidecar_raises(tmp_path: Path, content: str | None) -> None:
    """A file without a sidecar, or with another JSON file, is a `MediaError`."""
    if content is not None:
        (tmp_path / "a.png.json").write_text(content)
    with pytest.raises(ox.MediaError, match="No such file" if content is None else "is not a sidecar"):
        sidecar(tmp_path / "a.png")


def test_sidecar_of_a_path_without_name_raises() -> None:
    """A path that has no name is a `MediaError`."""
    with pytest.raises(ox.MediaError, match=r"'\.' is not a sidecar: "):
        sidecar(".")


@pytest.mark.slow
def test_sidecar_is_readable_json(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """A sidecar is a JSON object with times in ISO 8601 and the cost as a string."""
    save_job(run, hub, tmp_path / "hat.webp")
    values = json.loads((tmp_path / "hat.webp.json").read_text())
    assert values["cost"] == "0.01"
    assert values["sent_at"].endswith("+00:00")
    assert attrgetter("sent_at")(sidecar(tmp_path / "hat.webp")).isoformat() == values["sent_at"]
