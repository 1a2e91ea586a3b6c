"""A film from a few pictures: H.264 in MP4, written by hand.

Every macroblock is `I_PCM`: its samples stand in the stream as they are, so nothing is predicted,
transformed or entropy-coded, and every decoder of the Baseline profile shows the picture exactly.
Numbers of tables and clauses are those of ITU-T H.264 and ISO/IEC 14496-12 and -15.
"""

import re
import struct
from collections.abc import Sequence

from PIL import Image

MACROBLOCK = 16
"""Width and height of a film are multiples of this many pixels."""

_BASELINE = 66
_CONSTRAINTS = 0xC0
_LEVEL_3 = 30
_I_PCM = 25
_TICKS = 1000

# Video keeps its samples off both ends of a byte.
_LUMA = bytes(16 + round(value * 219 / 255) for value in range(256))
_CHROMA = bytes(128 + round((value - 128) * 224 / 255) for value in range(256))


def mp4(frames: Sequence[Image.Image], *, seconds_each: float) -> bytes:
    """The film that shows every frame for `seconds_each`; all frames have the first one's size."""
    size = frames[0].size
    parameters = _sequence_parameters(size), _picture_parameters()
    samples = [_with_length(_slice(frame, number % 2)) for number, frame in enumerate(frames)]
    ticks = round(seconds_each * _TICKS)
    head = _box("ftyp", b"isom", _u32(0x200), b"isomiso2avc1mp41")
    # The offset of the samples is a number of fixed width, so any offset gives the length.
    length = len(head) + len(_movie(size, parameters, samples, ticks, 0)) + 8
    return head + _movie(size, parameters, samples, ticks, length) + _box("mdat", *samples)


class _Bits:
    """A string of bits, most significant first."""

    def __init__(self) -> None:
        self._text = ""

    def fixed(self, value: int, width: int) -> "_Bits":
        self._text += f"{value:0{width}b}"
        return self

    def golomb(self, *values: int) -> "_Bits":
        """Exponential-Golomb codes, `ue(v)` (9.1)."""
        for value in values:
            self._text += f"{value + 1:0{2 * (value + 1).bit_length() - 1}b}"
        return self

    def padded(self) -> bytes:
        """The bits, filled up with zeros to a whole byte."""
        width = -(-len(self._text) // 8)
        return int(self._text.ljust(width * 8, "0"), 2).to_bytes(width, "big")

    def closed(self) -> bytes:
        """The bits with the stop bit that ends a unit (7.3.2.11)."""
        return self.fixed(1, 1).padded()


def _unit(header: int, payload: bytes) -> bytes:
    """A NAL unit; a 3 keeps its payload from looking like a start code (7.4.1)."""
    return bytes([header]) + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", payload)


def _sequence_parameters(size: tuple[int, int]) -> bytes:
    across, down = (length // MACROBLOCK for length in size)
    bits = _Bits().fixed(_BASELINE, 8).fixed(_CONSTRAINTS, 8).fixed(_LEVEL_3, 8)
    # Id 0, 4-bit frame numbers, order of display as decoded, one reference frame.
    bits.golomb(0, 0, 2, 1).fixed(0, 1)
    bits.golomb(across - 1, down - 1)
    # Whole frames, 8x8 inference, no cropping, no usability information.
    return _unit(0x67, bits.fixed(0b1100, 4).closed())


def _picture_parameters() -> bytes:
    bits = _Bits().golomb(0, 0).fixed(0, 2).golomb(0, 0, 0).fixed(0, 3).golomb(0, 0, 0).fixed(0, 3)
    return _unit(0x68, bits.closed())


def _slice(frame: Image.Image, identifier: int) -> bytes:
    """One whole picture that depends on no other; neighbours differ in `identifier` (7.4.3)."""
    luma, blue, red = frame.convert("YCbCr").split()
    planes = ((luma, 1, _LUMA), (blue.reduce(2), 2, _CHROMA), (red.reduce(2), 2, _CHROMA))
    # First macroblock 0, all slices intra (7), parameters 0; frame 0; no marking; quantizer +0.
    head = _Bits().golomb(0, 7, 0).fixed(0, 4).golomb(identifier).fixed(0, 2).golomb(0)
    parts = [head.golomb(_I_PCM).padded()]
    following = _Bits().golomb(_I_PCM).padded()
    for top in range(0, frame.height, MACROBLOCK):
        for left in range(0, frame.width, MACROBLOCK):
            for plane, shrink, in_range in planes:
                x, y, side = left // shrink, top // shrink, MACROBLOCK // shrink
                block = plane.crop((x, y, x + side, y + side))
                parts.append(block.tobytes().translate(in_range))
            parts.append(following)
    return _unit(0x65, b"".join(parts[:-1]) + _Bits().closed())


def _with_length(unit: bytes) -> bytes:
    return _u32(len(unit)) + unit


def _u16(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def _u32(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def _box(kind: str, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return _u32(8 + len(content)) + kind.encode() + content


def _movie(
    size: tuple[int, int], parameters: tuple[bytes, bytes], samples: list[bytes], ticks: int, offset: int
) -> bytes:
    width, height = size
    sequence, picture = parameters
    duration = ticks * len(samples)
    unity = _u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    configuration = _box(
        "avcC",
        # Version 1; lengths of 4 bytes; one set of either kind.
        bytes([1, _BASELINE, _CONSTRAINTS, _LEVEL_3, 0xFF, 0xE1]),
        _u16(len(sequence)) + sequence,
        b"\x01" + _u16(len(picture)) + picture,
    )
    entry = _box(
        "avc1",
        bytes(6) + _u16(1) + bytes(16),
        _u16(width, height) + _u32(0x480000, 0x480000, 0) + _u16(1) + bytes(32) + _u16(24, 0xFFFF),
        configuration,
    )
    table = _box(
        "stbl",
        _box("stsd", _u32(0, 1), entry),
        _box("stts", _u32(0, 1, len(samples), ticks)),
        _box("stsc", _u32(0, 1, 1, len(samples), 1)),
        _box("stsz", _u32(0, 0, len(samples), *map(len, samples))),
        _box("stco", _u32(0, 1, offset)),
    )
    language = _u16(0x55C4, 0)
    media = _box(
        "mdia",
        _box("mdhd", _u32(0, 0, 0, _TICKS, duration) + language),
        _box("hdlr", _u32(0, 0) + b"vide" + bytes(12) + b"VideoHandler\0"),
        _box(
            "minf",
            _box("vmhd", _u32(1) + bytes(8)),
            _box("dinf", _box("dref", _u32(0, 1), _box("url ", _u32(1)))),
            table,
        ),
    )
    track = _box(
        "trak",
        _box("tkhd", _u32(3, 0, 0, 1, 0, duration) + bytes(16) + unity + _u32(width << 16, height << 16)),
        media,
    )
    header = _u32(0, 0, 0, _TICKS, duration, 0x10000) + _u16(0x100) + bytes(10) + unity + bytes(24)
    return _box("moov", _box("mvhd", header + _u32(2)), track)
