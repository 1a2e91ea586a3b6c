"""A package from before an attack, and a guard over whatever is run on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import oxen_codegen
import pytest
from click.testing import CliRunner
from helpers.models import make_model
from helpers.raw_server import RawServer
from oxen_codegen.cli import main
from oxen_codegen.generate import templates_folder

from codegen.hostile.attacks import HOSTILE, MEGABYTES, SECONDS, Done


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package that there was before the attack."""
    folder = tmp_path_factory.mktemp("before")
    (folder / "schemas").mkdir()
    for name in ("good", "victim"):
        (folder / "schemas" / f"{name}.json").write_text(json.dumps(make_model(name)))
    done = CliRunner().invoke(
        main, ["generate", "--schemas", str(folder / "schemas"), "--output", str(folder / "out")]
    )
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def folder(before: Path, tmp_path: Path) -> Path:
    """A copy of that, to attack."""
    return Path(shutil.copytree(before, tmp_path / "attacked"))


@pytest.fixture
def guarded(folder: Path, server: RawServer, tmp_path: Path) -> Callable[..., Done]:
    """Runs a command or a script on the folder, under guard.

    `path` is where Python finds what it runs, `where` the folder that it runs in, if not one of its own, and
    `beside` what may lie in the attacked folder beside schemas and package.
    """

    def run(
        kind: str,
        *arguments: str,
        path: Path = Path(oxen_codegen.__file__).parent.parent,
        where: Path | None = None,
        beside: frozenset[str] = frozenset(),
    ) -> Done:
        log, temporary, home = (tmp_path / name for name in ("log.json", "temporary", "home"))
        temporary.mkdir(exist_ok=True)
        home.mkdir(exist_ok=True)
        roots = [
            sys.prefix, sys.base_prefix, path, templates_folder(), temporary,
            folder / "schemas", folder / "out", *([where] if where else ()),
        ]  # fmt: skip
        environment = {
            **os.environ,
            "OXEN_API_KEY": "any",
            "PYTHONPATH": str(path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(temporary),
            "HOME": str(home),
        }
        port = server.url.rpartition(":")[2]
        limits = [log, os.pathsep.join(map(str, roots)), port, SECONDS]
        watched = [HOSTILE / "guard.py", *limits, kind, *arguments]
        done = subprocess.run(
            [sys.executable, "-P", *map(str, watched)],
            cwd=where or home,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=4 * SECONDS,  # where others are at work on the machine; guard.py counts its own
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr[-3000:]
        assert done.returncode >= 0, "it took too long"
        noted = json.loads(log.read_text(encoding="utf-8"))
        assert noted["offences"] == [], "\n".join(noted["offences"])
        assert noted["megabytes"] < MEGABYTES
        assert list(home.iterdir()) == [], "something was written where the command was run"
        assert {entry.name for entry in folder.iterdir()} - beside == {"schemas", "out"}
        assert [entry.name for entry in (folder / "out").iterdir()] == ["oxen_models"]
        return Done(done.returncode, done.stderr, done.stdout)

    return run
