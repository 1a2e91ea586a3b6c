"""Files that are held as paths or bytes and encoded while the request is sent, over real connections."""

from __future__ import annotations

import copy
import json
import os
import pickle
import socket
import threading
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.compile import compile_request
from helpers.hub_api import EDIT, QUEUE
from helpers.large_media import FORMS, IMAGES, build, create_png, to_json
from helpers.media_inputs import make_data_uri
from helpers.raw_server import RawServer, Response
from helpers.scenario import Steps, collect, scenario
from oxen_models._runtime.fields import ListOf
from oxen_models._runtime.media import ImageInput
from oxen_models._runtime.request import ImageRequest
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Hub
from oxen_models.videos import TopazlabsProteusVideoRequest
from PIL import Image
from pydantic import ValidationError

JPEG_START = b"\xff\xd8\xff\xe0"
SMALL, LARGE = 50_000, 800_000  # a body with the large one is sent in chunks


def create_jpeg(path: Path, content: bytes) -> None:
    """Write another type of file."""
    path.write_bytes(JPEG_START + content[len(JPEG_START) :])


def create_jpeg_unnoticed(path: Path, content: bytes) -> None:
    """Write another type of file with the size and the time of the old one."""
    status = path.stat()
    create_jpeg(path, content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_with_folder(path: Path, content: bytes) -> None:
    """Remove a file and create a folder with its name."""
    path.unlink()
    path.mkdir()


def wrap_nothing(image: Any) -> Any:
    """Return the value of a parameter that is an image."""
    return image


def wrap_twice(image: Any) -> Any:
    """Return the value of a parameter that is a list."""
    return [image, image]


@pytest.fixture
def picture(tmp_path: Path) -> tuple[bytes, Path]:
    """A large file and its path."""
    content, path = create_png(LARGE), tmp_path / "x.png"
    path.write_bytes(content)
    return content, path


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("call", ["edit", "submit"])
@pytest.mark.parametrize("form", FORMS)
def test_call_with_large_media_sends_the_body(
    run: ClientRunner, server: RawServer, picture: tuple[bytes, Path], form: str, call: str
) -> None:
    """The JSON is byte for byte that of the data: URIs, with its length and not in HTTP chunks."""
    server.responses[EDIT] = [IMAGES]
    server.responses[QUEUE] = [Response(body={"generations": [{"generation_id": "g", "status": "queued"}]})]
    small = create_png(SMALL)
    images = [FORMS[form](*picture), small, "https://example.com/dog.png", picture[0]]

    @scenario
    def steps(oxen: Any) -> Steps:
        model = oxen.images.qwen_image_edit_plus
        yield getattr(model, call)(prompt="x", input_image=images, extra_body={"later": "y" * 100_000})

    run(steps, base_url=server.url)
    expected = {
        "model": "qwen-image-edit-plus",
        "input_image": [
            make_data_uri(picture[0]),
            make_data_uri(small),
            images[2],
            make_data_uri(picture[0]),
        ],
        "prompt": "x",
        "later": "y" * 100_000,
    }
    [body] = server.bodies
    sent = json.loads(body)
    assert sent == expected
    assert body == to_json(sent)
    [headers] = [headers for method, _, headers in server.requests if method == "POST"]
    assert (headers["content-length"], headers.get("transfer-encoding")) == (str(len(body)), None)


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("form", ["path", "bytes", "uri"])
@pytest.mark.parametrize("call", ["run", "submit"])
def test_request_with_large_media_sends_its_body(
    run: ClientRunner, server: RawServer, picture: tuple[bytes, Path], form: str, call: str
) -> None:
    """A request as a value sends exactly its `body()`."""
    server.responses[EDIT] = [IMAGES]
    server.responses[QUEUE] = [Response(body={"generations": [{"generation_id": "g", "status": "queued"}]})]
    request = build(FORMS[form](*picture))
    run(lambda oxen: getattr(oxen, call)(request), base_url=server.url)
    assert server.bodies == [to_json(request.body())]
    assert request.body()["input_image"] == [make_data_uri(picture[0])]


@pytest.mark.slow
def test_untyped_request_sends_large_media(run: ClientRunner, own_hub: Hub, tmp_path: Path) -> None:
    """A request that is validated at run time holds and sends large files the same way."""
    path = tmp_path / "x.png"
    Image.frombytes("RGB", (600, 600), os.urandom(600 * 600 * 3)).save(path)

    @scenario
    def steps(oxen: Any) -> Steps:
        request = yield oxen.model("qwen-image-edit-plus").request(prompt="x", input_image=[path])
        yield oxen.run(request)
        return request

    request = run(steps, base_url=own_hub.url)
    sent = own_hub.requests[-1].body
    assert sent == request.body() == {**build(path).body(), "prompt": "x"}
    assert len(repr(request)) < 1000


@pytest.mark.slow
def test_retry_sends_the_whole_body_again(
    run: ClientRunner, server: RawServer, picture: tuple[bytes, Path]
) -> None:
    """After a 429, and at the equivalent path, the body is encoded again."""
    server.responses[EDIT] = [Response(429, headers={"Retry-After": "0"}), Response(404, body={"error": {}})]
    server.responses[EDIT.replace("edit", "generate")] = [IMAGES]
    request = build(picture[1])
    run(lambda oxen: oxen.run(request), base_url=server.url)
    assert server.bodies == [to_json(request.body())] * 3


CHANGES: dict[str, Callable[[Path, bytes], object]] = {
    "removed": lambda path, _: path.unlink(),
    "other type": create_jpeg,
    "other type, same time": create_jpeg_unnoticed,
    "other content": lambda path, content: path.write_bytes(content[:-1] + b"?"),
    "longer": lambda path, content: path.write_bytes(content + b"?"),
    "shorter": lambda path, content: path.write_bytes(content[:-1]),
    "empty": lambda path, _: path.write_bytes(b""),
    "folder": replace_with_folder,
}


@pytest.mark.async_values
@pytest.mark.parametrize("size", [100_000, LARGE])
@pytest.mark.parametrize("change", CHANGES)
def test_changed_file_is_not_sent(
    run: ClientRunner, server: RawServer, tmp_path: Path, change: str, size: int
) -> None:
    """A file that was removed or changed after the request was made raises, and nothing is sent."""
    content, path = create_png(size), tmp_path / "x.png"
    path.write_bytes(content)
    request = build(path)
    CHANGES[change](path, content)
    calls: list[Callable[[Any], Any]] = [lambda oxen: oxen.run(request), lambda oxen: oxen.submit(request)]
    for call in calls:
        error = run.expect_error(ox.InvalidRequestError, call, base_url=server.url)
        [problem] = error.problems
        assert (error.model_id, problem.parameter) == (request.model_id, "input_image[0]")
        assert "the file c" in problem.expected  # cannot be read any more, or changed
    assert server.bodies == []
    with pytest.raises(ox.InvalidRequestError):
        request.body()


@pytest.mark.slow
def test_file_that_changes_while_it_is_sent_raises(run: ClientRunner, tmp_path: Path) -> None:
    """If a file changes during the transfer, the server receives an incomplete body."""
    content, path = create_png(5_000_000), tmp_path / "x.png"
    path.write_bytes(content)
    request = build(path)
    received: list[bytes] = []

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                received.append(connection.recv(65_536))
                path.write_bytes(content[:-1] + b"?")  # the rest of the body does not fit into the buffers
                while chunk := connection.recv(65_536):
                    received.append(chunk)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        error = run.expect_error(ox.InvalidRequestError, lambda oxen: oxen.run(request), base_url=url)
        thread.join()
    assert "changed" in str(error)
    head, _, body = b"".join(received).partition(b"\r\n\r\n")
    [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: ")]
    assert len(body) < int(length.partition(b": ")[2])


def test_small_file_is_read_when_the_request_is_made(tmp_path: Path) -> None:
    """A file of up to 64 KiB is converted at once, so that it may be removed afterwards."""
    path = tmp_path / "x.png"
    content = create_png(2**16)
    path.write_bytes(content)
    request = build(path)
    path.unlink()
    assert request.body()["input_image"] == [make_data_uri(content)]


@pytest.mark.slow
def test_relative_path_is_resolved_by_the_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another working directory does not change the file that is sent."""
    content = create_png(LARGE)
    (tmp_path / "x.png").write_bytes(content)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    request = build(Path("x.png"))
    monkeypatch.chdir(tmp_path / "other")
    assert request.body()["input_image"] == [make_data_uri(content)]


@pytest.mark.slow
def test_equality_compares_content(picture: tuple[bytes, Path], tmp_path: Path) -> None:
    """Requests with the same content are equal and have the same hash, however it was given."""
    content, path = picture
    twin = tmp_path / "twin.png"
    twin.write_bytes(content)
    requests = [build(form(content, path)) for form in FORMS.values() if form is not FORMS["text"]]
    requests += [build(twin), QwenImageEditPlusRequest.from_body(requests[0].body())]
    for request in requests:
        assert request == requests[0]
        assert requests[0] == request
    other = content[:-1] + bytes([content[-1] ^ 1])
    for different in (
        other,
        content + b"?",
        content[:-1],
        make_data_uri(other),
        make_data_uri(content, "image/jpeg"),
    ):
        assert build(path) != build(different)
        assert build(different) != build(content)


def test_hash_is_equal_for_equal_requests(tmp_path: Path) -> None:
    """A request without lists has the hash of its values."""
    content = b"\x00\x00\x00\x20ftypisom" + bytes(LARGE)
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    given: list[Any] = [path, content, make_data_uri(content, "video/mp4")]
    assert len({hash(TopazlabsProteusVideoRequest(input_video=each)) for each in given}) == 1


def copy_by_pickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["path", "bytes"])
@pytest.mark.parametrize("copy_request", [copy_by_pickle, copy.copy, copy.deepcopy])
def test_copy_of_a_request_with_large_media_is_equal(
    picture: tuple[bytes, Path], form: str, copy_request: Callable[[Any], Any]
) -> None:
    """Copies and pickles have the same content, representation and body."""
    for request in (
        build(FORMS[form](*picture)),
        ox.UntypedRequest("a", "/images/edit", {"image": build(FORMS[form](*picture)).input_image[0]}),
    ):
        twin = copy_request(request)
        assert (twin, repr(twin), twin.body()) == (request, repr(request), request.body())


def test_pickle_has_the_content_of_a_file(picture: tuple[bytes, Path]) -> None:
    """A request can be unpickled where the file does not exist."""
    packed = pickle.dumps(build(picture[1]))
    picture[1].unlink()
    assert pickle.loads(packed).body()["input_image"] == [make_data_uri(picture[0])]


def test_repr_does_not_contain_the_content(picture: tuple[bytes, Path]) -> None:
    """The representation of a large file is its type and size."""
    assert f"input_image=[<image/png of {LARGE:,} bytes>]" in repr(build(picture[1]))


@pytest.mark.slow
def test_serialization_of_pydantic_has_data_uris(picture: tuple[bytes, Path]) -> None:
    """`model_dump` and `model_dump_json` return data: URIs, and the result can be validated again."""
    request = build(picture[1])
    assert request.model_dump()["input_image"] == [make_data_uri(picture[0])]
    assert json.loads(request.model_dump_json())["input_image"] == [make_data_uri(picture[0])]
    assert QwenImageEditPlusRequest.model_validate_json(request.model_dump_json()) == request
    assert request.model_json_schema(mode="serialization")["properties"]["input_image"]["items"] == {
        "type": "string"
    }


def test_media_of_a_request_can_be_used_in_another(run: ClientRunner, picture: tuple[bytes, Path]) -> None:
    """The value of a parameter is accepted where media of its kind are, and rejected elsewhere."""
    image: Any
    [image] = build(picture[1]).input_image
    assert build(image) == build(picture[1])
    with pytest.raises(ValidationError, match="must be a video file, got image/png"):
        TopazlabsProteusVideoRequest(input_video=image)


URI = {"type": "string", "format": "uri"}
SHAPES: dict[str, tuple[dict[str, Any], Callable[[Any], Any]]] = {
    "value": (URI, wrap_nothing),
    "list": ({"type": "array", "items": URI}, wrap_twice),
    "nullable": ({"type": ["string", "null"], "format": "uri"}, wrap_nothing),
    "object": ({"type": "object", "properties": {"image_url": URI}}, lambda image: {"image_url": image}),
    "list of objects": (
        {"type": "array", "items": {"type": "object", "properties": {"image_url": URI}}},
        lambda image: [{"image_url": image}],
    ),
}


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_large_media_in_each_shape_of_parameter(
    run: ClientRunner, server: RawServer, picture: tuple[bytes, Path], shape: str
) -> None:
    """A file in a list or an object is sent like one that is a parameter itself."""
    schema, wrap = SHAPES[shape]
    kind = compile_request({"type": "object", "properties": {"image_url": schema}})
    parameters: dict[str, Any] = {"image_url": wrap(picture[1])}
    request = kind(**parameters)
    expected = {"model": "a-model", "image_url": wrap(make_data_uri(picture[0]))}
    assert request.body() == expected
    assert kind.from_body(expected) == request
    server.responses[EDIT] = server.responses[EDIT.replace("edit", "generate")] = [IMAGES]
    run(lambda oxen: oxen.run(request), base_url=server.url)
    assert server.bodies == [to_json(expected)]


class UnionRequest(ImageRequest):
    """A request with unions in both orders, because a union is serialized by its first member that fits."""

    model_id = "a-model"
    value_first: ImageInput | ListOf[ImageInput]
    list_first: ListOf[ImageInput] | ImageInput


@pytest.mark.slow
@pytest.mark.parametrize("wrap", [wrap_nothing, wrap_twice])
def test_large_media_in_unions_are_converted(picture: tuple[bytes, Path], wrap: Callable[[Any], Any]) -> None:
    """A file is converted in each member of a union."""
    request = UnionRequest(value_first=wrap(picture[1]), list_first=wrap(picture[1]))
    uri = wrap(make_data_uri(picture[0]))
    assert request.body() == {"model": "a-model", "value_first": uri, "list_first": uri}
    assert json.loads(request.model_dump_json()) == {"value_first": uri, "list_first": uri}


@pytest.mark.slow
@pytest.mark.parametrize("has_journal", [False, True])
def test_run_with_a_changed_file_continues(
    run: ClientRunner, own_hub: Hub, tmp_path: Path, has_journal: bool
) -> None:
    """In a batch run, a file that was removed is the outcome of its own request only, also after a pause."""
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for path in paths:
        Image.frombytes("RGB", (200, 200), os.urandom(200 * 200 * 3)).save(path)
    requests = [build(path) for path in paths]
    for path in paths[1:3]:
        path.unlink()
    own_hub.respond_next(429, headers={"Retry-After": "0.01"}, method="POST", path=QUEUE)
    journal = tmp_path / "journal" if has_journal else None
    many = methodcaller("run_many", requests, journal=journal, max_in_flight=1)
    outcomes = run(lambda oxen: collect(many(oxen)), base_url=own_hub.url)
    names = [type(outcome.error).__name__ for outcome in outcomes]
    assert names == ["NoneType", "InvalidRequestError", "InvalidRequestError", "NoneType"]
    assert outcomes[1].error.__context__ is None  # its frames would keep the body in memory
    assert own_hub.count("POST", QUEUE) == 3
