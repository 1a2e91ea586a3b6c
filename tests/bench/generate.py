"""The whole package from recorded schemas, beside the engine alone."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from .measure import PROGRAMS, ROOT, Row, Run, python

_SCHEMAS = ROOT / "generated" / "oxen_models" / "schemas"
_ROUNDS = 7
_SAMPLE = 14
# What codegen/oxen_codegen/parse.py asks the engine for, as its command line has it; and ruff, as ours has.
_OPTIONS = """
    --input-file-type jsonschema --output-model-type pydantic_v2.BaseModel --target-python-version 3.11
    --enum-field-as-literal all --field-constraints --use-annotated --no-allow-remote-refs
    --class-name Model --formatters ruff-format
""".split()


def rows(*, full: bool) -> list[Row]:
    ours: list[Run] = []
    command: list[Run] = []
    library: list[Run] = []
    with TemporaryDirectory() as folder:
        work = Path(folder)
        schemas = _extract(work / "schemas")
        count = len(schemas)
        sample = schemas if full else [schemas[number * count // _SAMPLE] for number in range(_SAMPLE)]
        # Not counted: caches are warm from here on.
        _generate(work / "warm")
        _command(schemas[0], work)
        for number in range(_ROUNDS):
            ours.append(_generate(work / str(number)))
            library.append(python(str(PROGRAMS / "engine.py"), str(work / "schemas"), cwd=work))
            command.extend(_command(schema, work) for schema in sample[number::_ROUNDS])
    seconds = median(run.seconds for run in ours)
    megabytes = median(run.megabytes for run in ours)
    one_each = sum(run.seconds for run in command) / len(command) * count
    in_process = median(run.seconds for run in library)
    scaled = "" if full else f", {len(sample)} of {count} and scaled"
    faster, slower = one_each / seconds, seconds / in_process
    return [
        Row(f"generate, {count} models", f"{seconds:.2f} s", "", "", "<= 3 s", seconds <= 3),
        Row("  peak memory", f"{megabytes:.0f} MB", "", "", "<= 150 MB", megabytes <= 150),
        Row(
            f"  to a datamodel-codegen process per schema{scaled}",
            f"{seconds:.2f} s",
            f"{one_each:.1f} s",
            f"{faster:.0f}x faster",
            ">= 20x faster",
            faster >= 20,
        ),
        Row(
            "  to datamodel-code-generator's generate(), unformatted",
            f"{seconds:.2f} s",
            f"{in_process:.2f} s",
            f"{slower:.2f}x",
            "<= 2.5x",
            slower <= 2.5,
        ),
    ]


def _extract(folder: Path) -> list[Path]:
    """The parameter schemas alone, a file each, for those who know nothing of records."""
    folder.mkdir()
    for file in sorted(_SCHEMAS.glob("*.json")):
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        schema = record["json_request_schema"]
        if schema is not None:
            (folder / file.name).write_text(json.dumps(schema), encoding="utf-8")
    return sorted(folder.iterdir())


def _generate(output: Path) -> Run:
    command = ["-m", "oxen_codegen", "generate", "--schemas", str(_SCHEMAS), "--output", str(output)]
    return python(*command, cwd=ROOT)  # where the configuration of the package is


def _command(schema: Path, work: Path) -> Run:
    files = ["--input", str(schema), "--output", str(work / "model.py")]
    return python("-m", "datamodel_code_generator", *files, *_OPTIONS, cwd=work)
