"""A picture of the results of a comparison. All functions block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import ceil, sqrt
from os import PathLike
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from .errors import ConfigurationError
from .extras import describe_missing_extra
from .media_types import detect_type
from .paths import expand_path
from .saving import Target, find_file

if TYPE_CHECKING:
    from PIL import Image

MIN_TILE_SIZE = 64
MAX_TILE_SIZE = 1024
# Only these are decoded, because readers of other formats run programs or open further files.
_IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
_VIDEO_FORMATS = {"video/mp4": "mp4", "video/quicktime": "mov", "video/webm": "webm"}
_MARGIN = 12
_FONT_SIZE = 16
_LINE_HEIGHT = 22
_PADDING = 16
_WRAPPED_LENGTH = 30
_MAX_TEXT_LINES = 8
_BACKGROUND = "#ffffff"
_EMPTY_TILE = "#e8e8e8"
_TEXT = "#222222"


@dataclass(frozen=True, slots=True)
class Tile:
    """A result in a contact sheet."""

    caption: tuple[str, ...]
    """The lines below the picture."""
    picture: Image.Image | None
    """The picture within a square; None if there is none."""
    text: str
    """The text in place of a picture that does not exist or cannot be decoded."""


@dataclass(frozen=True, slots=True)
class SheetFile:
    """Where a contact sheet is written."""

    target: Target
    format: str
    """The name that Pillow has for the format."""

    def write(self, tiles: Sequence[Tile], columns: int | None, tile_size: int) -> Path:
        """Write a contact sheet and return its path.

        Raises:
            OSError: The file cannot be written.
        """
        sheet = _draw_sheet(tiles, columns, tile_size)
        part = self.target.new_part()
        try:
            with part.open("wb") as file:
                sheet.save(file, self.format)
            path, _ = self.target.commit(part, 0, None, None)
        finally:
            part.unlink(missing_ok=True)
        return path


def open_sheet(path: str | PathLike[str], columns: int | None, tile_size: int) -> SheetFile:
    """Return where to write a contact sheet.

    Raises:
        ConfigurationError: Pillow is not installed, or an argument is invalid.
        OSError: The path cannot be used.
    """
    try:
        from PIL import Image
    except ImportError:
        raise ConfigurationError(describe_missing_extra("a contact sheet", "pillow", "compare")) from None
    for name, value, low, high in (
        ("columns", columns, 1, 100), ("tile_size", tile_size, MIN_TILE_SIZE, MAX_TILE_SIZE)
    ):  # fmt: skip
        if value is not None and not (type(value) is int and low <= value <= high):
            raise ConfigurationError(f"{name} must be an integer from {low} to {high}, got {value!r:.40}")
    file = Path(expand_path("path", path))
    image_format = Image.registered_extensions().get(file.suffix.lower())
    if image_format not in Image.SAVE:
        raise ConfigurationError(f"path must end in the suffix of an image such as .png, got {str(path)!r}")
    if not file.parent.is_dir():
        raise FileNotFoundError(None, "No such directory")
    return SheetFile(find_file(file), str(image_format))


def _draw_sheet(tiles: Sequence[Tile], columns: int | None, size: int) -> Image.Image:
    from PIL import Image, ImageDraw, ImageFont

    columns = min(columns or ceil(sqrt(len(tiles))), len(tiles))
    font: Any = ImageFont.load_default(_FONT_SIZE)
    height = size + max(len(tile.caption) for tile in tiles) * _LINE_HEIGHT + _MARGIN
    rows = ceil(len(tiles) / columns)
    sheet = Image.new("RGB", (columns * (size + _MARGIN) + _MARGIN, rows * height + _MARGIN), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for index, tile in enumerate(tiles):
        left = _MARGIN + index % columns * (size + _MARGIN)
        top = _MARGIN + index // columns * height
        picture = tile.picture
        if picture is None:
            draw.rectangle((left, top, left + size, top + size), _EMPTY_TILE)
            lines = wrap(tile.text, _WRAPPED_LENGTH)[:_MAX_TEXT_LINES]
            for number, line in enumerate(lines):
                position = (left + _PADDING, top + _PADDING + number * _LINE_HEIGHT)
                draw.text(position, _truncate(line, font, size - 2 * _PADDING), _TEXT, font)
        else:
            offset = ((size - picture.width) // 2, (size - picture.height) // 2)
            sheet.paste(picture, (left + offset[0], top + offset[1]))
        for number, line in enumerate(tile.caption):
            position = (left, top + size + 4 + number * _LINE_HEIGHT)
            draw.text(position, _truncate(line, font, size), _TEXT, font)
    return sheet


def decode_picture(content: bytes, size: int) -> Image.Image | None:
    """Return an image, or the first frame of a video, within a square; None if it cannot be decoded."""
    from PIL import Image, UnidentifiedImageError

    try:
        picture: Image.Image
        try:
            picture = Image.open(BytesIO(content), formats=_IMAGE_FORMATS)
            picture.load()
        except UnidentifiedImageError:
            picture = _decode_first_frame(content)
        picture.thumbnail((size, size))
        canvas = Image.new("RGBA", picture.size, _BACKGROUND)
        canvas.alpha_composite(picture.convert("RGBA"))
    except Exception:  # of any decoder, for a file that is damaged or too large
        return None
    return canvas.convert("RGB")


def _decode_first_frame(content: bytes) -> Image.Image:
    """Return the first frame of a video. Raises if it cannot be decoded, or PyAV is not installed."""
    import av

    video_format = _VIDEO_FORMATS[str(detect_type(BytesIO(content)))]
    with av.open(BytesIO(content), "r", format=video_format) as container:
        frame: Any = next(container.decode(video=0))
        image: Image.Image = frame.to_image()
        return image


def _truncate(text: str, font: Any, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text}..."
