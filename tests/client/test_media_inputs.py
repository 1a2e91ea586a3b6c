"""Media of a request: paths, bytes and open files are sent as data: URIs."""

from __future__ import annotations

import asyncio
import base64
import io
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
from helpers.hub_api import read_bodies
from helpers.media_inputs import HAT, PNG, TAKES, URL, WAV, edit, encode_picture, make_data_uri
from helpers.scenario import Steps, scenario
from oxen_models import InvalidRequestError
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Hub
from pydantic import ValidationError


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


@pytest.mark.slow
def test_home_folder_is_expanded(
    run: ClientRunner, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`~` is the home folder, in strings and paths of calls and in paths of request classes."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "dog.png").write_bytes(PNG)
    run(edit(input_image=["~/dog.png", Path("~/dog.png")]), base_url=hub.url)
    assert read_bodies(hub)[0]["input_image"] == [make_data_uri(PNG)] * 2
    assert TAKES["image"](Path("~/dog.png")) == make_data_uri(PNG)


class UnreadableFile(io.RawIOBase):
    """A file that cannot be read; it notes the thread."""

    thread = ""

    def read(self, size: int = -1, /) -> bytes:
        self.thread = threading.current_thread().name
        raise OSError("broken")


@pytest.mark.parametrize("is_nested", [False, True], ids=["list", "object"])
def test_async_call_reads_files_in_a_thread(is_nested: bool) -> None:
    """The asynchronous client reads no file in the thread of the event loop, wherever the file is."""
    file = UnreadableFile()
    content: Any = [{"type": "image_url", "image_url": {"url": file}}]

    async def call() -> None:
        async with ox.AsyncOxen("key", base_url="http://127.0.0.1:1") as oxen:
            if is_nested:
                await oxen.chat.complete(model="m", messages=[{"role": "user", "content": content}])
            else:
                await edit(input_image=[URL, file])(oxen)

    with pytest.raises(InvalidRequestError, match="broken"):
        asyncio.run(call())
    assert file.thread not in ("", threading.current_thread().name)


@pytest.mark.async_values
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
    sent = [body["input_image"] for body in read_bodies(hub)]
    assert images == [url, f"data:image/png;base64,{content}"]
    assert sent[2:] == [[*images, url], images]


NO_SESSION: Any = None


@pytest.mark.async_values
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


def test_unexpired_url_of_a_result_is_sent() -> None:
    """A URL whose time has not passed is sent unchanged."""
    url = f"https://a.example/a.png?oxen_expires={2**40}&oxen_signature=x"
    assert TAKES["image"](ox.GeneratedFile(url)) == url
