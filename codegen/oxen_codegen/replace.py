"""Replace a package on disk atomically, together with its entry in the changelog.

The new tree is moved beside the old one, to a name such as `.oxen_models.new`. Then the old tree is renamed
to `.old`, and the new tree to the package. The entry in the changelog is written to `.pending` before the
renames and applied after them. The state after an interruption determines the recovery:

    .new exists            the new tree is not the package yet and may be incomplete: restore the old tree and
                           delete `.new` and `.pending`
    .new does not exist    the new tree is the package: apply `.pending` and delete `.old`
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from .changelog_file import add_entry, read_changelog
from .diagnostics import CodegenError


def recover_package(package: Path) -> None:
    """Complete or undo an interrupted replacement of `package`."""
    _restore(package)
    _apply_pending_entry(package)
    shutil.rmtree(_staging_paths(package)[1], ignore_errors=True)


def replace_package(
    tree: Path, package: Path, changelog: Path | None = None, changelog_entry: str | None = None
) -> None:
    """Move `tree` to the place of `package`, and add an entry to the changelog.

    Args:
        tree: The new package.
        package: The path of the package, which may exist.
        changelog: The file that gets the entry.
        changelog_entry: The entry; None for no entry.

    Raises:
        CodegenError: The package or the changelog cannot be written. Nothing was changed.
    """
    try:
        package.parent.mkdir(parents=True, exist_ok=True)
        # The tree is built elsewhere, so that a formatter that outlives this process cannot write into it.
        new, _ = _staging_paths(package)
        if new.exists():  # the move would put the tree into that folder
            raise CodegenError(f"{new} exists and cannot be removed: remove it")
        shutil.move(tree, new)
        if changelog is not None and changelog_entry is not None:
            _write_pending_entry(package, changelog.resolve(), changelog_entry)
        _swap(package)
    except OSError as error:
        path = error.filename or package.parent
        raise CodegenError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        _restore(package)


def _swap(package: Path) -> None:
    new, old = _staging_paths(package)
    if package.exists():
        package.rename(old)
    new.rename(package)
    _apply_pending_entry(package)
    shutil.rmtree(old, ignore_errors=True)  # the next command deletes the rest


def _restore(package: Path) -> None:
    """Delete the new tree unless it is the package by now."""
    new, old = _staging_paths(package)
    if old.is_dir() and not package.is_dir():
        old.rename(package)
    if new.is_dir():
        _pending_file(package).unlink(missing_ok=True)
        shutil.rmtree(new, ignore_errors=True)


def _write_pending_entry(package: Path, changelog: Path, entry: str) -> None:
    text = add_entry(read_changelog(changelog), entry)
    if not os.access(changelog.parent, os.W_OK):
        raise CodegenError(f"{changelog.parent}: the changelog in it cannot be written")
    pending = {"file": str(changelog), "entry": entry, "text": text}
    _pending_file(package).write_text(json.dumps(pending), encoding="utf-8")


def _apply_pending_entry(package: Path) -> None:
    file = _pending_file(package)
    if not file.is_file():
        return
    pending = json.loads(file.read_text(encoding="utf-8"))
    changelog = Path(pending["file"])
    # The changelog may have been edited since an interruption.
    if (text := read_changelog(changelog)) != pending["text"]:
        part = changelog.with_name(f".{changelog.name}.part")
        part.write_text(add_entry(text, pending["entry"]), encoding="utf-8", newline="")
        part.replace(changelog)
    file.unlink()


def _pending_file(package: Path) -> Path:
    return package.with_name(f".{package.name}.pending")


def _staging_paths(package: Path) -> tuple[Path, Path]:
    """Return the paths of the new tree and of the old tree during a replacement."""
    return package.with_name(f".{package.name}.new"), package.with_name(f".{package.name}.old")
