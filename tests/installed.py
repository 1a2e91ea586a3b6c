"""What has to work where only the distribution is installed. Run by `nox -s build`; no test of pytest's."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import oxen_models
from oxen_models import Oxen, catalog
from oxen_models.testing import Hub


def codegen(*arguments: str, folder: str) -> None:
    command = Path(sys.executable).with_name("oxen-codegen")
    environment = {**os.environ, "OXEN_API_KEY": "any"}
    subprocess.run([command, *arguments], cwd=folder, env=environment, check=True)


checkout = Path(__file__).resolve().parent.parent
assert checkout not in Path(oxen_models.__file__).resolve().parents, (
    "the checkout is imported, not the package"
)
assert Path(oxen_models.__file__).with_name("py.typed").exists()
assert len(catalog.models(bound=True)) > 100

with Hub() as hub, tempfile.TemporaryDirectory() as folder:
    with Oxen("any", base_url=hub.url) as oxen:
        edited = oxen.images.qwen_image_edit_plus.edit(
            prompt="Add a hat", input_image=["https://example.com/a.png"]
        )
        assert edited.images[0].save(Path(folder, "hat.png")).stat().st_size > 0
    codegen("fetch", "--all", "--base-url", hub.url, folder=folder)
    codegen("generate", folder=folder)
    codegen("check", folder=folder)
    assert Path(folder, "generated", "oxen_models", "images", "qwen_image_edit_plus.py").exists()
