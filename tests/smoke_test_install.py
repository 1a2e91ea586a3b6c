"""What has to work where only the distribution is installed. Run by `nox -s build`; no test of pytest's."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import oxen_models
from oxen_codegen.config import find_template_dir
from oxen_models import Oxen, catalog
from oxen_models.testing import Hub

CUSTOM = {
    "id": "oxen:ox-boots",
    "model_type": "custom",
    "endpoint": "/images/generate",
    "json_request_schema": {
        "type": "object",
        "properties": {"prompt": {"type": "string"}},
        "required": ["prompt"],
    },
}
TEAM = """
[tool.oxen-codegen]
package = "acme_models"
output = "."
templates = "own"

[tool.oxen-codegen.include]
ids = ["oxen:ox-*"]
"""
USE = """
import sys
from acme_models import AcmeModels
from oxen_models import Oxen, OxenError

with Oxen("any", base_url=sys.argv[1]) as oxen:
    boots = AcmeModels(oxen).images.oxen_ox_boots
    assert boots.generate(prompt="Boots").images
    assert boots.submit(prompt="Boots").result(timeout=30).images
    try:
        boots.generate(prompt=["Boots"])
    except OxenError:
        sys.exit()
sys.exit("no error")
"""


def codegen(*arguments: str, folder: str) -> None:
    command = Path(sys.executable).with_name("oxen-codegen")
    environment = {**os.environ, "OXEN_API_KEY": "any"}
    subprocess.run([command, *arguments], cwd=folder, env=environment, check=True)


checkout = Path(__file__).resolve().parent.parent
assert checkout not in Path(oxen_models.__file__).resolve().parents, (
    "the checkout is imported, not the package"
)
assert Path(oxen_models.__file__).with_name("py.typed").exists()
bound = catalog.models(typed=True)
assert len(bound) > 100
assert all(oxen_models.schema(model.id)["properties"] for model in bound)

with Hub() as hub, tempfile.TemporaryDirectory() as folder:
    with Oxen("any", base_url=hub.url) as oxen:
        edited = oxen.images.qwen_image_edit_plus.edit(
            prompt="Add a hat", input_image=["https://example.com/a.png"]
        )
        assert edited.images[0].save(Path(folder, "hat.png")).stat().st_size > 0
        assert oxen.model("qwen-image").generate(prompt="A hat").media
    codegen("fetch", "--all", "--base-url", hub.url, folder=folder)
    codegen("generate", folder=folder)
    codegen("check", folder=folder)
    assert Path(folder, "generated", "oxen_models", "images", "qwen_image_edit_plus.py").exists()

with Hub() as hub, tempfile.TemporaryDirectory() as folder:
    hub.add_model(CUSTOM)
    Path(folder, "pyproject.toml").write_text(TEAM)
    own = Path(folder, "own", "extension", "__init__.py.jinja")
    own.parent.mkdir(parents=True)
    builtin = find_template_dir() / "extension" / "__init__.py.jinja"
    own.write_text(builtin.read_text(encoding="utf-8").replace("Typed calls", "Our own calls"))
    codegen("fetch", "--all", "--base-url", hub.url, folder=folder)
    codegen("generate", folder=folder)
    codegen("check", folder=folder)
    assert "Our own calls" in Path(folder, "acme_models", "__init__.py").read_text()
    assert not Path(folder, "acme_models", "_runtime").exists()
    subprocess.run([sys.executable, "-c", USE, hub.url], cwd=folder, check=True)
