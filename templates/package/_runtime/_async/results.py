"""Results of the generating endpoints, and the media in them."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from io import BytesIO
from os import PathLike
from pathlib import Path
from secrets import token_hex
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar
from urllib.parse import unquote, unquote_to_bytes

from ..bodies import decode_base64
from ..errors import MediaError, OxenError
from ..generated_files import GeneratedFile, extract_files, media_key
from ..media import sniff
from ..parsing import created_at, model_name
from ..request import RequestLike
from ..responses import Response
from ..saving import map_os_errors
from ..server_errors import is_error, parse_error
from ..urls import job_path
from .concurrency import iterate_blocking, open_file, run_blocking
from .downloads import MAX_READ_LENGTH, MAX_SAVED_LENGTH
from .session import AsyncSession

WRITE_SIZE = 2**20
# Statuses with which servers reject an expired URL.
_EXPIRED_STATUSES = frozenset({400, 401, 403, 404, 410})


@dataclass(frozen=True, slots=True)
class AsyncMedia:
    """A file that a model made: at a URL that expires, or contained in the response."""

    url: str | None
    """The URL, which expires; None with `response_format="b64_json"`."""
    b64_json: str | None = field(repr=False)
    """The content in base64; None with `response_format="url"`."""
    _session: AsyncSession = field(repr=False, compare=False)
    generation_id: str | None = None
    """The id of the job that made the file; None for a blocking call. The job has a new URL when this one
    has expired.
    """
    _index: int = field(default=0, repr=False)
    """The index of the file among those of the job."""

    _tag: ClassVar[str] = ""
    _details: ClassVar[tuple[str, ...]] = ()
    """The fields of `GeneratedFile` that this kind of medium has as well."""

    async def read(self) -> bytes:
        """Return the content.

        Raises:
            MediaError: The file could not be downloaded, or is larger than 1 GiB, which `save()` accepts.
        """
        content = BytesIO()  # grows in place, so that the content is in memory once
        async with aclosing(self._chunks(MAX_READ_LENGTH)) as chunks:
            async for chunk, _ in chunks:
                content.write(chunk)
        return content.getvalue()

    async def save(
        self, path: str | PathLike[str], *, on_progress: Callable[[int, int | None], object] | None = None
    ) -> Path:
        """Write the content to a file and return its path. An existing file is replaced atomically.

        Args:
            path: The path of the file.
            on_progress: Called during the download with the number of bytes so far and in total, which is
                None if the server does not send it.

        Raises:
            MediaError: The file could not be downloaded or written, or is larger than 16 GiB.

        Exceptions of `on_progress` are not caught. No partial file remains in any case.
        """
        target = Path(path)
        part = target.parent / f".{token_hex(8)}.part"
        try:
            with map_os_errors(target):
                file = await open_file(part, "wb")
            try:
                written = 0
                buffer = bytearray()  # because each write is a step in a thread
                async with aclosing(self._chunks(MAX_SAVED_LENGTH)) as chunks:
                    async for chunk, length in chunks:
                        buffer += chunk
                        if len(buffer) >= WRITE_SIZE:
                            with map_os_errors(target):
                                await file.write(buffer)
                            buffer = bytearray()
                        written += len(chunk)
                        if on_progress is not None:
                            on_progress(written, length)
                with map_os_errors(target):
                    await file.write(buffer)
            finally:
                with map_os_errors(target):
                    await file.aclose()
            with map_os_errors(target):
                await run_blocking(part.replace, target)
        finally:
            with suppress(OSError, ValueError):
                part.unlink()
        return target

    def _repr_html_(self) -> str:
        """Return HTML for notebooks, which load the URL themselves."""
        source = self.url if self.b64_json is None else f"data:{_mime(self.b64_json)};base64,{self.b64_json}"
        return self._tag.format(escape(source or ""))

    async def _chunks(self, max_length: int) -> AsyncGenerator[tuple[bytes, int | None]]:
        try:
            content = self._decode_content()
            if content is not None:
                async for decoded in iterate_blocking(content):
                    yield decoded
                return
        except ValueError as error:
            raise MediaError(
                f"the content in the response is invalid: {error}", generation_id=self.generation_id
            ) from error
        if self.url is None:
            raise MediaError(
                "the response contains neither a URL nor the content", generation_id=self.generation_id
            )
        try:
            async with aclosing(self._session.download(self.url, self.generation_id, max_length)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        except MediaError as error:
            if self.generation_id is None or error.status not in _EXPIRED_STATUSES:
                raise
            rejection = error
        url = await self._renew_url(self.generation_id, rejection)
        async with aclosing(self._session.download(url, self.generation_id, max_length)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _renew_url(self, generation_id: str, rejection: MediaError) -> str:
        """Return the URL that the queue has now, after the download from an expired one was rejected."""
        reason = str(rejection.args[0])
        url: str | None = None
        try:
            response = await self._session.get(job_path(generation_id))
            url = extract_files(response.json, media_key(response.json))[self._index].url
        except OxenError as error:
            reason = f"{reason}, and the queue returned no other URL: {error}"
        except IndexError:
            pass
        if url is None:
            raise MediaError(reason, rejection.status, generation_id=generation_id)
        return url

    def _decode_content(self) -> Iterator[tuple[bytes, int | None]] | None:
        """Return the content in chunks with the total length, as `_chunks` does; None if it is at a URL.

        Raises:
            ValueError: The content is not valid, which the iterator also raises.
        """
        encoded, start = self.b64_json, 0
        if encoded is None:
            if self.url is None or not self.url.startswith("data:"):
                return None
            head, comma, data = self.url.partition(",")
            if not comma:
                raise ValueError("a data: URL without data")
            if not head.endswith(";base64"):
                content = unquote_to_bytes(data)
                return iter([(content, len(content))])
            encoded, start = (unquote(data), 0) if "%" in data else (self.url, len(head) + 1)
        length = (len(encoded) - start) // 4 * 3 - encoded[-2:].count("=")
        return ((chunk, length) for chunk in decode_base64(encoded, start))


@dataclass(frozen=True, slots=True)
class AsyncImage(AsyncMedia):
    """An image."""

    revised_prompt: str | None = None
    """The prompt that the model used in place of the request's; None if the server does not return one."""

    _tag = '<img src="{}">'
    _details = ("revised_prompt",)


