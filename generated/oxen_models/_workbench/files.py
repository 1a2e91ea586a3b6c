# Copied by oxen-codegen from templates/package/_workbench/files.py. Do not edit.
"""Files of the output folder and of the page, which a browser shows."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any
from urllib.parse import quote

from oxen_models._runtime.json_schema.media_kinds import KINDS
from oxen_models._runtime.media_types import (
    HEAD_SIZE,
    UNKNOWN_TYPE,
    describe_other,
    detect_type,
    type_by_name,
)
from starlette.responses import FileResponse

from .responses import RequestError
from .session import Session

URL = "/files/"
# They apply if a browser opens a file as a page. In the sandbox, an SVG image runs no scripts.
_POLICY = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_IMAGE_POLICY = f"{_POLICY}; sandbox"


def describe_file(path: Path) -> dict[str, Any]:
    """Return a file as JSON, with the type that its name stands for."""
    media_type = type_by_name(path.name) or UNKNOWN_TYPE
    return {
        "url": f"{URL}{quote(path.name)}",
        "name": path.name,
        "kind": find_kind(media_type),
        "media_type": media_type,
    }


def find_kind(media_type: str) -> str:
    """Return image, video or audio, or file for any other type."""
    kind = media_type.partition("/")[0]
    return kind if kind in KINDS else "file"


def respond_file(session: Session, name: str) -> FileResponse:
    """Return the response with a file.

    Args:
        session: The session.
        name: The name of a file in the output folder or in that of the page.

    Raises:
        RequestError: There is no such file, or it is not an image, a video or a sound.
    """
    for folder in (session.folder, session.media_folder):
        path = find_file(folder, name)
        media_type = None if path is None else _detect(path)
        if path is not None and media_type is not None:
            policy = _IMAGE_POLICY if find_kind(media_type) == "image" else _POLICY
            headers = {"Content-Security-Policy": policy}
            return FileResponse(path, headers=headers, media_type=media_type)
    raise RequestError(404, "missing", f"there is no file {name!r:.80}")


def find_file(folder: Path, name: str) -> Path | None:
    """Return the path of a visible regular file in a folder; None without one. Links are not followed."""
    if name != Path(name).name or name.startswith(".") or "\\" in name or "\0" in name:
        return None
    path = folder / name
    try:
        return path if stat.S_ISREG(os.lstat(path).st_mode) else None
    except OSError:
        return None


def _detect(path: Path) -> str | None:
    """Return the media type of a file; None if it is not an image, a video or a sound."""
    try:
        with path.open("rb") as file:
            media_type = detect_type(file)
            file.seek(0)
            head = file.read(HEAD_SIZE)
    except OSError:
        return None
    if media_type is None and describe_other(head) is None:  # such as PCM, which has no signature
        media_type = type_by_name(path.name)
    return media_type if media_type is not None and find_kind(media_type) in KINDS else None
