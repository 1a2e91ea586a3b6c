"""Generate the package from the recorded schemas, beside the engine alone, and many times as many models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from .measure import (
    PROGRAMS,
    ROOT,
    SCHEMAS,
    Row,
    Run,
    compare_memory,
    compare_speedup,
    compare_times,
    run_python,
)
from .models import read_models_with_schema, vary_model

_ROUNDS = 7
_SAMPLE = 14
_MANY_MODELS = 2000
_MANY_ROUNDS = 5
# The options of the engine's command line for what codegen/oxen_codegen/parse.py requests, formatted by ruff.
_OPTIONS = """
    --input-file-type jsonschema --output-model-type pydantic_v2.BaseModel --target-python-version 3.11
    --enum-field-as-literal all --field-constraints --use-annotated --no-allow-remote-refs
    --class-name Model --formatters ruff-format
""".split()


def measure(*, full: bool) -> Iterator[Row]:
    """Measure the recorded models, and `_MANY_MODELS` variations of them."""
    with TemporaryDirectory() as folder:
        yield from _measure_recorded(Path(folder), full=full)
    with TemporaryDirectory() as folder:
        yield from _measure_many(Path(folder), full=full)


def _measure_recorded(work: Path, *, full: bool) -> Iterator[Row]:
    schemas = _extract_schemas(work / "schemas")
    count = len(schemas)
    sample = schemas if full else [schemas[number * count // _SAMPLE] for number in range(_SAMPLE)]
    # Not counted: fills the caches.
    _generate(SCHEMAS, work / "warm", cwd=ROOT)
    _run_engine_command(schemas[0], work)
    ours: list[Run] = []
    engine: list[Run] = []
    command: list[Run] = []
    for number in range(_ROUNDS):
        ours.append(_generate(SCHEMAS, work / str(number), cwd=ROOT))  # where the configuration is
        engine.append(run_python(str(PROGRAMS / "run_engine.py"), str(work / "schemas"), cwd=work))
        command.extend(_run_engine_command(schema, work) for schema in sample[number::_ROUNDS])
    seconds = median(run.seconds for run in ours)
    yield compare_times(
        f"generate, {count} models, to datamodel-code-generator's generate(), unformatted",
        seconds,
        median(run.seconds for run in engine),
        2.5,
    )
    yield compare_memory(
        "  peak memory", median(run.megabytes for run in ours), median(run.megabytes for run in engine), 2
    )
    scaled = "" if full else f", {len(sample)} of {count} and scaled"
    one_each = sum(run.seconds for run in command) / len(command) * count
    yield compare_speedup(f"  to a datamodel-codegen process per schema{scaled}", seconds, one_each, 20)


def _measure_many(folder: Path, *, full: bool) -> Iterator[Row]:
    models = read_models_with_schema()
    few, many = folder / "few", folder / "many"
    for schemas in (few, many):
        schemas.mkdir()
    for number, model in enumerate(models):
        (few / f"{number}.json").write_text(json.dumps(model), encoding="utf-8")
    for number, model in enumerate(islice(cycle(models), _MANY_MODELS)):
        varied = vary_model(model, number, f"{model['id']}-no{number}")
        (many / f"{number}.json").write_text(json.dumps(varied), encoding="utf-8")
    output = folder / "output"
    _generate(few, output)  # not counted: fills the caches
    small: list[Run] = []
    large: list[Run] = []
    for _ in range(_MANY_ROUNDS if full else 2):
        small.extend(_generate(few, output) for _ in range(2))
        large.append(_generate(many, output))
    yield compare_times(
        f"generate, {_MANY_MODELS} models, time for each, to that of {len(models)}",
        median(run.seconds for run in large) / _MANY_MODELS,
        median(run.seconds for run in small) / len(models),
        1.3,
    )
    yield compare_memory(
        "  peak memory", max(run.megabytes for run in large), max(run.megabytes for run in small), 5
    )


def _extract_schemas(folder: Path) -> list[Path]:
    """Write each parameter schema to a file of its own, for the engine, which cannot read records."""
    folder.mkdir()
    for number, model in enumerate(read_models_with_schema()):
        (folder / f"{number:03}.json").write_text(json.dumps(model["json_request_schema"]), encoding="utf-8")
    return sorted(folder.iterdir())


def _generate(schemas: Path, output: Path, *, cwd: Path | None = None) -> Run:
    """Generate a package and delete it; by default without a configuration."""
    command = ("-m", "oxen_codegen", "generate", "--schemas", str(schemas), "--output", str(output))
    run = run_python(*command, cwd=cwd or schemas)
    shutil.rmtree(output)
    return run


def _run_engine_command(schema: Path, work: Path) -> Run:
    files = ("--input", str(schema), "--output", str(work / "model.py"))
    return run_python("-m", "datamodel_code_generator", *files, *_OPTIONS, cwd=work)
