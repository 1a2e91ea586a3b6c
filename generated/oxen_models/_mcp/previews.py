# Copied by oxen-codegen from templates/package/_mcp/previews.py. Do not edit.
"""Small copies of images, which an agent sees."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import mcp_types as types
from oxen_models._runtime.contact_sheet import decode_picture

if TYPE_CHECKING:
    from PIL import Image

PREVIEW_SIZE = 512
"""Pixels of the longer side."""
MAX_PREVIEWS = 4
MAX_PREVIEWS_SIZE = 18_000
"""Bytes of all previews of a result: in base64 24,000 characters, at most 12,000 tokens."""
_MAX_FILE_SIZE = 100 * 2**20
_QUALITIES = (80, 60, 40, 20)
_MIN_SIZE = 64


def create_previews(files: Sequence[Path]) -> list[types.ImageContent]:
    """Return JPEG previews of the first files, without those that cannot be decoded; none without Pillow.

    A video is decoded if PyAV is installed: its first frame.

    Args:
        files: The files of results.
    """
    previews: list[types.ImageContent] = []
    shown = files[:MAX_PREVIEWS]
    for file in shown:
        try:
            if file.stat().st_size > _MAX_FILE_SIZE:
                continue
            picture = decode_picture(file.read_bytes(), PREVIEW_SIZE)
        except (ImportError, OSError):
            continue
        if picture is not None:
            data = b64encode(_encode(picture, MAX_PREVIEWS_SIZE // len(shown))).decode()
            previews.append(types.ImageContent(type="image", data=data, mime_type="image/jpeg"))
    return previews


def _encode(picture: Image.Image, max_size: int) -> bytes:
    """Return a JPEG of at most `max_size` bytes, by lower quality before fewer pixels."""
    while True:
        for quality in _QUALITIES:
            buffer = BytesIO()
            picture.save(buffer, "JPEG", quality=quality, optimize=True)
            if buffer.tell() <= max_size or max(picture.size) <= _MIN_SIZE:
                return buffer.getvalue()
        picture = picture.resize((max(picture.width // 2, 1), max(picture.height // 2, 1)))
