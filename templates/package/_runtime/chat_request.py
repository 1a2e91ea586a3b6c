"""Chat requests: what the emitted classes add to their fields, and the media in messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from os import PathLike, fsdecode
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from .chat_results import Message
from .errors import InvalidRequestError, Problem
from .fields import OMIT
from .local_media import LocalMedia, MediaContext
from .media import mark_path
from .media_sources import PathStr
from .request import ChatRequestT, Object, run_build
from .text_chunks import count_base64
from .values import shorten

MAX_AUDIO_SIZE = 20 * 2**20
"""Maximum bytes of a sound. The API states 20 MB."""
MAX_DOCUMENT_SIZE = 24 * 2**20
"""Maximum bytes of a document. The API states 24 MB."""
DEFAULT_FILE_NAME = "document.pdf"
_CONTENTS = ("text", "image_url", "video_url", "audio_url", "file")


class ChatMessageBase(Object):
    """The base class of messages."""

    @model_validator(mode="before")
    @classmethod
    def _accept_received(cls, value: Any) -> Any:
        """Accept a message of a completion, as it was received but without fields that are null."""
        if not isinstance(value, Message):
            return value
        record = {name: part for name, part in value.record.items() if part is not None}
        return {"content": None, **record, "role": value.role}

    @model_validator(mode="after")
    def _check_content(self) -> Any:
        if getattr(self, "content", OMIT) is OMIT and getattr(self, "tool_calls", OMIT) is OMIT:
            raise _error("must have content or tool_calls")
        return self


class ChatPartBase(Object):
    """The base class of parts."""

    @model_validator(mode="after")
    def _check_content(self) -> Any:
        kind: str = getattr(self, "type_")  # noqa: B009  # a field of the emitted class
        present = [name for name in _CONTENTS if getattr(self, name) is not OMIT]
        if present != [kind]:
            raise _error(f"a part of type {kind!r} must have {kind!r} and no other content, got {present}")
        return self


class ChatAudioBase(Object):
    """The base class of sounds."""

    @field_validator("url", check_fields=False)
    @classmethod
    def _check_size(cls, value: Any) -> Any:
        return _check_size(value, MAX_AUDIO_SIZE, "a sound must have at most 20 MB")


class ChatFileBase(Object):
    """The base class of documents."""

    @field_validator("file_data", check_fields=False)
    @classmethod
    def _check_size(cls, value: Any) -> Any:
        return _check_size(value, MAX_DOCUMENT_SIZE, "a document must have at most 24 MB")

    @model_validator(mode="before")
    @classmethod
    def _name_file(cls, value: Any, info: ValidationInfo) -> Any:
        """Add the name of a document that has none, because the API expects one."""
        if isinstance(value, Mapping):
            values = cast("Mapping[str, object]", value)
            if "file_data" in values and "filename" not in values:
                document = values["file_data"]
                is_call = isinstance(info.context, MediaContext)
                return {**values, "filename": _file_name(mark_path(document) if is_call else document)}
        return cast(Any, value)

    @model_validator(mode="after")
    def _check_content(self) -> Any:
        present = [name for name in ("file_data", "file_url") if getattr(self, name) is not OMIT]
        if len(present) != 1:
            raise _error("must have either file_data or file_url")
        return self


def build_chat_request(build: partial[ChatRequestT], *, may_block: bool = True) -> ChatRequestT:
    """Return the request that `build` constructs from the parameters of a call.

    Args:
        build: The class of the request with the parameters. A string for a medium is a URL or a path.
        may_block: Whether files are read.

    Raises:
        InvalidRequestError: A value does not match the documentation of the API.
        BlockingMediaError: A file must be read, and `may_block` is false.
    """
    model_id = str(build.keywords.get("model"))

    def convert(error: ValidationError) -> InvalidRequestError:
        return InvalidRequestError(model_id, tuple(_list_problems(error)))

    return run_build(build, model_id, convert, may_block=may_block)


def _list_problems(error: ValidationError) -> Iterator[Problem]:
    from .validation_errors import describe  # imported lazily, because most requests are valid

    details = [(_format_location(detail["loc"]), detail) for detail in error.errors(include_url=False)]
    for name, detail in details:
        # A value of a union has an error for each member; the one of the innermost value is the cause.
        if any(other.startswith((f"{name}.", f"{name}[")) for other, _ in details):
            continue
        yield Problem(name, shorten(detail["input"]), describe(detail))


def _format_location(location: tuple[str | int, ...]) -> str:
    """Return the place of a value, such as `messages[0].content[1].text`."""
    # Between the names are those of members of unions, such as `str` and `list[ChatPart]`.
    parts = (part for part in location if isinstance(part, int) or (part.isidentifier() and part != "str"))
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def _file_name(document: object) -> str:
    """Return the name of a path or of an open file; another name for a document without one."""
    path = getattr(document, "name", None) if hasattr(document, "read") else document
    if isinstance(path, PathStr | PathLike) or (isinstance(path, str) and path is not document):
        return Path(fsdecode(cast("str | PathLike[str]", path))).name
    return DEFAULT_FILE_NAME


def _check_size(value: object, limit: int, message: str) -> object:
    if isinstance(value, LocalMedia):
        size = value.size
    elif isinstance(value, str) and value[:5].lower() == "data:":
        size = count_base64(value, value.find(",") + 1)
    else:
        return value
    if size > limit:
        raise _error(f"{message}, got {size:,} bytes")
    return value


def _error(message: str) -> PydanticCustomError:
    return PydanticCustomError("chat", "{message}", {"message": message})
