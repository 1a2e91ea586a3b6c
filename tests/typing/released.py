"""Whether calls that were right in the last release are still right, and if not, whether the diff says so."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RIGHT_CALLS = "tests/typing/right_calls.py"
SCHEMAS = "generated/oxen_models/schemas"
ERROR = re.compile(r"^right_calls\.py:(\d+): error: (.*)$", re.MULTILINE)


def git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def wrong_now(calls: str) -> Iterator[tuple[str, str]]:
    """What mypy finds wrong with `calls`, each with the function or import that it stands in."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "right_calls.py").write_text(calls, encoding="utf-8")
        checked = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache", "right_calls.py"],
            cwd=folder,
            env={**os.environ, "MYPYPATH": str(ROOT / "generated")},
            capture_output=True,
            text=True,
            check=False,
        )
    found = ERROR.findall(checked.stdout)
    if checked.returncode and not found:
        sys.exit(f"mypy failed: {checked.stdout}{checked.stderr}")
    for line, error in found:
        for node in ast.parse(calls).body:
            if node.lineno <= int(line) <= (node.end_lineno or node.lineno):
                yield f"{RIGHT_CALLS}:{line}: {error}", ast.unparse(node)


def breaking(tag: str) -> set[str]:
    """The models that break by the diff from the release to what is there."""
    diff = subprocess.run(
        [sys.executable, "-m", "oxen_codegen", "diff", "--from", tag, "--to", SCHEMAS, "--format", "json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if diff.returncode not in (0, 3, 4):
        sys.exit(diff.stderr)
    changes = json.loads(diff.stdout)["changes"]
    return {change["model"] for change in changes if change["impact"] == "breaking"}


def letters(name: str) -> str:
    """What the id, the module and the classes of one model have in common."""
    return re.sub(r"[\W_]", "", name.lower()).removeprefix("async").removesuffix("request")


def main() -> int:
    tag = git("describe", "--tags", "--abbrev=0")
    calls = git("show", f"{tag}:{RIGHT_CALLS}") if tag else None
    if tag is None or calls is None:
        print("SKIPPED: there is no tagged release whose type tests could be checked")
        return 0
    wrong = list(wrong_now(calls))
    if not wrong:
        print(f"the type tests of {tag} hold")
        return 0
    models = {letters(model) for model in breaking(tag)}
    told = [not models.isdisjoint(map(letters, re.findall(r"\w+", part))) for _, part in wrong]
    for (error, _), is_told in zip(wrong, told, strict=True):
        print(f"{'breaking by the diff, too' if is_told else 'NOT BREAKING BY THE DIFF'}: {error}")
    return 0 if all(told) else 1


if __name__ == "__main__":
    sys.exit(main())
