"""README and guides: every Python block runs from top to bottom against the stand-in."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers.docs import PAGES, ROOT, read_program
from helpers.models import make_model, object_schema
from oxen_models import Oxen
from oxen_models.testing import Hub
from PIL import Image

SAVED = {
    "README.md": {"hat.png", "snow.png", "0.png", "1.png"},
    "docs/batch.md": {"hat-0.png"},
    "docs/jobs.md": {"snow.mp4"},
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_programs_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of a page run as they are written and save the files that they name."""
    Image.new("RGB", (8, 8)).save(tmp_path / "dog.png")
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "pictures" / "cat.png")
    (tmp_path / "prompts.txt").write_text("A hat\nA coat\n")
    before = set(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OXEN_API_KEY", "any")
    variables: dict[str, object] = {}
    with ExitStack() as clients, Hub(speed=100) as hub:
        schema = object_schema(prompt={"type": "string"}, **{"cfg-scale": {"type": "number"}})
        hub.add_model(make_model("any-id", schema))
        monkeypatch.setattr("oxen_models._runtime.settings.DEFAULT_BASE_URL", hub.url)
        exec(compile(read_program(page), str(page), "exec"), variables)
        for value in variables.values():
            if isinstance(value, Oxen):
                clients.callback(value.close)
    saved = {file.name for file in set(tmp_path.iterdir()) - before if file.suffix in (".png", ".mp4")}
    assert saved == SAVED.get(page.relative_to(ROOT).as_posix(), set())


def test_readme_has_at_most_700_words() -> None:
    """The README stays short enough to be read."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 700
