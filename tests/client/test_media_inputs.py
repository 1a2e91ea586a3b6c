"""Media of a request: paths, bytes, open files and PIL images are sent as data: URIs."""

from __future__ import annotations

import base64
import io
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.client_runner import ClientRunner
from oxen_models import InvalidRequestError
from oxen_models.audio import BytedanceSeedAudio10Request
from oxen_models.images import QwenImageEditPlusRequest
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
            for given in (file, content, bytearray(content), io.BytesIO(content), opened):
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
