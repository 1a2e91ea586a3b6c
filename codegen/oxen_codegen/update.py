"""`update`: from what the hub says now to schemas, package and changelog, all of it or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from . import config as configuration
from .changelog import entry
from .config import Config
from .diff.changes import Diff, next_version
from .diff.compare import compare
from .diff.source import of_folder, of_hub
from .fetch import Hub
from .generate import build_from, staged
from .records import Record, Removal, file_name, read_folder
from .report import CodegenError, Finding, ModelError, printable
from .write import alone, differences, install, recover

_MOST_GONE = 0.2
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update came to."""

    diff: Diff
    version: str
    files: int
    """How many files of the package differ."""
    findings: list[Finding]
    failed: int


def update(
    hub: Hub,
    ids: Iterable[str],
    config: Config,
    templates: Path,
    *,
    allow_removals: bool,
    dry_run: bool,
    on_models: Callable[[int], Callable[[], None]],
) -> Updated:
    """Bring schemas, package and changelog to what the hub says.

    Args:
        hub: Where to read.
        ids: The models to look at; none for all.
        config: What to build, and where.
        templates: The folder of templates.
        allow_removals: Whether more than a fifth of the models may be gone at once.
        dry_run: Whether to write nothing.
        on_models: Called with the number of models; what it gives is called after each.

    Raises:
        CodegenError: Something is not as it has to be. Nothing was changed.
    """
    with alone(config.output), alone(config.schemas):
        recover(config.folder)
        old: Mapping[str, Record] = of_folder(config.schemas) if config.schemas.is_dir() else {}
        wanted = list(dict.fromkeys(ids))
        gone: list[str] = []
        if not wanted:
            listed = hub.ids()
            wanted = config.selection.wanted(listed)
            if not wanted:
                raise CodegenError(
                    f"[tool.oxen-codegen] includes none of the {len(listed)} models of the hub"
                )
            gone = _gone(hub, old, [*listed, *wanted], allow_removals)
        found = of_hub(hub, wanted, on_models(len(wanted)))
        version = configuration.version(templates)
        today = datetime.now(UTC).date().isoformat()
        with TemporaryDirectory() as folder:
            schemas = Path(folder, "schemas")
            if config.schemas.is_dir():
                shutil.copytree(config.schemas, schemas)
            else:
                schemas.mkdir()
            for model_id, record in found.items():
                _write(schemas, record.dated(old.get(model_id), today))
            for model_id in gone:
                removal = Removal(today, next_version(version, "breaking"), config.successors.get(model_id))
                _write(schemas, old[model_id].removed(removal))
            _settle_removals(schemas, version, config.successors)
            diff = compare(_built(old, config), _built(of_folder(schemas), config), config.names)
            if not any(differences(schemas, config.schemas)):
                return Updated(diff, version, 0, [], 0)
            result = build_from(config, schemas, templates)
            new = Path(folder, "new")
            changes = staged(result, new, schemas, config.folder, is_record=True)
            if changes and not dry_run:
                announced = entry(diff, config.successors, today) if diff.changes else None
                install(new, config.folder, config.changelog, announced)
        return Updated(diff, version, len(changes), result.findings, result.failed)


def _gone(hub: Hub, old: Mapping[str, Record], listed: Iterable[str], allow_removals: bool) -> list[str]:
    """The models that the hub no longer has; that its list lacks them is not enough."""
    gone = sorted(old.keys() - set(listed))
    still: list[str] = []
    for model_id in gone:
        try:
            if not hub.lacks(model_id):
                still.append(model_id)
        except ModelError as error:
            raise CodegenError(
                f"{model_id} is not on the hub's list, but may be there: {error.text}; nothing was changed"
            ) from None
    if still:
        raise CodegenError(
            f"the hub's list is not whole: it lacks {_some(still)}, which it still has; nothing was changed"
        )
    if len(gone) > _MOST_GONE * len(old) and not allow_removals:
        raise CodegenError(
            f"{len(gone)} of {len(old)} models would be gone at once: {_some(gone)}; "
            "nothing was changed; if that is so, say --allow-removals"
        )
    return gone


def _built(records: Mapping[str, Record], config: Config) -> Mapping[str, Record]:
    """What users have of them."""
    return {model_id: record for model_id, record in records.items() if config.selection.takes(record)}


def _settle_removals(schemas: Path, version: str, successors: Mapping[str, str]) -> None:
    """A module says for one minor version that its model has left, and then goes as well."""
    records, _ = read_folder(schemas)
    for record in records.values():
        removal = record.removal
        if removal is None:
            continue
        if _minor(removal.version) < _minor(version):
            (schemas / file_name(record.id)).unlink(missing_ok=True)
        elif (successor := successors.get(record.id, removal.successor)) != removal.successor:
            _write(schemas, record.removed(replace(removal, successor=successor)))


def _minor(version: str) -> list[int]:
    return [int(number) if number.isdecimal() else 0 for number in version.split(".")[:2]]


def _write(schemas: Path, record: Record) -> None:
    try:
        name = file_name(record.id)
    except ModelError as error:
        raise CodegenError(f"{printable(record.id)}: {error.text}; nothing was changed") from None
    (schemas / name).write_text(record.dumps(), encoding="utf-8", newline="\n")


def _some(ids: list[str]) -> str:
    named = ", ".join(map(printable, ids[:_MOST_NAMED]))
    return f"{named} and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else named
