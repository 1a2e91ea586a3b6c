# Copied by oxen-codegen from templates/package/_cli/texts.py. Do not edit.
"""Convert the text of an option to the value of a parameter. What is valid, the runner decides."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from oxen_models._runtime.json_schema.accepted_values import Node
from oxen_models._runtime.json_schema.json_types import is_list

_NUMBERS = {"integer", "number"}
_CONTAINERS = {"array", "object"}


class TextError(ValueError):
    """The text cannot be converted, or its file cannot be read."""


def list_members(node: Node) -> list[Node]:
    """Return the members of a union, or the node itself."""
    members: list[Node] = node.get("anyOf", [node])
    return members


def find_array(node: Node) -> Node | None:
    """Return the array among the members of a node, whose option can be repeated; None without one."""
    return next((member for member in list_members(node) if member.get("type") == "array"), None)


def is_flag(node: Node) -> bool:
    """Return whether an option is a pair of flags without a value."""
    return node.get("type") == "boolean"


def parse_text(text: str, node: Node) -> Any:
    """Return the value of a text.

    Raises:
        TextError: It is not JSON where JSON is expected, or the file that it names cannot be read.
    """
    members = list_members(node)
    types = {str(member.get("type")) for member in members}
    for value in (value for member in members for value in member.get("enum", ())):
        if text == (value if isinstance(value, str) else json.dumps(value)):
            return value
    if text == "null" and "null" in types:
        return None
    if any("media" in member for member in members):
        return sys.stdin.buffer.read() if text == "-" else text
    if not any(member.keys() & {"type", "enum"} for member in members):  # any JSON value
        return _parse_json(text, text)
    if types & _NUMBERS and (number := _parse_number(text)) is not None:
        return number
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if types & _CONTAINERS:
        content = read_text(text)
        if "string" in types:
            return _parse_json(content, content)
        value = _parse_json(content, TextError)
        if value is TextError:
            raise TextError("must be JSON, or @ and the name of a file with JSON")
        return value
    return read_text(text) if "string" in types else text


def parse_texts(texts: Sequence[str], node: Node) -> Any:
    """Return the value of an option that may be repeated: a list, or a single value of a union."""
    array = find_array(node)
    assert array is not None
    scalars = [member for member in list_members(node) if member.get("type") not in ("array", "null")]
    if len(texts) == 1 and (scalars or texts[0] == "null"):
        value = parse_text(texts[0], {"anyOf": [*scalars, {"type": "null"}]})
        if not (isinstance(value, str) and value.startswith("[")):
            return value
    return [item for text in texts for item in _parse_items(text, array["items"])]


def read_text(text: str) -> str:
    """Return a text: that of the standard input for `-`, of a file for `@name`, and `@x` for `@@x`.

    A text such as `@Image1 with a hat` is not the name of a file, because it has spaces.

    Raises:
        TextError: The file or the standard input cannot be read.
    """
    if text == "-":
        try:
            return sys.stdin.read()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise TextError(f"the standard input cannot be read: {reason}") from None
    if text.startswith("@@"):
        return text[1:]
    if not text.startswith("@"):
        return text
    path = os.path.expanduser(text[1:])
    if any(map(str.isspace, text)) and not os.path.isfile(path):
        return text
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise TextError(
            f"{text[1:]!r} cannot be read: {reason}; write @@ for a text that begins with @"
        ) from None


def escape_text(text: str) -> str:
    """Return a text that `read_text` does not read from a file."""
    return f"@{text}" if text.startswith("@") else text


def _parse_items(text: str, items: Node) -> Iterator[Any]:
    """Yield the items of one occurrence of an option: one, or those of a JSON list."""
    if text.lstrip().startswith("["):
        value = _parse_json(text, None)
        if is_list(value):
            yield from value
            return
    value = parse_text(text, items)
    is_object_list = is_list(value) and items.get("type") == "object"
    yield from value if is_object_list else [value]


def _parse_json(text: str, default: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return default


def _parse_number(text: str) -> int | float | None:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return None
