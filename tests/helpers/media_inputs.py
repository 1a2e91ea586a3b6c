"""Calls and requests that take media."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oxen_models.audio import BytedanceSeedAudio10Request
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.videos import TopazlabsProteusVideoRequest
from PIL import Image

URL = "https://example.com/dog.png"
ACCEPTED_MEDIA = (
    "must be an http:, https: or data: URL; for a file, pass a path, binary data, an open file, an image "
    "or a file of a result such as result[0]"
)
HAT: dict[str, Any] = {"prompt": "Add a hat", "input_image": [URL]}


def encode_picture(format: str) -> bytes:
    """Return a small image file."""
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(buffer, format)
    return buffer.getvalue()


PNG = encode_picture("PNG")
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "


def make_data_uri(content: bytes, mime: str = "image/png") -> str:
    """Return the data: URI of a file."""
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def edit(**parameters: Any) -> Callable[[Any], Any]:
    """Return a step that edits an image, with other parameters in place of the defaults."""
    return lambda oxen: oxen.images.qwen_image_edit_plus.edit(**{**HAT, **parameters})


def read(result: Any) -> Any:
    """Return the content of the first file of a result, or a coroutine that does."""
    return result.media[0].read()


def save(path: str | Path) -> Callable[[Any], Any]:
    """Return a step that saves the first file of a result."""
    return lambda result: result.media[0].save(path)


TAKES: dict[str, Callable[[Any], str]] = {
    "image": lambda it: QwenImageEditPlusRequest(prompt="x", input_image=[it]).body()["input_image"][0],
    "video": lambda it: TopazlabsProteusVideoRequest(input_video=it).body()["input_video"],
    "audio": lambda it: BytedanceSeedAudio10Request(prompt="x", audio_urls=[it]).body()["audio_urls"][0],
}
"""What a request sends for a medium, by kind."""
