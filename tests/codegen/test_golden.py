"""One folder per construct: the schema, and the module that it has to become."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from oxen_codegen.cli import main

GOLDEN = Path(__file__).parent / "golden"
ACCEPT = "to accept: pytest tests/codegen/test_golden.py --accept"
CASES = sorted(file.parent.name for file in GOLDEN.glob("*/schema.json"))


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with a model for each case, named after it."""
    folder = tmp_path_factory.mktemp("golden")
    schemas = folder / "schemas"
    schemas.mkdir()
    for case in CASES:
        answer = {
            "id": case,
            "display_name": case.replace("_", " ").capitalize(),
            "summary": "A golden case.",
            "endpoint": "/images/generate",
            "json_request_schema": json.loads((GOLDEN / case / "schema.json").read_text()),
        }
        (schemas / f"{case}.json").write_text(json.dumps(answer))
    done = CliRunner().invoke(main, ["generate", "--schemas", str(schemas), "--output", str(folder)])
    assert done.exit_code == 0, done.output
    (folder / "report.txt").write_text(done.stderr)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_a_schema_becomes_its_module(case: str, generated: Path, request: pytest.FixtureRequest) -> None:
    emitted = (generated / "oxen_models" / "images" / f"{case}.py").read_text(encoding="utf-8")
    expected = GOLDEN / case / "module.py"
    if request.config.getoption("--accept"):
        expected.write_text(emitted, encoding="utf-8")
    assert emitted == expected.read_text(encoding="utf-8"), ACCEPT


def test_what_the_schemas_leave_to_the_hub_is_reported(
    generated: Path, request: pytest.FixtureRequest
) -> None:
    report = (generated / "report.txt").read_text(encoding="utf-8")
    expected = GOLDEN / "report.txt"
    if request.config.getoption("--accept"):
        expected.write_text(report, encoding="utf-8")
    assert report == expected.read_text(encoding="utf-8"), ACCEPT
