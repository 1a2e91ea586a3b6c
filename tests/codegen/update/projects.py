"""A project before and after `update`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from oxen_codegen.cli import main

MODELS = ("carver", "drawer", "painter", "sketcher", "talker")
PROJECT = """
[tool.oxen-codegen]
package = "ours"
[tool.oxen-codegen.successors]
carver = "painter"
"""
NARROWED = {
    "type": "object",
    "properties": {"prompt": {"type": "string"}, "size": {"enum": ["s", "m"]}},
    "required": ["prompt", "size"],
}
LIST_PATH = "/api/ai/models"


def take_snapshot(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Return the modification time and the content of everything in a folder, by path."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else None,
        )
        for path in (folder, *folder.rglob("*"))
    }


def schemas_folder(project: Path) -> Path:
    return project / "generated" / "ours" / "schemas"


def read_record(project: Path, model_id: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((schemas_folder(project) / f"{model_id}.json").read_text())
    return record


def read_changelog(project: Path) -> str:
    return (project / "CHANGELOG.md").read_text(encoding="utf-8")


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def is_up_to_date(project: Path) -> bool:
    """Return whether the package is up to date; fail if temporary files are left beside it."""
    assert [path.name for path in (project / "generated").iterdir()] == ["ours"]
    assert not list(project.glob(".*"))
    return CliRunner().invoke(main, ["check"]).exit_code == 0
