"""Compare two catalogues of a thousand models, beside parsing their files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from .measure import PROGRAMS, ROOT, Row, compare_times, run_python
from .models import read_models_with_schema

_MODELS = 1000
_ROUNDS = 5
_MAX_RATIO = 20
# The exit code of `diff` reports changes, which are no failure here.
_PROGRAM = "import sys; from oxen_codegen.__main__ import main\ntry: main()\nexcept SystemExit: pass"


def measure(*, full: bool) -> Iterator[Row]:
    """Measure `diff` with one model in a hundred changed, and with all of them changed."""
    with TemporaryDirectory() as folder:
        work = Path(folder)
        old = _write_catalogue(work / "old", changed_interval=0)
        for name, interval in (("one in 100 changed", 100), ("all changed", 1)):
            new = _write_catalogue(work / name, changed_interval=interval)
            diff = ("-c", _PROGRAM, "diff", "--from", old, "--to", new)
            parse = (str(PROGRAMS / "read_records.py"), old, new)
            run_python(*diff, cwd=ROOT)  # not counted: fills the caches
            seconds: list[float] = []
            baseline: list[float] = []
            for _ in range(_ROUNDS):
                seconds.append(run_python(*diff, cwd=ROOT).seconds)
                baseline.append(run_python(*parse, cwd=ROOT).seconds)
            label = f"diff, {_MODELS} models, {name}, to parsing their JSON"
            yield compare_times(label, median(seconds), median(baseline), _MAX_RATIO)


def _write_catalogue(folder: Path, *, changed_interval: int) -> str:
    """Write the recorded models several times over, every so many of them changed; 0 changes none."""
    folder.mkdir()
    for number, record in enumerate(islice(cycle(read_models_with_schema()), _MODELS)):
        model: dict[str, Any] = json.loads(json.dumps(record))
        model["id"] = f"{record['id']}-{number}"
        if changed_interval and number % changed_interval == 0:
            _change(model)
        (folder / f"{number}.json").write_text(json.dumps(model), encoding="utf-8")
    return str(folder)


def _change(model: dict[str, Any]) -> None:
    """Change everything in a model that can change."""
    properties = model["json_request_schema"]["properties"]
    for schema in properties.values():
        schema["description"] = "A new description."
        schema["default"] = "changed"
        if "enum" in schema:
            schema["enum"] = schema["enum"][1:] or ["other"]
    first = next(iter(properties))
    properties["renamed"] = properties.pop(first)
    properties["added"] = {"type": "object", "properties": {"part": {"type": "string"}}}
    model["summary"] = "A new summary."
