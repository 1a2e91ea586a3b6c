"""Unusual but valid schemas, whose modules can be imported."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from helpers.lean import python_path
from helpers.models import make_model

SCHEMAS: dict[str, Any] = {
    "four quotes": {"type": "string", "description": '""""a'},
    "renderType is a list": {"type": "array", "items": {}, "renderType": []},
    "name of an import": {"type": "object", "properties": {"in0": {"type": "string"}}},
    "character of a new Unicode": {"type": "string", "description": "\U0001fae8", "enum": ["\U0001fae8"]},
    "large integers": {"enum": [2, 2**64, -(2**70)]},
}


@pytest.mark.slow
def test_generate_unusual_schemas(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    """Each model is emitted, and imported without warnings."""
    image = {"type": "string", "renderType": "image-url"}
    for number, (name, schema) in enumerate(SCHEMAS.items()):
        properties = {"odd": schema, "input": schema, "image": image}
        # The parameter `input` of the model `file` has a class, and the runtime has a class FileInput.
        model_id = "file" if name == "name of an import" else f"model-{number}"
        write_models(make_model(model_id, {"type": "object", "properties": properties}))
    done = invoke("generate")
    assert done.exit_code == 0, done.output
    script = "import oxen_models.images as images; [getattr(images, name) for name in images.__all__]"
    environment = {**os.environ, "PYTHONPATH": python_path(tmp_path)}
    subprocess.run([sys.executable, "-W", "error", "-c", script], env=environment, check=True)
