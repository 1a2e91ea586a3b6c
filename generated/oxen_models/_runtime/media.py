# Copied by oxen-codegen from templates/package/_runtime/media.py. Do not edit.
"""Media inputs: paths, bytes, file objects and PIL images are sent as data: URIs.

A request class takes a string as a URL and sends it unchanged. A call takes a string that is not a URL as a
path; `mark_paths` marks these strings. Small files are converted when a request is made. A large one is kept
as `LocalMedia`, and converted while the request is sent.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from io import TextIOBase
from os import PathLike, fsdecode
from stat import S_ISREG
from typing import IO, TYPE_CHECKING, Annotated, Any, Protocol, TypeVar, cast

from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from .local_media import HEAD_SIZE, LocalFile, LocalMedia

T = TypeVar("T")

MAX_CONVERTED_SIZE = 2**16
"""Maximum size in bytes of a file that is converted when a request is made."""
KEEP_LOCAL_MEDIA = "keep local media"
"""The context with which requests are serialized without converting `LocalMedia`."""


class SaveableImage(Protocol):
    """A PIL image."""

    def save(self, fp: IO[bytes], format: str | None = None) -> None: ...


if TYPE_CHECKING:
    MediaInput = str | PathLike[str] | bytes | IO[bytes]
    ImageInput = MediaInput | SaveableImage
    VideoInput = MediaInput
    AudioInput = MediaInput
    FileInput = MediaInput | SaveableImage


class PathStr(str):
    """A string that is the path of a file."""

    __slots__ = ()


def mark_paths(value: T) -> T:
    """Return `value` with every string in it that is not a URL marked as a path."""
    if isinstance(value, str):
        is_url = value.lstrip()[:6].lower().startswith(("http:", "https:", "data:"))
        return value if is_url else cast(T, PathStr(value))
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return cast(T, [mark_paths(item) for item in cast(Sequence[object], value)])
    return value


def needs_io(value: object) -> bool:
    """Return whether sending `value` requires reading a file or encoding an image."""
    if isinstance(value, str):
        return isinstance(value, PathStr)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return any(map(needs_io, cast(Sequence[object], value)))
    return isinstance(value, PathLike | bytes | bytearray) or hasattr(value, "read") or hasattr(value, "save")


def _read(value: Any) -> LocalFile | bytes | None:
    """Return the content of a file, of bytes or of an image, or a large file; None for any other value."""
    if isinstance(value, PathStr | PathLike):
        return _read_file(fsdecode(cast("str | PathLike[str]", value)))
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if hasattr(value, "read"):
        return _read_file_object(value)
    if hasattr(value, "save") and hasattr(value, "convert"):
        return _encode_image(value)
    return None


def _read_file(path: str) -> LocalFile | bytes:
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            # Pipes and devices can be read only once.
            if status.st_size <= MAX_CONVERTED_SIZE or not S_ISREG(status.st_mode):
                return file.read()
            head = file.read(HEAD_SIZE)
            return LocalFile(os.path.abspath(path), status.st_size, status.st_mtime_ns, head)
    except OSError as error:
        scheme, colon, _ = path.partition("://")
        if colon:
            raise _media_error(f"must be an http:, https: or data: URL or a path, got {scheme}://") from None
        raise _read_error(error) from None
    except ValueError as error:  # a null byte in the path
        raise _read_error(error) from None


def _read_file_object(file: Any) -> bytes:
    if isinstance(file, TextIOBase):
        raise _media_error("the file must be opened in binary mode")
    try:
        content = file.read()
    except (OSError, ValueError) as error:
        raise _read_error(error) from None
    if not isinstance(content, bytes):
        raise _media_error("the file must be opened in binary mode; its read() did not return bytes")
    return content


def _encode_image(image: Any) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    try:
        if getattr(image, "format", None) == "JPEG":
            image.save(buffer, format="JPEG", quality="keep")
        else:
            image.save(buffer, format="PNG")
    except Exception as error:
        raise _media_error(f"the image cannot be encoded: {error}") from None
    return buffer.getvalue()


def _read_error(error: OSError | ValueError) -> PydanticCustomError:
    return _media_error(f"the file cannot be read: {getattr(error, 'strerror', None) or error}")


def _media_error(message: str) -> PydanticCustomError:
    return PydanticCustomError("media", "{message}", {"message": message})


class _MediaOf:
    """The validator and the serializer of media of some kinds; no kind means any."""

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            self._validate,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _serialize, info_arg=True, return_schema=core_schema.str_schema()
            ),
        )

    def _validate(self, value: object, validate: core_schema.ValidatorFunctionWrapHandler) -> object:
        if isinstance(value, LocalMedia):  # of another request
            self._check(value.mime)
            return value
        is_url = isinstance(value, str) and not isinstance(value, PathStr)
        content = None if is_url else _read(value)
        if content is None:
            return validate(value)
        mime = sniff(content if isinstance(content, bytes) else content.head)
        if mime == "video/mp4" and self._kinds == ("audio",):
            mime = "audio/mp4"  # the container is the same, and most encoders do not mark audio files
        medium = LocalMedia(self._check(mime, is_empty=not content), content)
        return medium.to_uri() if medium.size <= MAX_CONVERTED_SIZE else medium

    def _check(self, mime: str | None, *, is_empty: bool = False) -> str:
        """Return the media type if it is accepted."""
        kinds = self._kinds
        if mime is None or (kinds and mime.partition("/")[0] not in kinds):
            found = mime or ("an empty file" if is_empty else "an unknown format")
            expected = f"{' or '.join(kinds)} file" if kinds else "media file"
            raise _media_error(
                f"must be {'an' if expected[0] in 'aeiou' else 'a'} {expected}, got {found}; "
                "data: URIs are sent without this check"
            )
        return mime


def _serialize(value: object, info: core_schema.SerializationInfo) -> object:
    if isinstance(value, LocalMedia) and info.context != KEEP_LOCAL_MEDIA:
        return value.to_uri()
    return value


if not TYPE_CHECKING:
    ImageInput = Annotated[str, _MediaOf("image")]
    VideoInput = Annotated[str, _MediaOf("video")]
    AudioInput = Annotated[str, _MediaOf("audio")]
    FileInput = Annotated[str, _MediaOf()]

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
    """Return the media type of a file by its first bytes; None for an unknown format."""
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12])
    if content[4:8] == b"ftyp":
        return _ISO.get(content[8:12], "video/mp4")
    if content[:4] == b"\x1aE\xdf\xa3":
        return "video/x-matroska" if b"matroska" in content[:64] else "video/webm"
    if content[:1] == b"\xff" and content[1:2] >= b"\xe0":  # the eleven bits of an audio frame's sync word
        return "audio/aac" if content[1] & 0xF6 == 0xF0 else "audio/mpeg"
    return next((mime for magic, mime in _MAGIC if content.startswith(magic)), None)
