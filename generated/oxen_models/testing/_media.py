"""The results of a generation: real files, and the same file for the same request."""

import hashlib
import io
import json
import math
import re
import struct
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias

from PIL import Image

from ._inputs import Source, first_image
from ._json import JSON
from ._mp4 import MACROBLOCK, mp4
from ._pictures import fitted, ox, with_hat

Media: TypeAlias = Literal["image", "video", "audio"]

_IMAGE_SIDE = 768
_VIDEO_SIDE = 256
_MOST_IMAGES = 12
_SAMPLE_RATE = 16_000

_IMAGE_FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP"}


@dataclass(frozen=True, slots=True)
class File:
    """One result, as it is downloaded."""

    content: bytes
    content_type: str
    extension: str

    @property
    def name(self) -> str:
        return f"{hashlib.sha256(self.content).hexdigest()[:32]}.{self.extension}"


def make(media: Media, body: dict[str, JSON], schema: dict[str, JSON], number: int = 0) -> list[File]:
    """What a model with `schema` answers to `body`, the time after `number` others.

    Raises:
        Refusal: The body holds a media file that cannot be used.
    """
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    parameters = _with_defaults(body, known)
    source = first_image(body, known)
    seeds = islice(_seeds(body), number, None)
    if media == "audio":
        return [_sound(next(seeds))]
    if media == "video":
        return [_film(source, parameters, next(seeds))]
    wanted = parameters.get("num_images") if "num_images" in known else None
    count = min(max(wanted, 1), _MOST_IMAGES) if isinstance(wanted, int) else 1
    return [_image(source, parameters, next(seeds)) for _ in range(count)]


def extension(media: Media, body: dict[str, JSON], schema: dict[str, JSON]) -> str:
    """How the name of the file ends that `make` would make."""
    if media != "image":
        return "mp4" if media == "video" else "wav"
    properties = schema.get("properties")
    return _image_extension(_with_defaults(body, properties if isinstance(properties, dict) else {}))


def _with_defaults(body: dict[str, JSON], known: dict[str, JSON]) -> dict[str, JSON]:
    defaults = {
        name: shape["default"]
        for name, shape in known.items()
        if isinstance(shape, dict) and "default" in shape
    }
    return {**defaults, **body}


def _image_extension(parameters: dict[str, JSON]) -> str:
    asked = str(parameters.get("output_format", "png")).lower()
    return asked if asked in _IMAGE_FORMATS else "png"


def _seeds(body: dict[str, JSON]) -> Iterator[int]:
    """Numbers that tell one request's results from another's, and from each other."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode())
    while True:
        yield int.from_bytes(digest.digest()[:8], "big")
        digest.update(b"next")


def _image(source: Source, parameters: dict[str, JSON], seed: int) -> File:
    picture = _scene(source, parameters, seed, side=_IMAGE_SIDE)
    if source is not None:
        picture = with_hat(picture, seed)
    ending = _image_extension(parameters)
    coded = _IMAGE_FORMATS[ending]
    buffer = io.BytesIO()
    picture.save(buffer, coded)
    return File(buffer.getvalue(), f"image/{coded.lower()}", ending)


def _film(source: Source, parameters: dict[str, JSON], seed: int) -> File:
    scene = _scene(source, parameters, seed, side=_VIDEO_SIDE, multiple=MACROBLOCK)
    frames = [with_hat(scene, seed, lift=lift) for lift in (0.0, 0.2)]
    return File(mp4(frames * 2, seconds_each=0.5), "video/mp4", "mp4")


def _sound(seed: int) -> File:
    pitch = 220 + seed % 440
    count = _SAMPLE_RATE // 2
    fade = _SAMPLE_RATE // 20
    samples = (
        round(
            12_000
            * min(1, at / fade, (count - at) / fade)
            * math.sin(2 * math.pi * pitch * at / _SAMPLE_RATE)
        )
        for at in range(count)
    )
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(_SAMPLE_RATE)
        out.writeframes(struct.pack(f"<{count}h", *samples))
    return File(buffer.getvalue(), "audio/wav", "wav")


def _scene(
    source: Source, parameters: dict[str, JSON], seed: int, *, side: int, multiple: int = 1
) -> Image.Image:
    given = source if isinstance(source, Image.Image) else None
    ratio = _ratio(parameters.get("aspect_ratio")) or (given.width / given.height if given else 1.0)
    ratio = min(max(ratio, 0.25), 4.0)
    longest = (side, side / ratio) if ratio >= 1 else (side * ratio, side)
    width, height = (max(round(length / multiple), 1) * multiple for length in longest)
    if given:
        return fitted(given, (width, height))
    label = source if isinstance(source, str) else parameters.get("prompt")
    return ox(label if isinstance(label, str) else "", (width, height), seed)


def _ratio(value: JSON) -> float | None:
    found = re.fullmatch(r"([1-9]\d{0,3}):([1-9]\d{0,3})", value) if isinstance(value, str) else None
    return int(found[1]) / int(found[2]) if found else None
