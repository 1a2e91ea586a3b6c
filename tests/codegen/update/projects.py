"""A project, as `update` finds it and leaves it."""

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
WHERE = "/api/ai/models"


def everything(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """All that is there, and when it was last touched."""
    return {
        str(each.relative_to(folder)): (
            each.stat().st_mtime_ns,
            each.read_bytes() if each.is_file() else None,
        )
        for each in (folder, *folder.rglob("*"))
    }


def schemas(project: Path) -> Path:
    return project / "generated" / "ours" / "schemas"


def record(project: Path, model_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((schemas(project) / f"{model_id}.json").read_text())
    return found


def changelog(project: Path) -> str:
    return (project / "CHANGELOG.md").read_text(encoding="utf-8")


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def is_clean(project: Path) -> bool:
    """Whether the package is what the schemas say, and nothing of ours lies beside it."""
    assert [each.name for each in (project / "generated").iterdir()] == ["ours"]
    assert not list(project.glob(".*"))
    return CliRunner().invoke(main, ["check"]).exit_code == 0
