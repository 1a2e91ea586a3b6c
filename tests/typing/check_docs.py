"""Type-check the Python blocks of README and guides with mypy and pyright."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers.docs import PAGES, read_program


def main() -> int:
    """Return the number of checkers that reject a page."""
    with TemporaryDirectory() as folder:
        for page in PAGES:
            Path(folder, f"{page.stem.lower().replace('-', '_')}.py").write_text(
                read_program(page), encoding="utf-8"
            )
        failed = 0
        for command in (("mypy", "--strict"), ("pyright", "--warnings")):
            done = subprocess.run([sys.executable, "-m", *command, "."], cwd=folder, check=False)
            failed += done.returncode != 0
    print(f"{len(PAGES)} pages checked, {failed} checkers failed")
    return failed


if __name__ == "__main__":
    sys.exit(main())
