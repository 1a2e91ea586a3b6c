"""The folder of a module that each Python process of a test loads first."""

import os
from pathlib import Path

LEAN = Path(__file__).parent


def python_path(*folders: str | Path) -> str:
    """Return a value of `PYTHONPATH`: this folder, and then others."""
    return os.pathsep.join(map(str, (LEAN, *folders)))
