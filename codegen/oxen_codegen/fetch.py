"""The command `fetch`: record models of the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from .acceptance import accept_records
from .build import PackageBuilder
from .diagnostics import Diagnostic, ModelError
from .hub import HubClient, ModelNotFound, Progress
from .lock import exclusive_lock
from .records import Record, file_name, read_folder
from .replace import recover_package
from .tree import create_file


@dataclass
class Fetched:
    """The result of `fetch`."""

    written: list[str] = field(default_factory=list[str])
    """The ids of models whose file is new or changed."""
    removed: list[str] = field(default_factory=list[str])
    """The ids of models whose file was deleted."""
    unchanged: int = 0
    skipped: int = 0
    """The number of recorded models that the API has and that were not requested."""
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @property
    def failed(self) -> int:
        return sum(diagnostic.severity == "error" for diagnostic in self.diagnostics)


def fetch(
    hub: HubClient, ids: Iterable[str], schemas: Path, builder: PackageBuilder, progress: Progress
) -> Fetched:
    """Record models. A model that cannot be bound is reported, and its recorded file is kept.

    Args:
        hub: The server to read from.
        ids: The ids of the models; empty for all models, and then files of removed models are deleted.
        schemas: The folder of recorded files.
        builder: Checks that the models can be bound.
        progress: Receives the progress.

    Raises:
        CodegenError: The folder cannot be used, or the server rejected the API key. Nothing was changed.
    """
    config = builder.config
    result = Fetched()
    requested = list(dict.fromkeys(ids))
    listed: list[str] | None = None
    if not requested:
        listed, unusable = hub.list_ids()
        result.diagnostics.extend(unusable)
        requested = config.ids_to_fetch(listed)
        result.diagnostics.extend(config.unmatched_ids([*listed, *requested]))
    with ExitStack() as locks:
        package = schemas.parent
        if schemas == package.parent / config.package / "schemas":
            # After an interrupted command, the schemas are at another path until they are recovered.
            locks.enter_context(exclusive_lock(package.parent))
            recover_package(package, config.changelog)
        locks.enter_context(exclusive_lock(schemas))
        schemas.mkdir(parents=True, exist_ok=True)
        recorded, _ = read_folder(schemas)  # an invalid file is replaced when its model is fetched
        current = {model_id for model_id, record in recorded.items() if _is_current(record)}
        # The list may be incomplete, so a model counts as removed only if a request for it returns 404.
        unlisted = [] if listed is None else sorted(current - {*listed, *requested})
        fetched: list[Record] = []
        for model_id, model in hub.get_models([*requested, *unlisted], progress):
            if isinstance(model, Record):
                fetched.append(model)
            elif isinstance(model, ModelNotFound) and model_id in unlisted:
                result.removed.append(model_id)
            else:
                result.diagnostics.append(Diagnostic(model_id, model.path, model.message, "error"))
        _record(fetched, recorded, schemas, builder, result)
    if listed is not None:
        result.skipped = len(current & {*listed} - {*requested})
    return result


def _record(
    fetched: Iterable[Record],
    recorded: Mapping[str, Record],
    schemas: Path,
    builder: PackageBuilder,
    result: Fetched,
) -> None:
    today = datetime.now(UTC).date().isoformat()
    candidates: dict[str, Record] = {}
    for record in fetched:
        previous = recorded.get(record.id)
        if (dated := record.with_changed_date(previous, today)) is previous:
            result.unchanged += 1
        else:
            candidates[record.id] = dated
    remaining = {model_id: record for model_id, record in recorded.items() if model_id not in result.removed}
    acceptance = accept_records(builder, remaining, candidates)
    result.removed.extend(acceptance.replaced)
    result.diagnostics.extend(acceptance.rejected)
    for model_id, record in acceptance.accepted.items():
        part = schemas / f"{record.file_name}.part"
        create_file(part, record.dumps())
        part.replace(schemas / record.file_name)
        result.written.append(model_id)
    for model_id in result.removed:
        (schemas / recorded[model_id].file_name).unlink()


def _is_current(record: Record) -> bool:
    """Return whether a record is of a model that the API has, and has the file name that `fetch` gives it."""
    try:
        return record.removal is None and record.file == file_name(record.id)
    except ModelError:
        return False
