"""What `[tool.oxen-codegen]` in pyproject.toml decides."""

from __future__ import annotations

import runpy
import sys
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .diagnostics import CodegenError, Diagnostic
from .endpoints import ENDPOINTS
from .json_types import is_list, is_object
from .names import is_module_name, is_parameter_name, is_snake_case, pascal
from .records import Record
from .selection import KEYS, Selection

RUNTIME = "oxen_models"
"""The package that has the runtime; any other is built on it."""

_SETTINGS = frozenset(
    {"package", "output", "templates", "include", "exclude", "names", "renamed", "successors"}
)
_FAMILIES = tuple(dict.fromkeys(row.family for row in ENDPOINTS))
# What emitted modules, or the tools, import by these names.
_TAKEN = frozenset(
    {*sys.stdlib_module_names}.union(
        "anyio click datamodel_code_generator filelock httpx httpx_sse jinja2 jsonschema oxen_codegen "
        "pydantic pydantic_core rich ruff stamina typing_extensions".split()
    )
)


@dataclass(frozen=True, slots=True)
class Config:
    """What to build, where things lie, and names chosen by hand."""

    output: Path
    """The folder that holds the package."""
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Python names by model id."""
    package: str = RUNTIME
    selection: Selection = field(default_factory=Selection)
    templates: Path | None = None
    """A folder whose files take the place of built-in templates."""
    changelog: Path = Path("CHANGELOG.md")
    version: str | None = None
    """That of the project; None where the templates say it."""
    successors: Mapping[str, str] = field(default_factory=dict[str, str])
    """What to use instead, by the ids of models that left."""
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """By model id: new Python names of parameters, by the old ones, which are taken for a while."""

    @property
    def folder(self) -> Path:
        """The package itself."""
        return self.output / self.package

    @property
    def schemas(self) -> Path:
        return self.folder / "schemas"

    @property
    def extends(self) -> bool:
        """Whether the package is one of models only, on the runtime that is installed."""
        return self.package != RUNTIME

    def wanted(self, listed: Collection[str]) -> list[str]:
        """The models to ask a hub for, of those that it lists.

        Raises:
            CodegenError: None of them is included.
        """
        wanted = self.selection.wanted(listed)
        if not wanted:
            raise CodegenError(f"[tool.oxen-codegen] includes none of the {len(listed)} models of the hub")
        return wanted

    def idle(self, records: Iterable[Record]) -> list[Diagnostic]:
        """Warnings of rules in `include` and `exclude` that no recorded model fits."""
        return [_no_model(*each) for each in self.selection.idle(records)]

    def idle_ids(self, ids: Iterable[str]) -> list[Diagnostic]:
        """Warnings of ids in `include` and `exclude` that no model of the hub fits."""
        return [_no_model(*each) for each in self.selection.idle_ids(ids)]

    @property
    def client(self) -> str:
        """The class with the models, where the package is one of models only."""
        return pascal(self.package)


def _no_model(place: str, value: str) -> Diagnostic:
    return Diagnostic("pyproject.toml", place, f"no model fits {value!r}")


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
    tool, project = (document.get(name) for name in ("tool", "project"))
    if is_object(tool) and "oxen_codegen" in tool:
        raise CodegenError(f"{file}: [tool.oxen_codegen] has to be called [tool.oxen-codegen]")
    table: Any = tool.get("oxen-codegen", {}) if is_object(tool) else {}
    version: Any = project.get("version") if is_object(project) else None
    try:
        return _config(folder, table, version if isinstance(version, str) else None)
    except CodegenError as error:
        raise CodegenError(f"{file}: [tool.oxen-codegen] {error}") from None


def _config(folder: Path, table: object, version: str | None) -> Config:
    if not is_object(table):
        raise CodegenError("has to be a table")
    if unknown := sorted(table.keys() - _SETTINGS):
        raise CodegenError(f"has no setting {', '.join(unknown)}: it takes {', '.join(sorted(_SETTINGS))}")
    package = table.get("package", RUNTIME)
    if not isinstance(package, str) or not is_snake_case(package):
        raise CodegenError(f"package: {package!r} has to be a name in snake case, such as 'acme_models'")
    if not is_module_name(package) or package in _TAKEN:
        raise CodegenError(f"package: {package!r} is the name of something else: choose another")
    templates = _path(table, "templates", None)
    return Config(
        output=folder / _path(table, "output", "generated"),
        names=_names(table, pascal(package)),
        package=package,
        selection=Selection(_rules(table, "include"), _rules(table, "exclude")),
        templates=None if templates is None else folder / templates,
        changelog=folder / "CHANGELOG.md",
        version=version,
        successors=_successors(table),
        renamed=_renamed(table),
    )


def _path(table: Mapping[str, Any], key: str, default: str | None) -> Any:
    path = table.get(key, default)
    if not isinstance(path, str | None):
        raise CodegenError(f"{key} has to be a path")
    return path


def _names(table: Mapping[str, Any], client: str) -> Mapping[str, str]:
    names: Any = table.get("names", {})
    if not is_object(names):
        raise CodegenError("names has to be a table of names by model id")
    for model_id, name in names.items():
        if not isinstance(name, str) or not is_module_name(name, client):
            raise CodegenError(f"names: {model_id!r}: {name!r} is not a free name in snake case")
    return names


def _successors(table: Mapping[str, Any]) -> Mapping[str, str]:
    successors: Any = table.get("successors", {})
    if not is_object(successors) or not all(isinstance(each, str) and each for each in successors.values()):
        raise CodegenError("successors has to be a table of model ids by the ids of models that left")
    return successors


def _renamed(table: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    renamed: Any = table.get("renamed", {})
    if not is_object(renamed) or not all(map(is_object, renamed.values())):
        raise CodegenError("renamed has to be a table of tables: new names by old ones, by model id")
    for model_id, names in renamed.items():
        for old, new in names.items():
            if not isinstance(new, str) or not all(map(is_parameter_name, (old, new))):
                raise CodegenError(f"renamed: {model_id!r}: {old!r} = {new!r}: both have to be Python names")
    return renamed


def _rules(table: Mapping[str, Any], name: str) -> Mapping[str, tuple[str, ...]]:
    rules: Any = table.get(name, {})
    if not is_object(rules):
        raise CodegenError(f"{name} has to be a table of {', '.join(KEYS)}")
    for key, values in rules.items():
        if key not in KEYS:
            raise CodegenError(f"{name} has no key {key}: it takes {', '.join(KEYS)}")
        if not is_list(values) or not values or not all(isinstance(value, str) for value in values):
            raise CodegenError(f"{name}.{key} has to be a list of texts that is not empty")
        if key == "families" and (unknown := [value for value in values if value not in _FAMILIES]):
            raise CodegenError(
                f"{name}.families: there is no family {unknown[0]!r}: {', '.join(_FAMILIES)} are all"
            )
    return {key: tuple(values) for key, values in rules.items()}


def version(config: Config, templates: Path) -> str:
    """The version of the package: that of its project, or else of the `templates`."""
    if config.version is not None:
        return config.version
    return runtime_version(templates)


def runtime_version(templates: Path) -> str:
    """The version of the runtime that `templates` hold."""
    found: str = runpy.run_path(str(templates / "package" / "_runtime" / "version.py"))["__version__"]
    return found
