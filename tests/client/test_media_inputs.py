"""Media of a request: paths, bytes, open files and PIL images are sent as data: URIs."""

from __future__ import annotations

import base64
import io
import mmap
import os
import socket
import sys
import threading
import tracemalloc
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.scenario import Steps, scenario
from oxen_models import InvalidRequestError
from oxen_models.audio import BytedanceSeedAudio10Request
from oxen_models.images import QwenImageEditPlusRequest, QwenImageRequest
from oxen_models.testing import Hub
from oxen_models.videos import TopazlabsProteusVideoRequest
from PIL import Image
from pydantic import ValidationError

URL = "https://example.com/dog.png"
HAT: dict[str, Any] = {"prompt": "Add a hat", "input_image": [URL]}


def encode_picture(format: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(buffer, format)
    return buffer.getvalue()


PNG = encode_picture("PNG")
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "


def make_data_uri(content: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def edit(**parameters: Any) -> Callable[[Any], Any]:
    return lambda oxen: oxen.images.qwen_image_edit_plus.edit(**{**HAT, **parameters})


def get_bodies(hub: Hub) -> list[Any]:
    """Return the bodies of the POST requests."""
    return [request.body for request in hub.requests if request.method == "POST"]


def edit_untyped(**parameters: Any) -> Callable[[Any], Any]:
    return lambda oxen: oxen.model("qwen-image-edit-plus").edit(**{**HAT, **parameters})


FORMATS = {
    "image": {
        **{
            f"image/{format.lower()}": encode_picture(format)
            for format in ("PNG", "JPEG", "GIF", "WEBP", "BMP")
        },
        "image/avif": b"\x00\x00\x00\x1cftypavif\x00",
    },
    "video": {
        "video/mp4": b"\x00\x00\x00\x20ftypisom\x00",
        "video/quicktime": b"\x00\x00\x00\x14ftypqt  \x00",
        "video/webm": b"\x1aE\xdf\xa3\x01",
    },
    "audio": {
        "audio/wav": WAV,
        "audio/mpeg": b"ID3\x04\x00",
        "audio/flac": b"fLaC\x00",
        "audio/ogg": b"OggS\x00",
        "audio/mp4": b"\x00\x00\x00\x20ftypM4A \x00",
    },
}
TAKES: dict[str, Callable[[Any], str]] = {
    "image": lambda it: QwenImageEditPlusRequest(prompt="x", input_image=[it]).body()["input_image"][0],
    "video": lambda it: TopazlabsProteusVideoRequest(input_video=it).body()["input_video"],
    "audio": lambda it: BytedanceSeedAudio10Request(prompt="x", audio_urls=[it]).body()["audio_urls"][0],
}


@pytest.mark.parametrize("medium", FORMATS)
def test_files_become_data_uris_of_their_type(medium: str, tmp_path: Path) -> None:
    """Paths, bytes and open files become data: URIs with the media type of their content."""
    for mime, content in FORMATS[medium].items():
        file = tmp_path / "named.txt"
        file.write_bytes(content)
        with file.open("rb") as opened:
            forms = (file, content, bytearray(content), memoryview(content), io.BytesIO(content), opened)
            for given in forms:
                assert TAKES[medium](given) == make_data_uri(content, mime)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_pil_image_becomes_an_equal_image(mode: str) -> None:
    """A PIL image is encoded without loss."""
    picture = Image.new("RGB", (5, 4), (250, 10, 60)).convert(mode)
    uri = TAKES["image"](picture)
    assert uri.startswith("data:image/png;base64,")
    read = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert read.convert("RGB").tobytes() == picture.convert("RGB").tobytes()


def test_request_sends_strings_unchanged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A request class sends a URL unchanged, and reads a path when it is constructed."""
    monkeypatch.chdir(tmp_path)
    Path("dog.png").write_bytes(PNG)
    for text in (URL, f" {URL}", "data:,x", "HTTPS://x"):
        assert TAKES["image"](text) == text
    # A path is read when the request is made: what becomes of the file later changes nothing.
    request = QwenImageEditPlusRequest(prompt="x", input_image=[Path("dog.png")])
    Path("dog.png").unlink()
    assert request.body()["input_image"] == [make_data_uri(PNG)]
    with pytest.raises(ValidationError, match="No such file"):
        QwenImageEditPlusRequest(prompt="x", input_image=[Path("dog.png")])


@pytest.mark.slow
def test_call_reads_strings_that_are_no_urls(
    run: ClientRunner, hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A call takes a string as a path, unless it is an http(s) or a data: URL."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "http").write_bytes(PNG)
    as_they_are = [URL, URL.replace("https", "HTTP"), make_data_uri(PNG)]
    run(edit(input_image=(*as_they_are, "http", str(tmp_path / "http"))), base_url=hub.url)
    [request] = hub.requests
    expected = [*as_they_are, make_data_uri(PNG), make_data_uri(PNG)]
    assert request.body == {"model": "qwen-image-edit-plus", **HAT, "input_image": expected}


class Failing(io.RawIOBase):
    """A file that cannot be read."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, size: int = -1) -> bytes:
        raise self.error


def write_file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


UNUSABLE: list[tuple[Callable[[Path], Any], str]] = [
    (lambda folder: str(folder / "no.png"), "cannot be read: No such file"),
    (lambda folder: folder / "no.png", "cannot be read: No such file"),
    (lambda folder: folder, "cannot be read"),
    (lambda _: "", "cannot be read"),
    (lambda _: "a\x00b", "cannot be read"),
    (lambda _: Failing(OSError(5, "Input/output error")), "cannot be read: Input/output error"),
    (lambda _: Failing(io.UnsupportedOperation("read")), "cannot be read"),
    (lambda _: io.StringIO("text"), "binary mode"),
    (lambda folder: write_file(folder / "empty.png", b""), "an empty file"),
    (lambda _: b"", "an empty file"),
    (lambda folder: str(write_file(folder / "moo.png", WAV)), "must be an image file, got audio/wav"),
    (lambda _: io.BytesIO(b"hello"), "an unknown format"),
    (lambda _: "s3://bucket/dog.png", "s3://"),
    (lambda _: "file:///dog.png", "file://"),
    (lambda _: array("b", PNG[:4]), "must be a valid string"),
]


@pytest.mark.parametrize(("unusable", "why"), UNUSABLE)
def test_call_with_an_unusable_file_raises(
    run: ClientRunner, hub: Hub, tmp_path: Path, unusable: Callable[[Path], Any], why: str
) -> None:
    """The error names the parameter, the index and the reason, and nothing is sent."""
    step = edit(input_image=[URL, unusable(tmp_path)])
    error = run.expect_error(InvalidRequestError, step, base_url=hub.url)
    assert hub.requests == []
    [problem] = error.problems
    assert problem.parameter == "input_image[1]"
    assert why in problem.expected


def make_fifo(folder: Path) -> Path:
    """Create a named pipe that nothing writes to."""
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def make_socket(folder: Path) -> Path:
    """Create a socket."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    return folder / "socket"


def link(folder: Path, path: Path) -> Path:
    """Create a link to a path."""
    (folder / "link").symlink_to(path)
    return folder / "link"


def make_large(folder: Path) -> Path:
    """Create a file above the limit, which takes no room."""
    with (folder / "large.png").open("wb") as file:
        file.write(PNG)
        file.truncate(2**28 + 1)
    return folder / "large.png"


LIMIT = f"at most {2**28:,} bytes"
REJECTED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "fifo": (make_fifo, "regular file, got a named pipe"),
    "link to a fifo": (lambda folder: link(folder, make_fifo(folder)), "regular file, got a named pipe"),
    "endless device": (lambda _: "/dev/zero", "regular file, got a device"),
    "path of a device": (lambda _: Path("/dev/null"), "regular file, got a device"),
    "open device": (lambda _: open("/dev/zero", "rb"), "got a device"),  # noqa: SIM115
    "socket": (make_socket, "regular file, got a socket"),
    "folder": (lambda folder: str(folder), "cannot be read: Is a directory"),
    "large file": (make_large, f"at most {20 * 2**20:,} bytes"),
    "large open file": (lambda folder: make_large(folder).open("rb"), LIMIT),
    "endless file": (lambda _: Endless(), LIMIT),
    "large memory": (lambda folder: map_file(make_large(folder)), LIMIT),
}


class Endless(io.RawIOBase):
    """A file without an end."""

    def read(self, size: int = -1) -> bytes:
        assert size > 0
        return bytes(2**26)  # more than was asked for, so that the test is quick


def map_file(path: Path) -> memoryview:
    """Return the content of a file without reading it."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(what, marks=pytest.mark.slow) if what == "endless file" else what  # reads 256 MiB
        for what in REJECTED
    ],
)
def test_source_without_an_end_is_rejected(run: ClientRunner, hub: Hub, tmp_path: Path, what: str) -> None:
    """Pipes, devices, sockets, folders and files above the limit raise at once, and nothing is sent."""
    make, why = REJECTED[what]
    source = make(tmp_path)
    error = run.expect_error(InvalidRequestError, edit(input_image=[source]), base_url=hub.url)
    if hasattr(source, "close"):
        source.close()
    assert hub.requests == []
    [problem] = error.problems
    assert why in problem.expected
    assert len(str(error)) < 500


