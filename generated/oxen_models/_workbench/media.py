# Copied by oxen-codegen from templates/package/_workbench/media.py. Do not edit.
"""Files that the page sends, as inputs of requests."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path, PureWindowsPath
from secrets import token_hex
from typing import Any

import anyio
from anyio.to_thread import run_sync
from oxen_models._runner.limits import MAX_FILE_SIZE
from oxen_models._runtime.atomic_file import new_part
from oxen_models._runtime.media_sources import PDF_TYPE, MediaSourceError, read_source
from oxen_models._runtime.media_types import default_suffix

from .files import describe_file
from .responses import RequestError
from .session import Session

_MAX_STEM_LENGTH = 60
MAX_TOTAL_SIZE = 2**30
"""Bytes of all files of a session."""
_MAX_READ_SIZE = 2**28
"""Bytes of a file that is too large, which are read because browsers show no response before that."""


async def keep_media(session: Session, name: str, chunks: AsyncIterator[bytes]) -> dict[str, Any]:
    """Write a file into the folder of the page, and return its path and its URL.

    Args:
        session: The session.
        name: The name of the original.
        chunks: The content.

    Raises:
        RequestError: It is too large, is not media, or cannot be written. Nothing is kept.
    """
    part = new_part(session.media_folder)
    try:
        await _write(part, chunks)
        return await run_sync(_keep, session, part, name)
    except OSError as error:
        raise RequestError(507, "storage", f"the file could not be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


async def _write(part: Path, chunks: AsyncIterator[bytes]) -> None:
    size = 0
    async with await anyio.open_file(part, "xb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size <= MAX_FILE_SIZE:
                await file.write(chunk)
            elif size > _MAX_READ_SIZE:
                break
    if size > MAX_FILE_SIZE:
        raise RequestError(
            413, "size", f"a file must have at most {MAX_FILE_SIZE:,} bytes; pass the URL of a larger one"
        )


def _keep(session: Session, part: Path, name: str) -> dict[str, Any]:
    """Move a complete file to its name, with the suffix of its type."""
    if _measure(session.media_folder) > MAX_TOTAL_SIZE:
        raise RequestError(507, "storage", f"the files of a session have at most {MAX_TOTAL_SIZE:,} bytes")
    try:
        source = read_source(part)
    except MediaSourceError as error:
        raise RequestError(422, "invalid", str(error)) from None
    media_type = None if source is None else source[0]
    if media_type is None:
        raise RequestError(422, "invalid", "the file must be an image, a video, a sound or a PDF document")
    stem = re.sub("[^A-Za-z0-9_-]+", "_", PureWindowsPath(name).stem)[:_MAX_STEM_LENGTH]
    suffix = ".pdf" if media_type == PDF_TYPE else default_suffix(media_type)
    path = session.media_folder / f"{token_hex(4)}_{stem}{suffix}"
    with part.open("rb") as content:
        digest = file_digest(content, "sha256").hexdigest()
    part.rename(path)
    session.media_paths[f"sha256:{digest}"] = str(path)
    return {"path": str(path), **describe_file(path)}


def _measure(folder: Path) -> int:
    """Return the bytes of the files in a folder."""
    size = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # another thread has just moved the file to its name
                size += entry.stat().st_size
    return size
