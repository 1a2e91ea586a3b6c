"""Write texts of the API as Markdown that has no effect but to show them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from ..render import make_visible

# Punctuation with a meaning in Markdown, in its extensions or in HTML. An underscore has none between letters
# or digits.
_SPECIAL = re.compile(r"[\\`*\[\]<>&|~^{}#]|(?<![^\W_])_|_(?![^\W_])|==|\+\+|:(?=//|\w+:)")
# What begins a list, a heading, a quotation or another block at the beginning of a line.
_BLOCK_START = re.compile(r"\A(?![-+]\d)(?:[^\w\s$(\"'@&`]|\d{1,9}[.)](?=\s|$))")
_WORD = re.compile(r"@[A-Za-z]{1,20}\d{1,3}\b|\b[A-Za-z]\w*\b", re.ASCII)
MAX_VALUE_LENGTH = 200
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ]|\A | \Z|(?<= ) ")


def write_text(text: str, names: Collection[str] = ()) -> str:
    """Return a text on one line, as Markdown that shows it literally.

    Args:
        text: The text.
        names: Words with an underscore that are shown as code, as are citations such as `@Image1`.
    """
    line = _join_lines(text)
    parts: list[str] = []
    end = 0
    for word in _WORD.finditer(line):
        if word[0].startswith("@") or ("_" in word[0] and word[0] in names):
            parts += [_escape(line[end : word.start()]), f"`{word[0]}`"]
            end = word.end()
    shown = "".join([*parts, _escape(line[end:])])
    return _BLOCK_START.sub(lambda start: f"{start[0][:-1]}{_escape_char(start[0][-1])}", shown)


def write_code(text: str) -> str:
    """Return a text as a code span, also within a table."""
    line = make_visible(text.replace("\n", "\\n"))
    if line.strip() and line == line.strip() and not set(line) & set("`|<>&"):
        return f"`{line}`"
    # A pipe would end a cell, and a backtick the code span; spaces at the ends would be lost.
    escaped = _NOT_PLAIN.sub(lambda char: _escape_char(char[0]), line)
    return f"<code>{escaped}</code>"


def write_json_code(value: object) -> str:
    """Return a JSON value as a code span, truncated if it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return write_code(text if len(text) <= MAX_VALUE_LENGTH else f"{text[: MAX_VALUE_LENGTH - 1]}…")


def write_yaml(text: str) -> str:
    """Return a text on one line as a scalar of YAML."""
    return json.dumps(_join_lines(text), ensure_ascii=False)


def _join_lines(text: str) -> str:
    return " ".join(make_visible(text.replace("\n", " ")).split())


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda match: "".join(map(_escape_char, match[0])), text)


def _escape_char(char: str) -> str:
    return f"&#{ord(char)};"