def test_file_replaced_by_a_fifo_is_not_read(tmp_path: Path) -> None:
    """A large file that was replaced by a pipe after the request was made raises, and does not wait."""
    path = write_file(tmp_path / "x.png", PNG + bytes(100_000))
    request = QwenImageEditPlusRequest(prompt="x", input_image=[path])
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InvalidRequestError, match="cannot be read any more"):
        request.body()


def test_open_pipe_is_read(tmp_path: Path) -> None:
    """A pipe that the caller opened, such as the standard input, is read to its end."""
    reader, writer = os.pipe()
    content = PNG + os.urandom(200_000)
    with open(reader, "rb") as file, open(writer, "wb") as sink:

        def write() -> None:
            with sink:
                sink.write(content)

        thread = threading.Thread(target=write)
        thread.start()
        assert TAKES["image"](file) == make_data_uri(content)
        thread.join()


@pytest.mark.slow
def test_home_folder_is_expanded(
    run: ClientRunner, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`~` is the home folder, in strings and paths of calls and in paths of request classes."""
    monkeypatch.setenv("HOME", str(tmp_path))
    write_file(tmp_path / "dog.png", PNG)
    run(edit(input_image=["~/dog.png", Path("~/dog.png")]), base_url=hub.url)
    assert get_bodies(hub)[0]["input_image"] == [make_data_uri(PNG)] * 2
    assert TAKES["image"](Path("~/dog.png")) == make_data_uri(PNG)


def read_uri(uri: str) -> Image.Image:
    """Return the image in a data: URI."""
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


@pytest.mark.parametrize(
    ("mode", "expected_mode", "format"),
    [
        ("CMYK", "RGB", None),
        ("CMYK", "RGB", "JPEG"),
        ("CMYK", "RGB", "TIFF"),
        ("YCbCr", "RGB", None),
        ("HSV", "RGB", None),
        ("RGBa", "RGBA", None),
        ("La", "LA", None),
        ("PA", "RGBA", None),
    ],
)
def test_image_of_another_mode_is_converted(mode: str, expected_mode: str, format: str | None) -> None:
    """Modes that PNG does not have are sent as RGB or with their transparency, without the old profile."""
    base = "LA" if mode in ("La", "PA") else "RGBA" if mode == "RGBa" else "RGB"
    picture = Image.new(base, (5, 4), "red").convert(mode)
    if format is not None:
        buffer = io.BytesIO()
        picture.save(buffer, format)
        picture = Image.open(buffer)
    picture.info["icc_profile"] = b"a profile of the old mode"
    sent = read_uri(TAKES["image"](picture))
    expected = picture.convert(expected_mode)
    assert (sent.format, sent.mode, sent.tobytes()) == ("PNG", expected_mode, expected.tobytes())
    assert "icc_profile" not in sent.info


PIXELS = numpy.arange(60 * 4, dtype="uint8").reshape(12, 5, 4)
ARRAYS: dict[str, tuple[Any, str]] = {
    "grey": (PIXELS[..., 0], "L"),
    "one channel": (PIXELS[..., :1], "L"),
    "two channels": (PIXELS[..., :2], "LA"),
    "rgb": (PIXELS[..., :3], "RGB"),
    "rgba": (PIXELS, "RGBA"),
    "reversed": (PIXELS[::-1, ::2, 2::-1], "RGB"),
    "fortran": (numpy.asfortranarray(PIXELS), "RGBA"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_array_is_sent_as_an_image(run: ClientRunner, hub: Hub, name: str) -> None:
    """An array of numpy is encoded as PNG without loss."""
    array, mode = ARRAYS[name]
    run(edit(input_image=[array]), base_url=hub.url)
    sent = read_uri(get_bodies(hub)[0]["input_image"][0])
    height, width = array.shape[:2]
    assert (sent.format, sent.mode, sent.size) == ("PNG", mode, (width, height))
    assert sent.tobytes() == array.tobytes()


def test_array_of_one_dimension_is_a_file() -> None:
    """The result of OpenCV's `imencode` is the content of a file."""
    assert TAKES["image"](numpy.frombuffer(PNG, "uint8")) == make_data_uri(PNG)


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (numpy.zeros((4, 5, 3)), "array of uint8, got float64"),
        (numpy.zeros((4, 5, 3), "int8"), "array of uint8, got int8"),
        (numpy.zeros((4, 5, 3), "bool"), "array of uint8, got bool"),
        (numpy.zeros((4, 5, 5), "uint8"), "got (4, 5, 5)"),
        (numpy.zeros((2, 4, 5, 3), "uint8"), "got (2, 4, 5, 3)"),
        (numpy.zeros((0, 5, 3), "uint8"), "got (0, 5, 3)"),
        (numpy.zeros((4, 5), "datetime64[s]"), "cannot be read"),
        (numpy.zeros(4, "uint8"), "an unknown format"),
    ],
)
def test_array_of_another_kind_is_rejected(run: ClientRunner, hub: Hub, array: Any, why: str) -> None:
    """Arrays that are no image raise with the type or the shape."""
    error = run.expect_error(InvalidRequestError, edit(input_image=[array]), base_url=hub.url)
    assert why in error.problems[0].expected


