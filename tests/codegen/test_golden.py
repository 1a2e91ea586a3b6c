"""Golden modules: one folder per construct, with the schema and the module that is generated from it."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from types import ModuleType

import oxen_models
import pytest
from click.testing import CliRunner
from oxen_codegen.cli import main

GOLDEN = Path(__file__).parent / "golden"
ACCEPT = "to accept: pytest tests/codegen/test_golden.py --accept"
CASES = sorted(file.parent.name for file in GOLDEN.glob("*/schema.json"))


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with one model per case."""
    folder = tmp_path_factory.mktemp("golden")
    schemas = folder / "schemas"
    schemas.mkdir()
    for case in CASES:
        model = {
            "id": case,
            "display_name": case.replace("_", " ").capitalize(),
            "summary": "A golden case.",
            "endpoint": "/images/generate",
            "json_request_schema": json.loads((GOLDEN / case / "schema.json").read_text()),
        }
        (schemas / f"{case}.json").write_text(json.dumps(model))
    done = CliRunner().invoke(main, ["generate", "--schemas", str(schemas), "--output", str(folder)])
    assert done.exit_code == 0, done.output
    (folder / "report.txt").write_text(done.stderr)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_schema_generates_the_golden_module(
    case: str, generated: Path, request: pytest.FixtureRequest
) -> None:
    """Each schema generates the module that is committed beside it."""
    emitted = (generated / "oxen_models" / "images" / f"{case}.py").read_text(encoding="utf-8")
    expected = GOLDEN / case / "module.py"
    if request.config.getoption("--accept"):
        expected.write_text(emitted, encoding="utf-8")
    assert emitted == expected.read_text(encoding="utf-8"), ACCEPT


def test_unsupported_constraints_are_reported(generated: Path, request: pytest.FixtureRequest) -> None:
    """The report of all cases is the committed one."""
    report = (generated / "report.txt").read_text(encoding="utf-8")
    expected = GOLDEN / "report.txt"
    if request.config.getoption("--accept"):
        expected.write_text(report, encoding="utf-8")
    assert report == expected.read_text(encoding="utf-8"), ACCEPT


@pytest.mark.slow
def test_emitted_modules_import_without_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every golden module, and every module of the package's families, is imported under `-W error`."""
    package = Path(oxen_models.__file__).parent
    files = [*GOLDEN.glob("*/module.py"), *package.glob("images/*.py"), *package.glob("videos/*.py")]
    files += package.glob("audio/*.py")
    assert len(files) > 150
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number, file in enumerate(files):
            module = ModuleType(f"emitted_{number}")
            # pydantic resolves the names in annotations there.
            monkeypatch.setitem(sys.modules, module.__name__, module)
            exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), vars(module))
