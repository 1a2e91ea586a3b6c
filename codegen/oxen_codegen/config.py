"""The configuration: `[tool.oxen-codegen]` in pyproject.toml."""

from __future__ import annotations

import runpy
import sys
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from os.path import expanduser
from pathlib import Path
from typing import Any

from .diagnostics import CodegenError, Diagnostic, describe_error
from .json_types import is_list, is_object
from .names import is_module_name, is_parameter_name, is_snake_case, pascal
from .operations import FAMILIES
from .records import Record
from .selection import KEYS, Selection
from .suggestions import suggest_similar

RUNTIME = "oxen_models"
"""The package with the runtime; a package of any other name imports the runtime from it."""

_SETTINGS = frozenset(
    {"package", "output", "templates", "include", "exclude", "names", "renamed", "successors"}
)
# Modules that the generator or a generated package imports.
_RESERVED_PACKAGES = frozenset(
    {*sys.stdlib_module_names}.union(
        "anyio click datamodel_code_generator filelock httpx jinja2 jsonschema oxen_codegen "
        "pydantic pydantic_core rich ruff stamina typing_extensions".split()
    )
)


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of a package."""

    output: Path
    """The folder of the package."""
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Python names by model id."""
    package: str = RUNTIME
    selection: Selection = field(default_factory=Selection)
    templates: Path | None = None
    """A folder of templates that replace built-in ones."""
    changelog: Path = Path("CHANGELOG.md")
    version: str | None = None
    """The version of the project; None if pyproject.toml does not have it."""
    successors: Mapping[str, str] = field(default_factory=dict[str, str])
    """The ids of models to use instead, by the ids of removed models."""
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """By model id: new Python names of parameters by the old names, which are accepted as well."""

    @property
    def folder(self) -> Path:
        """The path of the package."""
        return self.output / self.package

    @property
    def schemas(self) -> Path:
        """The folder of recorded models."""
        return self.folder / "schemas"

    @property
    def is_extension(self) -> bool:
        """Whether the package has models only, and imports the installed runtime."""
        return self.package != RUNTIME

    @property
    def client(self) -> str:
        """The class name of the client of an extension."""
        return pascal(self.package)

    def ids_to_fetch(self, listed: Collection[str]) -> list[str]:
        """Return the ids of models to request, of the ids that the server lists.

        Raises:
            CodegenError: The configuration selects none of them.
        """
        ids = self.selection.ids_to_fetch(listed)
        if not ids:
            raise CodegenError(
                f"no model matches [tool.oxen-codegen.include] ({len(listed)} models available)"
            )
        return ids

    def list_unmatched(self, records: Mapping[str, Record]) -> list[Diagnostic]:
        """Return warnings for entries that concern no recorded model.

        Args:
            records: The recorded models by id.
        """
        ids = {"names": self.names, "renamed": self.renamed, "successors": self.successors.values()}
        return [
            *(
                Diagnostic(
                    "pyproject.toml",
                    key,
                    f"there is no model {model_id!r}{suggest_similar(model_id, records)}",
                )
                for key, model_ids in ids.items()
                for model_id in sorted({*model_ids} - records.keys())
            ),
            *(
                _unmatched(*unmatched, records)
                for unmatched in self.selection.unmatched_filters(records.values())
            ),
        ]

    def unmatched_ids(self, ids: Iterable[str]) -> list[Diagnostic]:
        """Return warnings for ids in `include` and `exclude` that no id of the server matches."""
        known = list(ids)
        return [_unmatched(*unmatched, known) for unmatched in self.selection.unmatched_ids(known)]


def load_config(start: Path) -> Config:
    """Return the configuration in the pyproject.toml of `start` or of the nearest folder above.

    Raises:
        CodegenError: The configuration is invalid.
    """
    folders = (start, *start.parents)
    folder = next((folder for folder in folders if (folder / "pyproject.toml").is_file()), start)
    file = folder / "pyproject.toml"
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (OSError, ValueError) as error:
        raise CodegenError(f"{file}: {describe_error(error)}") from error
    tool, project = (document.get(name) for name in ("tool", "project"))
    if is_object(tool) and "oxen_codegen" in tool:
        raise CodegenError(f"{file}: [tool.oxen_codegen] must be named [tool.oxen-codegen]")
    table: Any = tool.get("oxen-codegen", {}) if is_object(tool) else {}
    version: Any = project.get("version") if is_object(project) else None
    try:
        return _parse(folder, table, version if isinstance(version, str) else None)
    except CodegenError as error:
        raise CodegenError(f"{file}: [tool.oxen-codegen] {error}") from None


