"""Whether calls that were right in the last release are still right, and if not, whether the diff says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RIGHT_CALLS = "tests/typing/right_calls.py"
SCHEMAS = "generated/oxen_models/schemas"


def git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=HERE)
    return done.stdout.strip() if done.returncode == 0 else None


def main() -> int:
    tag = git("describe", "--tags", "--abbrev=0")
    calls = git("show", f"{tag}:{RIGHT_CALLS}") if tag else None
    if tag is None or calls is None:
        print("SKIPPED: there is no tagged release whose type tests could be checked")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "right_calls.py")
        program.write_text(calls, encoding="utf-8")
        checked = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--cache-dir", f"{folder}/cache", str(program)],
            cwd=folder,
            env={**os.environ, "MYPYPATH": str(HERE.parent.parent / "generated")},
        )
    if checked.returncode == 0:
        print(f"the type tests of {tag} hold")
        return 0
    diff = subprocess.run(
        [sys.executable, "-m", "oxen_codegen", "diff", "--from", tag, "--to", SCHEMAS, "--format", "json"],
        capture_output=True,
        text=True,
        cwd=HERE.parent.parent,
    )
    changes: list[dict[str, Any]] = json.loads(diff.stdout)["changes"] if diff.returncode in (0, 3, 4) else []
    breaking = sorted({change["model"] for change in changes if change["impact"] == "breaking"})
    print(
        f"calls that were right in {tag} are wrong now; models that break by the diff: {breaking or 'none'}"
    )
    return 0 if breaking else 1


if __name__ == "__main__":
    sys.exit(main())
