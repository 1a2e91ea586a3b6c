# Copied by oxen-codegen from templates/package/testing/_pictures.py. Do not edit.
"""Draw the images of results: an ox if no image was sent, and the funny hat."""

import textwrap

from PIL import Image, ImageDraw, ImageFont, ImageOps

_PAPERS = ("#f7e3c1", "#cfe8ef", "#e4d9f5", "#d8efd3", "#fbd5d5", "#f3efc4")
_FELTS = ("#d7263d", "#1b998b", "#2e5eaa", "#f46036", "#7b2cbf", "#ffb703", "#0b6e4f", "#e83f6f")

# The height of the eyes. The hat fits above and three lines of text below in a picture of any shape.
_EYE_LEVEL = 0.46


def fit_picture(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the whole `picture` within `size`, with a border in the color of its corner."""
    corner = picture.convert("RGB").crop((0, 0, 1, 1)).tobytes()
    return ImageOps.pad(picture, size, color=(corner[0], corner[1], corner[2]))


def draw_ox(label: str, size: tuple[int, int], seed: int) -> Image.Image:
    """Draw the face of an ox above at most three lines of `label`."""
    width, height = size
    picture = Image.new("RGB", size, _PAPERS[seed % len(_PAPERS)])
    draw = ImageDraw.Draw(picture)
    unit = min(width, height) / 100

    def oval(x: float, y: float, across: float, down: float, fill: str) -> None:
        """Draw an oval, in hundredths of the shorter side from the middle of the face."""
        left, top = width / 2 + (x - across) * unit, height * _EYE_LEVEL + (y - down) * unit
        draw.ellipse((left, top, left + 2 * across * unit, top + 2 * down * unit), fill=fill)

    for side in (-1, 1):
        oval(side * 24, -14, 10, 7, "#f2ead8")
        oval(side * 21, -9, 9, 8, _PAPERS[seed % len(_PAPERS)])
        oval(side * 24, 0, 9, 5, "#8a5a38")
    oval(0, 2, 19, 22, "#a8703f")
    oval(0, 16, 16, 10, "#ecc9a5")
    for side in (-1, 1):
        oval(side * 8, -3, 4, 5, "white")
        oval(side * 7, -2, 2, 3, "#222222")
        oval(side * 6, 15, 2, 3, "#7a4b35")
    _draw_text(draw, label, size)
    return picture


def add_hat(picture: Image.Image, seed: int) -> Image.Image:
    """Return a copy of `picture` with a party hat in its upper middle."""
    result = picture.copy()
    draw = ImageDraw.Draw(result)
    width, height = result.size
    unit = min(width, height) / 100
    tall, wide = 22 * unit, 13 * unit
    middle = width / 2
    brim = height * _EYE_LEVEL - 15 * unit
    tip = brim - tall
    felt, band = _FELTS[seed % len(_FELTS)], _FELTS[(seed // 8 + 3) % len(_FELTS)]
    draw.polygon(((middle, tip), (middle - wide, brim), (middle + wide, brim)), fill=felt)
    for low, high in ((0.25, 0.4), (0.6, 0.75)):
        draw.polygon(
            tuple(
                (middle + side * wide * at, tip + tall * at)
                for side, at in ((-1, low), (1, low), (1, high), (-1, high))
            ),
            fill=band,
        )
    draw.ellipse((middle - wide, brim - 3 * unit, middle + wide, brim + 3 * unit), fill=felt)
    draw.ellipse((middle - 4 * unit, tip - 4 * unit, middle + 4 * unit, tip + 4 * unit), fill="#fff6d6")
    return result


def _draw_text(draw: ImageDraw.ImageDraw, text: str, size: tuple[int, int]) -> None:
    width, height = size
    points = max(min(width, height) // 18, 9)
    # Without lone surrogates, for which Pillow raises an error.
    clean = text.encode(errors="replace").decode()[:400]
    lines = textwrap.wrap(clean, width=max(int(width * 1.7 / points), 8), max_lines=3, placeholder=" …")
    draw.multiline_text(
        (width / 2, height * 0.98),
        "\n".join(lines),
        fill="#222222",
        font=ImageFont.load_default(points),
        anchor="md",
        align="center",
    )
