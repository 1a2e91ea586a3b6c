"""Files of the repository that no other test reads: git attributes and pinned versions."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
HAND_WRITTEN = [
    "codegen/oxen_codegen/cli.py",
    "templates/family/model.py.jinja",
    "tests/codegen/test_golden.py",
]

# The last release with a known vulnerability, of each package with one.
VULNERABLE = {
    "anyio": "4.14.1", "black": "26.3.0", "click": "8.3.2", "filelock": "3.20.2", "h11": "0.15.0",
    "idna": "3.14", "jinja2": "3.1.5", "pillow": "12.2.0", "pygments": "2.19.2", "starlette": "1.3.0",
}  # fmt: skip

needs_git = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")


def git(*command: str) -> list[str]:
    """Return the output of git as a list of NUL-separated fields."""
    done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


def find_marked(*files: str) -> set[str]:
    """Return the files that have the attribute `linguist-generated`."""
    fields = git("check-attr", "-z", "linguist-generated", "--", *files)
    return {
        file for file, _, value in zip(fields[::3], fields[1::3], fields[2::3], strict=True) if value == "set"
    }


@needs_git
def test_gitattributes_mark_generated_files() -> None:
    """All generated modules are marked; recorded schemas are not, because a review has to show them."""
    files = set(git("ls-files", "-z", "generated/oxen_models", "tests/codegen/golden/*/module.py"))
    schemas = set(git("ls-files", "-z", "generated/oxen_models/schemas"))
    assert len(files) > len(schemas) > 100
    assert find_marked(*files) == files - schemas


@needs_git
def test_gitattributes_leave_source_files() -> None:
    """Templates, the generator and tests are written by hand."""
    assert find_marked(*HAND_WRITTEN) == set()


@pytest.mark.slow
def test_names_of_tests_have_at_most_50_characters() -> None:
    """The sentence of a test is its docstring."""
    modules = [path for path in ROOT.joinpath("tests").rglob("*.py") if "golden" not in path.parts]
    text = "\n".join(path.read_text(encoding="utf-8") for path in modules)
    names: list[str] = re.findall(r"^ *(?:async )?def (test_\w+)", text, re.MULTILINE)
    assert len(names) > 1000
    assert [name for name in names if len(name) > 50] == []


def test_hooks_pin_the_versions_of_constraints() -> None:
    """A hook with another version of ruff than the sessions would format the files differently."""
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    pins = re.findall(r'additional_dependencies: \["(.+)"\]', hooks)
    assert pins
    assert set(pins) <= set((ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())


def test_lower_bounds_exclude_vulnerable_releases() -> None:
    """No requirement of the project, of any extra, accepts a release with a known vulnerability."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    requirements = [Requirement(text) for texts in (project["dependencies"], *extras) for text in texts]
    bounded = {requirement.name: requirement.specifier for requirement in requirements}
    assert [name for name, version in VULNERABLE.items() if bounded[name].contains(version)] == []