@dataclass(frozen=True, slots=True)
class AsyncVideo(AsyncMedia):
    """A video."""

    draft_task_id: str | None = None
    """The id of a draft, from which the final video can be rendered; None if the video is not a draft."""
    draft_expires_at: datetime | None = None
    """The time until which the draft can be rendered, with a time zone; None if the video is not a draft, or
    the server returns anything but an ISO 8601 time.
    """

    _tag = '<video controls src="{}"></video>'
    _details = ("draft_task_id", "draft_expires_at")


class AsyncAudio(AsyncMedia):
    """A sound."""

    __slots__ = ()
    _tag = '<audio controls src="{}"></audio>'


MediaT = TypeVar("MediaT", bound=AsyncMedia)


@dataclass(frozen=True, slots=True, repr=False)
class AsyncResult(Generic[MediaT]):
    """The result of a call or of a job."""

    model: str | None
    """The model, as the response names it."""
    created: int | None
    """When the result was made, in Unix seconds; None if the response does not contain it."""
    media: tuple[MediaT, ...]
    """The files, in the order of the response."""
    response: Response = field(compare=False)
    """The response with the result: status, headers and JSON body. If an event ended the job, `json` is the
    data of the event, and there are no headers.
    """

    @property
    def error(self) -> str | None:
        """The error that the response contains beside the files, such as that of a second image; None
        without one.
        """
        return parse_error(self.response.json).detail if is_error(self.response.json) else None

    def __repr__(self) -> str:
        name = type(self).__name__
        key, _ = _MEDIA[type(self)]
        return f"{name}(model={self.model!r}, created={self.created!r}, {key}={self.media!r})"

    def _repr_html_(self) -> str:
        return "".join(medium._repr_html_() for medium in self.media)  # pyright: ignore[reportPrivateUsage]


