"""A package from before an attack, and a guarded process in which commands run on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import oxen_codegen
import pytest
from helpers.models import make_model
from helpers.raw_server import RawServer
from oxen_codegen.config import find_template_dir

from codegen.hostile.attacks import HOSTILE, MAX_MEGABYTES, Done
from codegen.hostile.guard import Report, Task

CODEGEN = Path(oxen_codegen.__file__).parent.parent
TESTS = Path(__file__).parents[2]
COMMITTED_SCHEMAS = TESTS.parent / "generated" / "oxen_models" / "schemas"


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two recorded models, of which the guard generates a package."""
    project = tmp_path_factory.mktemp("original")
    schemas = project / "out" / "oxen_models" / "schemas"
    schemas.mkdir(parents=True)
    for name in ("good", "victim"):
        (schemas / f"{name}.json").write_text(json.dumps(make_model(name)))
    (project / "pyproject.toml").write_text('[tool.oxen-codegen]\noutput = "out"\n')
    return project


@pytest.fixture(scope="session")
def guard(original: Path) -> Iterator[Callable[[Task], Report]]:
    """A function that runs a task in a guarded process."""
    environment = {
        **os.environ,
        "OXEN_API_KEY": "any",
        "PYTHONPATH": f"{CODEGEN}{os.pathsep}{TESTS}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "no_proxy": "127.0.0.1",
    }
    command = [sys.executable, "-P", str(HOSTILE / "guard.py"), str(original)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None
        assert stdout.readline() == "ready\n"

        def run_task(task: Task) -> Report:
            print(json.dumps(asdict(task)), file=stdin, flush=True)
            return Report(**json.loads(stdout.readline()))

        yield run_task
        stdin.close()


@pytest.fixture
def project(original: Path, guard: Callable[[Task], Report], tmp_path: Path) -> Path:
    """A copy of the project with its generated package, to attack."""
    return Path(shutil.copytree(original, tmp_path / "attacked"))


@pytest.fixture
def guarded(
    guard: Callable[[Task], Report], project: Path, server: RawServer, tmp_path: Path
) -> Callable[..., Done]:
    """A function that runs a command or a script in the project, and fails if it violates a rule.

    The result of a command is its exit code, its output and its CPU time.
    """

    def run_guarded(kind: str, *arguments: str) -> Done:
        log, temporary, home, stdout, stderr = (
            tmp_path / name for name in ("log.json", "temporary", "home", "stdout", "stderr")
        )
        temporary.mkdir(exist_ok=True)
        home.mkdir(exist_ok=True)
        path = project / "out" if kind == "script" else CODEGEN
        roots = [sys.prefix, sys.base_prefix, path, find_template_dir(), COMMITTED_SCHEMAS, temporary]
        report = guard(
            Task(
                kind=kind,
                arguments=list(arguments),
                folder=str(home if kind == "script" else project),
                path=str(path),
                environment={"TMPDIR": str(temporary), "HOME": str(home)},
                roots=[*map(str, roots), str(project)],
                port=int(server.url.rpartition(":")[2]),
                stdout=str(stdout),
                stderr=str(stderr),
                log=str(log),
            )
        )
        errors = stderr.read_text(encoding="utf-8")
        assert report.code >= 0, f"killed by signal {-report.code}"
        assert "Traceback" not in errors, errors[-3000:]
        logged = json.loads(log.read_text(encoding="utf-8"))
        assert logged["violations"] == [], "\n".join(logged["violations"])
        assert logged["megabytes"] < MAX_MEGABYTES
        assert list(home.iterdir()) == [], "files were written to the home folder"
        assert {entry.name for entry in project.iterdir()} <= {"pyproject.toml", "CHANGELOG.md", "out"}
        assert [entry.name for entry in (project / "out").iterdir()] == ["oxen_models"]
        return Done(report.code, errors, stdout.read_text(encoding="utf-8"), report.seconds)

    return run_guarded


@pytest.fixture(scope="session")
def catalogue_seconds(guard: Callable[[Task], Report], tmp_path_factory: pytest.TempPathFactory) -> float:
    """The CPU time of `generate` for a sixth of the committed models, to compare that of attacks to."""
    folder = tmp_path_factory.mktemp("catalogue")
    schemas = folder / "schemas"
    schemas.mkdir()
    for file in sorted(COMMITTED_SCHEMAS.glob("*.json"))[::6]:
        shutil.copy(file, schemas)
    arguments = ["generate", "--schemas", str(schemas), "--output", str(folder / "out")]
    files = {name: str(folder / name) for name in ("stdout", "stderr", "log")}
    report = guard(Task("codegen", arguments, str(folder), str(CODEGEN), {}, ["/"], 0, **files))
    assert report.code == 0
    return report.seconds
