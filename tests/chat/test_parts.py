"""The parts of messages: texts, images, videos, sounds and documents."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import oxen_models.testing
import pytest
from helpers.chat import CHAT_PATH, complete, open_stream, read_one
from helpers.client_runner import ClientRunner
from helpers.media_inputs import make_data_uri
from oxen_models import BadRequestError, InvalidRequestError
from oxen_models.chat import ChatFile, ChatRequest
from oxen_models.testing import Hub
from PIL import Image
from pydantic import ValidationError

MEDIA = Path(oxen_models.testing.__file__).parent / "media"
PDF = b"%PDF-1.7\n1 0 obj"
MIB = 2**20


def ask(*parts: Any) -> list[Any]:
    """Return a conversation of one message with parts."""
    return [{"role": "user", "content": [*parts, {"type": "text", "text": "What is this?"}]}]


def as_part(kind: str, url: Any) -> dict[str, Any]:
    """Return a part with a medium."""
    return {"type": kind, kind: {"url": url}}


def as_file(document: Any, **more: Any) -> dict[str, Any]:
    """Return a part with an inline document."""
    return {"type": "file", "file": {"file_data": document, **more}}


def sent_part(hub: Hub) -> Any:
    """Return the first part of the last message that the hub received."""
    body: Any = hub.requests[-1].body
    return body["messages"][-1]["content"][0]


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name", "mime"),
    [
        ("video_url", "video.mp4", "video/mp4"),
        ("audio_url", "audio.mp3", "audio/mpeg"),
        ("audio_url", "audio.wav", "audio/wav"),
    ],
)
def test_media_are_sent_inline(run: ClientRunner, hub: Hub, kind: str, name: str, mime: str) -> None:
    """A path as text, a `Path`, bytes and an open file are sent as the same data: URI."""
    content = (MEDIA / name).read_bytes()
    for value in (str(MEDIA / name), MEDIA / name, content, io.BytesIO(content)):
        run(complete(ask(as_part(kind, value))), base_url=hub.url)
        assert sent_part(hub) == as_part(kind, make_data_uri(content, mime))


@pytest.mark.slow
def test_images_are_sent_inline(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """A PIL image and a large file are encoded; a URL is sent unchanged."""
    picture = Image.effect_noise((400, 400), 99)
    picture.save(tmp_path / "ox.png")
    large = (tmp_path / "ox.png").read_bytes()
    assert len(large) > 2**16
    for value in (tmp_path / "ox.png", picture):
        run(complete(ask(as_part("image_url", value))), base_url=hub.url)
        assert sent_part(hub)["image_url"]["url"].startswith("data:image/png;base64,")
    run(complete(ask(as_part("image_url", "https://example.com/ox.png"))), base_url=hub.url)
    assert sent_part(hub) == as_part("image_url", "https://example.com/ox.png")


def test_streams_send_media_inline(run: ClientRunner, hub: Hub) -> None:
    """A stream reads files as a call does."""
    run(open_stream(ask(as_part("audio_url", str(MEDIA / "audio.mp3")))), read_one, base_url=hub.url)
    assert sent_part(hub)["audio_url"]["url"].startswith("data:audio/mpeg;base64,")


@pytest.mark.slow
def test_documents_are_named(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """A document has the name of its file, another name without a file, or the one that is passed."""
    path = tmp_path / "herd.pdf"
    path.write_bytes(PDF)
    with path.open("rb") as file:
        for document, name in (
            (str(path), "herd.pdf"),
            (path, "herd.pdf"),
            (file, "herd.pdf"),
            (PDF, "document.pdf"),
        ):
            run(complete(ask(as_file(document))), base_url=hub.url)
            assert sent_part(hub) == as_file(make_data_uri(PDF, "application/pdf"), filename=name)
            if document is file:
                file.seek(0)
    run(complete(ask(as_file(path, filename="oxen.pdf"))), base_url=hub.url)
    assert sent_part(hub)["file"]["filename"] == "oxen.pdf"


def test_document_url_is_sent(run: ClientRunner, hub: Hub) -> None:
    """A document at a URL needs no name."""
    part = {"type": "file", "file": {"file_url": "https://example.com/herd.pdf"}}
    run(complete(ask(part)), base_url=hub.url)
    assert sent_part(hub) == part


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("part", "text"),
    [
        (as_part("image_url", b"no image"), "content[0].image_url.url=<8 bytes>: must be an image file"),
        (as_part("image_url", PDF), "must be an image file, got application/pdf"),
        (as_part("image_url", "no-such-file.png"), "content[0].image_url.url='no-such-file.png': the file"),
        (as_part("audio_url", MEDIA / "video.mp4"), "must be an audio file, got video/mp4"),
        ({"type": "image_url", "image_url": "https://example.com"}, "content[0].image_url="),
        ({"type": "file", "file": {}}, "content[0].file={}: must have either file_data or file_url"),
        (as_file(PDF, file_url="https://example.com"), "must have either file_data or file_url"),
        (
            {**as_part("image_url", "https://example.com"), "text": "x"},
            "a part of type 'image_url' must have",
        ),
    ],
)
def test_invalid_parts_are_not_sent(run: ClientRunner, hub: Hub, part: Any, text: str) -> None:
    """An error names the part; nothing is sent."""
    error = run.expect_error(InvalidRequestError, complete(ask(part)), base_url=hub.url)
    assert text in str(error)
    assert hub.count("POST", CHAT_PATH) == 0


@pytest.mark.parametrize("is_inline", [pytest.param(True, marks=pytest.mark.slow), False])
@pytest.mark.parametrize(
    ("kind", "head", "mime", "limit"),
    [("audio", b"ID3\x04", "audio/mpeg", 20), ("file", PDF, "application/pdf", 24)],
)
def test_too_large_files_are_not_sent(
    hub: Hub, kind: str, head: bytes, mime: str, limit: int, is_inline: bool
) -> None:
    """A sound above 20 MB and a document above 24 MB are rejected; one of that size is accepted."""

    def make_request(size: int) -> ChatRequest:
        content: Any = head.ljust(size, b"\0")
        value = make_data_uri(content, mime) if is_inline else content
        return ChatRequest(
            model="gpt-audio", messages=ask(as_file(value) if kind == "file" else as_part("audio_url", value))
        )

    make_request(limit * MIB)
    with pytest.raises(ValidationError) as caught:
        make_request(limit * MIB + 1)
    problem = caught.value.errors()[-1]  # after the one that the content is no text
    assert f"must have at most {limit} MB, got {limit * MIB + 1:,} bytes" in problem["msg"]


def test_files_of_requests_are_urls() -> None:
    """A request class takes a string as a URL, as those of other models do; a `Path` is read."""
    with pytest.raises(ValidationError, match="must be an http:, https: or data: URL"):
        ChatRequest(model="gpt-4o", messages=ask(as_part("image_url", "dog.png")))
    with pytest.raises(ValidationError, match="the file cannot be read"):
        ChatFile(file_data=Path("no-such-file.pdf"))


def test_standin_rejects_what_the_api_rejects(run: ClientRunner, hub: Hub) -> None:
    """The stand-in refuses parts of a system message of Anthropic models, and URLs that are paths."""
    system = [{"role": "system", "content": [{"type": "text", "text": "x"}]}]
    run.expect_error(BadRequestError, complete(system), base_url=hub.url)
    assert run(complete(system, model="gpt-4o"), base_url=hub.url).text
    data = as_file("data:text/plain;base64,")
    assert "PDF" in str(run.expect_error(BadRequestError, complete(ask(data)), base_url=hub.url))
