"""The media of the responses in a journal, each in a file that is named after its SHA-256."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .atomic_file import PART_SUFFIX, replace_file
from .errors import JournalError
from .journal_creation import sync_folder

_REFERENCE_PREFIX = "data:sha256:"


class MediaFolder:
    """The folder with the media of a journal. Thread-safe.

    Args:
        path: The folder, which is created when it is needed.

    Raises:
        JournalError: A file cannot be read or written, or was changed. Every method may raise it.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def store(self, response: dict[str, Any], generation_id: str | None = None) -> dict[str, Any]:
        """Write the media of a response, and return it with references in place of them.

        Args:
            response: The response.
            generation_id: The job that a `JournalError` should name.
        """
        stored: dict[str, Any] = _map_strings(response, partial(self._write, generation_id))
        return stored

    def restore(self, response: dict[str, Any]) -> dict[str, Any]:
        """Return a response with its media, from one with references."""
        restored: dict[str, Any] = _map_strings(response, self._read)
        return restored

    def remove_parts(self) -> None:
        """Delete what a killed run had written of a file."""
        with suppress(OSError):
            for name in os.listdir(self._path):
                if name.endswith(PART_SUFFIX):
                    os.unlink(os.path.join(self._path, name))

    def _write(self, generation_id: str | None, key: str, text: str) -> str:
        if not _is_content(key, text):
            return text
        content = text.encode(errors="surrogatepass")
        digest = sha256(content).hexdigest()
        path = os.path.join(self._path, digest)
        try:
            if not os.path.isdir(self._path):
                os.makedirs(self._path, mode=0o700, exist_ok=True)
                sync_folder(os.path.dirname(self._path))
            opener = partial(os.open, mode=0o600)
            with replace_file(Path(path)) as part, open(part, "xb", opener=opener) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self._path)
        except OSError as error:
            raise JournalError(f"{path}: {error.strerror or error}", generation_id=generation_id) from None
        return _REFERENCE_PREFIX + digest

    def _read(self, key: str, text: str) -> str:
        if not _is_content(key, text):
            return text
        digest = text.removeprefix(_REFERENCE_PREFIX)
        path = os.path.join(self._path, digest)
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError as error:
            raise JournalError(
                f"{path}: {error.strerror or error}; this file belongs to a response in the journal"
            ) from None
        if sha256(content).hexdigest() != digest:
            raise JournalError(f"{path}: the file was changed; restore it from a copy")
        return content.decode(errors="surrogatepass")


def _map_strings(value: object, change: Callable[[str, str], str], key: str = "") -> Any:
    """Return `value` with each string replaced by `change(key, string)`."""
    if isinstance(value, str):
        return change(key, value)
    if is_list(value):
        return [_map_strings(item, change, key) for item in value]
    if is_object(value):
        return {name: _map_strings(item, change, name) for name, item in value.items()}
    return value


def _is_content(key: str, text: str) -> bool:
    # All strings of these kinds are replaced, so that none of them can be mistaken for a reference.
    return bool(text) and (key == "b64_json" or text.startswith("data:"))
