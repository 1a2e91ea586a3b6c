"""What the generator has to say about a model, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on a model of the hub, or on one place in its schema."""

    model: str
    path: str
    """Where in the schema, as a JSON Pointer; "" for the model as a whole."""
    text: str
    level: Literal["error", "warning", "note"] = "warning"

    def __str__(self) -> str:
        where = f"{printable(self.model)} {printable(self.path)}".rstrip()
        return f"{self.level}: {where}: {printable(self.text)}"


class CodegenError(Exception):
    """A mistake of the user's or of the hub's, told in a sentence; nothing was changed."""


class ModelError(Exception):
    """This model cannot be bound; the others can.

    Args:
        text: What is wrong, and what to do.
        path: Where in the schema, as a JSON Pointer.
    """

    def __init__(self, text: str, path: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.path = path


def printable(text: str) -> str:
    """`text` of the hub on a terminal: one line, no control codes, bounded."""
    line = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return line if len(line) <= 300 else f"{line[:299]}…"
