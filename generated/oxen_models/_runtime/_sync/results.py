"""What the generating endpoints give."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from secrets import token_hex
from typing import Any, ClassVar, Generic, Self, TypeVar, cast
from urllib.parse import unquote_to_bytes

from .. import answers
from ..errors import MediaError
from .effects import open_file
from .session import Session


@dataclass(frozen=True, slots=True)
class Media:
    """A file that a model made: behind a URL that expires, or in the answer itself."""

    url: str | None
    """Where it is, until that expires; None with `response_format="b64_json"`."""
    b64_json: str | None = field(repr=False)
    """Its content in base64; None with `response_format="url"`."""
    _session: Session = field(repr=False, compare=False)

    def read(self) -> bytes:
        """The content.

        Raises:
            MediaError: It could not be downloaded.
        """
        content = self._content()
        if content is not None:
            return content
        with closing(self._session.download(self._address())) as chunks:
            return b"".join([chunk for chunk in chunks])

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the content to a file and return its path; a file that is there is replaced.

        Raises:
            MediaError: It could not be downloaded or written. No half of it is left behind.
        """
        target = Path(path)
        part = target.parent / f".{token_hex(8)}.part"
        try:
            with open_file(part, "wb") as file:
                content = self._content()
                if content is not None:
                    file.write(content)
                else:
                    with closing(self._session.download(self._address())) as chunks:
                        for chunk in chunks:
                            file.write(chunk)
            part.replace(target)
        except MediaError:
            raise
        except (OSError, ValueError) as error:  # a null byte in the name is a ValueError
            reason = getattr(error, "strerror", None) or error
            raise MediaError(f"{str(target)!r} could not be written: {reason}") from error
        finally:
            with suppress(OSError, ValueError):
                part.unlink()
        return target

    def _address(self) -> str:
        if self.url is None:
            raise MediaError("the answer holds neither a URL nor the content")
        return self.url

    def _content(self) -> bytes | None:
        """What the answer itself holds."""
        try:
            if self.b64_json is not None:
                return a2b_base64(self.b64_json, strict_mode=True)
            if self.url is not None and self.url.startswith("data:"):
                head, comma, data = self.url.partition(",")
                if not comma:
                    raise ValueError("a data: URL without data")
                content = unquote_to_bytes(data)
                return a2b_base64(content, strict_mode=True) if head.endswith(";base64") else content
        except ValueError as error:
            raise MediaError(f"the content in the answer is broken: {error}") from error
        return None


class Image(Media):
    """A picture."""

    __slots__ = ()


class Video(Media):
    """A video."""

    __slots__ = ()


class Audio(Media):
    """A sound."""

    __slots__ = ()


M = TypeVar("M", bound=Media)


@dataclass(frozen=True, slots=True, repr=False)
class Result(Generic[M]):
    """What a call gives."""

    medium: ClassVar[str]
    kind: ClassVar[type[Media]]

    model: str | None
    """The model, as the hub names it in its answer."""
    created: int | None
    """When it was made, in Unix seconds; None where the hub does not say."""
    media: tuple[M, ...]
    """The files, in the hub's order."""

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}(model={self.model!r}, created={self.created!r}, {self.medium}={self.media!r})"

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any], session: Session) -> Self:
        """The result in an answer of the hub.

        Raises:
            UnexpectedAnswerError: There is none.
        """
        model = answer.get("model")
        return cls(
            model if isinstance(model, str) else None,
            answers.created(answer),
            tuple(
                cast(M, cls.kind(url, encoded, session))
                for url, encoded in answers.outputs(answer, cls.medium)
            ),
        )


class ImageResult(Result[Image]):
    """One or more pictures."""

    __slots__ = ()
    medium = "images"
    kind = Image

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures, in the hub's order."""
        return self.media


class VideoResult(Result[Video]):
    """One or more videos."""

    __slots__ = ()
    medium = "videos"
    kind = Video

    @property
    def videos(self) -> tuple[Video, ...]:
        """The videos, in the hub's order."""
        return self.media


class AudioResult(Result[Audio]):
    """One or more sounds."""

    __slots__ = ()
    medium = "audios"
    kind = Audio

    @property
    def audios(self) -> tuple[Audio, ...]:
        """The sounds, in the hub's order."""
        return self.media
