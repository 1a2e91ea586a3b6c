"""Content of the values that are accepted as media: files, binary data, images, arrays and results."""

from __future__ import annotations

import os
from io import BytesIO, TextIOBase, UnsupportedOperation
from os import PathLike, fsdecode
from stat import S_ISBLK, S_ISCHR, S_ISREG
from time import time
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Protocol, cast
from urllib.parse import parse_qs, urlsplit

from .local_media import CHUNK_SIZE, COMPARED_SIZE, LocalFile, NoRegularFileError, open_regular
from .media_types import detect_type

if TYPE_CHECKING:
    from PIL.Image import Image

ACCEPTED_MEDIA = (
    "must be an http:, https: or data: URL; for a file, pass a path, binary data, an open file, an image "
    "or a file of a result such as result[0]"
)
"""What is expected in place of a value that cannot be media."""
MAX_CONVERTED_SIZE = 2**16
"""Maximum size in bytes of a file that is converted when a request is made."""
MAX_INPUT_SIZE = 2**28
"""Maximum size in bytes of content that is held in memory, and of a file that is sent in a request."""
_PNG_MODES = frozenset({"1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA"})
_MODES_WITH_ALPHA = {"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}
_ARRAY_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
PDF_TYPE = "application/pdf"
PDF_MARK = b"%PDF-"
PDF_HEAD_SIZE = 1024
"""Number of bytes in which readers look for the mark of a PDF document."""


class PathStr(str):
    """A string that is the path of a file."""

    __slots__ = ()


class SaveableImage(Protocol):
    """A PIL image."""

    def save(self, fp: IO[bytes], format: str | None = None) -> None: ...
    def convert(self, mode: str) -> Any: ...


class ArrayLike(Protocol):
    """A numpy array of unsigned 8-bit integers: an image with the shape (height, width) or (height, width,
    channels), or the content of a file with one dimension.
    """

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


class ResultFile(Protocol):
    """A file of an earlier result."""

    @property
    def url(self) -> str | None: ...
    @property
    def b64_json(self) -> str | None: ...


class MediaSourceError(ValueError):
    """A value cannot be sent as media."""


def is_source(value: object) -> bool:
    """Return whether a value other than a string can be media."""
    return (
        isinstance(value, PathLike | bytes | bytearray | memoryview)
        or hasattr(value, "read")
        or _is_image(value)
        or _is_result(value)
        or _is_array(value)
    )


def read_source(value: object) -> tuple[str | None, LocalFile | bytes | str] | None:
    """Return the media type and the content of a value, or a URL; None if the value is not media.

    Returns:
        The media type, None if it is unknown, and the content: bytes, a file that is too large to be held, or
        a URL of a result, whose type is not known.

    Raises:
        MediaSourceError: The value cannot be read or encoded.
    """
    source: Any = value
    if isinstance(source, PathStr | PathLike):
        return _read_path(fsdecode(cast("str | PathLike[str]", source)))
    if _is_result(source):
        return _read_result(source)
    if isinstance(value, bytes | bytearray | memoryview):
        _check_size(memoryview(source).nbytes)
        return _with_type(bytes(source))
    if _is_image(source):
        return _with_type(_encode_image(source))
    if hasattr(source, "read"):
        return _with_type(_read_file_object(source))
    if _is_array(source):
        return _with_type(_read_array(source))
    return None


def _is_image(value: object) -> bool:
    return hasattr(value, "save") and hasattr(value, "convert")


def _is_result(value: object) -> bool:
    return hasattr(value, "b64_json") and hasattr(value, "url")


def _is_array(value: object) -> bool:
    return hasattr(value, "__array_interface__") and bool(
        getattr(value, "shape", ())
    )  # scalars have no shape


def _with_type(content: bytes) -> tuple[str | None, bytes]:
    return _detect_type(BytesIO(content)), content


def _detect_type(file: BinaryIO) -> str | None:
    """Return the type of a medium or of a PDF document, which chat models read; None for any other file."""
    mime = detect_type(file)
    if mime is None:
        file.seek(0)
        return PDF_TYPE if PDF_MARK in file.read(PDF_HEAD_SIZE) else None
    return mime


def _check_size(size: int) -> None:
    if size > MAX_INPUT_SIZE:
        raise MediaSourceError(
            f"must have at most {MAX_INPUT_SIZE:,} bytes, got {size:,}; pass the path or URL of a larger file"
        )


def _read_path(path: str) -> tuple[str | None, LocalFile | bytes]:
    try:
        expanded = os.path.expanduser(path)
        with open_regular(expanded) as file:
            status = os.fstat(file.fileno())
            mime = _detect_type(file)
            file.seek(0)
            if status.st_size <= MAX_CONVERTED_SIZE:
                return mime, file.read()
            head = file.read(COMPARED_SIZE)
            return mime, LocalFile(os.path.abspath(expanded), status.st_size, status.st_mtime_ns, head)
    except NoRegularFileError as error:
        raise MediaSourceError(f"must be a regular file, got {error}; pass its content as bytes") from None
    except OSError as error:
        scheme, colon, _ = path.partition("://")
        if colon:
            raise MediaSourceError(
                f"must be an http:, https: or data: URL or a path, got {scheme}://"
            ) from None
        raise _read_error(error) from None
    except MediaSourceError:
        raise
    except ValueError as error:  # a null byte in the path
        raise _read_error(error) from None


def _read_file_object(file: Any) -> bytes:
    """Return the rest of an open file, which may be a pipe."""
    if isinstance(file, TextIOBase):
        raise MediaSourceError("the file must be opened in binary mode")
    _check_open_file(file)
    content = bytearray()
    try:
        while chunk := file.read(CHUNK_SIZE):
            if not isinstance(chunk, bytes):
                raise MediaSourceError(
                    "the file must be opened in binary mode; its read() did not return bytes"
                )
            if len(content) + len(chunk) > MAX_INPUT_SIZE:
                raise MediaSourceError(
                    f"must have at most {MAX_INPUT_SIZE:,} bytes, got more; pass the path or URL of a larger "
                    "file"
                )
            content += chunk
    except MediaSourceError:
        raise
    except UnsupportedOperation:
        raise MediaSourceError("the file must be open for reading") from None
    except (OSError, ValueError) as error:
        raise _read_error(error) from None
    return bytes(content)


def _check_open_file(file: Any) -> None:
    """Reject devices and large files before they are read."""
    try:
        status = os.fstat(file.fileno())
        size = status.st_size - file.tell() if S_ISREG(status.st_mode) else 0
    except (AttributeError, OSError, TypeError, ValueError):  # not a file of the operating system
        return
    if S_ISCHR(status.st_mode) or S_ISBLK(status.st_mode):
        raise MediaSourceError("must be a file, got a device")
    _check_size(size)


def _read_result(result: Any) -> tuple[str | None, bytes | str]:
    """Return the content of a result if the response contained it, else its URL."""
    if result.b64_json is not None:
        from binascii import a2b_base64

        try:
            return _with_type(a2b_base64(result.b64_json, strict_mode=True))
        except ValueError as error:
            raise MediaSourceError(f"the content of the result is invalid: {error}") from None
    if not isinstance(result.url, str):
        raise MediaSourceError("the result has neither a URL nor content")
    [expiry] = parse_qs(urlsplit(result.url).query).get("oxen_expires", [""])[-1:]
    if expiry.isdecimal() and len(expiry) < 20 and int(expiry) <= time():
        raise MediaSourceError(
            "the URL of the result has expired; save() the result and pass the path of the file"
        )
    return None, result.url


def _encode_image(image: Any) -> bytes:
    buffer = BytesIO()
    try:
        mode = getattr(image, "mode", "RGB")
        if getattr(image, "format", None) == "JPEG" and mode in _PNG_MODES:
            image.save(buffer, format="JPEG", quality="keep")
        else:
            _convert_for_png(image, mode).save(buffer, format="PNG")
    except Exception as error:
        raise MediaSourceError(f"the image cannot be encoded: {error}") from None
    return buffer.getvalue()


def _convert_for_png(image: Image, mode: str) -> Image:
    if mode in _PNG_MODES:
        return image
    converted = image.convert(_MODES_WITH_ALPHA.get(mode, "RGB"))
    converted.info.pop("icc_profile", None)  # of the old mode
    return converted


def _read_array(array: Any) -> bytes:
    """Return the image in an array as PNG, or the content of a file in an array of one dimension."""
    try:
        view = memoryview(array)
    except (TypeError, ValueError, BufferError) as error:
        raise MediaSourceError(f"the array cannot be read: {error}") from None
    if view.format != "B":
        raise MediaSourceError(
            f"must be an array of uint8, got {getattr(array, 'dtype', view.format)}; convert it, as with "
            "array.astype('uint8')"
        )
    _check_size(view.nbytes)
    if view.ndim == 1:
        return view.tobytes()
    height, width, channels = [*(view.shape or ()), 1][:3]
    if view.ndim > 3 or channels not in _ARRAY_MODES or not view.nbytes:
        raise MediaSourceError(
            f"must be an array with the shape (height, width) or (height, width, 1 to 4), got {view.shape}"
        )
    try:
        from PIL import Image
    except ImportError:
        raise MediaSourceError("arrays are encoded with Pillow; install it: pip install pillow") from None
    return _encode_image(Image.frombytes(_ARRAY_MODES[channels], (width, height), view.tobytes()))


def _read_error(error: OSError | ValueError) -> MediaSourceError:
    return MediaSourceError(f"the file cannot be read: {getattr(error, 'strerror', None) or error}")
