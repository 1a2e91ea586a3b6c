# Copied by oxen-codegen from templates/package/testing/_media.py. Do not edit.
"""The results of a generation: images drawn from the request, and fixed video and audio files."""

import hashlib
import io
import json
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from threading import Lock
from typing import NamedTuple

from PIL import Image

from ._inputs import Source, find_image
from ._json import JSON, as_object
from ._models import Media, schema_properties, with_defaults
from ._pictures import add_hat, draw_ox, fit_picture

_FOLDER = files(__name__.rpartition(".")[0]) / "media"
_IMAGE_SIDE = 768
_MAX_IMAGES = 12
_MAX_CACHED = 64
_ONE_IS_RETURNED = "only the first"


class Format(NamedTuple):
    """A file format."""

    extension: str
    content_type: str


# By `output_format`. The first one of each medium is the default.
_FORMATS: dict[Media, dict[str, Format]] = {
    "image": {
        "png": Format("png", "image/png"),
        "jpg": Format("jpg", "image/jpeg"),
        "jpeg": Format("jpeg", "image/jpeg"),
        "webp": Format("webp", "image/webp"),
    },
    "video": {
        "mp4": Format("mp4", "video/mp4"),
        "mov": Format("mov", "video/quicktime"),
        "webm": Format("webm", "video/webm"),
    },
    "audio": {
        "wav": Format("wav", "audio/wav"),
        "mp3": Format("mp3", "audio/mpeg"),
        "pcm": Format("pcm", "audio/pcm"),
        "ogg_opus": Format("ogg", "audio/ogg"),
    },
}


@dataclass(frozen=True, slots=True)
class File:
    """One result, as it is downloaded."""

    content: bytes
    format: Format

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


_cache: OrderedDict[bytes, list[File]] = OrderedDict()
_cache_lock = Lock()


def make_files(
    media: Media, parameters: dict[str, JSON], schema: dict[str, JSON], number: int = 0
) -> list[File]:
    """Return the results of a request, the same ones for the same arguments; the last ones are cached.

    Args:
        media: The kind of media that the model makes.
        parameters: The model's parameters as sent.
        schema: The schema of the parameters.
        number: The index of the generation among those of one request.

    Raises:
        RequestError: The parameters contain a media file that is not usable.
    """
    text = json.dumps([media, parameters, schema, number], sort_keys=True)
    key = hashlib.sha256(text.encode()).digest()
    with _cache_lock:
        if key in _cache:
            return _cache[key]
    files = _make_files(media, parameters, schema, number)
    with _cache_lock:
        _cache[key] = files
        if len(_cache) > _MAX_CACHED:
            _cache.popitem(last=False)
    return files


def _make_files(
    media: Media, parameters: dict[str, JSON], schema: dict[str, JSON], number: int
) -> list[File]:
    source = find_image(parameters, schema_properties(schema))
    format = output_format(media, parameters, schema)
    if media != "image":
        return [File((_FOLDER / f"{media}.{format.extension}").read_bytes(), format)]
    count = count_files(media, parameters, schema)
    seeds = islice(_make_seeds(parameters), number * count, (number + 1) * count)
    sent = with_defaults(parameters, schema_properties(schema))
    return [_make_image(source, sent, format, seed) for seed in seeds]


def output_format(media: Media, parameters: dict[str, JSON], schema: dict[str, JSON]) -> Format:
    """Return the format of the files that `make_files` makes."""
    name = with_defaults(parameters, schema_properties(schema)).get("output_format")
    formats = _FORMATS[media]
    return formats.get(str(name).lower()) or next(iter(formats.values()))


def count_files(media: Media, parameters: dict[str, JSON], schema: dict[str, JSON]) -> int:
    """Return how many files `make_files` makes: `num_images`, unless the model returns only the first."""
    shape = as_object(schema_properties(schema).get("num_images"))
    count = parameters.get("num_images", shape.get("default"))
    if media != "image" or not shape or type(count) is not int:
        return 1
    is_one = _ONE_IS_RETURNED in str(shape.get("description")).lower()
    return 1 if is_one else min(max(count, 1), _MAX_IMAGES)


def _make_seeds(parameters: dict[str, JSON]) -> Iterator[int]:
    """Yield numbers that differ from each other and from those of other parameters."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    while True:
        yield int.from_bytes(digest.digest()[:8], "big")
        digest.update(b"next")


def _make_image(source: Source, sent: dict[str, JSON], format: Format, seed: int) -> File:
    picture = source if isinstance(source, Image.Image) else None
    ratio = _parse_ratio(sent.get("aspect_ratio")) or (picture.width / picture.height if picture else 1.0)
    ratio = min(max(ratio, 0.25), 4.0)
    width, height = (_IMAGE_SIDE, _IMAGE_SIDE / ratio) if ratio >= 1 else (_IMAGE_SIDE * ratio, _IMAGE_SIDE)
    size = round(width), round(height)
    if picture:
        result = fit_picture(picture, size)
    else:
        label = sent.get("prompt") if source is None else source
        result = draw_ox(label if isinstance(label, str) else "", size, seed)
    if source is not None:
        result = add_hat(result, seed)
    buffer = io.BytesIO()
    # Level 1 takes half of the time of the default.
    result.save(buffer, format.content_type.removeprefix("image/").upper(), compress_level=1)
    return File(buffer.getvalue(), format)


def _parse_ratio(value: JSON) -> float | None:
    match = re.fullmatch(r"([1-9]\d{0,3}):([1-9]\d{0,3})", value) if isinstance(value, str) else None
    return int(match[1]) / int(match[2]) if match else None
