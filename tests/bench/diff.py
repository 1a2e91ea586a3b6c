"""Two catalogues of a thousand models: one in a hundred of them changed, and every one."""

from __future__ import annotations

import json
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from .measure import ROOT, Row, python

_SCHEMAS = ROOT / "generated" / "oxen_models" / "schemas"
_MODELS = 1000
_ROUNDS = 5
# The exit code says that something changed, which is no failure here.
_PROGRAM = "import sys; from oxen_codegen.__main__ import main\ntry: main()\nexcept SystemExit: pass"


def rows(*, full: bool) -> list[Row]:
    with TemporaryDirectory() as folder:
        work = Path(folder)
        _catalogue(work / "old", every=0)
        found: list[Row] = []
        for name, every in (("one in 100 changed", 100), ("all changed", 1)):
            _catalogue(work / name, every=every)
            command = ["-c", _PROGRAM, "diff", "--from", str(work / "old"), "--to", str(work / name)]
            python(*command, cwd=ROOT)  # not counted: caches are warm from here on
            seconds = median(python(*command, cwd=ROOT).seconds for _ in range(_ROUNDS))
            what = f"diff, {_MODELS} models, {name}"
            found.append(Row(what, f"{seconds:.2f} s", "", "", "<= 2 s", seconds <= 2))
        return found


def _catalogue(folder: Path, *, every: int) -> None:
    """The recorded models several times over; every so many of them changed in all that can change."""
    folder.mkdir()
    recorded = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(_SCHEMAS.glob("*.json"))]
    with_schema = [record for record in recorded if record["json_request_schema"]]
    for number, record in enumerate(islice(cycle(with_schema), _MODELS)):
        model: dict[str, Any] = json.loads(json.dumps(record))
        model["id"] = f"{record['id']}-{number}"
        if every and number % every == 0:
            _change(model)
        (folder / f"{number}.json").write_text(json.dumps(model), encoding="utf-8")


def _change(model: dict[str, Any]) -> None:
    properties = model["json_request_schema"]["properties"]
    for schema in properties.values():
        schema["description"] = "Said anew."
        schema["default"] = "changed"
        if "enum" in schema:
            schema["enum"] = schema["enum"][1:] or ["other"]
    first = next(iter(properties))
    properties["renamed"] = properties.pop(first)
    properties["added"] = {"type": "object", "properties": {"part": {"type": "string"}}}
    model["summary"] = "Said anew."
