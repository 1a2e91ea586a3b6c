"""Checks that mypy and pyright reject every wrong call, each with its message, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

FILE = Path(__file__).with_name("wrong_calls.py")
_MARK = re.compile(r"# wrong: (.+?) \| (.+)$")


def run(folder: str, *command: str) -> str:
    """The output of a checker on the file, alone in a folder as a user's would be."""
    shutil.copy(FILE, folder)
    done = subprocess.run(
        [sys.executable, "-m", *command, FILE.name], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout


def mypy(folder: str) -> dict[int, str]:
    """Messages of mypy by line."""
    messages: defaultdict[int, str] = defaultdict(str)
    output = run(folder, "mypy", "--strict", "--no-error-summary", "--hide-error-context")
    for found in re.finditer(rf"^{FILE.name}:(\d+): error: (.*)$", output, re.MULTILINE):
        messages[int(found[1])] += found[2]
    return messages


def pyright(folder: str) -> dict[int, str]:
    """Messages of pyright by line."""
    messages: defaultdict[int, str] = defaultdict(str)
    output = run(folder, "pyright", "--outputjson", "--pythonpath", sys.executable)
    for each in json.loads(output)["generalDiagnostics"]:
        if each["severity"] == "error":
            messages[each["range"]["start"]["line"] + 1] += each["message"]
    return messages


def main() -> int:
    """Print each disagreement; 1 if there was one."""
    wrong = {
        number: (found[1], found[2])
        for number, line in enumerate(FILE.read_text(encoding="utf-8").splitlines(), 1)
        if (found := _MARK.search(line))
    }
    missed = 0
    with TemporaryDirectory() as folder:
        said_by = {"mypy": mypy(folder), "pyright": pyright(folder)}
    for place, (checker, messages) in enumerate(said_by.items()):
        for number in sorted(wrong.keys() | messages.keys()):
            expected = wrong[number][place] if number in wrong else None
            said = messages.get(number, "nothing")
            if expected is None or expected not in said:
                missed += 1
                print(f"{FILE.name}:{number}: {checker} says {said!r}, not {expected!r}")
    print(f"{len(wrong)} wrong calls, {missed} not found as they should be")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