def find_template_dir() -> Path:
    """Return the folder of built-in templates: data of the installed package, or a folder of the checkout."""
    package = Path(__file__).parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent.parent / "templates"


def package_version(config: Config, template_dir: Path) -> str:
    """Return the version of the project, or else of the runtime in `template_dir`."""
    return config.version if config.version is not None else runtime_version(template_dir)


def runtime_version(template_dir: Path) -> str:
    """Return the version of the runtime in `template_dir`."""
    version: str = runpy.run_path(str(template_dir / "package" / "_runtime" / "version.py"))["__version__"]
    return version


def _parse(folder: Path, table: object, version: str | None) -> Config:
    if not is_object(table):
        raise CodegenError("must be a table")
    if unknown := sorted(table.keys() - _SETTINGS):
        raise CodegenError(f"unknown setting {unknown[0]!r}; expected one of {', '.join(sorted(_SETTINGS))}")
    package = table.get("package", RUNTIME)
    if not isinstance(package, str) or not is_snake_case(package):
        raise CodegenError(f"package: must be a name in snake case such as 'acme_models', got {package!r}")
    if not is_module_name(package) or package in _RESERVED_PACKAGES:
        raise CodegenError(f"package: {package!r} is reserved; choose another name")
    templates = _parse_path(table, "templates", None)
    return Config(
        output=folder / _parse_path(table, "output", "generated"),
        names=_parse_names(table, pascal(package)),
        package=package,
        selection=Selection(_parse_filters(table, "include"), _parse_filters(table, "exclude")),
        templates=None if templates is None else folder / templates,
        changelog=folder / "CHANGELOG.md",
        version=version,
        successors=_parse_successors(table),
        renamed=_parse_renamed(table),
    )


def _parse_path(table: Mapping[str, Any], key: str, default: str | None) -> Any:
    path = table.get(key, default)
    if not isinstance(path, str | None):
        raise CodegenError(f"{key}: must be a path, got {path!r}")
    return None if path is None else expanduser(path)


def _parse_names(table: Mapping[str, Any], client: str) -> Mapping[str, str]:
    names: Any = table.get("names", {})
    if not is_object(names):
        raise CodegenError("names: must be a table of Python names by model id")
    for model_id, name in names.items():
        if not isinstance(name, str) or not is_module_name(name, client):
            raise CodegenError(f"names: {model_id!r}: must be an unused name in snake case, got {name!r}")
    return names


def _parse_successors(table: Mapping[str, Any]) -> Mapping[str, str]:
    successors: Any = table.get("successors", {})
    if not is_object(successors) or not all(isinstance(id, str) and id for id in successors.values()):
        raise CodegenError("successors: must be a table of model ids by the ids of removed models")
    return successors


def _parse_renamed(table: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    renamed: Any = table.get("renamed", {})
    if not is_object(renamed) or not all(map(is_object, renamed.values())):
        raise CodegenError("renamed: must be a table by model id of tables of new names by old names")
    for model_id, names in renamed.items():
        for old, new in names.items():
            if not isinstance(new, str) or not all(map(is_parameter_name, (old, new))):
                raise CodegenError(f"renamed: {model_id!r}: must be Python names, got {old!r} = {new!r}")
    return renamed


def _parse_filters(table: Mapping[str, Any], name: str) -> Mapping[str, tuple[str, ...]]:
    filters: Any = table.get(name, {})
    if not is_object(filters):
        raise CodegenError(f"{name}: must be a table of {', '.join(KEYS)}")
    for key, values in filters.items():
        if key not in KEYS:
            raise CodegenError(f"{name}: unknown key {key!r}; expected one of {', '.join(KEYS)}")
        if not is_list(values) or not values or not all(isinstance(value, str) for value in values):
            raise CodegenError(f"{name}.{key}: must be a non-empty list of strings, got {values!r}")
        if key == "families" and (unknown := [value for value in values if value not in FAMILIES]):
            families = ", ".join(FAMILIES)
            raise CodegenError(f"{name}.families: unknown family {unknown[0]!r}; expected one of {families}")
    return {key: tuple(values) for key, values in filters.items()}


def _unmatched(location: str, value: str, ids: Iterable[str]) -> Diagnostic:
    known = ids if location.endswith(".ids") else ()
    return Diagnostic(
        "pyproject.toml", location, f"no model matches {value!r}{suggest_similar(value, known)}"
    )
