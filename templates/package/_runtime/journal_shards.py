"""The journals of a run on several machines: one for each block of rows, in a folder that they share."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from .atomic_file import replace_file
from .errors import ConfigurationError
from .journal import Journal, read
from .paths import expand_path

_DIGEST_SIZE = 16
_KEYS_SUFFIX = ".keys"


class JournalShards:
    """The journals in a folder, each with a file that has the digests of its keys.

    A block that is retried has the same keys and so the same journal. It gets the entries of its keys from
    all other journals, which are those of blocks with other boundaries, as in another run. So nothing is paid
    twice.

    Args:
        folder: The folder, which is created if it does not exist.

    Raises:
        ConfigurationError: It is not a path, or the folder cannot be created.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(expand_path("journal", folder)).absolute()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"journal must be a folder, got {str(folder)!r}: {error.strerror or error}"
            ) from None
        self._known: set[str] = set()
        # Not in memory, because there may be any number of keys.
        self._index = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._index.execute("CREATE TABLE keys (digest BLOB, shard TEXT)")
        self._index.execute("CREATE INDEX digests ON keys (digest)")

    def find(self, keys: Sequence[str]) -> Path:
        """Return the path of the journal of a block."""
        return self._path_of(_create_name(_digest(keys)))

    def fill(self, keys: Sequence[str], journal: Journal) -> None:
        """Add what the other journals have about the keys of a block to its journal, which must stay open
        until the block ends.

        Raises:
            JournalError: Another process uses a journal with one of the keys, or a journal is damaged.
            OSError: A file cannot be read or written.
        """
        digests = _digest(keys)
        name = _create_name(digests)
        listed = self._folder / f"{name}{_KEYS_SUFFIX}"
        wanted = set(keys)
        # In use before its keys are published, and these before others are read: of two processes that begin
        # blocks with the same key at the same time, one finds the journal of the other in use.
        if not listed.exists():
            with replace_file(listed) as part:
                part.write_bytes(b"".join(digests))
        self._read_new()
        others = {shard for digest in digests for shard in self._find_shards(digest)} - {name}
        for source in map(self._path_of, sorted(others)):
            if source.exists():
                journal.merge(entry for entry in read(source) if entry.key in wanted)

    def _path_of(self, name: str) -> Path:
        return self._folder / f"{name}.db"

    def _find_shards(self, digest: bytes) -> Iterator[str]:
        for (shard,) in self._index.execute("SELECT shard FROM keys WHERE digest = ?", (digest,)):
            yield shard

    def _read_new(self) -> None:
        """Add the keys of the journals that appeared since the last call to the index."""
        for file in self._folder.glob(f"*{_KEYS_SUFFIX}"):
            if file.stem in self._known:
                continue
            content = file.read_bytes()
            self._index.execute("BEGIN")
            self._index.executemany(
                "INSERT INTO keys VALUES (?, ?)",
                (
                    (content[start : start + _DIGEST_SIZE], file.stem)
                    for start in range(0, len(content), _DIGEST_SIZE)
                ),
            )
            self._index.execute("COMMIT")
            self._known.add(file.stem)


def _digest(keys: Sequence[str]) -> list[bytes]:
    return sorted(sha256(key.encode()).digest()[:_DIGEST_SIZE] for key in keys)


def _create_name(digests: Sequence[bytes]) -> str:
    return sha256(b"".join(digests)).hexdigest()[: 2 * _DIGEST_SIZE]
