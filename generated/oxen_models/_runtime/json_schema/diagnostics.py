# Copied by oxen-codegen from codegen/oxen_codegen/diagnostics.py. Do not edit.
"""Diagnostics and errors of the generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MAX_PRINTED = 300


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A message about a model or a file, or about one location in it."""

    subject: str
    """The id of a model, or the name of a file."""
    path: str
    """The location in the subject, for a model as a JSON Pointer; "" for the subject as a whole."""
    message: str
    severity: Literal["error", "warning", "note"] = "warning"

    def __str__(self) -> str:
        location = f"{make_printable(self.subject)} {make_printable(self.path)}".rstrip()
        return f"{self.severity}: {location}: {make_printable(self.message)}"


def describe_error(error: Exception) -> str:
    """Return the message of an error, without the path that an `OSError` adds."""
    return str(getattr(error, "strerror", None) or error)


class CodegenError(Exception):
    """The command cannot continue because of its input. Nothing was changed.

    Args:
        message: The problem and its remedy.
        diagnostics: Problems of single models or files that are the reason.
    """

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.diagnostics = tuple(diagnostics)


class ModelError(Exception):
    """One model cannot be bound; the other models are not affected.

    Args:
        message: The problem and its remedy.
        path: The location in the schema as a JSON Pointer; "" for the model as a whole.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.path = path


def make_printable(text: str) -> str:
    """Return `text` for a terminal: one line without control characters, truncated if it is long."""
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
        )
    return text if len(text) <= MAX_PRINTED else f"{text[: MAX_PRINTED - 1]}…"
