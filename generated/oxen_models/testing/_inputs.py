"""The media files inside a request: `data:` URIs are read, every other URL is taken on trust."""

import base64
import binascii
import io
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

from PIL import Image, ImageOps

from ._errors import Refusal
from ._json import JSON

Source: TypeAlias = Image.Image | str | None
"""The picture to work on: itself, the file name in its URL, or None where none was sent."""

_MOST_BYTES = 25 * 1024 * 1024
_MOST_PIXELS = 50_000_000

# Pillow also opens formats that start other programs (EPS); these do not.
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")


def first_image(body: dict[str, JSON], properties: dict[str, JSON]) -> Source:
    """The first image of `body`, in the order of the schema's `properties`.

    Raises:
        Refusal: Any media file of the body is broken or too large, or is not a URL at all: 400,
            `invalid_file_input`.
    """
    found: Source = None
    for name, shape in properties.items():
        is_image = "image-url" in _marks(shape, "renderType") or "image" in name
        for text in _urls(name, body.get(name), _is_media(shape)):
            source = _read(name, text, is_image)
            if found is None and is_image:
                found = source
    return found


def _urls(name: str, value: JSON, is_media: bool) -> Iterator[str]:
    """The URLs in a parameter; where the schema does not mark them as media, its name may."""
    maybe_media = any(word in name for word in ("image", "video", "audio"))
    for text in value if isinstance(value, list) else [value]:
        # A blank string is some models' default for "no file".
        if not isinstance(text, str) or not text.strip():
            continue
        if _is_data(text) or _is_web(text):
            if is_media or maybe_media:
                yield text
        elif is_media:
            raise _refusal(name, "neither an http(s) URL nor a data: URI")


def _is_data(text: str) -> bool:
    return text[:5].lower() == "data:"


def _is_web(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _is_media(shape: JSON) -> bool:
    return "uri" in _marks(shape, "format") or any(
        isinstance(mark, str) and mark.endswith("-url") for mark in _marks(shape, "renderType")
    )


def _marks(shape: JSON, key: str) -> list[JSON]:
    """What a property and its items say under `key`."""
    if not isinstance(shape, dict):
        return []
    items = shape.get("items")
    return [place.get(key) for place in (shape, items) if isinstance(place, dict)]


# The same picture comes again and again where thousands of jobs are about it.
@lru_cache(maxsize=8)
def _read(name: str, text: str, is_image: bool) -> Source:
    if not _is_data(text):
        return urlsplit(text).path.rpartition("/")[2] or urlsplit(text).netloc
    content = _decoded(name, text)
    return _opened(name, content) if is_image else None


def _decoded(name: str, text: str) -> bytes:
    head, comma, payload = text.partition(",")
    if not comma:
        raise _refusal(name, "a data: URI without a comma")
    coded = head.lower().endswith(";base64")
    if len(payload) > _MOST_BYTES * (4 / 3 if coded else 3) + 4:
        raise _refusal(name, "larger than 25 MB")
    if not coded:
        content = unquote_to_bytes(payload)
    else:
        try:
            content = base64.b64decode(payload, validate=True)
        except (binascii.Error, ValueError):
            raise _refusal(name, "a data: URI that is not valid base64") from None
    if len(content) > _MOST_BYTES:
        raise _refusal(name, "larger than 25 MB")
    return content


def _opened(name: str, content: bytes) -> Image.Image:
    too_large = _refusal(name, f"an image of more than {_MOST_PIXELS // 1_000_000} megapixels")
    try:
        picture = Image.open(io.BytesIO(content), formats=_FORMATS)
        if picture.width * picture.height > _MOST_PIXELS:
            raise too_large
        picture.thumbnail((1024, 1024))
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (Refusal, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_large from None
    # A damaged file makes Pillow raise nearly anything.
    except Exception:
        raise _refusal(name, "not an image that can be read") from None
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB")


def _refusal(name: str, what: str) -> Refusal:
    return Refusal(400, "invalid_file_input", f"{name}: {what}")
