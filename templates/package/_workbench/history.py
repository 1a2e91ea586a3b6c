"""Earlier results, by the sidecars in the output folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from heapq import nlargest
from pathlib import Path
from typing import Any

from oxen_models._runtime.errors import MediaError
from oxen_models._runtime.provenance import SUFFIX, Sidecar, sidecar

from .files import describe_file, find_file
from .responses import write_json
from .session import format_dollars

MAX_ITEMS = 200
_MAX_SIDECAR_SIZE = 2**20


def read_history(folder: Path) -> list[dict[str, Any]]:
    """Return the last results in a folder as JSON, the newest first.

    Files without a sidecar and sidecars that cannot be read are left out.

    Args:
        folder: The output folder, which may not exist yet.
    """
    latest = nlargest(MAX_ITEMS, _find_sidecars(folder))
    items = (_describe(folder, name) for _, name in latest)
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


def _describe(folder: Path, name: str) -> dict[str, Any] | None:
    path = find_file(folder, name.removesuffix(SUFFIX))
    if path is None:
        return None
    try:
        found = sidecar(folder / name)
        item = {**describe_file(path), **_describe_origin(found)}
        write_json(item)  # raises for numbers that are not finite
    except (MediaError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return item


def _describe_origin(found: Sidecar) -> dict[str, Any]:
    if not isinstance(found.model, str) or not isinstance(found.body, dict):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError("the sidecar is not one of this package")
    created = found.completed_at or found.sent_at
    return {
        "model": found.model,
        "values": {**found.body, **found.extra_body},
        "cost": format_dollars(found.cost),
        "created": None if created is None else created.isoformat(),
    }