R = TypeVar("R", bound=AsyncResult[Any])


class AsyncImageResult(AsyncResult[AsyncImage]):
    """One or more images."""

    __slots__ = ()

    @property
    def images(self) -> tuple[AsyncImage, ...]:
        """The images, in the order of the response."""
        return self.media


class AsyncVideoResult(AsyncResult[AsyncVideo]):
    """One or more videos."""

    __slots__ = ()

    @property
    def videos(self) -> tuple[AsyncVideo, ...]:
        """The videos, in the order of the response."""
        return self.media


class AsyncAudioResult(AsyncResult[AsyncAudio]):
    """One or more sounds."""

    __slots__ = ()

    @property
    def audios(self) -> tuple[AsyncAudio, ...]:
        """The sounds, in the order of the response."""
        return self.media


AsyncAnyResult: TypeAlias = AsyncImageResult | AsyncVideoResult | AsyncAudioResult
"""The result of any model."""

# The key of the files in a response, and their class.
_MEDIA: dict[type[AsyncResult[Any]], tuple[str, type[AsyncMedia]]] = {
    AsyncImageResult: ("images", AsyncImage),
    AsyncVideoResult: ("videos", AsyncVideo),
    AsyncAudioResult: ("audios", AsyncAudio),
}
# By the first part of an endpoint, and by the key of the files.
_RESULT_TYPES: dict[str, type[AsyncAnyResult]] = {
    "images": AsyncImageResult,
    "videos": AsyncVideoResult,
    "audio": AsyncAudioResult,
    "audios": AsyncAudioResult,
}


def parse_result(
    kind: type[R], response: Response, session: AsyncSession, generation_id: str | None = None
) -> R:
    """Return the result in a response.

    Raises:
        UnexpectedResponseError: The response contains no result.
    """
    key, media_class = _MEDIA[kind]
    files = extract_files(response.json, key, generation_id=generation_id, response=response)
    return kind(
        model_name(response.json),
        created_at(response.json),
        tuple(
            media_class(
                file.url, file.b64_json, session, generation_id, index, **_get_details(media_class, file)
            )
            for index, file in enumerate(files)
        ),
        response,
    )


def result_to_json(result: AsyncResult[Any]) -> dict[str, Any]:
    """Return the JSON object that `parse_result` converts to this result."""
    key, media_class = _MEDIA[type(result)]
    media: list[dict[str, str | None]] = []
    for medium in result.media:
        content = {"url": medium.url} if medium.url else {"b64_json": medium.b64_json}
        details = _get_details(media_class, medium).items()
        media.append({**content, **{name: str(value) for name, value in details if value is not None}})
    return {"model": result.model, "created": result.created, key: media}


def result_type(request: RequestLike) -> type[AsyncAnyResult]:
    """Return the type of the result of a request, by its endpoint."""
    return _RESULT_TYPES[request.endpoint.split("/")[1]]


def job_result_type(record: Mapping[str, Any]) -> type[AsyncAnyResult]:
    """Return the type of the result of a job, by the record of the job."""
    return _RESULT_TYPES[media_key(record)]


def media_type(kind: type[AsyncResult[Any]]) -> str:
    """Return the media type of results in the queue."""
    key, _ = _MEDIA[kind]
    return key.removesuffix("s")


def _get_details(media_class: type[AsyncMedia], source: GeneratedFile | AsyncMedia) -> dict[str, Any]:
    names = media_class._details  # pyright: ignore[reportPrivateUsage]
    return {name: getattr(source, name) for name in names}


def _mime(b64_json: str) -> str:
    """Return the media type of base64 content."""
    try:
        return sniff(a2b_base64(b64_json[:128])) or "application/octet-stream"
    except ValueError:
        return "application/octet-stream"
