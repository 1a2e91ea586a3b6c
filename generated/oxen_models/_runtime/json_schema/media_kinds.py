# Copied by oxen-codegen from codegen/oxen_codegen/media_kinds.py. Do not edit.
"""The kind of medium that a parameter accepts, by the evidence that its schema and its model give.

In this order: `renderType`; the patterns of `x-media-references`; words of the name, then of the title; the
one medium that the capabilities of the model leave; otherwise any file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .json_types import is_list, is_object

KINDS = ("image", "video", "audio")
RENDER_TYPES = {f"{kind}-url": kind for kind in KINDS}
_NOUNS = {
    "image": "image images img imgs photo photos picture pictures",
    "video": "video videos",
    "audio": "audio audios sound sounds",
}
# Used by parameters of every kind, so they decide only where no noun does.
_PARTS = {"image": "frame frames mask masks", "audio": "music speech voice voices"}
_TABLES = [
    {word: kind for kind, words in table.items() for word in words.split()} for table in (_NOUNS, _PARTS)
]
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True)
class MediaEvidence:
    """What a model states about the media of its parameters."""

    references: Mapping[str, str]
    """Kinds by parameter, from `x-media-references`."""
    default: str
    """The kind of a parameter that neither its schema nor its name states."""

    def find_kind(self, wire_name: str, schema: Mapping[str, Any]) -> str:
        """Return the kind of a parameter: image, video, audio or file."""
        return self.references.get(wire_name) or _find_named_kind(wire_name, schema) or self.default


def collect_evidence(properties: Mapping[str, object], inputs: Collection[str]) -> MediaEvidence:
    """Collect what the properties of a schema and the inputs of a model's capabilities contain."""
    references = {
        field: kind for schema in properties.values() for field, kind in read_references(schema).items()
    }
    kinds = [kind for kind in KINDS if kind in inputs]
    return MediaEvidence(references, kinds[0] if len(kinds) == 1 else "file")


def _find_named_kind(wire_name: str, schema: Mapping[str, Any]) -> str | None:
    """Return the kind that a name or a title states; None if neither does."""
    title = schema.get("title")
    return _last_kind(wire_name) or (_last_kind(title) if isinstance(title, str) else None)


def read_references(schema: object) -> dict[str, str]:
    """Return the kinds of the parameters whose media the text of a property can cite, by wire name."""
    marks = schema.get("x-media-references") if is_object(schema) else None
    groups = marks.get("groups") if is_object(marks) else None
    references: dict[str, str] = {}
    for group in groups if is_list(groups) else []:
        if is_object(group):
            field, pattern = group.get("field"), group.get("pattern")
            if isinstance(field, str) and isinstance(pattern, str) and (kind := _last_kind(pattern)):
                references[field] = kind
    return references


def _last_kind(text: str) -> str | None:
    """Return the kind that the last telling word of a text names."""
    words = [word.lower() for word in _WORD.findall(text[:200])]
    for table in _TABLES:
        for word in reversed(words):
            if word in table:
                return table[word]
    return None
