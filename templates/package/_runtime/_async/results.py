"""Results of the generating endpoints."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from html import escape
from os import PathLike
from pathlib import Path
from secrets import token_hex
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

from ..errors import MediaError, OxenError
from ..media import sniff
from ..parsing import created_at, extract_outputs, model_name
from ..request import RequestLike
from ..responses import Response
from ..saving import writing
from ..urls import job_path
from .concurrency import open_file
from .session import AsyncSession

# What a URL that has expired is answered with.
_EXPIRED = frozenset({400, 401, 403, 404, 410})


@dataclass(frozen=True, slots=True)
class AsyncMedia:
    """A file that a model made: at a URL that expires, or in the answer itself."""

    url: str | None
    """Its URL, which expires; None with `response_format="b64_json"`."""
    b64_json: str | None = field(repr=False)
    """Its content in base64; None with `response_format="url"`."""
    _session: AsyncSession = field(repr=False, compare=False)
    generation_id: str | None = None
    """The job that made it, which is asked for a new URL when this one has expired; None without one."""
    _place: int = field(default=0, repr=False)
    """Which of the job's files it is, from 0."""

    _tag: ClassVar[str] = ""

    async def read(self) -> bytes:
        """The content.

        Raises:
            MediaError: It could not be downloaded.
        """
        return b"".join([chunk async for chunk, _ in self._chunks()])

    async def save(
        self, path: str | PathLike[str], *, on_progress: Callable[[int, int | None], object] | None = None
    ) -> Path:
        """Write the content to a file and return its path; a file that is there is replaced.

        Args:
            path: Where to.
            on_progress: Called while it downloads, with the bytes so far and the total, which is None
                where the server does not give it.

        Raises:
            MediaError: It could not be downloaded or written.

        An exception of `on_progress` passes through. No partial file is ever left behind.
        """
        target = Path(path)
        part = target.parent / f".{token_hex(8)}.part"
        try:
            with writing(target):
                file = await open_file(part, "wb")
            try:
                written = 0
                async with aclosing(self._chunks()) as chunks:
                    async for chunk, length in chunks:
                        with writing(target):
                            await file.write(chunk)
                        written += len(chunk)
                        if on_progress is not None:
                            on_progress(written, length)
            finally:
                with writing(target):
                    await file.aclose()
            with writing(target):
                part.replace(target)
        finally:
            with suppress(OSError, ValueError):
                part.unlink()
        return target

    def _repr_html_(self) -> str:
        """For notebooks, which load what is behind a URL themselves."""
        source = self.url if self.b64_json is None else f"data:{_mime(self.b64_json)};base64,{self.b64_json}"
        return self._tag.format(escape(source or ""))

    async def _chunks(self) -> AsyncGenerator[tuple[bytes, int | None]]:
        content = self._content()
        if content is not None:
            yield content, len(content)
            return
        if self.url is None:
            raise MediaError(
                "the response contains neither a URL nor the content", generation_id=self.generation_id
            )
        try:
            async with aclosing(self._session.download(self.url, self.generation_id)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        except MediaError as error:
            if self.generation_id is None or error.status not in _EXPIRED:
                raise
            rejection = error
        url = await self._renew_url(self.generation_id, rejection)
        async with aclosing(self._session.download(url, self.generation_id)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _renew_url(self, generation_id: str, rejection: MediaError) -> str:
        """Return the URL that the queue has now, after the download from an expired one was rejected."""
        reason = str(rejection.args[0])
        url: str | None = None
        try:
            response = await self._session.get(job_path(generation_id))
            url, _ = extract_outputs(response.json, "")[self._place]
        except OxenError as error:
            reason = f"{reason}, and the queue returned no other URL: {error}"
        except IndexError:
            pass
        if url is None:
            raise MediaError(reason, rejection.status, generation_id=generation_id)
        return url

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
            raise MediaError(
                f"the content in the response is invalid: {error}", generation_id=self.generation_id
            ) from error
        return None


class AsyncImage(AsyncMedia):
    """A picture."""

    __slots__ = ()
    _tag = '<img src="{}">'


class AsyncVideo(AsyncMedia):
    """A video."""

    __slots__ = ()
    _tag = '<video controls src="{}"></video>'


class AsyncAudio(AsyncMedia):
    """A sound."""

    __slots__ = ()
    _tag = '<audio controls src="{}"></audio>'


M = TypeVar("M", bound=AsyncMedia)


@dataclass(frozen=True, slots=True, repr=False)
class AsyncResult(Generic[M]):
    """What a call gives."""

    model: str | None
    """The model, as the hub names it in its answer."""
    created: int | None
    """When it was made, in Unix seconds; None where the hub does not say."""
    media: tuple[M, ...]
    """The files, in the order of the response."""
    response: Response = field(compare=False)
    """The response with the result: status, headers and JSON body. If an event ended the job, `json` is the
    data of the event, and there are no headers.
    """

    def __repr__(self) -> str:
        name = type(self).__name__
        key, _ = _PARTS[type(self)]
        return f"{name}(model={self.model!r}, created={self.created!r}, {key}={self.media!r})"

    def _repr_html_(self) -> str:
        return "".join(each._repr_html_() for each in self.media)  # pyright: ignore[reportPrivateUsage]


R = TypeVar("R", bound=AsyncResult[Any])


class AsyncImageResult(AsyncResult[AsyncImage]):
    """One or more pictures."""

    __slots__ = ()

    @property
    def images(self) -> tuple[AsyncImage, ...]:
        """The pictures, in the hub's order."""
        return self.media


class AsyncVideoResult(AsyncResult[AsyncVideo]):
    """One or more videos."""

    __slots__ = ()

    @property
    def videos(self) -> tuple[AsyncVideo, ...]:
        """The videos, in the hub's order."""
        return self.media


class AsyncAudioResult(AsyncResult[AsyncAudio]):
    """One or more sounds."""

    __slots__ = ()

    @property
    def audios(self) -> tuple[AsyncAudio, ...]:
        """The sounds, in the hub's order."""
        return self.media


AsyncAnyResult: TypeAlias = AsyncImageResult | AsyncVideoResult | AsyncAudioResult
"""The result of any model."""

# Under which key the hub has the files of a result, and what they are to its user.
_PARTS: dict[type[AsyncResult[Any]], tuple[str, type[AsyncMedia]]] = {
    AsyncImageResult: ("images", AsyncImage),
    AsyncVideoResult: ("videos", AsyncVideo),
    AsyncAudioResult: ("audios", AsyncAudio),
}


def result_of(
    kind: type[R], response: Response, session: AsyncSession, generation_id: str | None = None
) -> R:
    """Return the result in a response.

    Raises:
        UnexpectedResponseError: It holds no result.
    """
    key, medium = _PARTS[kind]
    outputs = extract_outputs(response.json, key, generation_id=generation_id, response=response)
    return kind(
        model_name(response.json),
        created_at(response.json),
        tuple(
            medium(url, encoded, session, generation_id, place)
            for place, (url, encoded) in enumerate(outputs)
        ),
        response,
    )


def answer_of(result: AsyncResult[Any]) -> dict[str, Any]:
    """What `result_of` makes this result of."""
    key, _ = _PARTS[type(result)]
    media = [{"url": each.url} if each.url else {"b64_json": each.b64_json} for each in result.media]
    return {"model": result.model, "created": result.created, key: media}


def result_type(request: RequestLike) -> type[AsyncAnyResult]:
    """Return the type of result that a request has, by its endpoint."""
    return _BY_FAMILY[request.endpoint.split("/")[1]]


_BY_FAMILY: dict[str, type[AsyncAnyResult]] = {
    "images": AsyncImageResult,
    "videos": AsyncVideoResult,
    "audio": AsyncAudioResult,
}


def media_type(kind: type[AsyncResult[Any]]) -> str | None:
    """What the queue calls such results; None for what it does not take."""
    key, _ = _PARTS[kind]
    return {"images": "image", "videos": "video"}.get(key)


def result_class(answer: Mapping[str, Any]) -> type[AsyncImageResult] | type[AsyncVideoResult]:
    """The kind of result of a job."""
    is_video = answer.get("media_type", "video" if "videos" in answer else "image") == "video"
    return AsyncVideoResult if is_video else AsyncImageResult


def _mime(encoded: str) -> str:
    """The media type of base64 content."""
    try:
        return sniff(a2b_base64(encoded[:128])) or "application/octet-stream"
    except ValueError:
        return "application/octet-stream"
