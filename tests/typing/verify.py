"""Check that mypy, pyright, ty and pyrefly reject every wrong call, and nothing else.

For mypy and pyright the messages are compared, for ty and pyrefly the lines. `nox -s types` runs this script.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

TYPING = Path(__file__).parent
GENERATED = TYPING.parents[1] / "generated"
WRONG_CALLS = TYPING / "wrong_calls.py"
RIGHT_CALLS = TYPING / "right_calls.py"
_MARK = re.compile(r"# wrong: (.+?) \| (.+)$")
_CONCISE = re.compile(r"^(?:ERROR )?(\w+\.py):(\d+):\S+ (.*)$", re.MULTILINE)

Messages = Mapping[int, str]


def run(folder: str, *command: str) -> str:
    """Return the output of a checker that runs in `folder`, outside the checkout, as it does for users."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout


def run_mypy(folder: str, file: str) -> Messages:
    """Return the errors of mypy by line."""
    messages: defaultdict[int, str] = defaultdict(str)
    output = run(folder, "mypy", "--strict", "--no-error-summary", "--hide-error-context", file)
    for found in re.finditer(rf"^{file}:(\d+): error: (.*)$", output, re.MULTILINE):
        messages[int(found[1])] += found[2]
    return messages


def run_pyright(folder: str, file: str) -> Messages:
    """Return the errors of pyright by line."""
    messages: defaultdict[int, str] = defaultdict(str)
    output = run(folder, "pyright", "--outputjson", "--pythonpath", sys.executable, file)
    for diagnostic in json.loads(output)["generalDiagnostics"]:
        if diagnostic["severity"] == "error":
            messages[diagnostic["range"]["start"]["line"] + 1] += diagnostic["message"]
    return messages


def run_ty(folder: str, file: str) -> Messages:
    """Return the errors of ty by line."""
    search_path = ("--python", sys.prefix, "--extra-search-path", str(GENERATED))
    return parse_concise(run(folder, "ty", "check", *search_path, "--output-format", "concise", file))


def run_pyrefly(folder: str, file: str) -> Messages:
    """Return the errors of pyrefly by line. Its default preset does not compare arguments with parameters."""
    options = (
        "--preset",
        "strict",
        "--python-interpreter-path",
        sys.executable,
        "--search-path",
        str(GENERATED),
    )
    return parse_concise(run(folder, "pyrefly", "check", *options, "--output-format=min-text", file))


def parse_concise(output: str) -> Messages:
    """Return messages by line from the output of a checker with one message per line."""
    messages: defaultdict[int, str] = defaultdict(str)
    for found in _CONCISE.finditer(output):
        messages[int(found[2])] += found[3]
    return messages


CHECKERS: Mapping[str, Callable[[str, str], Messages]] = {
    "mypy": run_mypy,
    "pyright": run_pyright,
    "ty": run_ty,
    "pyrefly": run_pyrefly,
}


def read_expectations(checker: str) -> Messages:
    """Return the expected messages of a checker by line; "" for any message."""
    place = {"mypy": 1, "pyright": 2}.get(checker)
    expected: dict[int, str] = {}
    for number, line in enumerate(WRONG_CALLS.read_text(encoding="utf-8").splitlines(), 1):
        mark = _MARK.search(line)
        if mark is not None:
            expected[number] = "" if place is None else mark[place]
    return expected


def main() -> int:
    """Print each disagreement; return 1 if there is one."""
    disagreements = 0
    with TemporaryDirectory() as folder:
        for file in (WRONG_CALLS, RIGHT_CALLS):
            shutil.copy(file, folder)
        for checker, check in CHECKERS.items():
            expected, found = read_expectations(checker), check(folder, WRONG_CALLS.name)
            wrong = [
                f"{WRONG_CALLS.name}:{line}: expected {expected.get(line)!r}, got {found.get(line)!r}"
                for line in sorted(expected.keys() | found.keys())
                if line not in expected or expected[line] not in found.get(line, "\0")
            ]
            wrong += [
                f"{RIGHT_CALLS.name}:{line}: {error}"
                for line, error in check(folder, RIGHT_CALLS.name).items()
            ]
            print(*(f"{checker}: {text}" for text in wrong), sep="\n", end="\n" if wrong else "")
            print(f"{checker}: {len(expected)} wrong calls, {len(wrong)} disagreements")
            disagreements += len(wrong)
    return 1 if disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
