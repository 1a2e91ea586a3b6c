"""Load the catalogues of a diff from a folder or a git revision."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from os.path import expanduser
from pathlib import Path
from tempfile import TemporaryDirectory

from ..config import RUNTIME, Config
from ..diagnostics import CodegenError, ModelError, make_printable
from ..lock import READ_LOCK_TIMEOUT, exclusive_lock
from ..records import Record, missing_schemas_error, read_folder
from ..replace import ensure_complete

LIVE = "live"
_MAX_LISTED = 5

Records = Mapping[str, Record]


def load_models(source: str, config: Config) -> Records:
    """Return the models of a folder or of a git revision, by id.

    Raises:
        CodegenError: The source does not exist, or one of its files is invalid.
    """
    folder = Path(expanduser(source))
    if folder.resolve() == config.schemas.resolve():
        # A running command may be writing to the folder, and an interrupted one may have moved it.
        with (
            exclusive_lock(config.output, READ_LOCK_TIMEOUT),
            exclusive_lock(config.schemas, READ_LOCK_TIMEOUT),
        ):
            ensure_complete(config.folder)
            if not folder.is_dir():
                raise missing_schemas_error(folder)
            return load_folder(folder)
    return load_folder(folder) if source and folder.is_dir() else load_revision(source, config)


def default_folder(config: Config) -> Path:
    """Return the folder of the recorded schemas; without one, that of the installed package."""
    if not config.is_extension and not config.schemas.is_dir():
        package = find_spec(RUNTIME)
        for path in (package and package.submodule_search_locations) or ():
            if (installed := Path(path, "schemas")).is_dir():
                return installed
    return config.schemas


def load_folder(folder: Path, label: str | None = None) -> Records:
    """Return the models of a folder by id, except removal notices.

    Args:
        folder: The folder.
        label: The name of the folder in error messages. Defaults to its path.

    Raises:
        CodegenError: A file is invalid, or the folder contains other files only.
    """
    label = label or str(folder)
    records, invalid = read_folder(folder)
    if invalid:
        raise CodegenError(f"{label}: {format_errors(invalid, 'invalid file')}")
    # An empty folder is an empty catalogue; one with other files only is probably a mistake.
    if not records and any(folder.iterdir()):
        raise CodegenError(f"{label}: no model schemas; expected a folder of *.json files")
    return {model_id: record for model_id, record in records.items() if record.removal is None}


def load_revision(revision: str, config: Config) -> Records:
    """Return the models that are committed in a git revision, by id.

    Raises:
        CodegenError: The revision does not exist, or contains no schemas.
    """
    folder = next(parent for parent in (config.output, *config.output.parents) if parent.is_dir())
    top = _git(folder, "rev-parse", "--show-toplevel")
    root = Path(top.decode().rstrip("\n")) if top is not None else None
    commit = None
    if root is not None and revision.isprintable() and not revision.startswith("-"):
        commit = _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if root is None or commit is None:
        repository = f"of {root}" if root is not None else f"({folder} is not in a git repository)"
        raise CodegenError(
            f"unknown catalogue {revision!r}: expected a folder, {LIVE!r} or a git revision {repository}"
        )
    if not config.schemas.resolve().is_relative_to(root.resolve()):
        raise CodegenError(f"{config.schemas} is not in the repository {root}; pass a folder instead")
    path = config.schemas.resolve().relative_to(root.resolve()).as_posix()
    files = _parse_tree(_git(root, "ls-tree", "-z", f"{commit.decode().strip()}:{path}") or b"")
    if not files:
        raise CodegenError(f"{revision}: the revision contains no schemas in {path}")
    with TemporaryDirectory() as copy:
        for name, content in zip(files, _read_blobs(root, list(files.values())), strict=True):
            Path(copy, name).write_bytes(content)
        return load_folder(Path(copy), f"{revision}:{path}")


def _parse_tree(listing: bytes) -> dict[str, bytes]:
    """Return the object ids of the JSON files in the output of `git ls-tree -z`, by file name."""
    entries = (entry.partition(b"\t") for entry in listing.split(b"\0") if entry)
    return {
        name.decode(errors="surrogateescape"): metadata.split()[2]
        for metadata, _, name in entries
        if metadata.split()[1] == b"blob" and name.endswith(b".json")
    }


def _read_blobs(root: Path, object_ids: list[bytes]) -> list[bytes]:
    output = _git(root, "cat-file", "--batch", stdin=b"\n".join([*object_ids, b""]))
    if output is None:
        raise CodegenError(f"{root}: git cannot read the files of the revision")
    blobs: list[bytes] = []
    for _ in object_ids:
        # A header line that ends with the size, the content, and a line feed.
        header, _, output = output.partition(b"\n")
        size = int(header.split()[2])
        blobs.append(output[:size])
        output = output[size + 1 :]
    return blobs


def _git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes | None:
    """Return the output of a git command; None if it fails or git is not installed."""
    try:
        process = subprocess.run(
            ["git", "-C", str(folder), *arguments], input=stdin, capture_output=True, check=False
        )
    except OSError:
        return None
    return process.stdout if process.returncode == 0 else None


def format_errors(errors: Mapping[str, ModelError], noun: str) -> str:
    """Return the number of errors, and the first of them with their names."""
    listed = [f"{make_printable(name)}: {error.message}" for name, error in errors.items()]
    more = [f"and {len(listed) - _MAX_LISTED} more"] if len(listed) > _MAX_LISTED else []
    plural = "s" if len(listed) > 1 else ""
    return f"{len(listed)} {noun}{plural}: {'; '.join([*listed[:_MAX_LISTED], *more])}"
