# Copied by oxen-codegen from templates/package/testing/_inputs.py. Do not edit.
"""Read the media files of a request. `data:` URIs are decoded; no other URL is fetched."""

import base64
import binascii
import io
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

from PIL import Image, ImageOps

from ._errors import RequestError
from ._json import JSON, as_list, as_object

Source: TypeAlias = Image.Image | str | None
"""The image to edit: the image itself, the file name in its URL, or None if there is none."""

_MAX_MEGABYTES = 25
_MAX_BYTES = _MAX_MEGABYTES * 1024 * 1024
_MAX_MEGAPIXELS = 50
_MAX_PIXELS = _MAX_MEGAPIXELS * 1_000_000

# Pillow also opens formats for which it starts other programs, such as EPS.
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")


def find_image(parameters: dict[str, JSON], properties: dict[str, JSON]) -> Source:
    """Return the first image of `parameters`, in the order of the schema's `properties`.

    Raises:
        RequestError: A media file is broken, too large or not a URL (400, `invalid_file_input`).
    """
    found: Source = None
    for name, shape in properties.items():
        is_image = "image-url" in _marks(shape, "renderType") or "image" in name
        for url in _find_urls(name, parameters.get(name), shape):
            source = _read(name, url, is_image)
            if found is None and is_image:
                found = source
    return found


def has_inline_media(parameters: dict[str, JSON]) -> bool:
    """Return whether a parameter is a `data:` URI, or a list with one."""
    return any(_is_data(item) for value in parameters.values() for item in as_list(value))


def _find_urls(name: str, value: JSON, shape: JSON) -> Iterator[str]:
    """Yield the URLs of a parameter. If the schema does not mark it as a file, its name decides."""
    is_file = _is_file(shape)
    may_be_file = is_file or any(word in name for word in ("image", "video", "audio"))
    for text in as_list(value):
        # A blank string is the default of some models for no file.
        if not isinstance(text, str) or not text.strip():
            continue
        if _is_data(text) or _is_web_url(text):
            if may_be_file:
                yield text
        elif is_file:
            raise _file_error(name, "must be an http(s) URL or a data: URI")


def _is_data(value: JSON) -> bool:
    return isinstance(value, str) and value[:5].lower() == "data:"


def _is_web_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _is_file(shape: JSON) -> bool:
    render_types = [mark for mark in _marks(shape, "renderType") if isinstance(mark, str)]
    return "uri" in _marks(shape, "format") or any(mark.endswith("-url") for mark in render_types)


def _marks(shape: JSON, keyword: str) -> list[JSON]:
    """Return the values of a keyword in a property and in its items."""
    return [as_object(part).get(keyword) for part in (shape, as_object(shape).get("items"))]


# Cached, because thousands of jobs may have the same image.
@lru_cache(maxsize=8)
def _read(name: str, url: str, is_image: bool) -> Source:
    if not _is_data(url):
        return urlsplit(url).path.rpartition("/")[2] or urlsplit(url).netloc
    content = _decode(name, url)
    return _open_image(name, content) if is_image else None


def _decode(name: str, url: str) -> bytes:
    head, comma, payload = url.partition(",")
    if not comma:
        raise _file_error(name, "a data: URI without a comma")
    is_base64 = head.lower().endswith(";base64")
    if len(payload) > _MAX_BYTES * (4 / 3 if is_base64 else 3) + 4:
        raise _too_large(name)
    if not is_base64:
        content = unquote_to_bytes(payload)
    else:
        try:
            content = base64.b64decode(payload, validate=True)
        except (binascii.Error, ValueError):
            raise _file_error(name, "a data: URI that is not valid base64") from None
    if len(content) > _MAX_BYTES:
        raise _too_large(name)
    return content


def _open_image(name: str, content: bytes) -> Image.Image:
    too_many_pixels = _file_error(name, f"an image of more than {_MAX_MEGAPIXELS} megapixels")
    try:
        picture = Image.open(io.BytesIO(content), formats=_FORMATS)
        if picture.width * picture.height > _MAX_PIXELS:
            raise too_many_pixels
        picture.thumbnail((1024, 1024))
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (RequestError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_many_pixels from None
    # Pillow raises exceptions of many types for a damaged file.
    except Exception:
        raise _file_error(name, "not an image that can be read") from None
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB")


def _too_large(name: str) -> RequestError:
    return _file_error(name, f"larger than {_MAX_MEGABYTES} MB")


def _file_error(name: str, problem: str) -> RequestError:
    return RequestError(400, "invalid_file_input", f"{name}: {problem}")
