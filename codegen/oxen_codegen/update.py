"""The command `update`: bring schemas, package and changelog up to date with the API, atomically."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from .acceptance import Acceptance, UnbindableRecordsError, accept_records
from .build import PackageBuilder
from .changelog import format_entry
from .config import Config, package_version
from .diagnostics import CodegenError, Diagnostic, ModelError, make_printable
from .diff.changes import Diff, next_version
from .diff.compare import compare_models
from .diff.live import fetch_models
from .diff.source import Records
from .hub import HubClient, Progress, split_valid_ids
from .lock import exclusive_lock
from .output import write_package
from .records import Record, Removal, read_folder
from .replace import ensure_complete, recover_package
from .resolve import ResolvedModel, resolve_model
from .tree import read_files

MAX_REMOVED_SHARE = 0.2
MAX_LISTED_IDS = 10


@dataclass(frozen=True, slots=True)
class Updated:
    """The result of `update`."""

    diff: Diff
    version: str
    files: int
    """The number of files of the package that were changed, or would be changed."""
    diagnostics: list[Diagnostic]

    @property
    def failed(self) -> int:
        return sum(diagnostic.severity == "error" for diagnostic in self.diagnostics)


def update(
    hub: HubClient,
    ids: Iterable[str],
    config: Config,
    template_dir: Path,
    *,
    allow_removals: bool,
    dry_run: bool,
    progress: Progress,
) -> Updated:
    """Update schemas, package and changelog.

    A model that cannot be bound is reported, and its recorded schema is kept.

    Args:
        hub: The server to read from.
        ids: The ids of the models; empty for all models.
        config: The configuration of the package.
        template_dir: The folder of built-in templates.
        allow_removals: Whether more than a fifth of the models may be removed.
        dry_run: Whether to change nothing.
        progress: Receives the progress of reading models.

    Raises:
        CodegenError: The server, a folder or the configuration cannot be used. Nothing was changed.
    """
    with exclusive_lock(config.output), exclusive_lock(config.schemas):
        if dry_run:
            ensure_complete(config.folder)
        else:
            recover_package(config.folder, config.changelog)
        builder = PackageBuilder(config, template_dir)
        recorded = _read_recorded(config.schemas)
        current = {model_id: record for model_id, record in recorded.items() if record.removal is None}
        ids, unlisted, skipped = _choose_ids(hub, ids, current, config)
        limit = len(current) if allow_removals else _max_removed(config, current)
        _limit_removals([id for id in unlisted if id not in ids], limit, "are not in the server's list")
        fetched = fetch_models(hub, ids, unlisted, progress)
        removed = [model_id for model_id in unlisted if model_id not in fetched]
        _limit_removals(removed, limit, "were removed")

        version = package_version(config, template_dir)
        today = datetime.now(UTC).date().isoformat()
        expired = _find_expired(recorded, fetched, version)
        kept = {model_id: record for model_id, record in recorded.items() if model_id not in expired}
        removal = Removal(today, next_version(version, "breaking"), None)
        not_fetched = {model_id: record for model_id, record in kept.items() if model_id not in fetched}
        candidates = {
            **_changed_records(fetched, recorded, today),
            **_changed_removals(not_fetched, removed, removal, config.successors),
        }
        acceptance = accept_records(builder, kept, candidates)
        if acceptance.unbindable:
            raise UnbindableRecordsError({}, acceptance.unbindable, acceptance.records)

        dropped = expired | {model_id: recorded[model_id] for model_id in acceptance.replaced}
        diff, warnings = _compare(current, acceptance, config)
        package = builder.build_package(acceptance.models, acceptance.records)
        changelog_entry = None
        if diff.changes or expired:
            changelog_entry = format_entry(diff, expired.values(), config, today)
        differences = write_package(
            package,
            builder,
            _read_schemas(config.schemas, dropped, acceptance),
            changelog_entry=changelog_entry,
            dry_run=dry_run,
        )
        removals = [
            Diagnostic(model_id, "", "module removed: the model left the API in the previous minor version")
            for model_id in expired
        ] + [
            Diagnostic(model_id, "", f"module replaced by that of {owner!r}, which has the same Python name")
            for model_id, owner in acceptance.replaced.items()
        ]
        return Updated(
            diff,
            version,
            len(differences),
            [*package.diagnostics, *skipped, *acceptance.rejected, *warnings, *removals],
        )


def _read_recorded(schemas: Path) -> dict[str, Record]:
    records, errors = read_folder(schemas) if schemas.is_dir() else ({}, {})
    if errors:
        raise UnbindableRecordsError(errors, {}, records)
    return records


def _choose_ids(
    hub: HubClient, ids: Iterable[str], current: Records, config: Config
) -> tuple[list[str], list[str], list[Diagnostic]]:
    """Return the ids to request, the recorded ids that the server does not list, and errors of the list."""
    requested = list(dict.fromkeys(ids))
    unlisted: list[str] = []
    unusable: list[Diagnostic] = []
    if not requested:
        listed, unusable = hub.list_ids()
        requested = config.ids_to_fetch(listed)
        unlisted = config.selection.unlisted(listed, current)
    valid, invalid = split_valid_ids(requested)
    return valid, unlisted, [*unusable, *invalid.values()]


def _max_removed(config: Config, current: Records) -> int:
    return int(MAX_REMOVED_SHARE * len(config.selection.filter_ids(current)))


def _limit_removals(ids: list[str], limit: int, problem: str) -> None:
    """Raise if more models are removed than is likely, because the list may be incomplete."""
    if len(ids) > limit:
        raise CodegenError(
            f"more than a fifth of the models {problem}, {len(ids)} of them: {_format_ids(ids)}; nothing was "
            "changed; with --allow-removals, a model is removed if a request for it returns 404"
        )


def _changed_records(fetched: Records, recorded: Records, today: str) -> dict[str, Record]:
    """Return the fetched models that differ from the recorded ones."""
    dated = {
        model_id: record.with_changed_date(recorded.get(model_id), today)
        for model_id, record in fetched.items()
    }
    return {model_id: record for model_id, record in dated.items() if record is not recorded.get(model_id)}


def _find_expired(recorded: Records, fetched: Records, version: str) -> dict[str, Record]:
    """Return the removed models whose notice was part of a minor version."""
    return {
        model_id: record
        for model_id, record in recorded.items()
        if model_id not in fetched
        and (removal := record.removal) is not None
        and _minor(removal.version) < _minor(version)
    }


def _changed_removals(
    records: Records, removed: Collection[str], removal: Removal, successors: Mapping[str, str]
) -> dict[str, Record]:
    """Return the records of removed models whose removal is new or has another successor.

    Args:
        records: The recorded models that were not fetched.
        removed: The ids of the models that were removed now.
        removal: The removal of these models.
        successors: The accepted successors.
    """
    changed: dict[str, Record] = {}
    for model_id, record in records.items():
        old = record.removal
        new = removal if model_id in removed else old
        if new is not None:
            new = replace(new, successor=successors.get(model_id, new.successor))
            if new != old:
                changed[model_id] = record.mark_removed(new)
    return changed


def _compare(old: Records, acceptance: Acceptance, config: Config) -> tuple[Diff, list[Diagnostic]]:
    """Compare the models of the package before and after the update."""
    warnings: list[Diagnostic] = []
    old_models: dict[str, ResolvedModel] = {}
    for model_id, record in old.items():
        bound = acceptance.models.get(model_id)
        if bound is not None and bound.record is record:
            old_models[model_id] = bound.resolved
        elif config.selection.matches(record):
            try:
                old_models[model_id] = resolve_model(record, config.names, config.client)
            except ModelError as error:
                message = f"compared as a new model, because the recorded schema is invalid: {error.message}"
                warnings.append(Diagnostic(model_id, error.path, message))
    new_models = {
        model_id: bound.resolved
        for model_id, bound in acceptance.models.items()
        if bound.record.removal is None
    }
    return compare_models(old_models, new_models), warnings


def _read_schemas(schemas: Path, dropped: Records, acceptance: Acceptance) -> dict[str, bytes]:
    """Return the contents of the files of recorded models after the update, by name."""
    files = read_files(schemas)
    for record in dropped.values():
        files.pop(record.file_name, None)
    return files | {record.file_name: record.dumps().encode() for record in acceptance.accepted.values()}


def _minor(version: str) -> list[int]:
    return [int(number) if number.isdecimal() else 0 for number in version.split(".")[:2]]


def _format_ids(ids: list[str]) -> str:
    listed = ", ".join(map(make_printable, ids[:MAX_LISTED_IDS]))
    return f"{listed} and {len(ids) - MAX_LISTED_IDS} more" if len(ids) > MAX_LISTED_IDS else listed
