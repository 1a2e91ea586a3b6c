"""Media types of files, by their content and by their names. Pure."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from pathlib import PurePath
from typing import BinaryIO

from .containers import detect_container

HEAD_SIZE = 2**12
"""Number of bytes that determine the type of a file, together with the tracks of a container."""
UNKNOWN_TYPE = "application/octet-stream"
_SUFFIXES: dict[str, tuple[str, ...]] = {
    "image/avif": (".avif", ".avifs"),
    "image/bmp": (".bmp", ".dib"),
    "image/gif": (".gif",),
    "image/heic": (".heic", ".heics", ".heif", ".hif"),
    "image/heif": (".heif", ".heifs", ".heic", ".hif"),
    "image/jp2": (".jp2", ".jpf", ".jpx", ".j2k"),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/jxl": (".jxl",),
    "image/png": (".png", ".apng"),
    "image/svg+xml": (".svg",),
    "image/tiff": (".tiff", ".tif"),
    "image/vnd.adobe.photoshop": (".psd",),
    "image/vnd.microsoft.icon": (".ico",),
    "image/webp": (".webp",),
    "image/x-canon-cr3": (".cr3",),
    "video/3gpp": (".3gp", ".3g2"),
    "video/mp2t": (".ts", ".mts", ".m2ts"),
    "video/mp4": (".mp4", ".m4v"),
    "video/mpeg": (".mpg", ".mpeg", ".m1v", ".m2v", ".vob"),
    "video/ogg": (".ogv", ".ogg"),
    "video/quicktime": (".mov", ".qt"),
    "video/webm": (".webm",),
    "video/x-flv": (".flv",),
    "video/x-matroska": (".mkv",),
    "video/x-ms-wmv": (".wmv", ".asf"),
    "video/x-msvideo": (".avi",),
    "audio/3gpp": (".3gp", ".3g2"),
    "audio/aac": (".aac",),
    "audio/ac3": (".ac3",),
    "audio/aiff": (".aiff", ".aif", ".aifc"),
    "audio/amr": (".amr",),
    "audio/basic": (".au", ".snd"),
    "audio/flac": (".flac",),
    "audio/mp4": (".m4a", ".m4b", ".mp4", ".mov"),
    "audio/mpeg": (".mp3", ".mpga", ".mp2"),
    "audio/ogg": (".ogg", ".oga", ".opus", ".spx"),
    "audio/pcm": (".pcm",),
    "audio/wav": (".wav", ".wave"),
    "audio/webm": (".webm", ".weba"),
    "audio/x-caf": (".caf",),
    "audio/x-matroska": (".mka", ".mkv"),
    "audio/x-ms-wma": (".wma",),
}
"""The suffixes of the names of files by media type, the usual one first."""
_TYPES = {suffix: mime for mime, suffixes in reversed(_SUFFIXES.items()) for suffix in reversed(suffixes)}
# puremagic has several names of one type, and other names in other versions.
_LIBRARY_TYPES = {
    **{mime: mime for mime in _SUFFIXES},
    "audio/AMR": "audio/amr",
    "audio/AMR-WB": "audio/amr",
    "audio/vnd.audiokoz": "audio/mpeg",
    "audio/x-aiff": "audio/aiff",
    "audio/x-au": "audio/basic",
    "image/x-icon": "image/vnd.microsoft.icon",
    "image/x-ms-bmp": "image/bmp",
    "video/dvd": "video/mpeg",
}
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")  # bytes that text does not contain
_UTF_16 = (b"\xfe\xff", b"\xff\xfe")
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_JPEG_2000, _JPEG_XL = (b"\x00\x00\x00\x0c" + name + b"\r\n\x87\n" for name in (b"jP  ", b"JXL "))
_TS_PACKET_SIZE = 188


def detect_type(file: BinaryIO) -> str | None:
    """Return the type of an image, of a video or of a sound by its content; None for any other file.

    Args:
        file: The file. It is read from its start, and its position changes.
    """
    file.seek(0)
    head = file.read(HEAD_SIZE)
    if _is_text(head):
        return "image/svg+xml" if _is_svg(head) else None
    return detect_container(file, head) or _detect_frames(head) or _detect_signature(head)


def describe_other(head: bytes, content_type: str = "") -> str | None:
    """Return what a server sent in place of a file; None if it may be a file.

    Text without markup can be a file of an unknown format, unless the server calls it text.

    Args:
        head: The first bytes.
        content_type: The value of the `Content-Type` header; empty without one.
    """
    if not head:
        return "nothing"
    if not _is_text(head) or _is_svg(head):
        return None
    start = _decode(head).lstrip("\ufeff \t\r\n").lower()
    if start.startswith(("<!doctype html", "<html")):
        return "an HTML page"
    if start.startswith("<"):
        return "HTML or XML"
    if start.startswith("{"):
        return "JSON"
    kind, _, name = content_type.partition(";")[0].strip().lower().partition("/")
    return "text" if kind == "text" or name.endswith(("json", "xml", "html")) else None


def default_suffix(mime: str) -> str:
    """Return the usual suffix of the names of files of a type, such as `.png`; `.bin` for any other type."""
    return _SUFFIXES.get(mime, (".bin",))[0]


def type_by_name(name: str) -> str | None:
    """Return the media type that the suffix of a name stands for; None for an unknown suffix."""
    return _TYPES.get(PurePath(name).suffix.lower())


def is_contradictory(name: str, mime: str) -> bool:
    """Return whether the suffix of a name stands for another type than the one of the content."""
    suffix = PurePath(name).suffix.lower()
    return suffix in _TYPES and suffix not in _SUFFIXES.get(mime, (suffix,))


def _is_text(head: bytes) -> bool:
    if head.startswith(_UTF_16):
        return True
    if _BINARY.search(head):
        return False
    try:
        getincrementaldecoder("utf-8")().decode(head)  # not final, because a character may be cut off
    except UnicodeDecodeError:
        return head[:1].isascii()  # an old encoding
    return True


def _is_svg(head: bytes) -> bool:
    text = _decode(head).lower()
    return "<svg" in text and not text.lstrip("\ufeff \t\r\n").startswith(("<!doctype html", "<html"))


def _decode(head: bytes) -> str:
    return head.decode("utf-16" if head.startswith(_UTF_16) else "utf-8", "replace")


def _detect_frames(head: bytes) -> str | None:
    """Return the type of a stream of frames, whose signature is shorter than that of a file."""
    if len(head) >= 4 and head[0] == 0xFF and head[1] >= 0xE0:  # the eleven bits of a sync word
        if head[1] & 0xF6 == 0xF0:
            return "audio/aac"
        is_valid = head[1] & 0x18 != 0x08 and head[1] & 0x06 and head[2] >> 4 != 15 and head[2] & 0x0C != 0x0C
        return "audio/mpeg" if is_valid else None
    packets = head[: 3 * _TS_PACKET_SIZE : _TS_PACKET_SIZE]
    return "video/mp2t" if packets == b"GGG" else None


def _detect_signature(head: bytes) -> str | None:
    if head.startswith(_JPEG_2000):
        return "image/jp2"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") not in _BMP_HEADER_SIZES:
        return None
    # Imported lazily, because it reads a large table.
    from puremagic import PureError, from_string  # pyright: ignore[reportUnknownVariableType]

    try:
        return _LIBRARY_TYPES.get(from_string(head, mime=True))
    except (PureError, ValueError):  # ValueError for an empty file
        return None
