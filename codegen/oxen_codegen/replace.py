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
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .changelog_file import add_entry, read_changelog
from .diagnostics import CodegenError, describe_error
from .json_types import is_object
from .tree import create_file


def recover_package(package: Path, changelog: Path) -> None:
    """Complete or undo an interrupted replacement of `package`.

    Args:
        package: The path of the package.
        changelog: The only file that a pending entry may be for.

    Raises:
        CodegenError: The pending entry is not one of this project. Nothing was changed.
    """
    new, old = _staging_paths(package)
    # Beside a new tree, the entry may be incomplete, and is deleted.
    pending = None if new.is_dir() else _read_pending_entry(package, changelog)
    _restore(package)
    if pending is not None:
        _apply_pending_entry(package, pending)
    _delete_tree(old)


def ensure_complete(package: Path) -> None:
    """Raise if a replacement of `package` was interrupted, for commands that change nothing.

    Raises:
        CodegenError: A file of an interrupted replacement exists.
    """
    for file in (*_staging_paths(package), _pending_file(package)):
        if os.path.lexists(file):
            raise CodegenError(
                f"{file} is left of an interrupted command: run `oxen-codegen generate`, which completes or "
                "undoes it"
            )


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
            _write_pending_entry(package, changelog, changelog_entry)
        _swap(package)
        if changelog is not None and (pending := _read_pending_entry(package, changelog)) is not None:
            _apply_pending_entry(package, pending)
        _delete_tree(_staging_paths(package)[1])  # the next command deletes the rest
    except OSError as error:
        path = error.filename or package.parent
        raise CodegenError(f"{path}: cannot be written: {describe_error(error)}") from error
    finally:
        _restore(package)


def _swap(package: Path) -> None:
    new, old = _staging_paths(package)
    if package.exists():
        package.rename(old)
    new.rename(package)


def _delete_tree(folder: Path) -> None:
    """Delete a folder, and read-only folders in it. Errors are ignored, and so is a link."""
    if not folder.is_symlink():
        for parent, _, _ in os.walk(folder):
            with suppress(OSError):
                os.chmod(parent, stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


def _restore(package: Path) -> None:
    """Delete the new tree unless it is the package by now."""
    new, old = _staging_paths(package)
    if old.is_dir() and not package.is_dir():
        old.rename(package)
    if new.is_dir():
        _pending_file(package).unlink(missing_ok=True)
        shutil.rmtree(new, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _PendingEntry:
    changelog: Path
    entry: str
    text: str
    """The text of the changelog with the entry."""


def _write_pending_entry(package: Path, changelog: Path, entry: str) -> None:
    _ensure_writable(changelog)
    text = add_entry(read_changelog(changelog), entry)
    create_file(
        _pending_file(package), json.dumps({"file": str(changelog.resolve()), "entry": entry, "text": text})
    )


def _read_pending_entry(package: Path, changelog: Path) -> _PendingEntry | None:
    """Return the entry of an interrupted replacement.

    The file may be part of a checkout, and then another person wrote it.
    """
    file = _pending_file(package)
    if not os.path.lexists(file):
        return None
    try:
        pending: object = json.loads(_read_regular(file))
        if not is_object(pending) or not all(
            isinstance(pending.get(key), str) for key in ("file", "entry", "text")
        ):
            raise ValueError("it must have the texts 'file', 'entry' and 'text'")
        "".join((pending["entry"], pending["text"])).encode()
        if pending["file"] != str(changelog.resolve()):
            raise ValueError(f"it names {pending['file']!r:.200}, which is not the changelog of the project")
    except (OSError, ValueError, RecursionError) as error:
        raise CodegenError(
            f"{file} is not a changelog entry of this project, delete it: {describe_error(error)}"
        ) from None
    _ensure_writable(changelog)
    return _PendingEntry(changelog.resolve(), pending["entry"], pending["text"])


def _apply_pending_entry(package: Path, pending: _PendingEntry) -> None:
    # The changelog may have been edited since an interruption.
    if (text := read_changelog(pending.changelog)) != pending.text:
        part = pending.changelog.with_name(f".{pending.changelog.name}.part")
        create_file(part, add_entry(text, pending.entry))
        if pending.changelog.exists():
            shutil.copymode(pending.changelog, part)
        part.replace(pending.changelog)
    _pending_file(package).unlink(missing_ok=True)


def _ensure_writable(changelog: Path) -> None:
    """Raise if the changelog is read-only, or a link to a file outside the folder of the project."""
    if not changelog.resolve().is_relative_to(changelog.parent.resolve()):
        raise CodegenError(
            f"{changelog} is a link to a file outside {changelog.parent}; replace it by a file"
        )
    for path in (changelog, changelog.parent):  # the file is replaced by a new one in its folder
        if path.exists() and not os.access(path, os.W_OK):
            raise CodegenError(f"{path}: cannot be written: Permission denied")


def _read_regular(file: Path) -> str:
    """Return the text of a regular file, which is not a link."""
    with os.fdopen(
        os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)), "rb"
    ) as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise ValueError("it is not a file")
        return opened.read().decode()


def _pending_file(package: Path) -> Path:
    return package.with_name(f".{package.name}.pending")


def _staging_paths(package: Path) -> tuple[Path, Path]:
    """Return the paths of the new tree and of the old tree during a replacement."""
    return package.with_name(f".{package.name}.new"), package.with_name(f".{package.name}.old")
