"""Files, pipes and memory that are read for a request, and those that cannot be read."""

from __future__ import annotations

import io
import mmap
import os
import socket
import threading
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.client_runner import ClientRunner
from helpers.media_inputs import ACCEPTED_MEDIA, PNG, TAKES, URL, WAV, edit, make_data_uri
from oxen_models import InvalidRequestError, Oxen
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Hub


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
    (lambda _: Failing(io.UnsupportedOperation("read")), "must be open for reading"),
    (lambda _: io.StringIO("text"), "binary mode"),
    (lambda folder: write_file(folder / "empty.png", b""), "an empty file"),
    (lambda _: b"", "an empty file"),
    (lambda folder: str(write_file(folder / "moo.png", WAV)), "must be an image file, got audio/wav"),
    (lambda _: io.BytesIO(b"hello"), "an unknown format"),
    (lambda _: "s3://bucket/dog.png", "s3://"),
    (lambda _: "file:///dog.png", "file://"),
    (lambda _: array("b", PNG[:4]), ACCEPTED_MEDIA),
    (lambda _: None, ACCEPTED_MEDIA),
]


@pytest.mark.async_values
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


def test_result_in_place_of_its_file_raises(hub: Hub) -> None:
    """A result can have several files, so the error asks for one of them."""
    with Oxen("key", base_url=hub.url) as oxen:
        made: Any = oxen.images.qwen_image.generate(prompt="A hat")
        with pytest.raises(InvalidRequestError, match=r"a file of a result such as result\[0\]$"):
            oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[made])


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
    """A file that must not be read after two reads, the second of which exceeds the limit."""

    def __init__(self) -> None:
        self.lengths = iter([2**16, 2**28])  # more than was asked for, so that the test is quick

    def read(self, size: int = -1) -> bytes:
        assert size > 0
        return bytes(next(self.lengths))


def map_file(path: Path) -> memoryview:
    """Return the content of a file without reading it."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


@pytest.mark.async_values
@pytest.mark.parametrize("what", REJECTED)
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
