"""Check an installation with the extras `codegen` and `testing`: client, stand-in and generator work.

`nox -s build` runs this script; pytest does not collect it.
"""

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


def run_codegen(*arguments: str, folder: str) -> None:
    """Run the installed command `oxen-codegen` in `folder`."""
    command = Path(sys.executable).with_name("oxen-codegen")
    environment = {**os.environ, "OXEN_API_KEY": "any"}
    subprocess.run([command, *arguments], cwd=folder, env=environment, check=True)


def check_client(hub: Hub, folder: str) -> None:
    """Call a typed model, and one by its id."""
    with Oxen("any", base_url=hub.url) as oxen:
        edited = oxen.images.qwen_image_edit_plus.edit(
            prompt="Add a hat", input_image=["https://example.com/a.png"]
        )
        assert edited.images[0].save(Path(folder, "hat.png")).stat().st_size > 0
        assert oxen.model("qwen-image").generate(prompt="A hat").media


def check_command_line(hub: Hub, folder: str) -> None:
    """Call a model with the installed command `oxen-models`."""
    command = Path(sys.executable).with_name("oxen-models")
    environment = {**os.environ, "OXEN_API_KEY": "any", "OXEN_BASE_URL": hub.url}
    call = [str(command), "run", "z-image-turbo", "--prompt", "A hat", "-o", "hat.webp"]
    subprocess.run(call, cwd=folder, env=environment, check=True)
    assert Path(folder, "hat.webp").stat().st_size > 0


def check_generator(hub: Hub, folder: str) -> None:
    """Generate the whole package in an empty folder."""
    run_codegen("fetch", "--all", "--base-url", hub.url, folder=folder)
    run_codegen("generate", folder=folder)
    run_codegen("check", folder=folder)
    assert Path(folder, "generated", "oxen_models", "images", "qwen_image_edit_plus.py").exists()


def check_extension(hub: Hub, folder: str) -> None:
    """Generate and use a package of a team's own models, with a template of its own."""
    hub.add_model(CUSTOM)
    Path(folder, "pyproject.toml").write_text(TEAM)
    override = Path(folder, "own", "extension", "__init__.py.jinja")
    override.parent.mkdir(parents=True)
    builtin = find_template_dir() / "extension" / "__init__.py.jinja"
    override.write_text(builtin.read_text(encoding="utf-8").replace("Typed calls", "Our own calls"))
    run_codegen("fetch", "--all", "--base-url", hub.url, folder=folder)
    run_codegen("generate", folder=folder)
    run_codegen("check", folder=folder)
    assert "Our own calls" in Path(folder, "acme_models", "__init__.py").read_text()
    assert not Path(folder, "acme_models", "_runtime").exists()
    subprocess.run([sys.executable, "-c", USE, hub.url], cwd=folder, check=True)


checkout = Path(__file__).resolve().parent.parent
package = Path(oxen_models.__file__).resolve()
assert checkout not in package.parents, f"imported from the checkout: {package}"
assert package.with_name("py.typed").exists()
typed = catalog.models(typed=True)
assert len(typed) > 100
assert all(oxen_models.schema(model.id)["properties"] for model in typed)
for check in (check_client, check_command_line, check_generator, check_extension):
    with Hub() as hub, tempfile.TemporaryDirectory() as folder:
        check(hub, folder)
