# Copied by oxen-codegen from templates/package/_runtime/containers.py. Do not edit.
"""Media types of container files, which depend on brands and tracks. Pure.

Signatures cannot tell sound from video in MP4, QuickTime, Matroska, WebM, Ogg and ASF files, and the brands
of ISO files are many. Files are read by seeking from part to part, so that little of a large file is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import SEEK_CUR
from typing import BinaryIO

MAX_PARTS = 1000
"""Maximum number of parts of a file that are examined."""
MAX_INNER_PARTS = 100
"""Maximum number of parts of a part that are examined."""
MAX_POSITION = 2**62
"""Maximum position in a file, below that of every operating system."""
_ISO_TYPES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_IMAGE_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"crx ": "image/x-canon-cr3",
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), "image/heic"),
    **dict.fromkeys((b"mif1", b"mif2", b"msf1", b"miaf"), "image/heif"),
}
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "})
_RIFF_TYPES = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_OGG_VIDEO = (b"\x80theora", b"OVP80", b"BBCD\x00", b"\x01video")
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_AUDIO, _ASF_VIDEO = (
    bytes.fromhex(start + "4d5bcf11a8fd00805f5c442b") for start in ("409e69f8", "c0ef19bc")
)
# Ids of Matroska elements.
_EBML, _DOC_TYPE, _SEGMENT, _TRACKS, _TRACK, _TRACK_TYPE, _CLUSTER = (
    0x1A45DFA3, 0x4282, 0x18538067, 0x1654AE6B, 0xAE, 0x83, 0x1F43B675,
)  # fmt: skip
_MATROSKA_KINDS = {1: "video", 2: "audio"}


def detect_container(file: BinaryIO, head: bytes) -> str | None:
    """Return the media type of a container file; None for any other file.

    A container whose tracks are not found, because it is not complete, counts as a video.

    Args:
        file: The file. Its position may change.
        head: Its first bytes.
    """
    if head[:4] in (b"RIFF", b"RF64", b"BW64"):
        return _RIFF_TYPES.get(head[8:12])
    if head[4:8] in _ISO_TYPES:
        return _detect_iso(file, head)
    if head.startswith(_EBML.to_bytes(4)):
        return _detect_matroska(file)
    if head.startswith(b"OggS"):
        file.seek(0)
        return "video/ogg" if any(map(_is_ogg_video, _ogg_streams(file))) else "audio/ogg"
    if head.startswith(_ASF_HEADER):
        return "audio/x-ms-wma" if _ASF_AUDIO in head and _ASF_VIDEO not in head else "video/x-ms-wmv"
    return None


def _detect_iso(file: BinaryIO, head: bytes) -> str | None:
    size = int.from_bytes(head[:4])
    has_brand = head[4:8] == b"ftyp"
    major = head[8:12]
    compatible = (
        [head[start : start + 4] for start in range(16, min(size, len(head)), 4)] if has_brand else []
    )
    image = _IMAGE_BRANDS.get(major) if has_brand else None
    if image == "image/heif":  # a brand of several codecs
        return next((_IMAGE_BRANDS[brand] for brand in compatible if brand in _CODEC_BRANDS), image)
    if image is not None:
        return image
    kinds = set(_iso_tracks(file))
    if not has_brand and not kinds and size not in (0, 1) and size < 8:
        return None  # the size of no part
    if b"soun" in kinds and b"vide" not in kinds:
        kind = "audio"
    else:
        kind = "audio" if has_brand and major in _AUDIO_BRANDS and not kinds else "video"
    if major[:2] == b"3g":
        return f"{kind}/3gpp"
    is_quicktime = not has_brand or major == b"qt  "
    # There is no registered type of sound in QuickTime files, from which MP4 was made.
    return "video/quicktime" if is_quicktime and kind == "video" else f"{kind}/mp4"


_CODEC_BRANDS = frozenset(brand for brand, type in _IMAGE_BRANDS.items() if type != "image/heif")


def _iso_tracks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the kinds of the tracks in an ISO file, such as `vide` and `soun`."""
    for start, end in _find_iso_parts(file, b"moov", 0, None, MAX_PARTS):
        for track, track_end in _find_iso_parts(file, b"trak", start, end):
            for medium, medium_end in _find_iso_parts(file, b"mdia", track, track_end):
                for handler, _ in _find_iso_parts(file, b"hdlr", medium, medium_end):
                    file.seek(handler + 8)
                    yield file.read(4)
        return


