"""Small media files, built from their parts: containers with brands and tracks, and files of other
formats.
"""

from __future__ import annotations

import struct


def box(type: bytes, *parts: bytes) -> bytes:
    """Return a part of an ISO file."""
    content = b"".join(parts)
    return struct.pack(">I", len(content) + 8) + type + content


def brands(major: bytes, *compatible: bytes) -> bytes:
    """Return the first part of an ISO file."""
    return box(b"ftyp", major, bytes(4), *compatible)


def track(handler: bytes) -> bytes:
    """Return a track of an ISO file; `vide` and `soun` are handlers."""
    return box(b"trak", box(b"tkhd", bytes(84)), box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(13))))


def movie(*handlers: bytes) -> bytes:
    """Return the tracks of an ISO file."""
    return box(b"moov", box(b"mvhd", bytes(100)), *map(track, handlers))


def large_box(type: bytes, content: bytes) -> bytes:
    """Return a part of an ISO file with a size of 64 bits."""
    return struct.pack(">I4sQ", 1, type, len(content) + 16) + content


DATA = box(b"mdat", bytes(5000))


def element(id: str, content: bytes, *, has_size: bool = True) -> bytes:
    """Return an element of a Matroska file; a live recording has no sizes."""
    size = (2**56 - 1 if not has_size else len(content)) | 2**56
    return bytes.fromhex(id) + size.to_bytes(8) + content


def matroska(type: bytes, *track_types: int, has_size: bool = True) -> bytes:
    """Return a Matroska file; 1 is a video track, 2 a sound, and 17 a subtitle."""
    tracks = b"".join(
        element("ae", element("d7", b"\1") + element("83", bytes([kind]))) for kind in track_types
    )
    header = element("1a45dfa3", element("4286", b"\1") + element("4282", type))
    info = element("ec", bytes(3000)) + element("1549a966", element("2ad7b1", b"\1"))
    content = info + element("1654ae6b", tracks) + element("1f43b675", bytes(3000), has_size=has_size)
    return header + element("18538067", content, has_size=has_size)


def ogg(*streams: bytes) -> bytes:
    """Return an Ogg file with the first packets of some streams."""
    pages = b"".join(
        struct.pack("<4sBBqIIIB", b"OggS", 0, 2, 0, number, 0, 0, 2)
        + bytes([255, len(start)])
        + start
        + bytes(255)
        for number, start in enumerate(streams)
    )
    return pages + struct.pack("<4sBBqIIIB", b"OggS", 0, 0, 9, 0, 1, 0, 1) + b"\xff" + bytes(255)


def riff(type: bytes, name: bytes = b"RIFF") -> bytes:
    """Return a RIFF file."""
    return name + struct.pack("<I", 40) + type + b"fmt " + bytes(28)


def asf(*kinds: str) -> bytes:
    """Return the header of a Windows Media file."""
    guids = {"audio": "409e69f84d5bcf11a8fd00805f5c442b", "video": "c0ef19bc4d5bcf11a8fd00805f5c442b"}
    start = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + struct.pack("<QIBB", 500, 2, 1, 2)
    return start + b"".join(bytes.fromhex(guids[kind]) + bytes(50) for kind in kinds)


