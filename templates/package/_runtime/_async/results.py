"""Results of the generating endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from ..arguments import check_flag
from ..errors import ConfigurationError
from ..generated_files import GeneratedFile, extract_files, media_key
from ..parsing import created_at, model_name
from ..paths import expand_path
from ..provenance import Origin
from ..request import RequestLike
from ..responses import Response
from ..saving import DEFAULT_PATTERN, check_pattern, find_folder, map_os_errors, warn_about_suffix
from ..server_errors import is_error, parse_error, parse_job_error
from .files import AsyncAudio, AsyncImage, AsyncMedia, AsyncVideo
from .session import AsyncSession
from .threads import run_blocking

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
        """The error that the response or the record of the job contains beside the files, such as that of a
        second image; None without one.
        """
        body = self.response.json
        if "generation_id" in body:
            return parse_job_error(body).detail
        return parse_error(body).detail if is_error(body) else None

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.media)

    def __getitem__(self, index: int) -> MediaT:
        """Return a file by its index in the response."""
        return self.media[index]

    def __iter__(self) -> Iterator[MediaT]:
        """Return an iterator over the files, in the order of the response."""
        return iter(self.media)

    async def save_all(
        self,
        folder: str | PathLike[str],
        pattern: str = DEFAULT_PATTERN,
        *,
        start: int = 0,
        sidecar: bool = False,
    ) -> list[Path]:
        """Write all files into a folder, which is created if it does not exist, and return their paths.

        Args:
            folder: The path of the folder; `~` is the home folder.
            pattern: The names of the files: a format string with the fields `index`, which counts from
                `start`, `id` and `ext`, the suffix of the media type without a dot. `id` is the id of the
                job, or the start of the SHA-256 digest of the content if there is none; characters other than
                letters, digits, hyphens and underscores are replaced by underscores.
            start: The index of the first file, so that the names of several results are different.
            sidecar: Whether to write a file beside each one that states how it was made, as in `save()`.

        Raises:
            MediaError: A file could not be downloaded or written, as for `save()`. The files before it
                remain.
            ConfigurationError: `folder` is not a path, `start` is not an integer, `sidecar` is not a boolean,
                or `pattern` contains other fields, is not that of a file name, or names several files the
                same.
        """
        check_pattern(pattern, len(self))
        check_flag("sidecar", sidecar)
        if isinstance(start, bool) or not isinstance(start, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"start must be an integer, got {start!r:.40}")
        path = Path(expand_path("folder", folder))
        with map_os_errors(path):
            await run_blocking(path.mkdir, parents=True, exist_ok=True)
        saved: list[Path] = []
        for medium in self.media:
            target = find_folder(path, pattern, start)
            file, contradiction = await medium._save_to(target)  # pyright: ignore[reportPrivateUsage]
            if sidecar:
                await medium._write_sidecar(file)  # pyright: ignore[reportPrivateUsage]
            warn_about_suffix(contradiction)
            saved.append(file)
        return saved

    def _single(self) -> MediaT:
        if len(self.media) != 1:
            raise ValueError(f"the result has {len(self.media)} files; iterate over it, or use result[0]")
        return self.media[0]

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
    def image(self) -> AsyncImage:
        """The only image. Raises ValueError if there are several, because all of them are billed."""
        return self._single()

    @property
    def images(self) -> tuple[AsyncImage, ...]:
        """The images, in the order of the response."""
        return self.media


class AsyncVideoResult(AsyncResult[AsyncVideo]):
    """One or more videos."""

    __slots__ = ()

    @property
    def video(self) -> AsyncVideo:
        """The only video. Raises ValueError if there are several, because all of them are billed."""
        return self._single()

    @property
    def videos(self) -> tuple[AsyncVideo, ...]:
        """The videos, in the order of the response."""
        return self.media


class AsyncAudioResult(AsyncResult[AsyncAudio]):
    """One or more sounds."""

    __slots__ = ()

    @property
    def audio(self) -> AsyncAudio:
        """The only sound. Raises ValueError if there are several, because all of them are billed."""
        return self._single()

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
    kind: type[R],
    response: Response,
    session: AsyncSession,
    generation_id: str | None = None,
    origin: Origin | None = None,
) -> R:
    """Return the result in a response.

    Args:
        kind: The type of the result.
        response: The response.
        session: The session of the client.
        generation_id: The job of the result; None for a blocking call.
        origin: The blocking call; None for a job.

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
                file.url,
                file.b64_json,
                session,
                generation_id,
                index,
                origin,
                **_get_details(media_class, file),
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
    error = {} if result.error is None else {"error": result.error}
    return {"model": result.model, "created": result.created, key: media, **error}


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
