"""Build a package in memory from records and templates.

The result depends on the records, the templates and the configuration only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from .bind import bind_model, list_diagnostics
from .catalog import build_entry
from .chat import bind_chat
from .config import Config, runtime_version
from .diagnostics import CodegenError, Diagnostic, ModelError
from .headers import copied_header, derived_header
from .injection import Placeholders, equal_except_literals
from .names import find_collisions, rename_nested_classes, reserved_names
from .operations import FAMILIES
from .public_names import PUBLIC_NAMES
from .records import Record, file_name
from .resolve import ResolvedModel, resolve_model
from .spec import CatalogEntry, FamilySpec, ModelSpec, rename_classes
from .templates import TemplateSet
from .unasync import Unasync
from .workbench.page import PAGE_FILE, render_workbench

# Modules of the generator that are copied into a folder of the package; they import each other only.
_COPIED_MODULES = {
    "_runtime/json_schema": (
        "accepted_values.py", "composition.py", "diagnostics.py", "estimates.py", "json_types.py",
        "keywords.py", "media_kinds.py", "media_urls.py", "merging.py", "normalize.py",
        "operations.py", "priced_parameters.py", "prices.py",
    ),
    "_runtime": ("api_key.py", "environment.py", "login_file.py", "suggestions.py"),
}  # fmt: skip
_MODEL_TEMPLATE = "family/model.py.jinja"
_CLIENT_TEMPLATE = "_client.py.jinja"

RECOVERABLE_ERRORS = (ModelError, RecursionError, SyntaxError, TypeError, ValueError)
"""Exceptions that are reported for a single model instead of ending the command."""


@dataclass(frozen=True, slots=True)
class BoundModel:
    """A model that can be part of the package."""

    resolved: ResolvedModel
    spec: ModelSpec | None
    """None for a model without a typed call, which is in the catalogue only."""
    text: str | None
    """The text of its module, not formatted; None for a model without a typed call."""
    entry: CatalogEntry
    """What the catalogue states about it, unless it is removed."""
    diagnostics: tuple[Diagnostic, ...]

    @property
    def record(self) -> Record:
        return self.resolved.record


@dataclass
class Package:
    """A package in memory."""

    files: dict[str, str] = field(default_factory=dict[str, str])
    """Texts by path in the package, not formatted."""
    copies: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """The contents of files that are binary or formatted already, by path in the package."""
    placeholder_files: dict[str, Callable[[], str]] = field(default_factory=dict[str, Callable[[], str]])
    """Functions that render a file with placeholders in place of API text, by path in the package."""
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    bound: int = 0
    """The number of models with a typed call."""
    listed: Counter[str] = field(default_factory=Counter[str])
    """The number of models without a typed call, by family."""
    excluded: int = 0
    """The number of recorded models that the configuration excludes."""


class PackageBuilder:
    """Binds models, and builds the package from them.

    Args:
        config: The configuration of the package.
        template_dir: The folder of built-in templates.

    Raises:
        CodegenError: The templates of the configuration cannot be used.
    """

    def __init__(self, config: Config, template_dir: Path) -> None:
        self.config = config
        self._template_dir = template_dir
        self._unasync = Unasync()
        self._placeholders = Placeholders()
        names = {
            "package": config.package,
            "client": config.client,
            "public": _public_names(config),
            "runtime": runtime_version(template_dir),
        }
        self._templates = TemplateSet(template_dir, config.templates, config.is_extension, names)

    def bind_model(self, record: Record) -> BoundModel:
        """Resolve, parse and render a model.

        Raises:
            ModelError: The model cannot be bound.
            CodegenError: A template that replaces a built-in one cannot be used.
        """
        try:
            resolved = resolve_model(record, self.config.names, self.config.client)
            diagnostics = tuple(list_diagnostics(resolved))
            spec = text = None
            if resolved.is_bound:
                spec = bind_model(resolved, self.config.renamed.get(record.id, {}))
                text = self._render_model(record, spec)
            entry = build_entry(self.config.package, resolved, spec)
            return BoundModel(resolved, spec, text, entry, diagnostics)
        except RECOVERABLE_ERRORS as error:
            raise _model_error(error) from error

    def check_model(self, model: BoundModel) -> None:
        """Check that API text appears only as literals in the module of a model.

        Raises:
            ModelError: It appears as code, or the module is not valid Python.
            CodegenError: A template that replaces a built-in one cannot be used.
        """
        if model.text is None:
            return
        try:
            expected = self._render_placeholders(_MODEL_TEMPLATE, {"spec": model.spec})
            is_safe = equal_except_literals(model.text, expected)
        except RECOVERABLE_ERRORS as error:
            raise _model_error(error) from error
        if not is_safe:
            raise ModelError(self._injection_message())

    def build_package(self, models: Mapping[str, BoundModel], records: Mapping[str, Record]) -> Package:
        """Build the package.

        Args:
            models: The models of the package by id.
            records: All recorded models by id.

        Raises:
            CodegenError: There is no model, or a template cannot be used.
        """
        if not models:
            raise CodegenError(
                f"include and exclude of [tool.oxen-codegen] match none of {len(records)} recorded models"
            )
        models = self.rename_nested_classes(models)
        result = Package(excluded=len(records) - len(models))
        result.diagnostics.extend(self.config.list_unmatched(records))
        for model in models.values():
            self._add_model(model, result)
        specs = [model.spec for model in models.values() if model.spec is not None]
        families = _group_by_family(specs)
        for family in families:
            self._add_rendered(
                f"{family.name}/__init__.py", "family/__init__.py.jinja", result, family=family
            )
        entries = tuple(model.entry for _, model in sorted(models.items()) if model.record.removal is None)
        chat = bind_chat(entry.id for entry in entries if entry.family == "chat")
        self._add_common_files(result, families=families, entries=entries, chat=chat)
        if not self.config.is_extension:
            self._unasync.check_all_applied()  # the runtime has code for every rule
            pairs = [(model.resolved, model.spec) for model in models.values()]
            page, notes = render_workbench(pairs, self._templates, self._template_dir)
            result.files[PAGE_FILE] = page
            result.diagnostics.extend(notes)
        return result

    def check_package(self, package: Package, formatted: Mapping[str, bytes]) -> None:
        """Check that API text appears only as literals in the formatted files of a package.

        Args:
            package: The package.
            formatted: Its formatted files by path.

        Raises:
            CodegenError: It appears as code.
        """
        for file, render in package.placeholder_files.items():
            if not equal_except_literals(formatted[file].decode(), render()):
                raise CodegenError(f"{file}: {self._injection_message()}; nothing was written")

    def rename_nested_classes(self, models: Mapping[str, BoundModel]) -> dict[str, BoundModel]:
        """Return the models with unique names of nested classes in each family."""
        specs = {model_id: model.spec for model_id, model in models.items() if model.spec is not None}
        nested = {
            model_id: (spec.family, spec.module, [nested.class_name for nested in spec.nested])
            for model_id, spec in specs.items()
        }
        renamed = dict(models)
        for model_id, names in rename_nested_classes(nested).items():
            spec = rename_classes(specs[model_id], names)
            text = self._render_model(models[model_id].record, spec)
            renamed[model_id] = replace(models[model_id], spec=spec, text=text)
        return renamed

    def _render_model(self, record: Record, spec: ModelSpec) -> str:
        return self._templates.render(_MODEL_TEMPLATE, file_name(record.id), spec=spec)

    def _add_model(self, model: BoundModel, result: Package) -> None:
        result.diagnostics.extend(model.diagnostics)
        if model.spec is None or model.text is None:
            operation = model.resolved.operation
            result.listed[operation.family if operation else "unknown"] += 1
            return
        result.bound += 1
        file = f"{model.spec.family}/{model.spec.module}.py"
        result.files[file] = model.text
        context = {"spec": model.spec}
        result.placeholder_files[file] = partial(self._render_placeholders, _MODEL_TEMPLATE, context)

    def _add_common_files(self, result: Package, **context: Any) -> None:
        """Add the files that are not about a single model or family: rendered, copied or derived."""
        if not self.config.is_extension:
            for folder, names in _COPIED_MODULES.items():
                for name in names:
                    source = Path(__file__).with_name(name)
                    text = copied_header(f"codegen/oxen_codegen/{name}") + source.read_text(encoding="utf-8")
                    result.copies[f"{folder}/{name}"] = text.encode()
        emitted = self._templates.package_files()
        for file, template in emitted.items():
            if file == _CLIENT_TEMPLATE:
                self._add_rendered("_client.py", template, result, is_async=False, **context)
                self._add_rendered("_async_client.py", template, result, is_async=True, **context)
                continue
            if file.endswith(".jinja"):
                self._add_rendered(file.removesuffix(".jinja"), template, result, **context)
                continue
            if self._templates.is_binary(template):
                result.copies[file] = self._templates.read_bytes(template)
                continue
            if self._templates.is_override(template):
                result.files[file] = self._templates.copy(template)
            else:
                result.copies[file] = self._templates.copy(template).encode()
            twin = file.replace("/_async/", "/_sync/")
            if twin not in emitted:
                source_text = self._templates.read(template)
                result.files[twin] = derived_header(file) + self._unasync.convert(source_text)

    def _add_rendered(self, file: str, template: str, result: Package, **context: Any) -> None:
        result.files[file] = self._templates.render(template, **context)
        result.placeholder_files[file] = partial(self._render_placeholders, template, context)

    def _render_placeholders(self, template: str, context: Mapping[str, Any]) -> str:
        replaced = {name: self._placeholders.replace(value) for name, value in context.items()}
        try:
            return self._templates.render(template, **replaced)
        except CodegenError as error:
            raise CodegenError(f"{error} (with 'placeholder' in place of each API text)") from error

    def _injection_message(self) -> str:
        remedy = "please report it" if self.config.templates is None else "see its template"
        return f"API text was rendered as code; {remedy}"


def find_name_collisions(models: Mapping[str, BoundModel]) -> dict[str, ModelError]:
    """Return an error for each model with a Python name that other models have as well, by id."""
    return {
        model_id: ModelError(
            f"the Python name {name} is also that of {', '.join(map(repr, others))}; "
            "choose another name in [tool.oxen-codegen.names] of pyproject.toml"
        )
        for model_id, (name, others) in find_collisions(_python_names(models)).items()
    }


def find_replaced_models(models: Mapping[str, BoundModel]) -> dict[str, str]:
    """Return the id of the model of the API with the Python name of a removed model, by the removed id."""
    names = _python_names(models)
    removed = [model_id for model_id in names if models[model_id].record.removal is not None]
    owners = {name: model_id for model_id in names if model_id not in removed for name in names[model_id]}
    return {model_id: owners[name] for model_id in removed for name in names[model_id] if name in owners}


def _python_names(models: Mapping[str, BoundModel]) -> dict[str, list[tuple[str, str]]]:
    return {
        model_id: reserved_names(model.spec.family, model.spec.module)
        for model_id, model in models.items()
        if model.spec
    }


def _model_error(error: Exception) -> ModelError:
    if isinstance(error, ModelError):
        return error
    return ModelError(f"cannot be bound: {type(error).__name__}: {error}")


def _public_names(config: Config) -> Mapping[str, tuple[str, ...]]:
    if not config.is_extension:
        return PUBLIC_NAMES
    return {"_async_client": (f"Async{config.client}",), "_client": (config.client,)}


def _group_by_family(specs: list[ModelSpec]) -> tuple[FamilySpec, ...]:
    return tuple(
        FamilySpec(name, tuple(sorted(members, key=lambda spec: spec.module)))
        for name in FAMILIES
        if (members := [spec for spec in specs if spec.family == name])
    )