_IMAGES: dict[str, tuple[str, bytes]] = {
    "heic": ("image/heic", brands(b"heic", b"mif1", b"heic") + DATA),
    "heic of 10 bits": ("image/heic", brands(b"heix", b"mif1", b"heix") + DATA),
    "heis": ("image/heic", brands(b"heis", b"mif1", b"heis") + DATA),
    "hevc": ("image/heic", brands(b"hevc", b"msf1", b"hevc") + movie(b"pict") + DATA),
    "heic sequence": ("image/heic", brands(b"msf1", b"msf1", b"hevc", b"iso8") + movie(b"pict") + DATA),
    "mif1 of heic": ("image/heic", brands(b"mif1", b"mif1", b"heic") + DATA),
    "mif1 of avif": ("image/avif", brands(b"mif1", b"avif", b"miaf") + DATA),
    "heif": ("image/heif", brands(b"mif1", b"mif1") + DATA),
    "avif": ("image/avif", brands(b"avif", b"mif1") + DATA),
    "avif sequence": ("image/avif", brands(b"avis", b"avis", b"msf1", b"iso8") + movie(b"pict") + DATA),
    "cr3": ("image/x-canon-cr3", brands(b"crx ", b"crx ", b"isom") + movie(b"vide", b"vide") + DATA),
    "webp": ("image/webp", riff(b"WEBP")),
    "jpeg 2000": ("image/jp2", box(b"jP  ", b"\r\n\x87\n") + brands(b"jp2 ", b"jp2 ")),
    "jpeg xl": ("image/jxl", box(b"JXL ", b"\r\n\x87\n") + brands(b"jxl ", b"jxl ")),
    "tiff": ("image/tiff", b"II*\0\x08\0\0\0" + bytes(50)),
    "tiff of motorola": ("image/tiff", b"MM\0*\0\0\0\x08" + bytes(50)),
    "svg": ("image/svg+xml", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
    "old bmp": ("image/bmp", b"BM" + struct.pack("<IIIIHH", 500, 0, 26, 12, 4, 3) + bytes(300)),
}
_VIDEOS: dict[str, tuple[str, bytes]] = {
    "mp4": ("video/mp4", brands(b"isom", b"isom", b"mp41") + movie(b"vide", b"soun") + DATA),
    "mp4, tracks last": ("video/mp4", brands(b"mp42") + DATA + movie(b"soun", b"vide")),
    "mp4, large data": ("video/mp4", brands(b"isom") + large_box(b"mdat", bytes(9000)) + movie(b"vide")),
    "mp4 without tracks": ("video/mp4", brands(b"isom") + DATA),
    "m4v": ("video/mp4", brands(b"M4V ") + movie(b"vide") + DATA),
    "3gp": ("video/3gpp", brands(b"3gp4") + movie(b"vide") + DATA),
    "mov": ("video/quicktime", brands(b"qt  ") + box(b"wide") + DATA + movie(b"vide", b"soun", b"tmcd")),
    "mov without ftyp": ("video/quicktime", movie(b"vide") + DATA),
    "mov with data first": ("video/quicktime", box(b"wide") + DATA + movie(b"vide", b"soun")),
    "mov without tracks": ("video/quicktime", DATA),
    "webm": ("video/webm", matroska(b"webm", 1, 2)),
    "live webm": ("video/webm", matroska(b"webm", 2, 1, has_size=False)),
    "matroska": ("video/x-matroska", matroska(b"matroska", 1, 2, 17)),
    "theora": ("video/ogg", ogg(b"\x80theora\3\2\1")),
    "theora with sound": ("video/ogg", ogg(b"\x01vorbis", b"\x80theora\3\2\1")),
    "avi": ("video/x-msvideo", riff(b"AVI ")),
    "wmv": ("video/x-ms-wmv", asf("audio", "video")),
    "flv": ("video/x-flv", b"FLV\1\5\0\0\0\x09" + bytes(50)),
    "mpeg": ("video/mpeg", b"\0\0\1\xba\x44" + bytes(50)),
    "transport stream": ("video/mp2t", (b"G\x40\0\x10" + bytes(184)) * 5),
}
_SOUNDS: dict[str, tuple[str, bytes]] = {
    "wav": ("audio/wav", riff(b"WAVE")),
    "rf64": ("audio/wav", riff(b"WAVE", b"RF64")),
    "bw64": ("audio/wav", riff(b"WAVE", b"BW64")),
    "mp3": ("audio/mpeg", b"\xff\xfb\x90\x64" + bytes(400)),
    "mp3 of 22 kHz": ("audio/mpeg", b"\xff\xf3\x84\xc4" + bytes(400)),
    "mp3 of 8 kHz": ("audio/mpeg", b"\xff\xe3\x18\xc4" + bytes(400)),
    "mp3 with tags": ("audio/mpeg", b"ID3\x03\0\0\0\0\x0f\x76TIT2" + bytes(400)),
    "mp3 with new tags": ("audio/mpeg", b"ID3\x04\0\0\0\0\0\x23TSSE" + bytes(400)),
    "aac": ("audio/aac", b"\xff\xf1\x50\x80" + bytes(50)),
    "flac": ("audio/flac", b"fLaC\0\0\0\x22" + bytes(50)),
    "aiff": ("audio/aiff", b"FORM" + struct.pack(">I", 50) + b"AIFFCOMM" + bytes(50)),
    "au": ("audio/basic", b".snd\0\0\0\x18" + bytes(50)),
    "caf": ("audio/x-caf", b"caff\0\1\0\0desc" + bytes(50)),
    "vorbis": ("audio/ogg", ogg(b"\x01vorbis")),
    "opus": ("audio/ogg", ogg(b"OpusHead")),
    "webm sound": ("audio/webm", matroska(b"webm", 2)),
    "live webm sound": ("audio/webm", matroska(b"webm", 2, has_size=False)),
    "matroska sound": ("audio/x-matroska", matroska(b"matroska", 2, 17)),
    "m4a": ("audio/mp4", brands(b"M4A ", b"isom") + DATA + movie(b"soun")),
    "mp4 sound": ("audio/mp4", brands(b"isom", b"mp41") + DATA + movie(b"soun")),
    "mov sound": ("audio/mp4", brands(b"qt  ") + box(b"wide") + DATA + movie(b"soun")),
    "mov sound without ftyp": ("audio/mp4", movie(b"soun") + DATA),
    "3gp sound": ("audio/3gpp", brands(b"3gp5") + movie(b"soun") + DATA),
    "wma": ("audio/x-ms-wma", asf("audio")),
}
FILES = {"image": _IMAGES, "video": _VIDEOS, "audio": _SOUNDS}
"""The media type and the content of files, by the kind of media and a name."""

OTHER_FILES: dict[str, bytes] = {
    "text": b"hello",
    "utf-16": "Text, and no sound".encode("utf-16"),
    "utf-16 of motorola": b"\xfe\xff" + "Text".encode("utf-16-be"),
    "utf-8": "\N{SNOWMAN}".encode() * 2000,
    "BM": b"BM is how this text begins, and it is not a picture",
    "BM and zeros": b"BM" + bytes(200),
    "ID3": b"ID3 is how this text begins",
    "GIF": b"GIF89a is how this text begins",
    "ftyp": b"    ftypisom is a text",
    "html": b"<!doctype html><svg></svg>",
    "json": b'{"images": []}',
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "zip": b"PK\3\4\x14\0\0\0\x08\0" + bytes(60),
    "gzip": b"\x1f\x8b\x08\0" + bytes(60),
    "program": b"\x7fELF\2\1\1" + bytes(60),
    "zeros": bytes(5000),
    "invalid frame": b"\xff\xff\xff\xff" + bytes(100),
}
"""Files that are not media, although some of them begin like one."""
