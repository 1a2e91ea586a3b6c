"""`update`: from what the hub says now to schemas, package and changelog, all of it or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from . import config as configuration
from .bind import place
from .build import ONE_MODEL, collision, failure
from .changelog import format_entry
from .config import Config
from .diagnostics import CodegenError, Diagnostic, ModelError, make_printable
from .diff.changes import Diff, next_version
from .diff.compare import compare
from .diff.source import fetch_models, load_folder
from .fetch import Hub, OnModels, recordable
from .generate import build_from, staged, swap_in
from .lock import exclusive_lock
from .names import sharing, taken
from .records import Record, Removal, file_name, read_folder
from .replace import recover_package

_MOST_GONE = 0.2
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Updated:
    """The outcome of an update."""

    diff: Diff
    version: str
    files: int
    """How many files of the package differ."""
    findings: list[Diagnostic]
    failed: int


def update(
    hub: Hub,
    ids: Iterable[str],
    config: Config,
    templates: Path,
    *,
    allow_removals: bool,
    dry_run: bool,
    on_models: OnModels,
) -> Updated:
    """Bring schemas, package and changelog to what the hub says.

    Args:
        hub: Where to read.
        ids: The models to look at; none for all.
        config: What to build, and where.
        templates: The folder of templates.
        allow_removals: Whether more than a fifth of the models may be gone at once.
        dry_run: Whether to write nothing.
        on_models: Told of the progress.

    Raises:
        CodegenError: A folder, the hub or the configuration is not usable. Nothing was changed.
    """
    with exclusive_lock(config.output), exclusive_lock(config.schemas):
        recover_package(config.folder)
        old: Mapping[str, Record] = load_folder(config.schemas) if config.schemas.is_dir() else {}
        wanted = list(dict.fromkeys(ids))
        unlisted: list[str] = []
        if not wanted:
            listed = hub.ids()
            wanted = config.wanted(listed)
            unlisted = config.selection.unlisted(listed, old)
        wanted, unnamed = recordable(wanted)
        most = len(old) if allow_removals else int(_MOST_GONE * len(config.selection.by_id(old)))
        _limit([each for each in unlisted if each not in wanted], most, "are not on the hub's list")
        found = fetch_models(hub, wanted, unlisted, on_models)
        gone = [model_id for model_id in unlisted if model_id not in found]
        _limit(gone, most, "are gone")
        version = configuration.version(config, templates)
        today = datetime.now(UTC).date().isoformat()
        fresh = {model_id: record.dated(old.get(model_id), today) for model_id, record in found.items()}
        refused = unnamed | _refused(old, fresh, config)
        with TemporaryDirectory() as folder:
            schemas = Path(folder, "schemas")
            if config.schemas.is_dir():
                shutil.copytree(config.schemas, schemas)
            else:
                schemas.mkdir()
            for model_id, record in fresh.items():
                if model_id not in refused:
                    _write(schemas, record)
            for model_id in gone:
                removal = Removal(today, next_version(version, "breaking"), config.successors.get(model_id))
                _write(schemas, old[model_id].removed(removal))
            expired = _settle_removals(schemas, version, config.successors)
            diff = compare(
                _built(old, config), _built(load_folder(schemas), config), config.names, config.client
            )
            result = build_from(config, schemas, templates)
            new = Path(folder, "new")
            changes = staged(result, new, schemas, config.folder, is_record=True)
            if changes and not dry_run:
                is_news = bool(diff.changes or expired)
                announced = format_entry(diff, expired, config, today) if is_news else None
                swap_in(new, changes, config, announced)
        result.findings.extend(refused.values())
        gone_for_good = "left the hub a minor version ago: its module goes now"
        result.findings.extend(Diagnostic(record.id, "", gone_for_good, "warning") for record in expired)
        return Updated(diff, version, len(changes), result.findings, result.failed)


def _limit(models: list[str], most: int, how: str) -> None:
    """Half a list, or a hub that has lost its memory, is more likely than so many models gone."""
    if len(models) > most:
        raise CodegenError(
            f"more than a fifth of the models {how}, {len(models)} of them: {_some(models)}; nothing was "
            "changed; if they are gone, say --allow-removals: each is asked for before it counts as gone"
        )


def _refused(old: Mapping[str, Record], found: Mapping[str, Record], config: Config) -> dict[str, Diagnostic]:
    """What is wrong with models that cannot be built as they are now; their old records stay."""
    refused: dict[str, Diagnostic] = {}
    for model_id, record in found.items():
        try:
            record.dumps()
        except ModelError as error:
            refused[model_id] = failure(model_id, error)
    names: dict[str, list[tuple[str, str]]] = {}
    for model_id, record in _built({**old, **found}, config).items():
        try:
            model = place(record, config.names, config.client)
        except ONE_MODEL as error:
            if record != old.get(model_id):
                refused[model_id] = failure(model_id, error)
        else:
            if model.is_bound and model.endpoint:
                names[model_id] = taken(model.endpoint.family, model.module)
    alike = sharing(names)
    return refused | {each: collision(each, *alike[each]) for each in alike if each not in old}


def _built(records: Mapping[str, Record], config: Config) -> Mapping[str, Record]:
    """The records that the package is built from."""
    return {model_id: record for model_id, record in records.items() if config.selection.takes(record)}


def _settle_removals(schemas: Path, version: str, successors: Mapping[str, str]) -> list[Record]:
    """A module says for one minor version that its model has left; those that have done so go as well."""
    expired: list[Record] = []
    records, _ = read_folder(schemas)
    for record in records.values():
        removal = record.removal
        if removal is None:
            continue
        if _minor(removal.version) < _minor(version):
            (schemas / file_name(record.id)).unlink(missing_ok=True)
            expired.append(record)
        elif (successor := successors.get(record.id, removal.successor)) != removal.successor:
            _write(schemas, record.removed(replace(removal, successor=successor)))
    return expired


def _minor(version: str) -> list[int]:
    return [int(number) if number.isdecimal() else 0 for number in version.split(".")[:2]]


def _write(schemas: Path, record: Record) -> None:
    (schemas / file_name(record.id)).write_text(record.dumps(), encoding="utf-8", newline="\n")


def _some(ids: list[str]) -> str:
    named = ", ".join(map(make_printable, ids[:_MOST_NAMED]))
    return f"{named} and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else named
