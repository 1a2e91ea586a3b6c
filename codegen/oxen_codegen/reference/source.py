"""Write JSON values of the API as literals of Python, of JSON and of a shell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..json_types import is_list, is_object
from ..render import format_literal, is_visible

MAX_LINE_LENGTH = 88


def write_python(value: object, indent: int = 0, used: int = 0, *, is_split: bool = False) -> str:
    """Return a literal, on several lines if it is long.

    Args:
        value: The value.
        indent: Columns of indentation of the line on which the literal begins.
        used: The columns of that line in front of the literal and behind it, without the indentation.
        is_split: Whether a list or an object is written on several lines in any case.
    """
    line = _write_line(value)
    fits = indent + used + len(line) <= MAX_LINE_LENGTH and not is_split
    if fits or not (is_list(value) or is_object(value)) or not value:
        return line
    inner = " " * (indent + 4)
    if is_object(value):
        items = [
            f"{inner}{_write_line(key)}: {write_python(item, indent + 4, len(_write_line(key)) + 3)},\n"
            for key, item in value.items()
        ]
        return f"{{\n{''.join(items)}{' ' * indent}}}"
    items = [f"{inner}{write_python(item, indent + 4, 1)},\n" for item in value]
    return f"[\n{''.join(items)}{' ' * indent}]"


def write_arguments(arguments: Mapping[str, Any], indent: int) -> str:
    """Return keyword arguments, each on a line of its own."""
    return "\n".join(
        f"{' ' * indent}{name}={write_python(value, indent, len(name) + 2)},"
        for name, value in arguments.items()
    )


def write_json(value: object) -> str:
    """Return JSON on several lines, in which invisible characters are escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return "".join(char if char == "\n" or is_visible(char) else _escape_json(char) for char in text)


def write_shell_json(value: object) -> str:
    """Return JSON as one word of a shell."""
    quote = "'"
    return quote + write_json(value).replace(quote, "'\\''") + quote


def _write_line(value: object) -> str:
    """Return a literal on one line, with double quotes as ruff writes them."""
    if is_list(value):
        return f"[{', '.join(map(_write_line, value))}]"
    if is_object(value):
        return f"{{{', '.join(f'{_write_line(key)}: {_write_line(item)}' for key, item in value.items())}}}"
    if isinstance(value, str) and '"' not in value:
        # repr prefers double quotes for a text with an apostrophe.
        return f'"{format_literal(chr(39) + value)[2:]}'
    return format_literal(value)


def _escape_json(char: str) -> str:
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
