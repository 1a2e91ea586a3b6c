"""The commands `generate` and `check`: build the package from recorded schemas."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .acceptance import UnbindableRecordsError
from .build import BoundModel, Package, PackageBuilder, find_name_collisions
from .config import Config
from .diagnostics import ModelError
from .lock import exclusive_lock
from .output import write_package
from .records import Record, file_name, missing_schemas_error, read_folder
from .replace import ensure_complete, recover_package
from .tree import Difference, read_files


@dataclass(frozen=True, slots=True)
class Generated:
    """The result of `generate` or `check`."""

    package: Package
    differences: list[Difference]
    """The files of the package that were changed, or would be changed."""


def generate(config: Config, schemas: Path, template_dir: Path, *, dry_run: bool = False) -> Generated:
    """Build the package and write it, unless it is up to date.

    Args:
        config: The configuration of the package.
        schemas: The folder of recorded models.
        template_dir: The folder of built-in templates.
        dry_run: Whether to change nothing.

    Raises:
        CodegenError: A recorded model cannot be bound, or the package cannot be written. Nothing was changed.
    """
    # The schemas of the package are locked as well, because they are replaced together with the package.
    folders = {folder.resolve(): folder for folder in (config.output, config.schemas, schemas)}
    with ExitStack() as locks:
        for folder in folders.values():
            locks.enter_context(exclusive_lock(folder))
        if dry_run:
            ensure_complete(config.folder)
        else:
            recover_package(config.folder, config.changelog)
        records, errors = read_folder(schemas) if schemas.is_dir() else ({}, {})
        if not records and not errors:
            raise missing_schemas_error(schemas)
        builder = PackageBuilder(config, template_dir)
        models, unbindable = _bind_models(builder, records)
        if errors or unbindable:
            raise UnbindableRecordsError(errors, unbindable, records)
        package = builder.build_package(models, records)
        differences = write_package(package, builder, _read_schemas(config, schemas, models), dry_run=dry_run)
        return Generated(package, differences)


def _bind_models(
    builder: PackageBuilder, records: Mapping[str, Record]
) -> tuple[dict[str, BoundModel], dict[str, ModelError]]:
    """Return the models of the package, and the errors of models that cannot be bound, by id."""
    models: dict[str, BoundModel] = {}
    errors: dict[str, ModelError] = {}
    for model_id, record in sorted(records.items()):
        if builder.config.selection.matches(record):
            try:
                models[model_id] = builder.bind_model(record)
            except ModelError as error:
                errors[model_id] = error
    return models, errors | find_name_collisions(models)


def _read_schemas(config: Config, schemas: Path, models: Mapping[str, BoundModel]) -> dict[str, bytes]:
    if schemas.resolve() == config.schemas.resolve():
        return read_files(schemas)  # only `fetch` and `update` change them
    return {file_name(id): model.record.dumps().encode() for id, model in models.items()}
