"""README and guides: every Python block runs from top to bottom against the stand-in."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers.docs import PAGES, ROOT, read_program
from helpers.models import make_model, object_schema
from helpers.program_server import COMMAND_LINE, ProgramServer
from oxen_models import Oxen
from oxen_models.testing import Hub
from PIL import Image

SAVED = {
    "README.md": {"hat.png", "snow.png", "0.png", "1.png"},
    "docs/batch.md": {"hat-0.png"},
    "docs/compare.md": {"sheet.png"},
    "docs/index.md": {"hat.png", "snow.png"},
    "docs/jobs.md": {"snow.mp4"},
    "docs/prices.md": {"snow.png"},
}


def write_inputs(folder: Path) -> set[Path]:
    """Write the files that the programs read, and return the content of the folder."""
    Image.new("RGB", (8, 8)).save(folder / "dog.png")
    (folder / "pictures").mkdir()
    Image.new("RGB", (8, 8)).save(folder / "pictures" / "cat.png")
    (folder / "prompts.txt").write_text("A hat\nA coat\n")
    return set(folder.iterdir())


def find_saved(folder: Path, before: set[Path]) -> set[str]:
    """Return the names of the images and videos that were saved."""
    return {file.name for file in set(folder.iterdir()) - before if file.suffix in (".png", ".mp4")}


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_programs_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of a page run as they are written and save the files that they name."""
    before = write_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OXEN_API_KEY", "any")
    variables: dict[str, object] = {}
    with ExitStack() as clients, Hub(speed=100) as hub:
        schema = object_schema(prompt={"type": "string"}, **{"cfg-scale": {"type": "number"}})
        hub.add_model(make_model("any-id", schema))
        film = make_model("bytedance-seedance-2-5-text-to-video", schema, endpoint="/videos/generate")
        hub.add_model({**film, "capabilities": {"input": ["text"], "output": ["video"]}})
        monkeypatch.setenv("OXEN_BASE_URL", f"{hub.url}/api/ai")
        exec(compile(read_program(page), str(page), "exec"), variables)
        for value in variables.values():
            if isinstance(value, Oxen):
                clients.callback(value.close)
    assert find_saved(tmp_path, before) == SAVED.get(page.relative_to(ROOT).as_posix(), set())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one child")
@pytest.mark.slow
def test_readme_runs_with_exported_variables(programs: ProgramServer, tmp_path: Path) -> None:
    """With the variables that the stand-in's command prints, the programs of the README run unchanged."""
    before = write_inputs(tmp_path)
    with programs.start(COMMAND_LINE.replace("oxen_models", "oxen_models.testing")) as server:
        lines = [server.stdout.readline().strip() for _ in range(2)]
        variables = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        done = programs.run(read_program(ROOT / "README.md"), os.environ | variables, tmp_path)
        server.send_signal(signal.SIGINT)
        server.wait()
    assert variables.keys() == {"OXEN_API_KEY", "OXEN_BASE_URL"}
    assert done.code == 0, done.errors
    assert find_saved(tmp_path, before) == SAVED["README.md"]


def test_readme_has_at_most_700_words() -> None:
    """The README stays short enough to be read."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 700
