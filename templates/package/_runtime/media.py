"""Media inputs: files, binary data, images, arrays and results are sent as data: URIs or URLs.

A request class takes a string as a URL and sends it unchanged. A call takes a string that is not a URL as a
path; it validates with a `MediaContext`. Small files are converted when a request is made. A large one is
kept as `LocalMedia`, and converted while the request is sent.
"""

from __future__ import annotations

from os import PathLike
from typing import IO, TYPE_CHECKING, Annotated, Any

from oxen_models._runtime.json_schema.media_urls import is_media_url
from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from .local_media import BlockingMediaError, LocalMedia, MediaContext
from .media_sources import (
    ACCEPTED_MEDIA,
    MAX_CONVERTED_SIZE,
    ArrayLike,
    MediaSourceError,
    PathStr,
    ResultFile,
    SaveableImage,
    is_source,
    read_source,
)
from .values import shorten

if TYPE_CHECKING:
    MediaInput = str | PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | ResultFile
    ImageInput = MediaInput | SaveableImage | ArrayLike
    VideoInput = MediaInput
    AudioInput = MediaInput
    FileInput = MediaInput | SaveableImage | ArrayLike


def mark_path(value: object) -> object:
    """Return a string that is not a URL marked as a path, and any other value unchanged."""
    return PathStr(value) if isinstance(value, str) and not is_media_url(value) else value


class _MediaOf:
    """The validator and the serializer of media of some kinds; no kind means any."""

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_wrap_validator_function(
            self._validate,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _serialize, return_schema=core_schema.str_schema()
            ),
        )

    def _validate(
        self,
        value: object,
        validate: core_schema.ValidatorFunctionWrapHandler,
        info: core_schema.ValidationInfo,
    ) -> object:
        context: object = info.context
        if isinstance(context, MediaContext):
            value = mark_path(value)
            if not context.may_block and (isinstance(value, PathStr) or is_source(value)):
                raise BlockingMediaError
        if isinstance(value, LocalMedia):  # of another request
            self._check(value.mime)
            return value
        if isinstance(value, str) and not isinstance(value, PathStr):
            if not is_media_url(value):
                path = f"pathlib.Path({shorten(value)})"
                raise _media_error(f"must be an http:, https: or data: URL; for a file, pass {path}")
            return validate(value)
        try:
            source = read_source(value)
        except MediaSourceError as error:
            raise _media_error(str(error)) from None
        if source is None:
            raise _media_error(ACCEPTED_MEDIA)
        mime, content = source
        if isinstance(content, str):
            self._check_kind(value)
            return validate(content)
        medium = LocalMedia(self._check(mime, is_empty=not content), content)
        return medium.to_uri() if medium.size <= MAX_CONVERTED_SIZE else medium

    def _check_kind(self, result: object) -> None:
        kind = getattr(result, "_kind", None)
        if kind is not None and self._kinds and kind not in self._kinds:
            raise _media_error(
                f"must be {_add_article(' or '.join(self._kinds))} file, got {_add_article(kind)}"
            )

    def _check(self, mime: str | None, *, is_empty: bool = False) -> str:
        """Return the media type if it is accepted."""
        kinds = self._kinds
        if mime is None or (kinds and mime.partition("/")[0] not in kinds):
            found = mime or ("an empty file" if is_empty else "an unknown format")
            expected = _add_article(f"{' or '.join(kinds) or 'media'} file")
            raise _media_error(f"must be {expected}, got {found}; data: URIs are sent without this check")
        return mime


def _serialize(value: object) -> object:
    return value.to_uri() if isinstance(value, LocalMedia) else value


if not TYPE_CHECKING:
    ImageInput = Annotated[str, _MediaOf("image")]
    VideoInput = Annotated[str, _MediaOf("video")]
    AudioInput = Annotated[str, _MediaOf("audio")]
    FileInput = Annotated[str, _MediaOf()]


def _add_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _media_error(message: str) -> PydanticCustomError:
    return PydanticCustomError("media", "{message}", {"message": message})
