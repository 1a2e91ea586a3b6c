"""What the generating endpoints give."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from secrets import token_hex
from typing import Any, ClassVar, Generic, Self, TypeVar, cast
from urllib.parse import unquote_to_bytes

from .. import answers
from ..errors import MediaError
from .effects import open_file
from .session import AsyncSession


@dataclass(frozen=True, slots=True)
class AsyncMedia:
    """A file that a model made: behind a URL that expires, or in the answer itself."""

    url: str | None
    """Where it is, until that expires; None with `response_format="b64_json"`."""
    b64_json: str | None = field(repr=False)
    """Its content in base64; None with `response_format="url"`."""
    _session: AsyncSession = field(repr=False, compare=False)

    async def read(self) -> bytes:
        """The content.

        Raises:
            MediaError: It could not be downloaded.
        """
        content = self._content()
        if content is not None:
            return content
        async with aclosing(self._session.download(self._address())) as chunks:
            return b"".join([chunk async for chunk in chunks])

    async def save(self, path: str | PathLike[str]) -> Path:
        """Write the content to a file and return its path; a file that is there is replaced.

        Raises:
            MediaError: It could not be downloaded or written. No half of it is left behind.
        """
        target = Path(path)
        part = target.parent / f".{token_hex(8)}.part"
        try:
            async with await open_file(part, "wb") as file:
                content = self._content()
                if content is not None:
                    await file.write(content)
                else:
                    async with aclosing(self._session.download(self._address())) as chunks:
                        async for chunk in chunks:
                            await file.write(chunk)
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


class AsyncImage(AsyncMedia):
    """A picture."""

    __slots__ = ()


class AsyncVideo(AsyncMedia):
    """A video."""

    __slots__ = ()


class AsyncAudio(AsyncMedia):
    """A sound."""

    __slots__ = ()


M = TypeVar("M", bound=AsyncMedia)


@dataclass(frozen=True, slots=True, repr=False)
class AsyncResult(Generic[M]):
    """What a call gives."""

    medium: ClassVar[str]
    kind: ClassVar[type[AsyncMedia]]

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
    def from_answer(cls, answer: Mapping[str, Any], session: AsyncSession) -> Self:
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


class AsyncImageResult(AsyncResult[AsyncImage]):
    """One or more pictures."""

    __slots__ = ()
    medium = "images"
    kind = AsyncImage

    @property
    def images(self) -> tuple[AsyncImage, ...]:
        """The pictures, in the hub's order."""
        return self.media


class AsyncVideoResult(AsyncResult[AsyncVideo]):
    """One or more videos."""

    __slots__ = ()
    medium = "videos"
    kind = AsyncVideo

    @property
    def videos(self) -> tuple[AsyncVideo, ...]:
        """The videos, in the hub's order."""
        return self.media


class AsyncAudioResult(AsyncResult[AsyncAudio]):
    """One or more sounds."""

    __slots__ = ()
    medium = "audios"
    kind = AsyncAudio

    @property
    def audios(self) -> tuple[AsyncAudio, ...]:
        """The sounds, in the hub's order."""
        return self.media
