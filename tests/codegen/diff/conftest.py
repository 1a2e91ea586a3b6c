"""Folders of models to compare."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a folder of models."""

    def write(name: str, *models: dict[str, Any]) -> Path:
        path = tmp_path / name
        path.mkdir(exist_ok=True)
        for number, model in enumerate(models):
            (path / f"{number}.json").write_text(json.dumps(model))
        return path

    return write
