"""Check that calls that were valid in the last release are valid, or that `diff` reports them as breaking.

The calls are the type tests of the release, and one program for each of its models, which passes every
parameter by its annotation in the release. Exits 1 if a call is invalid and `diff` does not report its model.
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

ROOT = Path(__file__).parents[2]
TYPE_TESTS = "tests/typing/right_calls.py"
PACKAGE = "generated/oxen_models"
RESULTS = {"images": "ImageResult", "videos": "VideoResult", "audio": "AudioResult"}
ERROR = re.compile(r"^([\w.]+):(\d+): error: (.*)$", re.MULTILINE)
PROGRAM = """
from typing import *
from oxen_models import *
from oxen_models._runtime.fields import *
from oxen_models.{family}.{module} import *

def call(oxen: Oxen, {parameters}) -> {result}:
    return oxen.{family}.{module}.{verb}({arguments})
"""


def git(*arguments: str) -> str | None:
    """Return the output of a git command, or None if it fails."""
    process = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    return process.stdout.strip() if process.returncode == 0 else None


def write_programs(tag: str) -> Iterator[tuple[str, str]]:
    """Yield the id of each model with a typed call in a release, and a program for each of its calls."""
    files = git("ls-tree", "-r", "--name-only", tag, "--", PACKAGE) or ""
    for family, module in re.findall(rf"^{PACKAGE}/({'|'.join(RESULTS)})/(\w+)\.py$", files, re.MULTILINE):
        source = git("show", f"{tag}:{PACKAGE}/{family}/{module}.py") or ""
        model_id = re.search(r'^    model_id: ClassVar\[str\] = (".*")$', source, re.MULTILINE)
        if model_id is None:
            continue
        for verb, parameters in find_calls(source):
            yield (
                ast.literal_eval(model_id[1]),
                PROGRAM.format(
                    family=family,
                    module=module,
                    verb=verb,
                    parameters=", ".join(map(ast.unparse, parameters)),
                    arguments=", ".join(f"{parameter.arg}={parameter.arg}" for parameter in parameters),
                    result=f"Job[{RESULTS[family]}]" if verb == "submit" else RESULTS[family],
                ),
            )


def find_calls(source: str) -> Iterator[tuple[str, list[ast.arg]]]:
    """Yield each call in a model's module with its parameters.

    The model's class is the one that has a request class. It defines verbs as methods; other names, such as
    `submit`, are derived from them and have the same parameters.
    """
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    for node in [node for name, node in classes.items() if f"{name}Request" in classes]:
        parameters: list[ast.arg] = []
        for member in node.body:
            if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                parameters = member.args.kwonlyargs
                yield member.name, parameters
            elif isinstance(member, ast.Assign) and isinstance(member.targets[0], ast.Name):
                yield member.targets[0].id, parameters


def find_errors(programs: Mapping[str, str]) -> Iterator[tuple[str, int, str]]:
    """Yield the file name, line and message of each mypy error in the programs."""
    with tempfile.TemporaryDirectory() as folder:
        for name, program in programs.items():
            Path(folder, name).write_text(program, encoding="utf-8")
        process = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache", "."],
            cwd=folder,
            env={**os.environ, "MYPYPATH": str(ROOT / "generated")},
            capture_output=True,
            text=True,
            check=False,
        )
    errors = ERROR.findall(process.stdout)
    if process.returncode and not errors:
        sys.exit(f"mypy failed: {process.stdout}{process.stderr}")
    for name, line, message in errors:
        yield name, int(line), message


def find_breaking_models(tag: str) -> set[str]:
    """Return the keys of the models with a breaking change since the release."""
    command = [sys.executable, "-m", "oxen_codegen", "diff", "--from", tag, "--to", f"{PACKAGE}/schemas"]
    process = subprocess.run(
        [*command, "--format", "json"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if process.returncode not in (0, 3, 4):
        sys.exit(process.stderr)
    changes = json.loads(process.stdout)["changes"]
    return {model_key(change["model"]) for change in changes if change["impact"] == "breaking"}


def model_key(name: str) -> str:
    """Return what the id, the module and the classes of a model have in common."""
    return re.sub(r"[\W_]", "", name.lower()).removesuffix("request")


def keys_in_statement(program: str, line: int) -> set[str]:
    """Return the keys of all names in the top-level statement at a line; the model's is among them."""
    statements = ast.parse(program).body
    found = next(node for node in statements if node.lineno <= line <= (node.end_lineno or node.lineno))
    return set(map(model_key, re.findall(r"\w+", ast.unparse(found))))


def main() -> int:
    tag = git("describe", "--tags", "--abbrev=0")
    type_tests = git("show", f"{tag}:{TYPE_TESTS}") if tag else None
    if tag is None or type_tests is None:
        print("SKIPPED: no release yet (no git tag with type tests)")
        return 0
    programs = {"type_tests.py": type_tests}
    models: dict[str, str] = {}
    for model_id, program in write_programs(tag):
        name = f"call_{len(programs)}.py"
        programs[name] = program
        models[name] = model_id
    if not models:
        sys.exit(f"{tag}: found no calls in {PACKAGE}")
    errors = list(find_errors(programs))
    print(f"{tag}: {len(models)} calls and the type tests: {len(errors)} errors")
    breaking = find_breaking_models(tag) if errors else set[str]()
    unreported = 0
    for name, line, message in errors:
        keys = {model_key(models[name])} if name in models else keys_in_statement(programs[name], line)
        is_reported = not breaking.isdisjoint(keys)
        unreported += not is_reported
        source = models.get(name, f"{TYPE_TESTS}:{line}")
        print(f"{'reported by diff' if is_reported else 'NOT REPORTED BY DIFF'}: {source}: {message}")
    return 1 if unreported else 0


if __name__ == "__main__":
    sys.exit(main())
