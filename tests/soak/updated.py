"""`oxen-codegen update`, killed again and again: all of it is there after the next command, or nothing."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from oxen_models.testing import Hub

from .child import run

_LEAST_KILLS = 25
_PROMPT = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}
_NARROWED = {**_PROMPT, "properties": {"prompt": {"type": "string", "maxLength": 99}}}
_OLD = ("carver", "drawer", "etcher", "painter", "sketcher")
_NEW = ("drawer", "etcher", "moulder", "painter", "sketcher")


def lines(random: Random) -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Hub(_catalogue(Path(folder, "old"), _OLD, {})) as old,
        Hub(_catalogue(Path(folder, "new"), _NEW, {"painter": _NARROWED})) as new,
        # What is killed leaves its temporary files where it had them.
        patch.dict(os.environ, {"OXEN_API_KEY": "soak", "TMPDIR": folder}),
    ):
        found = run("updated", folder, old.url, new.url, str(random.random()), seconds=120)
    assert found["kills"] >= _LEAST_KILLS, f"{found}: too few kills for this soak"
    assert {"old", "new"} <= found.keys(), f"{found}: not both ends"
    left = sum(count for name, count in found.items() if name.startswith("left: "))
    assert left, f"{found}: never killed while the package was moved"
    yield (
        f"{found['kills']} times killed, {left} of them while the package was moved; after the next command "
        f"all was as before {found['old']} times and all was new {found['new']} times, "
        f"{found['seconds']:.0f} s"
    )


def _catalogue(folder: Path, models: tuple[str, ...], schemas: Mapping[str, object]) -> Path:
    folder.mkdir()
    for each in models:
        model: dict[str, Any] = {"id": each, "endpoint": "/images/generate"}
        model["json_request_schema"] = schemas.get(each, _PROMPT)
        (folder / f"{each}.json").write_text(json.dumps(model), encoding="utf-8")
    return folder
