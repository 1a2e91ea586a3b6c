"""The files that the server saved, as resources."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import mcp_types as types
from oxen_models._runtime.media_types import UNKNOWN_TYPE, type_by_name

MAX_READ_SIZE = 50 * 2**20
"""Bytes of a file that a client can read as a resource; a larger one can be opened by its path."""
_MAX_LISTED = 50


class SavedFiles:
    """The files that the server saved since it was started. No other file can be read."""

    def __init__(self) -> None:
        self._paths: dict[str, Path] = {}

    def add(self, path: Path) -> types.ResourceLink:
        """Add a file and return its link."""
        uri = path.resolve().as_uri()
        self._paths.pop(uri, None)
        self._paths[uri] = path
        return types.ResourceLink(uri=uri, name=path.name, mime_type=_find_type(path))

    def list(self) -> types.ListResourcesResult:
        """Return the links of the last files, the newest first."""
        latest = list(reversed(self._paths.items()))[:_MAX_LISTED]
        return types.ListResourcesResult(
            resources=[
                types.Resource(uri=uri, name=path.name, mime_type=_find_type(path)) for uri, path in latest
            ]
        )

    def read(self, uri: str) -> types.ReadResourceResult:
        """Return the content of a file.

        Raises:
            LookupError: The server did not save it.
            ValueError: It is too large.
            OSError: It cannot be read.
        """
        path = self._paths[uri]
        size = path.stat().st_size
        if size > MAX_READ_SIZE:
            raise ValueError(
                f"{path.name} has {size} bytes; at most {MAX_READ_SIZE} can be read as a resource"
            )
        blob = b64encode(path.read_bytes()).decode()
        content = types.BlobResourceContents(uri=uri, mime_type=_find_type(path), blob=blob)
        return types.ReadResourceResult(contents=[content])


def _find_type(path: Path) -> str:
    return type_by_name(path.name) or UNKNOWN_TYPE
