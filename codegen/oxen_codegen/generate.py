"""`generate` and `check`: from recorded schemas to the package on the disk."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .build import Build, build, prove
from .config import Config
from .diagnostics import CodegenError, Diagnostic
from .formatting import format_tree
from .guards import ensure_generated, ensure_no_data_loss
from .keep import last_good
from .lock import exclusive_lock
from .records import read_folder
from .replace import recover_package, replace_package
from .tree import Difference, compare_trees, write_files


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a run."""

    build: Build
    changes: list[Difference]
    """Files of the package that differ, each with "changed", "new" or "gone"."""


def generate(config: Config, schemas: Path, templates: Path) -> Outcome:
    """Make the package what schemas and templates say; nothing is touched where it is that already.

    Raises:
        CodegenError: There is nothing to build from, or it cannot be written. The old package is
            still there.
    """
    # The package's own schemas move with it, so that nobody may record any meanwhile.
    with exclusive_lock(config.output), exclusive_lock(config.schemas):
        recover_package(config.folder)
        result = build_from(config, schemas, templates)
        with TemporaryDirectory() as folder:
            new = Path(folder, "new")
            changes = staged(result, new, schemas, config.folder)
            if changes:
                swap_in(new, changes, config)
        return Outcome(result, changes)


def check(config: Config, schemas: Path, templates: Path) -> Outcome:
    """What `generate` would change. Nothing is written, but for what an interrupted command left.

    Raises:
        CodegenError: There is nothing to build from.
    """
    with exclusive_lock(config.output), exclusive_lock(config.schemas):
        recover_package(config.folder)
        result = build_from(config, schemas, templates)
        with TemporaryDirectory() as folder:
            return Outcome(result, staged(result, Path(folder, "new"), schemas, config.folder))


def templates_folder() -> Path:
    """The templates: package data of an installed generator, a folder at the top of a checkout."""
    here = Path(__file__).parent
    installed = here / "templates"
    return installed if installed.is_dir() else here.parent.parent / "templates"


def swap_in(new: Path, changes: list[Difference], config: Config, announced: str | None = None) -> None:
    """Put a package in the place of the one that is there, and with it an entry into the changelog.

    Raises:
        CodegenError: It cannot be written, or what is there is somebody's own. Nothing was changed.
    """
    ensure_generated(config.folder)
    if config.extends:  # beside models of their own, people put modules of their own
        ensure_no_data_loss(config.folder, changes)
    replace_package(new, config.folder, config.changelog, announced)


def build_from(config: Config, schemas: Path, templates: Path) -> Build:
    """The package that the records of a folder make.

    Raises:
        CodegenError: The folder has no records.
    """
    records, bad = read_folder(schemas) if schemas.is_dir() else ({}, {})
    if not records:
        raise CodegenError(f"{schemas}: no model schemas: run `oxen-codegen fetch --all` first")
    previous = last_good(config.folder)
    # Which model a file that cannot be read was of, nobody knows: whatever is missing may be it.
    broken = [model_id for model_id in previous if bad and model_id not in records]
    result = build(config, records, templates, previous, broken)
    result.findings[:0] = [
        Diagnostic(name, error.path, error.message, "error") for name, error in bad.items()
    ]
    return result


def staged(
    result: Build, new: Path, schemas: Path, package: Path, *, is_record: bool = False
) -> list[Difference]:
    """Put a package into a new folder, and say in what it differs from the one that is there.

    With `is_record`, `schemas` is what its recorded schemas are to be, to the last file.

    Raises:
        CodegenError: What the hub said became code.
    """
    write_files(result.files, new)
    format_tree(new)
    if is_record or schemas.resolve() == (package / "schemas").resolve():
        # These are the recorded facts: `fetch` and `update` write them, nobody else.
        shutil.copytree(schemas, new / "schemas")
    else:
        (new / "schemas").mkdir()
        for name, text in result.schemas.items():
            (new / "schemas" / name).write_text(text, encoding="utf-8", newline="\n")
    changes = list(compare_trees(new, package))
    if changes:
        prove(result, new)
    return changes
