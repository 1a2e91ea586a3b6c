# Copied by oxen-codegen from templates/package/_runtime/printable.py. Do not edit.
"""Text of a server, made safe for terminals and logs."""

from __future__ import annotations

import re

# Control characters except tab and line feed, and characters that reorder or break lines or are not Unicode.
_UNSAFE = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"


def escape_controls(text: str) -> str:
    """Return text with the characters that control a terminal as escape sequences, such as `\\x1b`."""
    if text.isprintable():
        return text
    return re.sub(_UNSAFE, lambda match: match[0].encode("unicode_escape").decode(), text)


def escape_invisible(text: str) -> str:
    """Return text with control and invisible characters, except line feeds and tabs, as escape sequences.

    Invisible characters can carry instructions that a reader of the text does not see.
    """
    if text.isprintable():
        return text
    return re.sub(r"[^\n\t -~]", _escape_unprintable, text)


def escape_line(text: str) -> str:
    """Return text as one line; see `escape_controls`."""
    return escape_controls(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape_unprintable(match: re.Match[str]) -> str:
    character = match[0]
    return character if character.isprintable() else character.encode("unicode_escape").decode()