def test_array_without_pillow_raises(run: ClientRunner, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    error = run.expect_error(InvalidRequestError, edit(input_image=[PIXELS]), base_url=hub.url)
    assert "pip install pillow" in str(error)


@pytest.mark.parametrize(
    "make",
    [
        lambda: (url for url in [URL]),
        lambda: iter([URL]),
        lambda: map(str, [URL]),
        lambda: {URL},
        lambda: {URL: 1}.keys(),
        lambda: numpy.zeros((2, 4, 5, 3), "uint8"),
    ],
    ids="generator iterator map set view array".split(),
)
@pytest.mark.parametrize("way", ["call", "request", "untyped"])
def test_iterable_for_a_list_names_list(
    run: ClientRunner, hub: Hub, make: Callable[[], Any], way: str
) -> None:
    """What is not a list says that `list(...)` makes one, and is not consumed."""
    value = make()
    if way == "request":
        with pytest.raises(ValidationError, match=r"valid list, got \w+; use list\(\.\.\.\)"):
            QwenImageEditPlusRequest(prompt="x", input_image=value)
    else:
        step: Any = edit(input_image=value)
        if way == "untyped":
            step = edit_untyped(input_image=value)
        error = run.expect_error(InvalidRequestError, step, base_url=hub.url)
        assert f"got {type(value).__name__}; use list(...)" in error.problems[0].expected
    assert len(list(value)) == len(list(make()))


def make_array(data: bytes) -> array[int]:
    """Return an array of the standard library."""
    return array("B", data)


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview, make_array])
def test_large_binary_value_has_a_short_error(form: Callable[[bytes], Any]) -> None:
    """Binary data of megabytes at a wrong place are neither taken apart nor printed."""
    data = form(bytes(14_000_000))
    tracemalloc.start()
    for parameters in ({"input_image": data}, {"input_image": [data]}, {"prompt": data}):
        with pytest.raises(InvalidRequestError) as caught:
            edit(**parameters)(ox.Oxen("key"))
        assert len(str(caught.value)) < 500
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000  # a list of the bytes takes 112 MB, and a message of them 56 MB


