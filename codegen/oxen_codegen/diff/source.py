"""Where the two catalogues of a diff come from: a folder, a git revision, or the live hub."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from ..config import Config
from ..diagnostics import CodegenError, ModelError, make_printable
from ..fetch import Absent, Hub, OnModels
from ..lock import exclusive_lock
from ..records import Record, read_folder
from ..replace import recover_package

LIVE = "live"
_MOST_NAMED = 5
_LOCK_TIMEOUT = 5.0  # seconds

Records = Mapping[str, Record]


def read(source: str, config: Config) -> Records:
    """The models of a folder or of a git revision, by id.

    Raises:
        CodegenError: It is neither, or something in it cannot be read.
    """
    folder = Path(source)
    if folder.resolve() == config.schemas.resolve():
        # An interrupted command may have left them elsewhere, and another may be at work on them.
        with exclusive_lock(config.output, _LOCK_TIMEOUT), exclusive_lock(config.schemas, _LOCK_TIMEOUT):
            recover_package(config.folder)
            if not folder.is_dir():
                raise CodegenError(f"{folder}: no model schemas: run `oxen-codegen fetch --all` first")
            return of_folder(folder)
    return of_folder(folder) if source and folder.is_dir() else of_revision(source, config)


def of_folder(folder: Path, shown: str | None = None) -> Records:
    """The models of a folder, all of them.

    Args:
        folder: Where they lie.
        shown: What to call it, if not by its path.

    Raises:
        CodegenError: It holds something else, or a file of it cannot be read.
    """
    shown = shown or str(folder)
    records, bad = read_folder(folder)
    if bad:
        raise CodegenError(f"{shown}: nothing was done: {_some(bad, 'file')}")
    # A folder without anything is a catalogue without models; any other is a slip.
    if not records and any(folder.iterdir()):
        raise CodegenError(f"{shown}: no model schemas there: name a folder of *.json files")
    # Of a model that left, only the record is there.
    return {model_id: record for model_id, record in records.items() if record.removal is None}


def of_hub(hub: Hub, ids: Iterable[str], unlisted: Collection[str], on_models: OnModels) -> Records:
    """Models of the live hub, all that are named.

    Args:
        hub: Where to read.
        ids: Which models.
        unlisted: More of them, that may be gone: left out if the hub says that it has none of that id.
        on_models: Told of the progress.

    Raises:
        CodegenError: One of them is not to be had.
    """
    records: dict[str, Record] = {}
    bad: dict[str, ModelError] = {}
    asked = dict.fromkeys((*ids, *unlisted))
    on_model = on_models(len(asked))
    for model_id, found in hub.models(asked):
        on_model()
        if isinstance(found, Record):
            records[model_id] = found
        elif not (isinstance(found, Absent) and model_id in unlisted):
            bad[model_id] = found
    if bad:
        raise CodegenError(f"{hub.base_url}: nothing was done: {_some(bad, 'model')}")
    return records


def of_revision(revision: str, config: Config) -> Records:
    """The models that were committed in a git revision.

    Raises:
        CodegenError: The revision does not exist, or holds no schemas.
    """
    around = next(each for each in (config.output, *config.output.parents) if each.is_dir())
    unknown = CodegenError(
        f"{revision}: neither a folder, nor {LIVE!r}, nor a git revision of the repository around {around}"
    )
    if revision.startswith("-") or not revision.isprintable():
        raise unknown
    commit = _git(around, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    top = _git(around, "rev-parse", "--show-toplevel")
    if commit is None or top is None:
        raise unknown
    root = Path(top.decode().rstrip("\n"))
    if not config.schemas.resolve().is_relative_to(root.resolve()):
        raise CodegenError(f"{config.schemas}: not in the repository {root}: name a folder")
    inside = config.schemas.resolve().relative_to(root.resolve()).as_posix()
    listing = _git(root, "ls-tree", "-z", f"{commit.decode().strip()}:{inside}")
    files = _files(listing or b"")
    if not files:
        raise CodegenError(f"{revision}: that revision holds no schemas in {inside}")
    with TemporaryDirectory() as folder:
        for name, content in zip(files, _contents(root, list(files.values())), strict=True):
            Path(folder, name).write_bytes(content)
        return of_folder(Path(folder), f"{revision}:{inside}")


def _files(listing: bytes) -> dict[str, bytes]:
    """The ids of the schemas in what `git ls-tree -z` says, by file name."""
    entries = (entry.partition(b"\t") for entry in listing.split(b"\0") if entry)
    return {
        name.decode(errors="surrogateescape"): about.split()[2]
        for about, _, name in entries
        if about.split()[1] == b"blob" and name.endswith(b".json")
    }


def _contents(root: Path, ids: list[bytes]) -> list[bytes]:
    answer = _git(root, "cat-file", "--batch", given=b"\n".join([*ids, b""]))
    if answer is None:
        raise CodegenError(f"{root}: git cannot read the files of that revision")
    contents: list[bytes] = []
    for _ in ids:
        # A line that ends in the size, then so many bytes and a line's end.
        head, _, answer = answer.partition(b"\n")
        size = int(head.split()[2])
        contents.append(answer[:size])
        answer = answer[size + 1 :]
    return contents


def _git(folder: Path, *arguments: str, given: bytes = b"") -> bytes | None:
    """What git says; None where it cannot."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], input=given, capture_output=True, check=False
        )
    except OSError:  # there is no git
        return None
    return done.stdout if done.returncode == 0 else None


def _some(bad: Mapping[str, ModelError], what: str) -> str:
    named = "; ".join(
        f"{make_printable(name)}: {error.message}" for name, error in list(bad.items())[:_MOST_NAMED]
    )
    return f"{len(bad)} {what}{'s' if len(bad) > 1 else ''} cannot be read: {named}"
