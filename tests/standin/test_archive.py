"""The package in an archive: a program that is one zip file finds the schemas, the models and the media."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib import import_module
from importlib.util import cache_from_source
from pathlib import Path

import oxen_models
import pytest
from helpers.lean import python_path

PACKAGE = Path(oxen_models.__file__).parent
PROGRAM = """
import oxen_models
from oxen_models import Oxen, catalog
from oxen_models.images import QwenImageRequest
from oxen_models.testing import Hub

assert ".zip" in oxen_models.__file__
assert "prompt" in oxen_models.schema("qwen-image")["properties"]
assert QwenImageRequest.model_json_schema() == oxen_models.schema("qwen-image")
assert catalog.get("qwen-image").module
with Hub() as hub, Oxen("any-key", base_url=hub.url) as oxen:
    job = oxen.submit(QwenImageRequest(prompt="x"))
    assert len(job.result().images[0].read()) > 1000
    assert len(oxen.videos.wan_v2_7_text_to_video.generate(prompt="x").videos[0].read()) > 1000
    assert oxen.model("qwen-image").generate(prompt="x").images
print("done")
"""


@pytest.mark.slow
def test_program_in_an_archive_works(tmp_path: Path) -> None:
    """A zip file with the package and a program runs."""
    archive = tmp_path / "program.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in PACKAGE.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                file.write(path, path.relative_to(PACKAGE.parent))
                cached = Path(cache_from_source(path))
                if path.suffix == ".py" and cached.exists():  # compiling takes most of the time
                    file.write(cached, path.relative_to(PACKAGE.parent).with_suffix(".pyc"))
        file.writestr("__main__.py", PROGRAM)
    # Without the checkout in the path; third-party packages are those of the interpreter.
    environment = {**os.environ, "PYTHONPATH": python_path()}
    done = subprocess.run(
        [sys.executable, str(archive)], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == "done\n", done.stderr


def test_hook_of_pyinstaller_is_found() -> None:
    """The entry point names a folder with the hook of the package."""
    [folder] = import_module("oxen_models.__pyinstaller").get_hook_dirs()
    assert Path(folder, "hook-oxen_models.py").is_file()
