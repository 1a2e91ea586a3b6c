"""What can be passed for a medium: files, bytes and pictures become data URIs.

A request class takes a string as it is: a URL. A call takes a string that is not a URL for a path;
`local` marks those.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from io import TextIOBase
from os import PathLike, fsdecode
from typing import IO, TYPE_CHECKING, Annotated, Any, Protocol, TypeVar, cast

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

T = TypeVar("T")


class Picture(Protocol):
    """A PIL image."""

    def save(self, fp: IO[bytes], format: str | None = None) -> None: ...


if TYPE_CHECKING:
    MediaInput = str | PathLike[str] | bytes | IO[bytes]
    ImageInput = MediaInput | Picture
    VideoInput = MediaInput
    AudioInput = MediaInput
    FileInput = MediaInput | Picture


class LocalPath(str):
    """A string that a call takes for a path."""

    __slots__ = ()


def local(value: T) -> T:
    """`value` with every string in it that is not a URL marked as a path."""
    if isinstance(value, str):
        is_url = value.lstrip()[:6].lower().startswith(("http:", "https:", "data:"))
        return value if is_url else cast(T, LocalPath(value))
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return cast(T, [local(item) for item in cast(Sequence[object], value)])
    return value


def is_read(value: object) -> bool:
    """Whether sending it means reading a file or encoding a picture, which takes time."""
    if isinstance(value, str):
        return isinstance(value, LocalPath)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return any(map(is_read, cast(Sequence[object], value)))
    return isinstance(value, PathLike | bytes | bytearray) or hasattr(value, "read") or hasattr(value, "save")


def _read(value: Any) -> bytes | None:
    """The content of a file, bytes or picture; None for anything else."""
    if isinstance(value, LocalPath | PathLike):
        return _read_file(fsdecode(cast("str | PathLike[str]", value)))
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if hasattr(value, "read"):
        if isinstance(value, TextIOBase):
            raise _unusable("a file opened in binary mode is expected, not one in text mode")
        try:
            content = value.read()
        except (OSError, ValueError) as error:
            raise _unreadable(error) from None
        if not isinstance(content, bytes):
            raise _unusable("a file opened in binary mode is expected: this one gives no bytes")
        return content
    if hasattr(value, "save") and hasattr(value, "convert"):
        return _encode(value)
    return None


def _read_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        scheme, colon, _ = path.partition("://")
        if colon:
            raise _unusable(
                f"a URL of the kind {scheme}:// is not supported: http(s), data or a file"
            ) from None
        raise _unreadable(error) from None
    except ValueError as error:  # a null byte in the name
        raise _unreadable(error) from None


def _encode(picture: Any) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    try:
        if getattr(picture, "format", None) == "JPEG":
            picture.save(buffer, format="JPEG", quality="keep")
        else:
            picture.save(buffer, format="PNG")
    except Exception as error:
        raise _unusable(f"the picture cannot be encoded: {error}") from None
    return buffer.getvalue()


def _unreadable(error: OSError | ValueError) -> PydanticCustomError:
    return _unusable(f"the file cannot be read: {getattr(error, 'strerror', None) or error}")


def _unusable(text: str) -> PydanticCustomError:
    return PydanticCustomError("media", "{text}", {"text": text})


def _medium(*kinds: str) -> BeforeValidator:
    def check(value: object) -> object:
        if isinstance(value, str) and not isinstance(value, LocalPath):
            return value
        content = _read(value)
        if content is None:
            return value
        mime = sniff(content)
        if mime == "video/mp4" and kinds == ("audio",):
            mime = "audio/mp4"  # the container is the same, and most writers do not tell
        if mime is None or (kinds and mime.partition("/")[0] not in kinds):
            found = mime or ("an empty file" if not content else "of no known format")
            wanted = " or ".join(kinds) or "media"
            raise _unusable(f"no {wanted} file: it is {found}; a data: URI is sent unchecked")
        return f"data:{mime};base64,{b64encode(content).decode()}"

    return BeforeValidator(check)


if not TYPE_CHECKING:
    ImageInput = Annotated[str, _medium("image")]
    VideoInput = Annotated[str, _medium("video")]
    AudioInput = Annotated[str, _medium("audio")]
    FileInput = Annotated[str, _medium()]

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_ISO = {
    b"avif": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
}


def sniff(content: bytes) -> str | None:
    """The media type of a file by its first bytes; None for an unknown format."""
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12])
    if content[4:8] == b"ftyp":
        return _ISO.get(content[8:12], "video/mp4")
    if content[:4] == b"\x1aE\xdf\xa3":
        return "video/x-matroska" if b"matroska" in content[:64] else "video/webm"
    if content[:1] == b"\xff" and content[1:2] >= b"\xe0":  # the eleven bits that begin an audio frame
        return "audio/aac" if content[1] & 0xF6 == 0xF0 else "audio/mpeg"
    return next((mime for magic, mime in _MAGIC if content.startswith(magic)), None)
