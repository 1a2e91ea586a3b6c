"""Whether calls that were right in the last release are still right, and if not, whether the diff says so.

These calls are the type tests of that release, and one of each of its models: with all parameters, by the
annotations that they had.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RIGHT_CALLS = "tests/typing/right_calls.py"
PACKAGE = "generated/oxen_models"
ERROR = re.compile(r"^([\w.]+):(\d+): error: (.*)$", re.MULTILINE)
CALL = """
from typing import *
from oxen_models import *
from oxen_models._runtime.fields import *
from oxen_models.{family}.{module} import *

def call(oxen: Oxen, {parameters}) -> {result}:
    return oxen.{family}.{module}.{verb}({arguments})
"""


def git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def calls(tag: str) -> Iterator[tuple[str, str]]:
    """The id of each model that the release had a call for, and a program that calls it."""
    files = git("ls-tree", "-r", "--name-only", tag, "--", PACKAGE) or ""
    for family, module in re.findall(rf"^{PACKAGE}/([a-z]+)/(\w+)\.py$", files, re.MULTILINE):
        source = git("show", f"{tag}:{PACKAGE}/{family}/{module}.py") or ""
        model_id = re.search(r'^    model_id: ClassVar\[str\] = (".*")$', source, re.MULTILINE)
        if family == "testing" or model_id is None:
            continue
        call = next(
            part
            for node in ast.parse(source).body
            if isinstance(node, ast.ClassDef) and ast.unparse(node.bases[0]) == "Stub"
            for part in node.body
            if isinstance(part, ast.FunctionDef)
        )
        names = [each.arg for each in call.args.kwonlyargs]
        yield (
            ast.literal_eval(model_id[1]),
            CALL.format(
                family=family,
                module=module,
                verb=call.name,
                parameters=", ".join(map(ast.unparse, call.args.kwonlyargs)),
                arguments=", ".join(f"{name}={name}" for name in names),
                result=ast.unparse(call.returns or ast.Constant(None)),
            ),
        )


def wrong_now(programs: Mapping[str, str]) -> Iterator[tuple[str, int, str]]:
    """What mypy finds wrong with programs: name, line and error."""
    with tempfile.TemporaryDirectory() as folder:
        for name, program in programs.items():
            Path(folder, name).write_text(program, encoding="utf-8")
        checked = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache", "."],
            cwd=folder,
            env={**os.environ, "MYPYPATH": str(ROOT / "generated")},
            capture_output=True,
            text=True,
            check=False,
        )
    found = ERROR.findall(checked.stdout)
    if checked.returncode and not found:
        sys.exit(f"mypy failed: {checked.stdout}{checked.stderr}")
    for name, line, error in found:
        yield name, int(line), error


def breaking(tag: str) -> set[str]:
    """The models that break by the diff from the release to what is there."""
    diff = [sys.executable, "-m", "oxen_codegen", "diff", "--from", tag, "--to", f"{PACKAGE}/schemas"]
    done = subprocess.run([*diff, "--format", "json"], capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode not in (0, 3, 4):
        sys.exit(done.stderr)
    changes = json.loads(done.stdout)["changes"]
    return {letters(change["model"]) for change in changes if change["impact"] == "breaking"}


def letters(name: str) -> str:
    """What the id, the module and the classes of one model have in common."""
    return re.sub(r"[\W_]", "", name.lower()).removeprefix("async").removesuffix("request")


def named(program: str, line: int) -> set[str]:
    """All names in the function or import of that line, a model's among them."""
    parts = ast.parse(program).body
    part = next(node for node in parts if node.lineno <= line <= (node.end_lineno or node.lineno))
    return set(map(letters, re.findall(r"\w+", ast.unparse(part))))


def main() -> int:
    tag = git("describe", "--tags", "--abbrev=0")
    type_tests = git("show", f"{tag}:{RIGHT_CALLS}") if tag else None
    if tag is None or type_tests is None:
        print("SKIPPED: there is no tagged release whose type tests could be checked")
        return 0
    programs = {"type_tests.py": type_tests}
    models: dict[str, set[str]] = {}
    for model_id, program in calls(tag):
        name = f"call_{len(programs)}.py"
        programs[name] = program
        models[name] = {letters(model_id)}
    wrong = list(wrong_now(programs))
    print(f"{tag}: {len(models)} calls and the type tests: {len(wrong)} errors")
    broken = breaking(tag) if wrong else set[str]()
    untold = 0
    for name, line, error in wrong:
        about = models.get(name) or named(programs[name], line)
        is_told = not broken.isdisjoint(about)
        untold += not is_told
        where = ", ".join(models.get(name, ())) or f"{RIGHT_CALLS}:{line}"
        print(f"{'breaking by the diff, too' if is_told else 'NOT BREAKING BY THE DIFF'}: {where}: {error}")
    return 1 if untold else 0


if __name__ == "__main__":
    sys.exit(main())
