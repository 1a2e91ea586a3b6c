"""Recorded models: one committed JSON file per model.

A record has the keys of the server's model object that concern a caller, under one spelling. Keys that change
without an effect on callers (deployments, showcases) are omitted. The key `changed` is added: the day on
which anything but the price last changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from .diagnostics import CodegenError, ModelError, make_printable
from .json_types import is_list, is_object
from .names import DEVICE
from .strict_json import MAX_DEPTH, parse_json

SCHEMA = "json_request_schema"
# Only in records: the key is dropped from a response of the server.
_REMOVAL = "removed"

_RECORDED_KEYS = (
    "id",
    "object",
    "created",
    "owned_by",
    "display_name",
    "description",
    "summary",
    "model_type",
    "endpoint",
    "capabilities",
    "fine_tuning",
    "developer",
    "source_model",
    "image_url",
    "released_at",
    "pricing",
    "context_length",
    "max_output_tokens",
    "changed",
    SCHEMA,
)
# Not part of the date of change, because a price change does not change modules.
_UNDATED_KEYS = frozenset({"changed", "pricing", "context_length", "max_output_tokens"})
MAX_MODEL_SIZE = 2**20
"""Bytes of a model as JSON, about a hundred times the size of a real model."""
# Without the space for a removal notice, so that a record with one is not too large.
_MAX_FILE_SIZE = MAX_MODEL_SIZE - 2**10
MAX_FILE_NAME_LENGTH = 200
# Without upper-case letters, because some file systems are not case-sensitive.
_SAFE_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


@dataclass(frozen=True, slots=True)
class Removal:
    """The removal of a model from the server. Its record is kept for one minor version."""

    on: str
    """The day, as YYYY-MM-DD."""
    version: str
    """The first version of the package without the model."""
    successor: str | None
    """The id of the model to use instead."""


@dataclass(frozen=True, slots=True)
class Record:
    """A recorded model."""

    data: Mapping[str, Any]
    file: str | None = field(default=None, compare=False)
    """The name of the file that the record was read from; None for a model that is not recorded."""

    @property
    def id(self) -> str:
        return str(self.data["id"])

    @property
    def file_name(self) -> str:
        """The name of the record's file.

        Raises:
            ModelError: No file can be named after the id.
        """
        return self.file or file_name(self.id)

    @property
    def schema(self) -> Any:
        """The parameter schema as the server sent it; None for a model without one."""
        return self.data.get(SCHEMA)

    @property
    def digest(self) -> str:
        """The hexadecimal SHA-256 of the parameter schema, independent of the order of keys."""
        return sha256(json.dumps(self.schema, sort_keys=True).encode()).hexdigest()

    @property
    def changed(self) -> str | None:
        return self.text("changed")

    @property
    def removal(self) -> Removal | None:
        """None for a model that the API has."""
        removal = self.data.get(_REMOVAL)
        if not is_object(removal):
            return None
        on, version, successor = (removal.get(key) for key in ("on", "version", "successor"))
        return Removal(str(on), str(version), successor if isinstance(successor, str) else None)

    @property
    def developer(self) -> str | None:
        developer = self.data.get("developer")
        name = developer.get("name") if is_object(developer) else developer
        return name if isinstance(name, str) and name else None

    def text(self, key: str) -> str | None:
        """Return a stripped text of the record; None for a blank text or any other value."""
        value = self.data.get(key)
        return value.strip() if isinstance(value, str) and value.strip() else None

    def media(self, direction: str) -> tuple[str, ...]:
        """Return the media in `capabilities`, of the direction "input" or "output"."""
        capabilities = self.data.get("capabilities")
        media = capabilities.get(direction) if is_object(capabilities) else None
        return tuple(medium for medium in media if isinstance(medium, str)) if is_list(media) else ()

    def dumps(self) -> str:
        """Return the content of the record's file.

        Raises:
            ModelError: The file would be too large to be read again, because its layout adds whitespace.
        """
        text = json.dumps(self.data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        if len(text.encode()) > _MAX_FILE_SIZE:
            raise ModelError(f"the record would be larger than {MAX_MODEL_SIZE // 2**20} MB")
        return text

    def check_size(self) -> None:
        """Check that the record's file can be read again.

        Raises:
            ModelError: The file would be too large.
        """
        compact = _dump(self.data).encode()
        # Each of these is followed or preceded by a line break and an indentation of two spaces a level.
        lines = 1 + sum(map(compact.count, (b"[", b"]", b"{", b"}", b",")))
        if len(compact) + lines * (1 + 2 * MAX_DEPTH) > _MAX_FILE_SIZE:
            self.dumps()

    def with_changed_date(self, previous: Record | None, today: str) -> Record:
        """Return this record with the date of change, and the file, of the record that it replaces.

        Args:
            previous: The recorded model; returned if nothing changed.
            today: The date of change if anything but the price changed, as YYYY-MM-DD.
        """
        if previous is None:
            return replace(self, data={**self.data, "changed": today})
        record = replace(self, data={**self.data, "changed": previous.changed or today}, file=previous.file)
        if _dump(record.data) == _dump(previous.data):
            return previous
        if record._dump_dated() == previous._dump_dated():
            return record
        return replace(record, data={**record.data, "changed": today})

    def _dump_dated(self) -> str:
        return _dump({key: value for key, value in self.data.items() if key not in _UNDATED_KEYS})

    def mark_removed(self, removal: Removal) -> Record:
        """Return this record of a model that was removed from the API."""
        return replace(self, data={**self.data, _REMOVAL: asdict(removal)})


def from_response(response: object) -> Record:
    """Return the record of a model object in any format of the server.

    Raises:
        ModelError: `response` is not a model object.
    """
    if is_object(response) and "id" not in response and is_object(response.get("data")):
        response = response["data"]
    if not is_object(response):
        raise ModelError("not a model object: a JSON object with an id is expected")
    data = dict(response)
    data.setdefault("id", data.get("name"))
    if data.get(SCHEMA) is None:
        data[SCHEMA] = data.get("request_schema")
    if not isinstance(data["id"], str) or not data["id"].strip():
        raise ModelError("not a model object: it has no id")
    try:
        _dump(data).encode()
    except UnicodeEncodeError:
        raise ModelError("a text in it is not valid Unicode") from None
    return Record({key: data[key] for key in _RECORDED_KEYS if key in data})


def from_file(content: bytes, name: str | None = None) -> Record:
    """Return the record in a file, which may also be a saved response of the server.

    Raises:
        ModelError: The file is not a model object.
    """
    response = parse_json(content, MAX_MODEL_SIZE)
    record = replace(from_response(response), file=name)
    if is_object(response) and is_object(response.get(_REMOVAL)):
        return replace(record, data={**record.data, _REMOVAL: response[_REMOVAL]})
    return record


def file_name(model_id: str) -> str:
    """Return the name of a model's file, which is valid and unique on every file system.

    Raises:
        ModelError: The id is too long for a file name, or cannot be part of a URL.
    """
    if model_id in (".", ".."):
        raise ModelError("a model with that id has no URL")
    try:
        name = "".join(
            char if char in _SAFE_CHARACTERS else "".join(f"%{byte:02X}" for byte in char.encode())
            for char in model_id
        )
    except UnicodeEncodeError:
        raise ModelError("the id is not valid Unicode") from None
    if name.startswith(".") or DEVICE.match(name):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if len(name) > MAX_FILE_NAME_LENGTH:
        raise ModelError(f"the id is too long: its file name would have {len(name)} characters")
    return f"{name}.json"


def missing_schemas_error(folder: Path) -> CodegenError:
    """Return the error of a folder without records."""
    return CodegenError(f"{folder}: no model schemas; run `oxen-codegen fetch --all` first")


def read_folder(folder: Path) -> tuple[dict[str, Record], dict[str, ModelError]]:
    """Return the records of a folder by id, and the errors of its invalid files by file name.

    Raises:
        CodegenError: `folder` does not exist or cannot be read.
    """
    records: dict[str, Record] = {}
    errors: dict[str, ModelError] = {}
    try:
        files = sorted(
            (file for file in folder.iterdir() if file.suffix == ".json"), key=lambda file: file.name
        )
    except OSError as error:
        raise CodegenError(f"{folder}: {error.strerror}: a folder of model schemas is expected") from error
    for file in files:
        try:
            with file.open("rb") as opened:
                record = from_file(opened.read(MAX_MODEL_SIZE + 1), file.name)
            if record.id in records:
                first = records[record.id].file
                raise ModelError(f"{first} has the same model, {make_printable(record.id)}: remove one file")
            records[record.id] = record
        except ModelError as error:
            errors[file.name] = error
        except OSError as error:
            errors[file.name] = ModelError(f"cannot be read: {error.strerror}")
    return records, errors


def _dump(data: Mapping[str, Any]) -> str:
    """Return JSON to compare, because `True` equals `1` in Python."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False)