@pytest.mark.slow
def test_result_is_accepted_as_an_input(run: ClientRunner, hub: Hub) -> None:
    """An image of an earlier call is sent as its URL, or as its content if the response contained it."""

    @scenario
    def steps(oxen: Any) -> Steps:
        linked = yield edit()(oxen)
        contained = yield edit(response_format="b64_json")(oxen)
        yield edit(input_image=[linked.images[0], contained.image, *linked])(oxen)
        request = QwenImageEditPlusRequest(prompt="x", input_image=[linked.image, contained.image])
        yield oxen.model("qwen-image-edit-plus").edit(prompt="x", input_image=[linked[0], contained[0]])
        return linked.image.url, contained.image.b64_json, request.body()["input_image"]

    url, content, images = run(steps, base_url=hub.url)
    sent = [body["input_image"] for body in get_bodies(hub)]
    assert images == [url, f"data:image/png;base64,{content}"]
    assert sent[2:] == [[*images, url], images]


NO_SESSION: Any = None


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (ox.GeneratedFile(f"https://a.example/a.png?oxen_expires={2**30}"), "has expired; save() the result"),
        (ox.GeneratedFile(None, "@@@@"), "content of the result is invalid"),
        (ox.GeneratedFile(None, base64.b64encode(WAV).decode()), "must be an image file, got audio/wav"),
        (ox.GeneratedFile(None, None), "neither a URL nor content"),
        (ox.Video("https://a.example/a.mp4", None, NO_SESSION), "must be an image file, got a video"),
    ],
)
def test_unusable_result_is_rejected(run: ClientRunner, hub: Hub, result: Any, why: str) -> None:
    """An expired URL, invalid content and another kind of media raise, and nothing is sent."""
    error = run.expect_error(InvalidRequestError, edit(input_image=[result]), base_url=hub.url)
    assert (why in error.problems[0].expected, hub.requests) == (True, [])


