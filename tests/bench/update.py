"""Bring the whole catalogue up to date over loopback, beside a GET of each model with httpx alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from .measure import PACKAGE, PROGRAMS, Row, compare_times, run_python
from .models import read_models, vary_model

_ROUNDS = 5
# A key, and no proxy between this machine and itself.
_PROGRAM = (
    "import os; os.environ.update(OXEN_API_KEY='bench', no_proxy='127.0.0.1');"
    "from oxen_codegen.__main__ import main; main()"
)


def measure(*, full: bool) -> Iterator[Row]:
    """Measure `update` when nothing changed and when one model changed."""
    from oxen_models.testing import Hub

    with TemporaryDirectory() as folder, Hub() as hub:
        project = Path(folder)
        shutil.copytree(PACKAGE, project / "generated" / PACKAGE.name)
        (project / "pyproject.toml").touch()
        models = read_models()
        changing = next(model for model in models if model["json_request_schema"])
        update = ("-c", _PROGRAM, "update", "--base-url", hub.url)
        gets = (str(PROGRAMS / "get_models.py"), hub.url)
        for _ in range(2):  # not counted: the package becomes what the hub has, and the caches are filled
            run_python(*update, cwd=project)
        run_python(*gets, cwd=project)
        plain: list[float] = []
        unchanged: list[float] = []
        changed: list[float] = []
        for number in range(_ROUNDS):
            plain.append(run_python(*gets, cwd=project).seconds)
            unchanged.append(run_python(*update, cwd=project).seconds)
            hub.add_model(vary_model(changing, number, changing["id"]))
            changed.append(run_python(*update, cwd=project).seconds)
        entries = (project / "CHANGELOG.md").read_text(encoding="utf-8").count("### Models")
        assert entries == _ROUNDS, f"{entries} changelog entries after {_ROUNDS} updates with a change"
    name = f"update, {len(models)} models over loopback, nothing changed, to plain GETs"
    yield compare_times(name, median(unchanged), median(plain), 4)
    yield compare_times("  one model changed", median(changed), median(plain), 7)
