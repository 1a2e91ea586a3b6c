"""Large files, the forms in which they are passed, and requests with them."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from oxen_models.images import QwenImageEditPlusRequest

from helpers.media_inputs import make_data_uri
from helpers.raw_server import Response

PNG_START = b"\x89PNG\r\n\x1a\n"
IMAGES = Response(body={"images": [{"url": "https://example.com/made.png"}]})


@cache
def create_png(size: int) -> bytes:
    """Return bytes that are taken for a PNG file, the same for each call with a size."""
    return PNG_START + os.urandom(size - len(PNG_START))


FORMS: dict[str, Callable[[bytes, Path], Any]] = {
    "path": lambda _, path: path,
    "text": lambda _, path: str(path),
    "bytes": lambda content, _: content,
    "bytearray": lambda content, _: bytearray(content),
    "file": lambda content, _: io.BytesIO(content),
    "uri": lambda content, _: make_data_uri(content),
}


def build(image: object, **parameters: Any) -> QwenImageEditPlusRequest:
    """Return a request with an image."""
    given: Any = image
    return QwenImageEditPlusRequest(prompt='a "hat" ö', input_image=[given], **parameters)


def to_json(body: object) -> bytes:
    """Return the JSON that is sent."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
