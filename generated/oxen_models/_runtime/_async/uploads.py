# Copied by oxen-codegen from templates/package/_runtime/_async/uploads.py. Do not edit.
"""Uploads of files that are too large to be sent in a request."""

from __future__ import annotations

import time

from ..bodies import Body
from ..errors import (
    ConfigurationError,
    HubTimeoutError,
    InvalidRequestError,
    NotFoundError,
    OxenError,
    Problem,
)
from ..local_media import LocalMedia, LocalMediaError
from ..media import mark_path
from ..media_sources import MediaSourceError, read_source
from ..request import AnyRequest, media_error
from ..settings import UPLOADS_PATH
from ..telemetry import observe
from ..uploads import (
    API_PATH,
    DOCUMENT_SUFFIX,
    Form,
    Upload,
    parse_asset_path,
    parse_repository,
    parse_url,
    sign_path,
    upload_error,
    upload_path,
)
from ..values import shorten
from .concurrency import Limiter
from .owner import current_loop_or_process
from .session import AsyncSession
from .threads import run_blocking


async def upload_media(
    session: AsyncSession, request: AnyRequest, body: Body | bytes, timeout: float | None
) -> Body | bytes:
    """Return the body of a request with URLs in place of the media that are too large for it.

    Args:
        session: The session of the client.
        request: The request, for errors.
        body: The body.
        timeout: Seconds to wait for each response; None for the client's timeout.

    Raises:
        InvalidRequestError: A file is too large and the client does not upload, or it cannot be read.
        UploadError: A file could not be uploaded.
    """
    if isinstance(body, bytes):
        return body
    settings = session.settings
    large = {
        name: medium
        for medium, name in body.list_media()
        if medium.size > settings.max_inline and not name.endswith(DOCUMENT_SUFFIX)
    }
    if not large:
        return body
    if not settings.uploads:
        limit = f"must have at most {settings.max_inline:,} bytes; create the client with uploads=True to "
        limit += "upload larger files or with a higher max_inline to send them, or pass a URL"
        problems = tuple(Problem(name, repr(medium), limit) for name, medium in large.items())
        raise InvalidRequestError(request.model_id, problems)
    urls: dict[str, str] = {}
    for name, medium in large.items():
        try:
            urls[name] = await _upload(session, medium, timeout)
        except LocalMediaError as error:
            raise media_error(request, name, medium, error) from None
    return body.replace_media(urls)


async def upload_file(session: AsyncSession, file: object) -> str:
    """Upload a file and return its URL. Arguments and errors are those of `AsyncClient.upload`."""
    try:
        source = await run_blocking(read_source, mark_path(file))
    except MediaSourceError as error:
        raise ConfigurationError(f"file={shorten(file)}: {error}") from None
    if source is None:
        raise ConfigurationError(
            "file must be a path, binary data, an open file, an image or a file of a result, "
            f"got {shorten(file)}"
        )
    mime, content = source
    if isinstance(content, str):
        return content
    if mime is None:
        raise ConfigurationError("file must be an image, a video, a sound or a PDF document")
    medium = LocalMedia(mime, content)
    try:
        return await _upload(session, medium, None)
    except LocalMediaError as error:
        raise ConfigurationError(f"{medium!r} was not uploaded: {error}") from None


async def _upload(session: AsyncSession, medium: LocalMedia, timeout: float | None) -> str:
    """Return a URL of a file, which is uploaded unless the client did so before.

    Raises:
        LocalMediaError: The file cannot be read any more, or has changed.
        ConfigurationError: There is no API key.
        UploadError: The server returned an error or could not be reached.
    """
    try:
        return await _find_url(session, medium, timeout)
    except ConfigurationError:
        raise
    except OxenError as error:
        raise upload_error(medium, error) from error


async def _find_url(session: AsyncSession, medium: LocalMedia, timeout: float | None) -> str:
    digest = await run_blocking(medium.digest)
    cache, limiters = session.uploads, session.upload_limiters
    key = (current_loop_or_process(), digest)  # a limiter cannot be shared between event loops
    # One upload per file at a time: the others use its URL.
    limiter = limiters.setdefault(key, Limiter(1))
    seconds = session.settings.request_timeout(UPLOADS_PATH, timeout)
    async with limiter.acquire(seconds) as is_acquired:
        if not is_acquired:
            raise HubTimeoutError("another upload of the same file did not end before the timeout")
        upload = cache.find(digest)
        try:
            if upload is None or upload.renew_at <= time.time():
                upload = await _request_url(session, Form(medium, digest), upload, seconds)
                cache.add(digest, upload)
        finally:
            limiters.pop(key, None)
    return upload.url


async def _request_url(session: AsyncSession, form: Form, known: Upload | None, timeout: float) -> Upload:
    repository = await _find_repository(session, timeout)
    if known is not None:
        try:
            return await _sign(session, repository, known.asset_path, timeout)
        except NotFoundError:  # the user deleted the file
            pass
    with observe("oxen.upload") as call:
        response = await session.upload(upload_path(repository), form, timeout)
        call.record("succeeded")
    return await _sign(session, repository, parse_asset_path(response), timeout)


async def _find_repository(session: AsyncSession, timeout: float) -> str:
    cache = session.uploads
    if cache.repository is None:
        response = await session.get("/users/me", timeout=timeout, base_path=API_PATH)
        cache.repository = parse_repository(response)
    return cache.repository


async def _sign(session: AsyncSession, repository: str, asset_path: str, timeout: float) -> Upload:
    path = sign_path(repository, asset_path)
    response = await session.get(path, timeout=timeout, base_path=API_PATH)
    return parse_url(response, asset_path)
