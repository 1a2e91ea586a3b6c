"""The whole catalogue kept up to date over loopback, and one that is many times as large."""

from __future__ import annotations

import json
import shutil
from itertools import count, cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from .measure import ROOT, Row, Run, python

_PACKAGE = ROOT / "generated" / "oxen_models"
_MODELS = 2000
_ROUNDS = 5
# A key, and no proxy of the machine's before what is on it.
_PROGRAM = (
    "import os; os.environ.update(OXEN_API_KEY='bench', no_proxy='127.0.0.1');"
    "from oxen_codegen.__main__ import main; main()"
)


def rows(*, full: bool) -> list[Row]:
    with TemporaryDirectory() as folder:
        return [*_generate(Path(folder), full=full), *_update(Path(folder))]


def _update(folder: Path) -> list[Row]:
    from oxen_models.testing import Hub

    project = folder / "project"
    shutil.copytree(_PACKAGE, project / "generated" / _PACKAGE.name)
    (project / "pyproject.toml").touch()
    models = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(_schemas())]
    changing = next(model for model in models if model["json_request_schema"])
    with Hub() as hub:
        command = ["-c", _PROGRAM, "update", "--base-url", hub.url]
        for _ in range(2):  # not counted: all is as the hub says, and caches are warm from here on
            python(*command, cwd=project)
        unchanged: list[float] = []
        changed: list[float] = []
        for number in range(_ROUNDS):
            unchanged.append(python(*command, cwd=project).seconds)
            hub.add_model(_varied(changing, number, changing["id"]))
            changed.append(python(*command, cwd=project).seconds)
    told = (project / "CHANGELOG.md").read_text(encoding="utf-8").count("### Models")
    assert told == _ROUNDS, f"{told} entries of {_ROUNDS} updates that changed something"
    return [
        _row(f"update, {len(models)} models over loopback, nothing changed", median(unchanged), 2),
        _row("  one model changed", median(changed), 5),
    ]


def _row(what: str, seconds: float, most: int) -> Row:
    return Row(what, f"{seconds:.2f} s", "", "", f"<= {most} s", seconds <= most)


def _generate(folder: Path, *, full: bool) -> list[Row]:
    """So many models, beside the recorded ones that have a schema."""
    recorded = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(_schemas())]
    with_schema = [model for model in recorded if model["json_request_schema"]]
    few, many = folder / "few", folder / "many"
    for schemas in (few, many):
        schemas.mkdir()
    for number, model in enumerate(with_schema):
        (few / f"{number}.json").write_text(json.dumps(model), encoding="utf-8")
    for number, model in enumerate(islice(cycle(with_schema), _MODELS)):
        another = _varied(model, number, f"{model['id']}-no{number}")
        (many / f"{number}.json").write_text(json.dumps(another), encoding="utf-8")
    outputs = map(folder.joinpath, map(str, count()))
    _generated(few, next(outputs))  # not counted: caches are warm from here on
    small: list[Run] = []
    large: list[Run] = []
    for _ in range(_ROUNDS if full else 2):
        small.extend(_generated(few, next(outputs)) for _ in range(2))
        large.append(_generated(many, next(outputs)))
    ours = median(run.seconds for run in large) / _MODELS
    theirs = median(run.seconds for run in small) / len(with_schema)
    megabytes = max(run.megabytes for run in large)
    return [
        Row(
            f"generate, {_MODELS} models, time for each, to that of {len(with_schema)}",
            f"{ours * 1000:.3g} ms",
            f"{theirs * 1000:.3g} ms",
            f"{ours / theirs:.2f}x",
            "<= 1.3x",
            ours <= 1.3 * theirs,
        ),
        Row("  peak memory", f"{megabytes:.0f} MB", "", "", "<= 400 MB", megabytes <= 400),
    ]


def _generated(schemas: Path, output: Path) -> Run:
    command = ["-m", "oxen_codegen", "generate", "--schemas", str(schemas), "--output", str(output)]
    run = python(*command, cwd=schemas)  # where no configuration is
    shutil.rmtree(output)
    return run


def _varied(model: dict[str, Any], number: int, model_id: str) -> dict[str, Any]:
    """A model like another: what it says of its parameters, a default and a range are its own."""
    varied: dict[str, Any] = {**json.loads(json.dumps(model)), "id": model_id}
    for name, schema in varied["json_request_schema"]["properties"].items():
        schema["description"] = f"{schema.get('description', name)} ({number})"
        if schema.get("type") == "string" and "enum" not in schema:
            schema["maxLength"] = 1000 + number
        elif schema.get("type") in ("integer", "number") and "enum" not in schema:
            schema["maximum"] = schema.get("maximum", 10) + number
    return varied


def _schemas() -> list[Path]:
    return list((_PACKAGE / "schemas").glob("*.json"))
