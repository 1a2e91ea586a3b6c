"""Earlier results, by the sidecars in the output folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from heapq import nlargest
from pathlib import Path
from typing import Any

from oxen_models._runtime.errors import MediaError
from oxen_models._runtime.json_schema.json_types import is_list, is_object
from oxen_models._runtime.provenance import SUFFIX, Sidecar, is_digest, sidecar

from .files import describe_file, find_file
from .responses import write_json
from .session import Session

MAX_ITEMS = 200
_MAX_SIDECAR_SIZE = 2**20


def read_history(session: Session) -> list[dict[str, Any]]:
    """Return the last results in the output folder as JSON, the newest first.

    Files without a sidecar and sidecars that cannot be read are omitted. Values have the paths of media that
    are kept, in place of their digests; other digests are omitted.
    """
    latest = nlargest(MAX_ITEMS, _find_sidecars(session.folder))
    found = [(file, origin) for _, name in latest for file, origin in _read(session.folder, name)]
    saved = {f"sha256:{origin.sha256}": str(file) for file, origin in found}
    items = (_describe(file, origin, {**saved, **session.media_paths}) for file, origin in found)
    return [item for item in items if item is not None]


def _find_sidecars(folder: Path) -> Iterator[tuple[int, str]]:
    """Yield the time and the name of each file that may be a sidecar."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    if status.st_size <= _MAX_SIDECAR_SIZE:
                        yield status.st_mtime_ns, entry.name
    except OSError:
        return


def _read(folder: Path, name: str) -> Iterator[tuple[Path, Sidecar]]:
    """Yield a file with its sidecar, unless one of them cannot be read."""
    file = find_file(folder, name.removesuffix(SUFFIX))
    if file is not None:
        try:
            origin = sidecar(file)
        except MediaError:
            return
        if isinstance(origin.model, str) and is_object(origin.body) and is_object(origin.extra_body):  # pyright: ignore[reportUnnecessaryIsInstance]
            yield file, origin


def _describe(file: Path, origin: Sidecar, paths: Mapping[str, str]) -> dict[str, Any] | None:
    created = origin.completed_at or origin.sent_at
    try:
        item = {
            **describe_file(file),
            "model": origin.model,
            "values": _restore({**origin.body, **origin.extra_body}, paths),
            "cost": origin.cost,
            "created": created.isoformat() if created else None,
        }
        write_json(item)
    except (ValueError, RecursionError):  # a number that is not finite, or deep nesting
        return None
    return item


def _restore(value: Any, paths: Mapping[str, str]) -> Any:
    """Return a value with the paths of media in place of their digests, without the digests of others."""
    if is_object(value):
        return {name: _restore(item, paths) for name, item in value.items() if not _is_lost(item, paths)}
    if is_list(value):
        return [_restore(item, paths) for item in value if not _is_lost(item, paths)]
    return paths.get(value, value) if isinstance(value, str) else value


def _is_lost(value: object, paths: Mapping[str, str]) -> bool:
    return is_digest(value) and value not in paths
