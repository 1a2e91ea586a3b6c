"""The README's Python, run from top to bottom in one program, against the stand-in."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers.models import make_model, object_schema
from oxen_models import Job, Oxen
from oxen_models.testing import Hub
from PIL import Image

README = Path(__file__).parents[2] / "README.md"


def test_the_python_of_the_readme_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = README.read_text(encoding="utf-8").partition("## Your own models\n")[0]  # test_extension.py
    programs = re.findall(r"```python\n(.*?)```", everything, re.DOTALL)
    Image.new("RGB", (8, 8)).save(tmp_path / "dog.png")
    (tmp_path / "prompts.txt").write_text("A hat\nA coat\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OXEN_API_KEY", "any")
    known: dict[str, object] = {}
    with ExitStack() as clients, Hub(speed=100) as hub:
        hub.add_model(
            make_model(
                "any-id", object_schema(prompt={"type": "string"}, **{"cfg-scale": {"type": "number"}})
            )
        )
        monkeypatch.setattr("oxen_models._runtime.settings.DEFAULT_BASE_URL", hub.url)
        for program in programs:
            exec(compile(program, str(README), "exec"), known)
            oxen = known["oxen"]
            assert isinstance(oxen, Oxen)
            clients.callback(oxen.close)
    job = known["job"]
    assert isinstance(job, Job)
    assert job.status == "succeeded"
    pictures = {file.name for file in tmp_path.glob("*.png")}
    assert pictures == {"dog.png", "hat.png", "snow.png", "0.png", "1.png"}
