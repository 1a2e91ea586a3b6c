"""The recorded facts: one JSON file per model, in the form that is committed.

A record is the hub's model object without properties that change without an effect on callers (deployments,
showcases), in one spelling, plus `changed`: the day on which anything but the price last changed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from .diagnostics import CodegenError, ModelError, make_printable
from .json_types import is_list, is_object
from .names import DEVICE

SCHEMA = "json_request_schema"
# Of ours: no answer of the hub has it.
_REMOVAL = "removed"

_KEPT = (
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
# Not part of `changed`, because a price change does not change modules.
_UNDATED = frozenset({"changed", "pricing", "context_length", "max_output_tokens"})
_LONGEST_NAME = 200
# A hundred times what a model takes.
LARGEST_MODEL = 2**20
_ROOM = 2**10  # for what is noted of a model that leaves
# Far more than a schema needs, and less than any Python gives up at.
_DEEPEST = 100
_TOO_DEEP = f"not usable: the JSON is nested too deeply, in more than {_DEEPEST} levels"
# No capitals: some file systems cannot tell them from small letters.
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


@dataclass(frozen=True, slots=True)
class Removal:
    """That a model left the hub. Its record stays for one minor version, so that its module can say so."""

    on: str
    """The day, as YYYY-MM-DD."""
    version: str
    """The version of the package that was the first without it."""
    successor: str | None
    """The id of the model to use instead."""


@dataclass(frozen=True, slots=True)
class Record:
    """One model, as recorded."""

    facts: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.facts["id"])

    @property
    def schema(self) -> Any:
        """The parameter schema as the hub sent it; None for a model that has none."""
        return self.facts.get(SCHEMA)

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the parameter schema, whatever the order of its keys."""
        return sha256(json.dumps(self.schema, sort_keys=True).encode()).hexdigest()

    @property
    def changed(self) -> str | None:
        return self.text("changed")

    @property
    def removal(self) -> Removal | None:
        """None for a model that is there."""
        marks = self.facts.get(_REMOVAL)
        if not is_object(marks):
            return None
        on, version, successor = (marks.get(key) for key in ("on", "version", "successor"))
        return Removal(str(on), str(version), successor if isinstance(successor, str) else None)

    def removed(self, removal: Removal) -> Record:
        """This record of a model that has left."""
        return Record({**self.facts, _REMOVAL: asdict(removal)})

    @property
    def developer(self) -> str | None:
        developer = self.facts.get("developer")
        name = developer.get("name") if is_object(developer) else developer
        return name if isinstance(name, str) and name else None

    def text(self, key: str) -> str | None:
        """A text of the record; None where it is blank or no text."""
        value = self.facts.get(key)
        return value.strip() if isinstance(value, str) and value.strip() else None

    def media(self, direction: str) -> tuple[str, ...]:
        """What goes in ("input") or comes out ("output"), by `capabilities`."""
        capabilities = self.facts.get("capabilities")
        media = capabilities.get(direction) if is_object(capabilities) else None
        return tuple(medium for medium in media if isinstance(medium, str)) if is_list(media) else ()

    def dumps(self) -> str:
        """What its file holds.

        Raises:
            ModelError: It is too large to be read again: laid out it is longer than it came.
        """
        text = json.dumps(self.facts, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        if len(text.encode()) > LARGEST_MODEL - _ROOM:
            raise ModelError(f"its record would be larger than {LARGEST_MODEL // 2**20} MB")
        return text

    def dated(self, previous: Record | None, today: str) -> Record:
        """This record with the day it changed: that of `previous` where nothing else differs."""
        changed = today
        if previous is not None and previous._dated_facts() == self._dated_facts():
            changed = previous.changed or today
        return Record({**self.facts, "changed": changed})

    def _dated_facts(self) -> Mapping[str, Any]:
        return {key: value for key, value in self.facts.items() if key not in _UNDATED}


def from_answer(answer: object) -> Record:
    """A record from a model object in any of the hub's spellings.

    Raises:
        ModelError: `answer` is not a model object.
    """
    if is_object(answer) and "id" not in answer and is_object(answer.get("data")):
        answer = answer["data"]
    if not is_object(answer):
        raise ModelError("not a model object: a JSON object with an id is expected")
    facts = dict(answer)
    facts.setdefault("id", facts.get("name"))
    if facts.get(SCHEMA) is None:
        facts[SCHEMA] = facts.get("request_schema")
    if not isinstance(facts["id"], str) or not facts["id"].strip():
        raise ModelError("not a model object: it has no id")
    try:
        json.dumps(facts, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ModelError("a text in it is not valid Unicode") from None
    return Record({key: facts[key] for key in _KEPT if key in facts})


def from_file(content: bytes) -> Record:
    """A record from a recorded file, or from an answer that somebody saved.

    Raises:
        ModelError: It holds no model object.
    """
    answer = parse_json(content)
    record = from_answer(answer)
    if is_object(answer) and is_object(answer.get(_REMOVAL)):
        return Record({**record.facts, _REMOVAL: answer[_REMOVAL]})
    return record


def file_name(model_id: str) -> str:
    """The file of a model: a name that is safe, and unlike every other, on every file system.

    Raises:
        ModelError: The id is too long for a file name, or one that no URL can name.
    """
    if model_id in (".", ".."):
        raise ModelError("no URL can name a model of that id")
    try:
        name = "".join(
            char if char in _SAFE else "".join(f"%{byte:02X}" for byte in char.encode()) for char in model_id
        )
    except UnicodeEncodeError:
        raise ModelError("the id is not valid Unicode") from None
    if name.startswith(".") or DEVICE.match(name):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if len(name) > _LONGEST_NAME:
        raise ModelError(f"the id is too long: its file name would have {len(name)} characters")
    return f"{name}.json"


def read_folder(folder: Path) -> tuple[dict[str, Record], dict[str, ModelError]]:
    """The records of a folder by id, and what is wrong with the files that hold none, by file name.

    Raises:
        CodegenError: `folder` is not there or cannot be read.
    """
    records: dict[str, Record] = {}
    bad: dict[str, ModelError] = {}
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix == ".json")
    except OSError as error:
        raise CodegenError(f"{folder}: {error.strerror}: a folder of model schemas is expected") from error
    for file in files:
        try:
            with file.open("rb") as opened:
                record = from_file(opened.read(LARGEST_MODEL + 1))
            if record.id in records:
                raise ModelError(f"another file holds the model {make_printable(record.id)}, too: remove one")
            records[record.id] = record
        except ModelError as error:
            bad[file.name] = error
        except OSError as error:
            bad[file.name] = ModelError(f"cannot be read: {error.strerror}")
    return records, bad


def parse_json(content: bytes, largest: int = LARGEST_MODEL) -> object:
    """Strict JSON: no NaN, no key twice, nesting that a parser of ours survives.

    Args:
        content: The text.
        largest: How many bytes it may have.

    Raises:
        ModelError: `content` is anything else.
    """
    if len(content) > largest:
        raise ModelError(f"not usable: larger than {largest // 2**20} MB")
    # `[[],[],...]` takes a hundred times the memory that its text takes.
    if sum(map(content.count, (b"[", b"{", b","))) > largest // 16:
        raise ModelError(f"not usable: the JSON holds more than {largest // 16} values")
    try:
        value: object = json.loads(
            content, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_unique
        )
    except RecursionError:
        raise ModelError(_TOO_DEEP) from None
    except ValueError as error:
        raise ModelError(f"not JSON: {error}") from None
    if _is_deeper(value, _DEEPEST):
        raise ModelError(_TOO_DEEP)
    return value


def _no_number(constant: str) -> object:
    raise ValueError(f"{constant} is not a JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is beyond the range of a number")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def _is_deeper(value: object, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for each in layer
            for inner in (each.values() if is_object(each) else each if is_list(each) else ())
        ]
        if not layer:
            return False
    return True
