"""What `[tool.oxen-codegen]` in pyproject.toml decides."""

from __future__ import annotations

import runpy
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .names import is_module_name
from .records import is_object
from .report import CodegenError

PACKAGE = "oxen_models"


@dataclass(frozen=True, slots=True)
class Config:
    """Where things lie, and names chosen by hand."""

    output: Path
    """The folder that holds the package."""
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Python names by model id."""

    @property
    def schemas(self) -> Path:
        return self.output / PACKAGE / "schemas"


def load(start: Path) -> Config:
    """The configuration of the project that `start` lies in.

    Raises:
        CodegenError: It says something that cannot be.
    """
    folder = next((each for each in (start, *start.parents) if (each / "pyproject.toml").is_file()), start)
    file = folder / "pyproject.toml"
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (OSError, ValueError) as error:
        raise CodegenError(f"{file}: {error}") from error
    tool = document.get("tool", {})
    table: Any = tool.get("oxen-codegen", {}) if is_object(tool) else {}
    if not is_object(table):
        raise CodegenError(f"{file}: [tool.oxen-codegen] has to be a table")
    if unknown := sorted(table.keys() - {"output", "names"}):
        raise CodegenError(f"{file}: [tool.oxen-codegen] has no setting {', '.join(unknown)}")
    output, names = table.get("output", "generated"), table.get("names", {})
    if not isinstance(output, str):
        raise CodegenError(f"{file}: [tool.oxen-codegen] output has to be a path")
    if not is_object(names):
        raise CodegenError(f"{file}: [tool.oxen-codegen] names has to be a table of names by model id")
    for model_id, name in names.items():
        if not isinstance(name, str) or not is_module_name(name):
            raise CodegenError(
                f"{file}: [tool.oxen-codegen.names] {model_id!r}: {name!r} is no free name in snake case"
            )
    return Config(folder / output, names)


def version(templates: Path) -> str:
    """The version of the package that `templates` make."""
    found: str = runpy.run_path(str(templates / "package" / "_runtime" / "version.py"))["__version__"]
    return found