def _find_iso_parts(
    file: BinaryIO, type: bytes, start: int, end: int | None, limit: int = MAX_INNER_PARTS
) -> Iterator[tuple[int, int | None]]:
    """Yield the start of the content and the end of each part of one type; None is the end of the file."""
    for _ in range(limit):
        file.seek(start)
        header = file.read(16)
        size, length = int.from_bytes(header[:4]), 8
        if size == 1:
            size, length = int.from_bytes(header[8:16]), 16
        part_end = end if size == 0 else start + size
        if header[4:8] == type:
            yield start + length, part_end
        if len(header) < length or part_end is None or part_end < start + length or part_end > MAX_POSITION:
            return
        if end is not None and part_end >= end:
            return
        start = part_end


def _detect_matroska(file: BinaryIO) -> str:
    is_webm, kinds = True, set[str]()
    for id, start, end in _iterate_matroska(file, 0, None):
        if id == _EBML:
            for inner_id, inner, inner_end in _iterate_matroska(file, start, end):
                if inner_id == _DOC_TYPE and inner_end is not None:
                    file.seek(inner)
                    is_webm = file.read(min(inner_end - inner, 8)).rstrip(b"\0") != b"matroska"
        elif id == _SEGMENT:
            kinds = set(_matroska_tracks(file, start, end))
            break
    kind = "audio" if kinds == {"audio"} else "video"
    return f"{kind}/{'webm' if is_webm else 'x-matroska'}"


def _matroska_tracks(file: BinaryIO, start: int, end: int | None) -> Iterator[str]:
    """Yield the kinds of the tracks in the segment of a file."""
    for id, tracks, tracks_end in _iterate_matroska(file, start, end):
        if id == _CLUSTER:  # the tracks are before the content
            return
        if id == _TRACKS:
            for track_id, track, track_end in _iterate_matroska(file, tracks, tracks_end):
                if track_id == _TRACK:
                    yield from _matroska_kinds(file, track, track_end)


def _matroska_kinds(file: BinaryIO, start: int, end: int | None) -> Iterator[str]:
    """Yield the kind of a track, if it is video or sound."""
    for id, inner, _ in _iterate_matroska(file, start, end):
        if id == _TRACK_TYPE:
            file.seek(inner)
            kind = _MATROSKA_KINDS.get(int.from_bytes(file.read(1)))
            if kind is not None:
                yield kind


def _iterate_matroska(file: BinaryIO, start: int, end: int | None) -> Iterator[tuple[int, int, int | None]]:
    """Yield the id, the start of the content, and the end of each part."""
    for _ in range(MAX_INNER_PARTS):
        file.seek(start)
        id = _read_number(file, keep_marker=True)
        size = _read_number(file, keep_marker=False)
        if id is None or size is None:
            return
        inner = file.tell()
        part_end = end if size < 0 else inner + size
        yield id, inner, part_end
        if part_end is None or (end is not None and part_end >= end):
            return
        start = part_end


def _read_number(file: BinaryIO, *, keep_marker: bool) -> int | None:
    """Return a number of variable length; -1 for an unknown size, None at the end of the file."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    number = int.from_bytes(first + file.read(length - 1))
    if keep_marker:
        return number
    value = number & ((1 << 7 * length) - 1)
    return -1 if value == (1 << 7 * length) - 1 else value


def _ogg_streams(file: BinaryIO) -> Iterator[bytes]:
    """Yield the first bytes of each stream, whose first pages are at the start of the file."""
    for _ in range(MAX_INNER_PARTS):
        header = file.read(27)
        if len(header) < 27 or header[:4] != b"OggS" or not header[5] & 2:
            return
        length = sum(file.read(header[26]))
        start = file.read(min(length, 8))
        yield start
        file.seek(length - len(start), SEEK_CUR)


def _is_ogg_video(start: bytes) -> bool:
    return start.startswith(_OGG_VIDEO)
