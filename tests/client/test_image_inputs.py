"""Images of Pillow and arrays of numpy are sent as PNG files."""

from __future__ import annotations

import base64
import io
import sys
from typing import Any

import numpy
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import read_bodies
from helpers.media_inputs import PNG, TAKES, edit, make_data_uri
from oxen_models import InvalidRequestError
from oxen_models.testing import Hub
from PIL import Image


def read_uri(uri: str) -> Image.Image:
    """Return the image in a data: URI."""
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_pil_image_becomes_an_equal_image(mode: str) -> None:
    """A PIL image is encoded without loss."""
    picture = Image.new("RGB", (5, 4), (250, 10, 60)).convert(mode)
    uri = TAKES["image"](picture)
    assert uri.startswith("data:image/png;base64,")
    assert read_uri(uri).convert("RGB").tobytes() == picture.convert("RGB").tobytes()


@pytest.mark.parametrize(
    ("mode", "expected_mode", "format"),
    [
        ("CMYK", "RGB", None),
        ("CMYK", "RGB", "JPEG"),
        ("CMYK", "RGB", "TIFF"),
        ("YCbCr", "RGB", None),
        ("HSV", "RGB", None),
        ("RGBa", "RGBA", None),
        ("La", "LA", None),
        ("PA", "RGBA", None),
    ],
)
def test_image_of_another_mode_is_converted(mode: str, expected_mode: str, format: str | None) -> None:
    """Modes that PNG does not have are sent as RGB or with their transparency, without the old profile."""
    base = "LA" if mode in ("La", "PA") else "RGBA" if mode == "RGBa" else "RGB"
    picture = Image.new(base, (5, 4), "red").convert(mode)
    if format is not None:
        buffer = io.BytesIO()
        picture.save(buffer, format)
        picture = Image.open(buffer)
    picture.info["icc_profile"] = b"a profile of the old mode"
    sent = read_uri(TAKES["image"](picture))
    expected = picture.convert(expected_mode)
    assert (sent.format, sent.mode, sent.tobytes()) == ("PNG", expected_mode, expected.tobytes())
    assert "icc_profile" not in sent.info


PIXELS = numpy.arange(60 * 4, dtype="uint8").reshape(12, 5, 4)
ARRAYS: dict[str, tuple[Any, str]] = {
    "grey": (PIXELS[..., 0], "L"),
    "one channel": (PIXELS[..., :1], "L"),
    "two channels": (PIXELS[..., :2], "LA"),
    "rgb": (PIXELS[..., :3], "RGB"),
    "rgba": (PIXELS, "RGBA"),
    "reversed": (PIXELS[::-1, ::2, 2::-1], "RGB"),
    "fortran": (numpy.asfortranarray(PIXELS), "RGBA"),
}


@pytest.mark.async_values
@pytest.mark.parametrize("name", ARRAYS)
def test_array_is_sent_as_an_image(run: ClientRunner, hub: Hub, name: str) -> None:
    """An array of numpy is encoded as PNG without loss."""
    array, mode = ARRAYS[name]
    run(edit(input_image=[array]), base_url=hub.url)
    sent = read_uri(read_bodies(hub)[0]["input_image"][0])
    height, width = array.shape[:2]
    assert (sent.format, sent.mode, sent.size) == ("PNG", mode, (width, height))
    assert sent.tobytes() == array.tobytes()


def test_array_of_one_dimension_is_a_file() -> None:
    """The result of OpenCV's `imencode` is the content of a file."""
    assert TAKES["image"](numpy.frombuffer(PNG, "uint8")) == make_data_uri(PNG)


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("array", "why"),
    [
        (numpy.zeros((4, 5, 3)), "array of uint8, got float64"),
        (numpy.zeros((4, 5, 3), "int8"), "array of uint8, got int8"),
        (numpy.zeros((4, 5, 3), "bool"), "array of uint8, got bool"),
        (numpy.zeros((4, 5, 5), "uint8"), "got (4, 5, 5)"),
        (numpy.zeros((2, 4, 5, 3), "uint8"), "got (2, 4, 5, 3)"),
        (numpy.zeros((0, 5, 3), "uint8"), "got (0, 5, 3)"),
        (numpy.zeros((4, 5), "datetime64[s]"), "cannot be read"),
        (numpy.zeros(4, "uint8"), "an unknown format"),
    ],
)
def test_array_of_another_kind_is_rejected(run: ClientRunner, hub: Hub, array: Any, why: str) -> None:
    """Arrays that are no image raise with the type or the shape."""
    error = run.expect_error(InvalidRequestError, edit(input_image=[array]), base_url=hub.url)
    assert why in error.problems[0].expected


def test_array_without_pillow_raises(run: ClientRunner, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    error = run.expect_error(InvalidRequestError, edit(input_image=[PIXELS]), base_url=hub.url)
    assert "pip install pillow" in str(error)