NUMBERS: list[tuple[Any, Any]] = [
    (numpy.int64(7), 7),
    (numpy.uint8(7), 7),
    (numpy.array(7), 7),
    (numpy.float64(7), 7),
]
NO_NUMBERS = [numpy.True_, numpy.array([7]), numpy.float32(7.5), numpy.float64("nan"), "7"]


@pytest.mark.parametrize("way", ["call", "request", "untyped"])
def test_numbers_of_numpy_are_accepted(run: ClientRunner, hub: Hub, way: str) -> None:
    """Integers and floats of numpy are sent as JSON numbers; booleans and arrays are rejected."""

    def build(oxen: Any, **parameters: Any) -> Any:
        if way == "request":
            return QwenImageRequest(prompt="x", **parameters)
        return oxen.model("qwen-image").request(prompt="x", **parameters)

    @scenario
    def steps(oxen: Any) -> Steps:
        for given, expected in NUMBERS:
            request = build(oxen, seed=given, guidance=given) if way == "request" else None
            if way == "untyped":
                request = yield build(oxen, seed=given, guidance=given)
            if way == "call":
                yield oxen.images.qwen_image.generate(prompt="x", seed=given, guidance=given)
            body = get_bodies(hub)[-1] if request is None else request.body()
            assert (body["seed"], body["guidance"]) == (expected, expected)
            assert type(body["seed"]) is int
            assert type(body["guidance"]) in (int, float)
        for given in NO_NUMBERS:
            try:
                if way == "call":
                    yield oxen.images.qwen_image.generate(prompt="x", seed=given)
                else:
                    yield build(oxen, seed=given)
            except ValueError:
                continue
            pytest.fail(f"{given!r} was accepted")

    run(steps, base_url=hub.url)


def test_float_of_numpy_is_exact() -> None:
    """A float is the number that `float()` returns, in limits, in lists of options and elsewhere."""
    request = QwenImageRequest(prompt="x", guidance=numpy.float32(0.1))
    assert request.body()["guidance"] == float(numpy.float32(0.1))
    video = TopazlabsProteusVideoRequest(input_video=URL, target_fps=numpy.float64(23.976))
    assert video.body()["target_fps"] == 23.976
    with pytest.raises(ValidationError, match="less than or equal to 10"):
        QwenImageRequest(prompt="x", guidance=numpy.float32(10.5))


def test_unexpired_url_of_a_result_is_sent() -> None:
    """A URL whose time has not passed is sent unchanged."""
    url = f"https://a.example/a.png?oxen_expires={2**40}&oxen_signature=x"
    assert TAKES["image"](ox.GeneratedFile(url)) == url
