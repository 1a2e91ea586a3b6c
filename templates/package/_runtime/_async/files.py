"""Files that models made: their content, and how it is saved."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import ClassVar, overload
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from oxen_models._runtime.json_schema.diagnostics import describe_error

from ..arguments import check_flag, check_function
from ..errors import ConfigurationError, MediaError, OxenError
from ..generated_files import extract_files, media_key
from ..generations import Generation, parse_generation
from ..media_types import (
    HEAD_SIZE,
    UNKNOWN_TYPE,
    default_suffix,
    describe_other,
    detect_type,
    type_by_name,
)
from ..provenance import Origin, write_sidecar
from ..saving import BinaryWriter, Target, find_target, map_os_errors, warn_about_suffix
from ..text_chunks import count_base64, decode_base64
from ..urls import generation_path, job_path
from .concurrency import Callback, call_back
from .downloads import MAX_READ_LENGTH, MAX_SAVED_LENGTH
from .session import AsyncSession
from .threads import iterate_blocking, open_file, run_blocking

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
    _origin: Origin | None = field(default=None, repr=False, compare=False)
    """The blocking call that made the file; None for a job."""

    _kind: ClassVar[str] = ""
    """The kind of media, by which it is accepted as an input."""
    _tag: ClassVar[str] = ""
    _details: ClassVar[tuple[str, ...]] = ()
    """The fields of `GeneratedFile` that this kind of medium has as well."""

    @property
    def mime(self) -> str:
        """The media type, such as `image/png`: that of the content if the response contains it, else by the
        name in the URL; `application/octet-stream` if it is unknown.
        """
        try:
            content = self._decode_content()
            if content is not None:
                detected = detect_type(BytesIO(b"".join(chunk for chunk, _ in content)))
                return detected or self._type_by_name() or UNKNOWN_TYPE
        except ValueError:
            return UNKNOWN_TYPE
        return self._type_by_name() or UNKNOWN_TYPE

    @property
    def suffix(self) -> str:
        """The usual suffix of names of files of this media type, such as `.png`; `.bin` if it is unknown."""
        return default_suffix(self.mime)

    async def read(self) -> bytes:
        """Return the content.

        Raises:
            MediaError: The file could not be downloaded, is larger than 1 GiB, which `save()` accepts, is
                incomplete, or is not media but a page or another text.
        """
        content = BytesIO()  # grows in place, so that the content is in memory once
        async with aclosing(self._chunks(MAX_READ_LENGTH)) as chunks:
            async for chunk, _ in chunks:
                content.write(chunk)
        return content.getvalue()

    @overload
    async def save(
        self,
        path: str | PathLike[str],
        *,
        parents: bool = False,
        sidecar: bool = False,
        on_progress: Callback[int, int | None] | None = None,
    ) -> Path: ...
    @overload
    async def save(
        self, path: BinaryWriter, *, on_progress: Callback[int, int | None] | None = None
    ) -> None: ...
    async def save(
        self,
        path: str | PathLike[str] | BinaryWriter,
        *,
        parents: bool = False,
        sidecar: bool = False,
        on_progress: Callback[int, int | None] | None = None,
    ) -> Path | None:
        """Write the content to a file and return its path.

        An existing file is replaced atomically and keeps its mode; a symbolic link is followed. The content
        is written into a device or a pipe, and into an open file, after it was downloaded completely.

        Args:
            path: The path of the file; `~` is the home folder. In a folder, the file is named after the id of
                the job, or after its content if there is no job, with the suffix of its media type. A file
                that is open in binary mode is also accepted, and None is returned then.
            parents: Whether to create missing folders.
            sidecar: Whether to write a second file, with `.json` added to the name, that states how the file
                was made: model, parameters, job, times and cost. `oxen_models.sidecar(path)` reads it. The
                record of a job is requested for it.
            on_progress: Called during the download with the number of bytes so far and in total, which is
                None if the server does not send it.

        Raises:
            MediaError: The file could not be downloaded or written, is larger than 16 GiB, is incomplete, or
                is not media but a page or another text; or its sidecar could not be written.
            ConfigurationError: `path` is neither a path nor a file that is open for writing in binary mode,
                or it cannot have a sidecar, or another argument has another type.

        Emits `MediaTypeWarning` if the suffix of the path stands for another media type than the content has.
        Exceptions of `on_progress` are not caught. No partial file remains in any case.
        """
        check_flag("parents", parents)
        check_flag("sidecar", sidecar)
        if on_progress is not None:
            check_function("on_progress", on_progress)
        with map_os_errors(path):
            target = await run_blocking(find_target, path, self._index, parents=parents)
        if sidecar and target.is_stream:
            raise ConfigurationError("sidecar=True requires the path of a regular file")
        saved, contradiction = await self._save_to(target, on_progress)
        if sidecar:
            await self._write_sidecar(saved)
        warn_about_suffix(contradiction)
        return saved if target.writer is None else None

    def _repr_html_(self) -> str:
        """Return HTML for notebooks, which load the URL themselves."""
        source = self.url if self.b64_json is None else f"data:{self.mime};base64,{self.b64_json}"
        return self._tag.format(escape(source or ""))

    async def _write_sidecar(self, file: Path) -> None:
        try:
            source = await self._find_source()
            await run_blocking(write_sidecar, file, self._index, source)
        except (OxenError, OSError, ValueError) as error:
            raise MediaError(
                f"{str(file)!r} was saved, but not its sidecar: {describe_error(error)}",
                generation_id=self.generation_id,
            ) from error

    async def _find_source(self) -> Origin | Generation | None:
        """Return the blocking call, or the record of the job: in the history, which has the cost, or else in
        the queue.
        """
        id = self.generation_id
        if id is None:
            return self._origin
        try:
            return parse_generation(await self._session.get(generation_path(id)), id)
        except OxenError:
            return parse_generation(await self._session.get(job_path(id)), id)

    async def _save_to(
        self, target: Target, on_progress: Callback[int, int | None] | None = None
    ) -> tuple[Path, str | None]:
        """Return what `Target.commit` returns."""
        part = target.new_part()
        try:
            with map_os_errors(target.name):
                file = await open_file(part, "wb")
            try:
                written = 0
                buffer = bytearray()  # because each write is a step in a thread
                async with aclosing(self._chunks(MAX_SAVED_LENGTH)) as chunks:
                    async for chunk, length in chunks:
                        buffer += chunk
                        if len(buffer) >= WRITE_SIZE:
                            with map_os_errors(target.name):
                                await file.write(buffer)
                            buffer = bytearray()
                        written += len(chunk)
                        if on_progress is not None:
                            await call_back(on_progress, written, length)
                with map_os_errors(target.name):
                    await file.write(buffer)
            finally:
                with map_os_errors(target.name):
                    await file.aclose()
            with map_os_errors(target.name):
                return await run_blocking(
                    target.commit, part, self._index, self.generation_id, self._type_by_name()
                )
        finally:
            with suppress(OSError, ValueError):
                part.unlink()

    async def _chunks(self, max_length: int) -> AsyncGenerator[tuple[bytes, int | None]]:
        try:
            content = self._decode_content()
            if content is not None:
                async for decoded in iterate_blocking(_check_content(content)):
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

    def _type_by_name(self) -> str | None:
        """Return the media type by the URL, which names the type or a file; None if it does not."""
        if self.url is None:
            return None
        if self.url.startswith("data:"):
            return self.url[len("data:") :].partition(",")[0].partition(";")[0] or None
        with suppress(ValueError):
            return type_by_name(unquote(urlsplit(self.url).path))
        return None

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
        length = count_base64(encoded, start)
        return ((chunk, length) for chunk in decode_base64(encoded, start))


@dataclass(frozen=True, slots=True)
class AsyncImage(AsyncMedia):
    """An image."""

    revised_prompt: str | None = None
    """The prompt that the model used in place of the request's; None if the server does not return one."""

    _kind = "image"
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

    _kind = "video"
    _tag = '<video controls src="{}"></video>'
    _details = ("draft_task_id", "draft_expires_at")


class AsyncAudio(AsyncMedia):
    """A sound."""

    __slots__ = ()
    _kind = "audio"
    _tag = '<audio controls src="{}"></audio>'


def _check_content(chunks: Iterator[tuple[bytes, int | None]]) -> Iterator[tuple[bytes, int | None]]:
    """Yield the chunks of a file.

    Raises:
        ValueError: It is not media.
    """
    head = b""
    for chunk, length in chunks:
        head = head or chunk[:HEAD_SIZE]
        yield chunk, length
    if other := describe_other(head):
        raise ValueError(f"received {other}, not a media file")
