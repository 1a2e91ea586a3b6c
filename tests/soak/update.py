"""Kill `oxen-codegen update` at many instants: the next command completes or undoes all that it began."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from unittest.mock import patch

from helpers.models import PROMPT_SCHEMA, make_model
from oxen_models.testing import Hub

from .process import run_program

_MIN_KILLS = 25
_NARROWED = {**PROMPT_SCHEMA, "properties": {"prompt": {"type": "string", "maxLength": 99}}}
_OLD = ("carver", "drawer", "etcher", "painter", "sketcher")
_NEW = ("drawer", "etcher", "moulder", "painter", "sketcher")


def run(random: Random) -> Iterator[str]:
    """Run the program and yield a report."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Hub(_write_catalogue(Path(folder, "old"), _OLD, {})) as old,
        Hub(_write_catalogue(Path(folder, "new"), _NEW, {"painter": _NARROWED})) as new,
        # Killed processes leave temporary files, which are deleted with the folder.
        patch.dict(os.environ, {"OXEN_API_KEY": "soak", "TMPDIR": folder}),
    ):
        found = run_program("update", folder, old.url, new.url, str(random.random()), timeout=600)
    assert found["kills"] >= _MIN_KILLS, f"too few kills: {found}"
    assert {"old", "new"} <= found.keys(), f"the package was never undone or never completed: {found}"
    left = sum(count for name, count in found.items() if name.startswith("left: "))
    assert left, f"update was never killed while it replaced the package: {found}"
    yield (
        f"{found['kills']} kills, {left} of them while the package was replaced; the next command restored "
        f"the old package {found['old']} times and completed the new one {found['new']} times, "
        f"{found.get('refused', 0)} commands that write nothing refused; {found['seconds']:.0f} s"
    )


def _write_catalogue(folder: Path, ids: tuple[str, ...], schemas: Mapping[str, object]) -> Path:
    """Write a model for each id, with its schema from `schemas` or else one with a prompt."""
    folder.mkdir()
    for model_id in ids:
        model = make_model(model_id, schemas.get(model_id, PROMPT_SCHEMA))
        (folder / f"{model_id}.json").write_text(json.dumps(model), encoding="utf-8")
    return folder
